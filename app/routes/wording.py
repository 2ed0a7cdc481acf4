"""Words for what codes, plans and problems mean: Jinja filters, in the language of the pages."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flask import Flask

from app.domain.links import NOUNS, LinkKind
from app.domain.problems import STOPS, Problem
from app.domain.settings_catalogue import TABS
from app.models.columns import utcnow
from app.models.connections import Book
from app.routes.formats import date, dated, plural
from app.services.batches.decisions import DIFFERENCES
from app.services.connections import books
from app.services.records import outlook, precedents
from app.services.records.previews import Plan
from app.services.records.timelines import Event

#: Words in codes that are written otherwise than in lower case.
SPELLED = {"gl": "GL", "pdf": "PDF", "psa": "PSA", "quickbooks": "QuickBooks", "connectwise": "ConnectWise"}
#: Codes whose own words would be no English.
NAMED = {
    "pdf_not_attached": "File not attached",
    "mail_no_address": "No e-mail address",
    "money_unapplied": "Money that pays no invoice yet",
    "entered_in_psa": "Entered in ConnectWise, and QuickBooks has none like it",
}
_SETTINGS = re.compile(r"Settings ▸ (?:QuickBooks companies ▸ )?([A-Z][\w-]+)")
QUESTIONS = ("looks_already_posted", "several_in_books", "still_in_doubt")


def install(app: Flask) -> None:
    """Register the filters under their own names."""
    for function in (
        code_words, link_address, link_words, remarks, brief, plan_words, accept_words, kind_noun, seconds_until, spell,
        headline, fix_words, setting_at, timeline_tone, parted, detail_name,
    ):  # fmt: skip
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.globals["presets"] = presets
    app.jinja_env.globals["old_before"] = outlook.old_before
    app.jinja_env.globals["plan_kinds"] = tuple(LinkKind)


def parted(problems: list[Problem] | None) -> tuple[list[Problem], list[Problem]]:
    """What stops a record, and what is only to be known."""
    stops = [problem for problem in problems or () if problem.severity in STOPS]
    return stops, [problem for problem in problems or () if problem.severity not in STOPS]


def code_words(code: str) -> str:
    """``gl_account_missing`` → ``GL account missing``."""
    if code in NAMED:
        return NAMED[code]
    words = " ".join(SPELLED.get(word, word) for word in code.split("_"))
    return words[:1].upper() + words[1:]


def setting_at(problem: Problem, book_id: int) -> tuple[str, str] | None:
    """Address and words of the settings that a problem's remedy names; None where it names none of a company's."""
    found = _SETTINGS.search(problem.remedy)
    tab = next((key for key, title, _ in TABS if found and title == found[1] and key != "email"), "")
    if tab:
        return f"/settings/books/{book_id}/{tab}", f"Settings ▸ {found[1] if found else ''}"
    return ("/settings/connections", "Settings ▸ Connections") if found and found[1] == "Connections" else None


def _link(subject: str) -> tuple[LinkKind, str] | None:
    name, _, source_id = subject.partition(":")
    return (LinkKind(name), source_id) if name in set(LinkKind) and source_id else None


def link_address(subject: str, book_id: int) -> str:
    """Where the link is set that a problem's subject asks for; empty where no link solves it."""
    link = _link(subject)
    return f"/mappings/{book_id}/{link[0]}/link?source_id={quote(link[1], safe='')}" if link else ""


def link_words(subject: str) -> str:
    """``Link customer``."""
    link = _link(subject)
    return f"Link {NOUNS[link[0]]}" if link else "Fix"


def remarks(problems: list[Problem]) -> str:
    """What Submit does for a record: ``creates customer, item; links term``; other remarks in full."""
    codes = list(dict.fromkeys(problem.code for problem in problems))
    creates = ", ".join(
        code.removesuffix("_to_create").replace("_", " ") for code in codes if code.endswith("_to_create")
    )
    links = ", ".join(code.removesuffix("_to_link").replace("_", " ") for code in codes if code.endswith("_to_link"))
    rest = [dated(p.message).rstrip(".") for p in problems if not p.code.endswith(("_to_create", "_to_link"))]
    return "; ".join(filter(None, [*rest, creates and f"creates {creates}", links and f"links {links}"]))


