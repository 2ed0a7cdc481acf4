"""Precedents: the batch of an earlier month that the next one is to be like, and whom it would miss."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain.states import STANDING, RecordKind
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting
from app.models.records import UnpostedRow
from app.services.connections import books


@dataclass(frozen=True, slots=True)
class Precedent:
    """``batch`` was the largest of the last month that had any; ``count`` of its documents are in the books."""

    batch: Batch
    count: int


def find(session: Session, book: Book, kind: RecordKind, today: dt.date) -> Precedent | None:
    """The largest posting batch of the latest month before this one; None in a company's first month.

    Months are those of submitting, in the company's zone.
    """
    zone = ZoneInfo(books.zone_of(book))
    first = dt.datetime.combine(today.replace(day=1), dt.time(), zone)
    query = (
        columns(Batch, func.count(col(Posting.id)))
        .join(Posting, col(Posting.batch_id) == Batch.id)
        .where(col(Batch.book_id) == book.id, col(Batch.kind) == kind, col(Batch.mode) == "post")
        .where(col(Batch.submitted_at) < first, col(Posting.state).in_(STANDING))
        .group_by(col(Batch.id))
        .order_by(col(Batch.submitted_at).desc())
        .limit(60)
    )
    found = [Precedent(batch, count) for batch, count in session.execute(query)]
    if not found:
        return None
    month = _month(found[0], zone)
    return max((one for one in found if _month(one, zone) == month), key=lambda precedent: precedent.count)


def _month(precedent: Precedent, zone: ZoneInfo) -> tuple[int, int]:
    day = precedent.batch.submitted_at.astimezone(zone)
    return day.year, day.month


def through(today: dt.date) -> dt.date:
    """The end of last month; on the last day of a month, that day."""
    tomorrow = today + dt.timedelta(days=1)
    return today if tomorrow.day == 1 else today.replace(day=1) - dt.timedelta(days=1)


def missing(session: Session, batch: Batch, kind: RecordKind, listed: Collection[str]) -> list[str]:
    """Customers of that batch, by name, who have nothing among the ``listed`` records: perhaps a forgotten invoice."""
    query = select(Posting.party).where(Posting.batch_id == batch.id, col(Posting.state).in_(STANDING))
    then = {name for name in session.exec(query.distinct()) if name}
    return sorted(then - _parties(session, batch.source_id, kind, list(listed)), key=str.casefold)


def _parties(session: Session, source_id: int, kind: RecordKind, listed: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(listed), 500):
        query = select(UnpostedRow.party).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)
        found |= set(session.exec(query.where(col(UnpostedRow.record).in_(listed[start : start + 500])).distinct()))
    return found
