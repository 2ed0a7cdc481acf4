"""Customers and vendors in a second currency: a ledger keeps each of them in one, so there is another for the other."""

from __future__ import annotations

from dataclasses import replace

from app.domain.links import NAMESPACE, NOUNS, Draft, Entry, Need
from app.domain.problems import Problem


def asked(need: Need) -> str:
    """The id under which a document's party is linked for its currency alone, ``77@CAD``; empty of anything else."""
    if need.kind not in NAMESPACE or need.field != "party" or need.draft is None or not need.draft.currency:
        return ""
    return drafted(need.draft).source_id


def party(ident: str) -> str:
    """The PSA's own id of what is linked as ``ident``: ``77`` of ``77@CAD``."""
    return ident.partition("@")[0]


def code(ident: str) -> str:
    """The currency for which an id is linked: ``CAD`` of ``77@CAD``; empty where it is linked for all."""
    return ident.partition("@")[2]


def differs(need: Need, linked: Entry | None) -> bool:
    """Whether what the party is or would be linked to is kept in another currency than its document is in."""
    return linked is not None and need.draft is not None and linked.currency not in ("", need.draft.currency)


def own(need: Need) -> Need:
    """The need for a customer or vendor of that currency: ``Maple Dental CAD``."""
    if need.draft is None:
        return need
    draft = drafted(need.draft)
    return replace(need, source_id=draft.source_id, name=f"{need.name} {draft.currency}", draft=draft)


def drafted(draft: Draft) -> Draft:
    """The same customer or vendor to be created for the draft's currency alone."""
    return replace(draft, source_id=f"{draft.source_id}@{draft.currency}", name=f"{draft.name} {draft.currency}")


def problem(need: Need, found: Problem) -> Problem:
    """What is said in the place of ``found``, which says that ``own(need)`` is not linked."""
    noun, draft = NOUNS[need.kind], own(need).draft
    if draft is None:
        return found
    return replace(
        found,
        code=f"{noun}_currency_differs",
        message=f"{noun.capitalize()} “{need.name}” is kept in another currency in QuickBooks than {draft.currency}.",
        remedy=f"Let Crossfoot create “{draft.name}”, or link a {noun} that is kept in {draft.currency}: it counts for"
        f" documents in {draft.currency} from now on.",
    )
