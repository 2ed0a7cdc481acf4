"""Views of the unposted list: which records are ready, which need a fix, which nobody has looked at yet.

Judging thousands of records takes a while, so a judgement is kept in this process until something it rests on has
changed: the record itself, the links, the ledger's lists, the company's settings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import String, func, type_coerce
from sqlalchemy import select as columns
from sqlmodel import Session, col

from app.domain.problems import Problem, Severity
from app.domain.states import RecordKind
from app.models.connections import Book, Link, ListFetch
from app.models.records import UnpostedRow
from app.services import previews, selections

READY, FIX, UNLOOKED = "ready", "fix", "checking"
VIEWS = (READY, FIX, UNLOOKED)


@dataclass(slots=True)
class Judgement:
    """Verdicts on the records of one list for one Book, with what each record was like then."""

    grounds: tuple[object, ...]
    seen: dict[str, tuple[object, ...]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)


_kept: dict[tuple[int, int, str], Judgement] = {}


def judged(session: Session, book: Book, source_id: int, kind: RecordKind) -> Mapping[str, str]:
    """Record → ``ready``, ``fix`` or ``checking``, over the whole stored list."""
    place, grounds = (book.id or 0, source_id, str(kind)), _grounds(session, book)
    kept = _kept.get(place)
    old = kept if kept and kept.grounds == grounds else Judgement(grounds)
    seen = _seen(session, source_id, kind)
    fresh = [record for record, state in seen.items() if old.seen.get(record) != state]
    rows = selections.rows(session, source_id, kind, fresh)
    new = {record: verdict(problems) for record, problems in previews.readiness(session, book, rows).items()}
    verdicts = {record: new.get(record, old.verdicts.get(record, UNLOOKED)) for record in seen}
    _kept[place] = Judgement(grounds, seen, verdicts)
    return verdicts


def _grounds(session: Session, book: Book) -> tuple[object, ...]:
    """Differs as soon as any judgement for the Book might."""
    linked = columns(func.count(), func.max(Link.at)).where(col(Link.book_id) == book.id)
    fetched = columns(func.max(ListFetch.at)).where(col(ListFetch.book_id) == book.id)
    return (
        *session.execute(linked).one(),
        *session.execute(fetched).one(),
        repr(book.settings),
        repr(book.rules),
        str(session.get_bind().engine.url),
    )


def _seen(session: Session, source_id: int, kind: RecordKind) -> dict[str, tuple[object, ...]]:
    """What each record is like now: differs as soon as its judgement might."""
    query = columns(
        col(UnpostedRow.record),
        col(UnpostedRow.fingerprint),
        col(UnpostedRow.looked_at),
        type_coerce(col(UnpostedRow.seen_at), String),  # only compared: making moments of thousands takes its time
    ).where(col(UnpostedRow.source_id) == source_id, col(UnpostedRow.kind) == kind)
    return {record: (*state,) for record, *state in session.execute(query)}


def verdict(problems: Sequence[Problem] | None) -> str:
    """One word for the problems of a record; None means that nobody has looked."""
    if problems is None:
        return UNLOOKED
    stops = any(problem.severity in (Severity.ERROR, Severity.DOUBT) for problem in problems)
    return FIX if stops else READY


def counts(verdicts: Mapping[str, str], records: Iterable[str]) -> Counter[str]:
    """How many of the records are in each view."""
    return Counter(verdicts.get(record, UNLOOKED) for record in records)
