"""Figures over all batches: what is stuck, what was posted, what wants a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy import select as columns
from sqlmodel import Session, col

from app.domain.links import LinkKind
from app.domain.problems import Severity
from app.domain.states import IN_BOOKS, PostingState, RecordKind, Role
from app.models.batches import Batch
from app.models.connections import Link
from app.models.payments import PaymentTarget
from app.models.postings import Posting, PostingProblem
from app.services.records.records import Sum


def stuck(session: Session, kind: RecordKind) -> Sum:
    """Documents of finished or stopped batches that are held, refused, in doubt, or posted and not closed."""
    return _summed(session, [col(Batch.kind) == kind, *_stuck()])


def _stuck() -> list[ColumnElement[bool]]:
    states = (PostingState.HELD, PostingState.REFUSED, PostingState.IN_DOUBT, PostingState.POSTED)
    over = or_(col(Batch.ended_at).is_not(None), col(Batch.stopped))
    continued = columns(col(PostingProblem.posting_id)).where(col(PostingProblem.code) == "continued")
    return [col(Posting.state).in_(states), over, col(Posting.id).not_in(continued)]


def posted_since(session: Session, kind: RecordKind, moment: dt.datetime) -> Sum:
    """What came into the books since then (aware)."""
    return _summed(
        session, [col(Batch.kind) == kind, col(Posting.state).in_(IN_BOOKS), col(Posting.posted_at) >= moment]
    )


def _summed(session: Session, conditions: list[ColumnElement[bool]]) -> Sum:
    query = (
        columns(col(Posting.currency), func.count(), func.coalesce(func.sum(Posting.cents), 0))
        .join(Batch, col(Batch.id) == col(Posting.batch_id))
        .where(*conditions, col(Posting.role) == Role.MAIN)
        .group_by(col(Posting.currency))
    )
    rows = session.execute(query).all()
    return Sum(sum(row[1] for row in rows), {row[0]: int(row[2]) for row in rows})


def sums(session: Session, batches: Sequence[int]) -> dict[int, Sum]:
    """Count and totals of each batch; of payments, the invoices that change, and by how much."""
    change = col(PaymentTarget.planned_cents) - col(PaymentTarget.before_cents)
    documents = (
        columns(col(Posting.batch_id), col(Posting.currency), func.count(), func.sum(Posting.cents))
        .where(col(Posting.batch_id).in_(batches), col(Posting.role) == Role.MAIN)
        .group_by(col(Posting.batch_id), col(Posting.currency))
    )
    payments = (
        columns(col(PaymentTarget.batch_id), col(PaymentTarget.currency), func.count(), func.sum(change))
        .where(col(PaymentTarget.batch_id).in_(batches), change != 0)
        .group_by(col(PaymentTarget.batch_id), col(PaymentTarget.currency))
    )
    found: dict[int, Sum] = {}
    for batch_id, currency, count, amount in [*session.execute(documents), *session.execute(payments)]:
        old = found.get(batch_id, Sum(0, {}))
        found[batch_id] = Sum(old.count + count, {**old.cents, currency: int(amount)})
    return found


def warned(session: Session, batch_id: int) -> int:
    """How many documents of a batch have a warning beside them."""
    query = columns(func.count(func.distinct(PostingProblem.posting_id))).where(
        col(PostingProblem.batch_id) == batch_id, col(PostingProblem.severity) == Severity.WARNING
    )
    return int(session.execute(query).scalar_one())


def has_links(session: Session, book_id: int, kind: LinkKind) -> bool:
    """Whether anything of the kind is linked in the company."""
    linked = columns(col(Link.id)).where(
        col(Link.book_id) == book_id, col(Link.kind) == kind, col(Link.ledger_id) != ""
    )
    return session.execute(linked.limit(1)).first() is not None


def has_run(session: Session, mode: str) -> bool:
    """Whether a batch of the mode has come to its end."""
    ended = columns(col(Batch.id)).where(col(Batch.mode) == mode, col(Batch.ended_at).is_not(None))
    return session.execute(ended.limit(1)).first() is not None
