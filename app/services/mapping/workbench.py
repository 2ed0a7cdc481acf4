"""The mapping workbench: both lists of a kind side by side, with what waits for a link, and what may be meant.

What the PSA's documents have referred to stands in ``links``; what else its lists hold comes from ``source_lists``.
Lists and links are put together once and kept in memory until one of them changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import select as columns
from sqlmodel import Session, col, func, select

from app.domain import own_currency
from app.domain.links import NAMESPACE, Entry, LinkKind, is_category
from app.domain.source_lists import MEMBER, SourceEntry
from app.domain.states import PostingState, RecordKind
from app.models.connections import Book, Link
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.models.records import UnpostedRow
from app.services.mapping import links, lists, source_lists
from app.services.mapping.suggestions import Matcher
from app.services.records import forecasts
from app.services.records.records import Sum

NONE = Sum(0, {})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """One PSA id beside its entry of the ledger.

    Attributes:
        entry: None where it is not linked, or where the ledger no longer has the entry (``gone``).
        origin: how the link came about; empty without one.
        waiting: the held and the unposted documents that a missing link stops, and their money.
    """

    source: SourceEntry
    entry: Entry | None = None
    origin: str = ""
    gone: bool = False
    waiting: Sum = NONE

    @property
    def linked(self) -> bool:
        return self.entry is not None


@dataclass(frozen=True, slots=True)
class Bench:
    """All lines of a kind by name, without what waits; the ledger's whole list; and a matcher over that."""

    lines: list[Line]
    entries: Mapping[str, Entry]
    matcher: Matcher

    @property
    def unlinked(self) -> list[Line]:
        return [line for line in self.lines if not line.linked]

    def alone(self) -> list[Entry]:
        """Active entries of the ledger that nothing of the PSA is linked to, by name."""
        taken = {line.entry.ledger_id for line in self.lines if line.entry}
        free = [entry for ident, entry in self.entries.items() if ident not in taken and entry.active]
        return [entry for entry in free if entry.its_own and not is_category(entry)]


class Remembered:
    """One value per place, made anew only when its state has changed."""

    def __init__(self) -> None:
        self._kept: dict[Any, tuple[Any, Any]] = {}

    def get(self, place: Any, state: Any, make: Callable[[], T]) -> T:
        then, value = self._kept.get(place, (None, None))
        if then != state:
            value = make()
            self._kept[place] = state, value  # one assignment: threads share it
        return value  # type: ignore[no-any-return]  # as make() returned it


_benches, _theirs, _ours = Remembered(), Remembered(), Remembered()


def bench(session: Session, book: Book, kind: LinkKind) -> Bench:
    """Both lists as they are now. Not to be changed by the caller."""
    place = (str(session.get_bind().engine.url), book.id, kind)
    return _benches.get(place, state(session, book), lambda: _make(session, book, kind))


def state(session: Session, book: Book) -> tuple[object, ...]:
    """Differs as soon as a link or one of the lists does."""
    seen = session.exec(select(func.count(), func.max(Link.id)).where(Link.book_id == book.id)).one()
    return (*links.state(session, book.id or 0), *source_lists.state(session, book.source_id), *seen)


def _make(session: Session, book: Book, kind: LinkKind) -> Bench:
    """A new link does not make the lists be read, or what they may mean be looked up, again."""
    place = (str(session.get_bind().engine.url), book.id, kind)
    entries, matcher = _theirs.get(
        place, links.state(session, book.id or 0)[2:], lambda: _of_ledger(session, book.id or 0, kind)
    )
    listed = dict(
        _ours.get(place, source_lists.state(session, book.source_id), lambda: _of_source(session, book, kind))
    )
    query = select(Link.source_id, Link.source_name, Link.ledger_id, Link.origin)
    rows = session.exec(query.where(Link.book_id == book.id, Link.kind == kind)).all()
    lines = [_line(kind, entries, listed.pop(row[0], None), *row) for row in rows]
    lines += [Line(source) for source in listed.values() if source.active]
    lines.sort(key=lambda line: (line.source.name.casefold(), line.source.ident))
    return Bench(lines, entries, matcher)


def _of_ledger(session: Session, book_id: int, kind: LinkKind) -> tuple[dict[str, Entry], Matcher]:
    entries = {entry.ledger_id: entry for entry in lists.entries(session, book_id, kind)}
    return entries, Matcher(entries.values())


def _of_source(session: Session, book: Book, kind: LinkKind) -> dict[str, SourceEntry]:
    return {entry.ident: entry for entry in source_lists.entries(session, book.source_id, kind)}


