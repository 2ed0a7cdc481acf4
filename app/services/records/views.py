"""Views of the unposted list: which records are ready, which need a fix, which nobody has looked at yet.

What a record wants is stored (see forecasts); how its links stand is looked up, for thousands in a moment. The result
is kept in this process until something it rests on has changed: a record, a link, the ledger's lists, a setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import String, case, func, type_coerce
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain import codec
from app.domain.problems import STOPS, Problem
from app.domain.states import RecordKind
from app.models.connections import Book
from app.models.records import UnpostedRow
from app.services.mapping import links
from app.services.records import forecasts, records

READY, FIX, UNLOOKED = "ready", "fix", "checking"
VIEWS = (READY, FIX, UNLOOKED)


_kept: dict[tuple[str, int, int, str], tuple[tuple[object, ...], Mapping[str, str]]] = {}


def judged(session: Session, book: Book, source_id: int, kind: RecordKind) -> Mapping[str, str]:
    """Record → ``ready``, ``fix`` or ``checking``, over the whole stored list. Not to be changed by the caller."""
    place = (str(session.get_bind().engine.url), book.id or 0, source_id, str(kind))
    grounds = _grounds(session, book, source_id, kind)
    kept = _kept.get(place)
    if kept is None or kept[0] != grounds:
        kept = _kept[place] = grounds, _judge(session, book, source_id, kind)
    return kept[1]


def _grounds(session: Session, book: Book, source_id: int, kind: RecordKind) -> tuple[object, ...]:
    """Differs as soon as any judgement for the Book might: an index has it all, because it is asked for every page."""
    looked = case((col(UnpostedRow.looked_at) == col(UnpostedRow.fingerprint), 1), else_=0)
    rows = columns(func.count(), func.sum(looked), func.max(type_coerce(col(UnpostedRow.seen_at), String)))
    rows = rows.where(col(UnpostedRow.source_id) == source_id, col(UnpostedRow.kind) == kind)
    listing = records.as_of(session, source_id, kind)
    return (
        listing.as_of if listing else None,
        *session.execute(rows).one(),
        *links.state(session, book.id or 0),
        repr(book.settings),
        repr(book.rules),
    )


def _judge(session: Session, book: Book, source_id: int, kind: RecordKind) -> Mapping[str, str]:
    resolver = forecasts.Resolver.load(session, book)
    known = forecasts.outlooks(session, book, source_id, kind)
    verdicts = {
        record: UNLOOKED if outlook is None else FIX if resolver.stops(outlook) else READY
        for record, outlook in known.items()
    }
    unlooked = (col(UnpostedRow.looked_at) != col(UnpostedRow.fingerprint), col(UnpostedRow.problems) != [])
    listed = select(UnpostedRow).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind, *unlooked)
    for row in session.exec(listed):  # the PSA's list alone shows what is wrong with them
        verdicts[row.record] = verdict([codec.from_json(Problem, problem) for problem in row.problems])
    return verdicts


def verdict(problems: Sequence[Problem] | None) -> str:
    """One word for the problems of a record; None means that nobody has looked."""
    if problems is None:
        return UNLOOKED
    stops = any(problem.severity in STOPS for problem in problems)
    return FIX if stops else READY


def counts(verdicts: Mapping[str, str], records: Iterable[str]) -> Counter[str]:
    """How many of the records are in each view."""
    return Counter(verdicts.get(record, UNLOOKED) for record in records)
