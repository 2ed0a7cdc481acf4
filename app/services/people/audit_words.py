"""The audit log in words: what an act is called, which fields it changed from what to what, what else it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain import book_settings
from app.domain.links import NOUNS, LinkKind

#: What each act is called, to go on after a person's name.
ACTS: Mapping[str, str] = {
    "batch.approval_void": "voided an approval",
    "batch.approve": "approved a batch",
    "autosync.now": "asked AutoSync for a run",
    "autosync.off": "switched AutoSync off",
    "autosync.on": "switched AutoSync on",
    "autosync.pause": "paused itself",
    "autosync.resume": "resumed AutoSync",
    "batch.clear": "cleared without posting",
    "batch.dry": "submitted a dry run",
    "batch.post": "submitted a batch",
    "batch.reject": "rejected a batch",
    "batch.rerun": "reran a batch",
    "batch.resume": "resumed a batch",
    "batch.retry": "retried documents",
    "batch.stop": "stopped a batch",
    "book.archive": "took all that is known of a company",
    "book.connect": "connected a company",
    "book.default": "made a company the default",
    "book.disconnect": "disconnected a company",
    "book.forget": "removed a company and all that was known of it",
    "book.reconnect": "reconnected a company",
    "book.settings": "changed settings",
    "channel.add": "added a notification channel",
    "channel.events": "changed what a notification channel gets",
    "channel.remove": "removed a notification channel",
    "channel.send_again": "sent a notification again",
    "channel.test": "sent a test notification",
    "notices.wish": "changed which mails they get",
    "creation.rename": "chose another name for a new entry",
    "decide.keep": "kept a difference",
    "decide.link": "said it is the same document",
    "decide.post": "said to post anyway",
    "decide.renumber": "gave a document another number",
    "decide.skip": "skipped a document",
    "drift.ignore": "ignored a difference",
    "drift.keep": "kept a document as it is now",
    "drift.resend": "posted a missing document again",
    "drift.watch": "watched a difference again",
    "installation.setting": "changed the installation",
    "intuit_keys.set": "set Intuit’s app keys",
    "intuit_webhooks.set": "changed webhooks",
    "link.created": "created an entry and linked it",
    "link.exact_name": "linked by exact name",
    "entry.compare": "asked for customer data to be compared",
    "entry.update": "changed a customer’s data",
    "entry.wake": "made an entry active",
    "link.person": "linked by hand",
    "link.proposed": "accepted a proposed link",
    "link.to_create": "said yes to creating an entry",
    "lists.read": "asked to read both lists",
    "mail.again": "mailed an invoice again",
    "mail.app": "entered the mail provider’s app",
    "mail.approve": "approved mails to customers",
    "mail.arrived": "said a mail arrived",
    "mail.bounces": "changed the bounce mailbox",
    "mail.by_hand": "mailed an invoice",
    "mail.drop": "dropped mails to customers",
    "mail.send_again": "sent a mail again",
    "mail.sign_in": "signed in at the mail provider",
    "mail.sign_out": "signed out at the mail provider",
    "mail.settings": "changed the mail server",
    "pay.again": "had an online payment recorded again",
    "pay.loose": "had an online payment recorded as money that pays nothing yet",
    "pay.recorded": "told of a payment, which was recorded",
    "pay.settled": "settled an online payment by hand",
    "pay_link.revoke": "took links to pay back",
    "posting.redate": "gave a document another date",
    "payments.dry": "looked at what a payment sync would change",
    "payments.post": "synced payments",
    "posting.undo": "undid a document",
    "reconcile.look": "looked at both systems",
    "record.hold": "put on hold",
    "record.release": "released from hold",
    "record.reload": "reloaded GL accounts",
    "session.end": "logged a browser out",
    "session.end_all": "logged all browsers out",
    "session.end_others": "logged other browsers out",
    "source.connect": "connected ConnectWise",
    "source.keys": "changed ConnectWise’s keys",
    "stripe.forget": "took Stripe’s key away",
    "stripe.key": "entered Stripe’s key",
    "two_factor.new_codes": "made new recovery codes",
    "two_factor.off": "switched the second factor off",
    "two_factor.on": "switched the second factor on",
    "two_factor.recovery_code": "logged in with a recovery code",
    "two_factor.refused": "gave a wrong second factor",
    "two_factor.reset": "reset a second factor",
    "user.book_role": "changed a role in a company",
    "user.create": "added a user",
    "user.disable": "disabled a user",
    "user.forgot": "asked for a new password",
    "user.link": "made a one-time link",
    "user.login": "logged in",
    "user.name": "changed a name",
    "user.password": "set a password",
    "user.refused": "gave a wrong password",
    "user.reset": "reset a password",
    "user.role": "changed a role",
}
NOTHING = "nothing"
#: What a row has elsewhere: the change, its company, names of what was chosen.
NOT_TOLD = ("old", "new", "book", "source", "names")


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after, as people read it; ``name`` is empty where the act has only one."""

    name: str
    old: str
    new: str