def _line(kind: LinkKind, entries: Mapping[str, Entry], listed: SourceEntry | None, *row: str) -> Line:
    """``row``: the columns of a link, in their order."""
    ident, name, ledger_id, origin = row
    source = listed or named(kind, ident, name)
    entry = entries.get(ledger_id) if ledger_id else None
    return Line(source, entry, origin if entry else "", gone=bool(ledger_id) and entry is None)


def named(kind: LinkKind, ident: str, name: str) -> SourceEntry:
    """What documents name, where the PSA's own list was not read or doesn't hold it."""
    alone = own_currency.code(ident) if kind in NAMESPACE else ""
    return SourceEntry(
        kind, ident, name or ident.removeprefix("account:"), number=_number(kind, ident, name),
        detail=f"for documents in {alone}" if alone else "",
    )  # fmt: skip


def _number(kind: LinkKind, ident: str, name: str) -> str:
    """What documents call it is its number where they know it by that: accounts and products."""
    if kind is LinkKind.ACCOUNTS:
        return ident
    return name if kind is LinkKind.ITEMS else ""


def is_member(line: Line) -> bool:
    """Whether the line is about a person of the MSP."""
    return line.source.ident.startswith(MEMBER)


# ── what waits ───────────────────────────────────────────────────────────────────────────────────────────────────


def with_waiting(session: Session, book: Book, kind: LinkKind, lines: Iterable[Line]) -> list[Line]:
    """The lines with what waits for each: most money first, then the unlinked, then by name."""
    stops = waiting(session, book, kind)
    full = [replace(line, waiting=stops[line.source.ident]) if line.source.ident in stops else line for line in lines]
    return sorted(full, key=lambda line: (-line.waiting.count, -_money(line.waiting), line.linked))


def _money(found: Sum) -> int:
    return sum(map(abs, found.cents.values()))


def waiting(session: Session, book: Book, kind: LinkKind) -> dict[str, Sum]:
    """PSA id → the documents that cannot go without its link: those held, and those that are unposted yet."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for ident, currency, cents in _held(session, book, kind):
        found[ident].append((currency, cents))
    for ident, currency, cents in _unposted(session, book, kind):
        found[ident].append((currency, cents))
    return {ident: _sum(rows) for ident, rows in found.items()}


def _sum(rows: list[tuple[str, int]]) -> Sum:
    totals: dict[str, int] = {}
    for currency, cents in rows:
        totals[currency] = totals.get(currency, 0) + cents
    return Sum(len(rows), totals)


def _held(session: Session, book: Book, kind: LinkKind) -> list[tuple[str, str, int]]:
    query = (
        columns(col(PostingProblem.subject), col(Posting.id), col(Posting.currency), col(Posting.cents))
        .join(Posting, col(Posting.id) == col(PostingProblem.posting_id))
        .where(col(Posting.book_id) == book.id, col(Posting.state) == PostingState.HELD)
        .where(col(PostingProblem.subject).startswith(f"{kind}:", autoescape=True))
        .distinct()
    )
    return [(row[0].removeprefix(f"{kind}:"), row[2], row[3]) for row in session.execute(query)]


def _unposted(session: Session, book: Book, kind: LinkKind) -> Iterable[tuple[str, str, int]]:
    """Records of no batch, by what their forecasts say that they need and that is not linked."""
    if book.source_id is None:
        return
    known = {line.source.ident for line in bench(session, book, kind).lines if line.linked}
    for records in RecordKind:
        outlooks = forecasts.outlooks(session, book, book.source_id, records)
        wanted: dict[str, set[str]] = {}
        for record, outlook in outlooks.items():
            needed = outlook.needs if outlook else ()
            if missing := {need[1] for need in needed if need[0] == kind and need[1] not in known}:
                wanted[record] = missing
        for record, currency, cents in _free(session, book.source_id, records) if wanted else ():
            yield from ((ident, currency, cents) for ident in wanted.get(record, ()))


def _free(session: Session, source_id: int, kind: RecordKind) -> Iterable[Any]:
    taken = columns(col(PostingRecord.record)).where(
        col(PostingRecord.source_id) == source_id, col(PostingRecord.kind) == kind, col(PostingRecord.live)
    )
    query = columns(col(UnpostedRow.record), col(UnpostedRow.currency), col(UnpostedRow.cents)).where(
        col(UnpostedRow.source_id) == source_id, col(UnpostedRow.kind) == kind, col(UnpostedRow.record).not_in(taken)
    )
    return session.execute(query)
