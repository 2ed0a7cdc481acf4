"""Views of the unposted list: which records are ready, which need a fix, which nobody has looked at yet.

Judging thousands of records takes a while, so the judgement is kept in this process until something it rests on has
changed: the list, the links, the ledger's lists, the company's settings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import case, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain.problems import Problem, Severity
from app.domain.states import RecordKind
from app.models.connections import Book, Link, ListFetch
from app.models.records import UnpostedRow
from app.services import previews

READY, FIX, UNLOOKED = "ready", "fix", "checking"
VIEWS = (READY, FIX, UNLOOKED)

_kept: dict[tuple[int, int, str], tuple[tuple[object, ...], dict[str, str]]] = {}


def judged(session: Session, book: Book, source_id: int, kind: RecordKind) -> Mapping[str, str]:
    """Record → ``ready``, ``fix`` or ``checking``, over the whole stored list."""
    place, grounds = (book.id or 0, source_id, str(kind)), _grounds(session, book, source_id, kind)
    kept = _kept.get(place)
    if kept and kept[0] == grounds:
        return kept[1]
    rows = session.exec(select(UnpostedRow).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)).all()
    found = {record: verdict(problems) for record, problems in previews.readiness(session, book, rows).items()}
    _kept[place] = (grounds, found)
    return found


def _grounds(session: Session, book: Book, source_id: int, kind: RecordKind) -> tuple[object, ...]:
    """Differs as soon as a judgement might."""
    looked = func.sum(case((col(UnpostedRow.looked_at) == col(UnpostedRow.fingerprint), 1), else_=0))
    mine = (col(UnpostedRow.source_id) == source_id, col(UnpostedRow.kind) == kind)
    listed = columns(func.count(), func.max(UnpostedRow.seen_at), func.max(UnpostedRow.id), looked).where(*mine)
    linked = columns(func.count(), func.max(Link.at)).where(col(Link.book_id) == book.id)
    fetched = columns(func.max(ListFetch.at)).where(col(ListFetch.book_id) == book.id)
    return (
        *session.execute(listed).one(),
        *session.execute(linked).one(),
        *session.execute(fetched).one(),
        repr(book.settings),
        repr(book.rules),
    )


def verdict(problems: Sequence[Problem] | None) -> str:
    """One word for the problems of a record; None means that nobody has looked."""
    if problems is None:
        return UNLOOKED
    stops = any(problem.severity in (Severity.ERROR, Severity.DOUBT) for problem in problems)
    return FIX if stops else READY


def counts(verdicts: Mapping[str, str], records: Iterable[str]) -> Counter[str]:
    """How many of the records are in each view."""
    return Counter(verdicts.get(record, UNLOOKED) for record in records)
