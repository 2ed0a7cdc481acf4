"""What comes before and after a record, in the list or batch that a person goes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import Session, col

from app.models.batches import Batch
from app.models.postings import Posting, PostingRecord
from app.services.batches import rows


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Records beside one; empty at either end. ``place`` counts from 1."""

    previous: str
    following: str
    place: int
    count: int


def among(records: Sequence[str], record: str) -> Neighbours | None:
    """In a list of records; None where it isn't in it."""
    if record not in records:
        return None
    at = records.index(record)
    return Neighbours(
        previous=records[at - 1] if at else "",
        following=records[at + 1] if at + 1 < len(records) else "",
        place=at + 1,
        count=len(records),
    )


def in_batch(
    session: Session, batch: Batch, record: str, *, state: str = "", sort: str = "number"
) -> Neighbours | None:
    """In the batch's table as it is filtered and sorted; in the whole table once the filter lets go of the record."""
    found = among(_records(session, batch, state, sort), record)
    return found or (among(_records(session, batch, "", sort), record) if state else None)


def _records(session: Session, batch: Batch, state: str, sort: str) -> list[str]:
    """One record per document, once where another document stands beside it."""
    ordered = rows.ordered(session, batch, state=state, sort=sort)
    first = (
        columns(col(PostingRecord.posting_id), func.min(PostingRecord.record))
        .join(Posting, col(Posting.id) == col(PostingRecord.posting_id))
        .where(col(Posting.batch_id) == batch.id)
        .group_by(col(PostingRecord.posting_id))
    )
    records = dict(session.execute(first).all())
    return list(dict.fromkeys(records[posting] for posting in ordered if posting in records))
