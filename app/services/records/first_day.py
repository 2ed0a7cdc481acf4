"""The first day: history up to a cut-over date is marked as posted in the PSA, without sending anything anywhere."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from sqlmodel import Session, col, select

from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.services.batches import batches
from app.services.records import records
from app.services.records.records import FREE, Sum


@dataclass(frozen=True, slots=True)
class Part:
    """What of one kind is dated up to the cut-over; ``left`` is the count of what a person keeps out of it."""

    kind: RecordKind
    wanted: tuple[str, ...]
    sum: Sum
    left: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be marked. ``seen`` names just these records."""

    through: dt.date
    parts: tuple[Part, ...]

    @property
    def count(self) -> int:
        return sum(part.sum.count for part in self.parts)

    @property
    def seen(self) -> str:
        text = "\n".join(f"{part.kind}:{','.join(part.wanted)}" for part in self.parts)
        return hashlib.sha256(f"{self.through}\n{text}".encode()).hexdigest()[:16]


def plan(session: Session, book: Book, through: dt.date) -> Plan:
    """What is unposted and dated up to that day, and what no batch has. What is on hold is left alone.

    Raises ValidationError where no PSA is connected.
    """
    if book.source_id is None:
        raise ValidationError("No PSA is connected yet.", "Connect ConnectWise under Settings ▸ Connections.")
    return Plan(through, tuple(_part(session, book.source_id, kind, through) for kind in RecordKind))


def _part(session: Session, source_id: int, kind: RecordKind, through: dt.date) -> Part:
    rows = records.briefs(session, source_id, kind, through)
    standings = records.standings(session, source_id, kind, [row.record for row in rows])
    free = [row for row in rows if _is_free(standings.get(row.record, FREE))]
    return Part(kind, tuple(row.record for row in free), records.sum_of(free), len(rows) - len(free))


def _is_free(standing: records.Standing) -> bool:
    return standing.offered and not standing.only_by_name


def submit(session: Session, book: Book, through: dt.date, seen: str, *, by: str, initials: str) -> list[Batch]:
    """One clearing batch per kind that has any, with what was seen and nothing else; the caller rings for each.

    Raises ValidationError where the list is another one than was seen, or there is nothing.
    """
    wanted = plan(session, book, through)
    if wanted.seen != seen:
        raise ValidationError("The list has changed since you saw it; nothing was marked.", "Look at it as it is now.")
    if not wanted.count:
        raise ValidationError("Nothing is unposted up to that day.", "Choose a later day, or read the list anew.")
    return [
        batches.submit(
            session, book, kind=part.kind, wanted=part.wanted, by=by, initials=initials, mode="clear", through=through,
            today=utcnow().date(),
        )
        for part in wanted.parts if part.wanted
    ]  # fmt: skip


def cleared(session: Session, book: Book) -> list[Batch]:
    """The last ten batches that have marked history, newest first; each can be undone."""
    query = select(Batch).where(Batch.book_id == book.id, Batch.mode == "clear")
    return list(session.exec(query.order_by(col(Batch.id).desc()).limit(10)))