def brief(message: str) -> str:
    """A problem's sentence beside its word: what the word says already is left out."""
    return dated(message).removesuffix(" is not linked to QuickBooks.")


def kind_noun(kind: LinkKind) -> str:
    """One of the kind."""
    return NOUNS[kind]


def _counts(found: Mapping[LinkKind, list[Any]]) -> str:
    return ", ".join(plural(len(found[kind]), NOUNS[kind]) for kind in LinkKind if kind in found)


def plan_words(plan: Plan) -> str:
    """``Creates 3 customers, links 5 items; holds 2``."""
    parts = [
        f"creates {_short(plan.create)}" if plan.create else "",
        f"links {_short(plan.link)}" if plan.link else "",
        f"holds {plan.blocked}" if plan.blocked else "",
    ]
    whole = ", ".join(part for part in parts if part)
    return whole[:1].upper() + whole[1:]


def _short(found: Mapping[LinkKind, list[Any]]) -> str:
    """The one kind, or customers and how much else."""
    customers = len(found.get(LinkKind.CUSTOMERS, []))
    others = sum(map(len, found.values())) - customers
    if len(found) == 1:
        return _counts(found)
    return (
        f"{plural(customers, 'customer')} and {plural(others, 'other')}"
        if customers
        else plural(others, "entry", "entries")
    )


def accept_words(plan: Plan) -> str:
    """``Create 3 customers, link 9 entries``."""
    created, linked = (sum(map(len, found.values())) for found in (plan.create, plan.link))
    parts = [
        f"create {_counts(plan.create) if len(plan.create) == 1 else f'{created} entries'}" if created else "",
        f"link {_counts(plan.link) if len(plan.link) == 1 else linked}" if linked else "",
    ]
    whole = ", ".join(part for part in parts if part)
    return whole[:1].upper() + whole[1:]


def seconds_until(moment: str) -> int:
    """Whole seconds from now; 0 when it is over."""
    return max(0, round((dt.datetime.fromisoformat(moment) - utcnow()).total_seconds()))


def spell(seconds: float) -> str:
    """``6 min 40 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def headline(problem: Problem, count: int) -> str:
    """What a group is called: the one document's sentence, or for several with a sentence each, the cause."""
    about_all = problem.subject or problem.code == "in_doubt"
    return dated(problem.message).rstrip(".") if count == 1 or about_all else code_words(problem.code)


def fix_words(problem: Problem) -> str:
    """What the button of a group says."""
    link = _link(problem.subject)
    if problem.code in QUESTIONS:
        return "Compare"
    if problem.severity in ("warning", "info"):
        return "Look"
    if link:
        return f"Choose {NOUNS[link[0]]}"
    return "Decide" if problem.code in DIFFERENCES else "Fix"


#: What a line of a timeline says -> how it is marked; the first that fits.
TIMELINE = (
    ("doubt", "doubt"), ("is in the books", "ok"), ("closed in", "ok"), ("is closed", "ok"), ("not undone", "warn"),
    ("refused", "warn"), ("held", "warn"), ("differs", "warn"),
)  # fmt: skip


def timeline_tone(line: Event) -> str:
    """``ok``, ``warn``, ``doubt`` or nothing."""
    return next((tone for word, tone in TIMELINE if word in line.text), "")


def detail_name(name: str) -> str:
    """What a detail of a timeline is called: vendors' own words stay as they are."""
    return {"ledger_id": "QuickBooks id", "intuit_tid": "intuit_tid"}.get(name, name.replace("_", " "))


def presets(book: Book) -> list[tuple[str, str]]:
    """Dates that are offered for "through": value and what it is."""
    today = books.today_of(book)
    return [(date(precedents.through(today)), "Month-end"), (date(today), "Today"), ("all", "All")]