def act(action: str) -> str:
    """``book.settings`` → ``changed settings``; an act of a later version by its own name."""
    return ACTS.get(action, action.replace(".", " ").replace("_", " "))


def changes(detail: Mapping[str, Any]) -> list[Change]:
    """What changed; empty where the act changed no field."""
    if not {"old", "new"} & detail.keys():
        return []
    old, new = detail.get("old", ""), detail.get("new", "")
    if not isinstance(old, Mapping) and not isinstance(new, Mapping):
        return [Change("", shown(old), f"{detail['name']} ({new})" if _is_named(detail) else shown(new))]
    before, after = (value if isinstance(value, Mapping) else {} for value in (old, new))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    known = detail.get("names", {})
    return [
        Change(_label(name), _value(name, before.get(name), known), _value(name, after.get(name), known))
        for name in names
    ]


def _is_named(detail: Mapping[str, Any]) -> bool:
    """A link: ``new`` is the ledger's id, ``name`` what it is called there."""
    return bool(detail.get("name") and isinstance(detail.get("new"), str) and detail["new"])


def thing(subject: str) -> str:
    """``customers:401`` → ``customer 401``, for what is linked; other subjects as they are."""
    kind, _, ident = subject.partition(":")
    if kind not in set(LinkKind):
        return subject
    return f"{NOUNS[LinkKind(kind)]} {ident.replace('account:', 'of account ')}"


def rest(detail: Mapping[str, Any]) -> str:
    """``name: Demo MSP, records: 5``: all but old and new, and but for the Book, which has its own column."""
    hidden = (*NOT_TOLD, "name") if _is_named(detail) else NOT_TOLD
    told = {name: value for name, value in detail.items() if name not in hidden}
    return ", ".join(
        f"{name.replace('_', ' ')}: {shown(value)}" for name, value in told.items() if value not in ("", None)
    )


def shown(value: Any) -> str:
    """A value as people read it."""
    if value in ("", None, {}, []):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {shown(inner)}" for name, inner in value.items())
    return ", ".join(map(shown, value)) if isinstance(value, list) else str(value)


def _label(name: str) -> str:
    """A setting's own label, with the customer that it is for; other names with spaces."""
    key, _, customer = name.partition("@")
    setting = book_settings.SETTINGS.get(key)
    if setting is None:
        return name.replace("_", " ")
    return f"{setting.label} (customer {customer})" if customer else setting.label


def _value(name: str, value: Any, known: Mapping[str, str]) -> str:
    """A choice by its words, an entry of the ledger by its name then."""
    setting = book_settings.SETTINGS.get(name.partition("@")[0])
    if entry := known.get(f"{name}={value}"):
        return f"{entry} ({value})"
    return dict(setting.choices).get(value, shown(value)) if setting else shown(value)
