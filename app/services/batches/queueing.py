"""The queue of a company's batches: AutoSync and a person's batch never work beside each other.

Two batches of a person may run side by side, as the exactly-once rules allow. One of AutoSync and any other of the same
company go one after the other, in the order in which they were submitted or resumed: nobody has to look up whether the
other one is about to start. A dry run writes nothing and waits for nobody; one that is stopped or waits for an approval
lets the others pass.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, and_, false, func, or_, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.database import Database
from app.models.batches import Batch
from app.models.columns import utcnow

#: A batch that waits for a person's approval.
UNAPPROVED = ("wanted", "rejected")


def blocked(now: dt.datetime | None = None) -> ColumnElement[bool]:
    """SQL, part of a statement about a batch: another one of its company goes first."""
    other = aliased(Batch)
    return select(other.id).where(_before(other, now or utcnow())).correlate(Batch).exists()


def ahead(session: Session, batch: Batch) -> Batch | None:
    """The batch that this one waits for; None where it may go."""
    if batch.ended_at is not None or batch.stopped or batch.lease_owner:
        return None
    other = aliased(Batch)
    query = select(other).select_from(Batch).join(other, _before(other, utcnow())).where(col(Batch.id) == batch.id)
    return session.exec(query.order_by(_place(other), col(other.id))).first()


def behind(database: Database, batch_id: int) -> list[int]:
    """Batches that waited for this one and may go now, so that they need not wait for the sweep too."""
    with database.reading() as session:
        done = session.get_one(Batch, batch_id)
        if done.ended_at is None and not done.stopped:
            return []
        waiting = (
            col(Batch.book_id) == done.book_id, or_(col(Batch.auto), true() if done.auto else false()),
            col(Batch.ended_at).is_(None), col(Batch.stopped).is_(False), col(Batch.lease_owner) == "",
            col(Batch.wake_at).is_(None), ~blocked(),
        )  # fmt: skip
        return [ident for ident in session.exec(select(Batch.id).where(*waiting)) if ident is not None]


def _before(other: type[Batch], now: dt.datetime) -> ColumnElement[bool]:
    """One of the two is AutoSync's, and the other one was there first or is being worked on."""
    going = and_(col(other.ended_at).is_(None), col(other.stopped).is_(False), col(other.approval).not_in(UNAPPROVED))
    earlier = or_(_place(other) < _place(Batch), and_(_place(other) == _place(Batch), col(other.id) < col(Batch.id)))
    return and_(
        col(other.book_id) == col(Batch.book_id),
        col(other.id) != col(Batch.id),
        or_(col(other.auto), col(Batch.auto)),
        col(other.mode) != "dry",
        col(Batch.mode) != "dry",
        going,
        or_(earlier, col(other.lease_until) > now),
    )


def _place(batch: type[Batch]) -> ColumnElement[dt.datetime]:
    return func.coalesce(col(batch.queued_at), col(batch.submitted_at))
