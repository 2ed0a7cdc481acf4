"""What a page of Mappings shows: one tab's lines, filtered and paged, each with what it may mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, request
from sqlmodel import Session

from app.domain import book_settings
from app.domain.links import CREATABLE, NOUNS, Entry, LinkKind
from app.models.connections import Book
from app.routes import shell
from app.routes.web import reading
from app.services.connections import books
from app.services.mapping import lists, proposals, source_lists, workbench
from app.services.mapping.suggestions import Suggestion
from app.services.mapping.workbench import Bench, Line
from app.services.records.records import Sum

PAGE = 100
MEMBERS = "members"
TITLES = {
    LinkKind.CUSTOMERS: ("Customers", "ConnectWise company", "QuickBooks customer"),
    LinkKind.VENDORS: ("Vendors", "ConnectWise vendor or member", "QuickBooks vendor"),
    LinkKind.ITEMS: ("Items", "ConnectWise product or account", "QuickBooks item"),
    LinkKind.ACCOUNTS: ("GL accounts", "ConnectWise GL account", "QuickBooks account"),
    LinkKind.TAX_CODES: ("Tax codes", "ConnectWise tax code", "QuickBooks tax code"),
    LinkKind.TERMS: ("Terms", "ConnectWise billing terms", "QuickBooks terms"),
    LinkKind.CLASSES: ("Classes", "Class segment of ConnectWise’s GL accounts", "QuickBooks class"),
    LinkKind.LOCATIONS: (
        "Locations",
        "ConnectWise class segment, territory, sales representative …",
        "QuickBooks location",
    ),
}
#: The tabs in their order; members are vendors to the books, and have a tab of their own.
TABS: dict[str, str] = {
    **{kind: TITLES[kind][0] for kind in (LinkKind.CUSTOMERS, LinkKind.VENDORS)},
    MEMBERS: "Members",
    **{kind: words[0] for kind, words in TITLES.items() if kind not in (LinkKind.CUSTOMERS, LinkKind.VENDORS)},
}
#: What a page shows: everything, what has no link, what is linked to something inactive, what only QuickBooks has.
VIEWS = ("", "unlinked", "inactive", "books")


def kind_of(tab: str) -> LinkKind:
    """The kind of links that a tab is about; 404 for none."""
    if tab == MEMBERS:
        return LinkKind.VENDORS
    return LinkKind(tab) if tab in set(LinkKind) else abort(404)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of lines, and what stands around it. ``waiting`` sums what the unlinked of the tab hold up."""

    rows: list[Line]
    total: int
    unlinked: int
    inactive: int
    waiting: Sum
    next: str


def context(book_id: int, tab: str) -> dict[str, Any]:
    """Everything that the page's templates need."""
    session, kind = reading(), kind_of(tab)
    book = books.find_book(session, book_id)
    shell.use_book(book)
    words, view, after = (request.values.get(name, "") for name in ("q", "view", "after"))
    bench = workbench.bench(session, book, kind)
    lines = [line for line in bench.lines if tab_of(line, kind) == tab]
    alone = [entry for entry in bench.alone() if matches(words, entry.name, entry.ledger_id, entry.number, entry.email)]
    shown = _shown(workbench.with_waiting(session, book, kind, lines), words, view, after)
    return {
        "book": book,
        "tab": tab,
        "tabs": TABS,
        "kind": kind,
        "heads": ("Members", "ConnectWise member", "QuickBooks vendor") if tab == MEMBERS else TITLES[kind],
        "noun": NOUNS[kind],
        "shown": shown,
        "words": words,
        "view": view if view in VIEWS else "",
        "alone": _page_of(alone, after) if view == "books" else [],
        "alone_count": len(alone),
        "alone_next": _next_of(alone, after) if view == "books" else "",
        "policy": policy(book, kind),
        "as_of": lists.as_of(session, book_id, kind),
        "psa_as_of": source_lists.as_of(session, book.source_id, kind),
        "lists": source_lists.reading(session, book.source_id),
        "suggested": suggested(bench, shown.rows),
        "groups": proposals.groups(session, book, kind) if not words and view in ("", "unlinked") else [],
        "group_titles": proposals.TITLES,
    }


def tab_of(line: Line, kind: LinkKind) -> str:
    """The tab that a line stands under."""
    return MEMBERS if kind is LinkKind.VENDORS and workbench.is_member(line) else str(kind)


def _shown(every: list[Line], words: str, view: str, after: str) -> Shown:
    wanted = [line for line in every if _fits(line, view) and (not words or _matches(line, words))]
    keys = [line.source.ident for line in wanted]
    start = keys.index(after) + 1 if after in keys else 0
    rows = wanted[start : start + PAGE]
    more = len(wanted) > start + PAGE
    unlinked = [line for line in every if not line.linked]
    return Shown(
        rows, len(wanted), len(unlinked), sum(_is_inactive(line) for line in every),
        _total(unlinked), rows[-1].source.ident if more else "",
    )  # fmt: skip


def _total(lines: list[Line]) -> Sum:
    """What waits, over all lines; a document that waits for two of them counts for each."""
    cents: dict[str, int] = {}
    for line in lines:
        for currency, amount in line.waiting.cents.items():
            cents[currency] = cents.get(currency, 0) + amount
    return Sum(sum(line.waiting.count for line in lines), cents)


def _fits(line: Line, view: str) -> bool:
    return {"unlinked": not line.linked, "inactive": _is_inactive(line)}.get(view, True)


def _is_inactive(line: Line) -> bool:
    return line.entry is not None and not line.entry.active


def _matches(line: Line, words: str) -> bool:
    source, entry = line.source, line.entry
    theirs = (entry.name, entry.ledger_id, entry.number, entry.email) if entry else ()
    return matches(words, source.ident, source.name, source.number, source.email, *theirs)


def matches(words: str, *texts: str) -> bool:
    """Whether every word stands in one of the texts."""
    text = " ".join(texts).casefold()
    return all(word in text for word in words.casefold().split())


def _page_of(entries: list[Entry], after: str) -> list[Entry]:
    return entries[_start(entries, after) :][:PAGE]


def _next_of(entries: list[Entry], after: str) -> str:
    start = _start(entries, after)
    return entries[start + PAGE - 1].ledger_id if len(entries) > start + PAGE else ""


def _start(entries: list[Entry], after: str) -> int:
    return next((place + 1 for place, entry in enumerate(entries) if entry.ledger_id == after), 0)


def suggested(bench: Bench, rows: list[Line]) -> dict[str, Suggestion]:
    """The likeliest entry for each line that is not linked."""
    found = {line.source.ident: bench.matcher.rank(line.source, 1) for line in rows if not line.linked}
    return {ident: best[0] for ident, best in found.items() if best}


def policy(book: Book, kind: LinkKind) -> dict[str, Any] | None:
    """What happens to what has no counterpart; None where nothing is ever created."""
    if kind not in CREATABLE:
        return None
    setting = book_settings.SETTINGS[f"links.{kind}.missing"]
    return {"setting": setting, "value": books.setting_of(book, setting.key)}


def asleep(session: Session, book: Book, kind: LinkKind, name: str, linked_to: str = "") -> list[Entry]:
    """Inactive entries that may be made active for a name: the one it is linked to, else those of the same name."""
    bench = workbench.bench(session, book, kind)
    entry = bench.entries.get(linked_to)
    if entry is not None:
        return [] if entry.active else [entry]
    return [one.entry for one in bench.matcher.asleep(name)]
