"""Figures over all batches: what is stuck, what was posted, what wants a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy import select as columns
from sqlmodel import Session, col

from app.domain.problems import Severity
from app.domain.states import IN_BOOKS, PostingState
from app.models.batches import Batch
from app.models.postings import Posting, PostingProblem
from app.services.records import Sum


@dataclass(frozen=True, slots=True)
class Attention:
    """A cause in one batch that wants a person: how many documents, how much, and where to fix it."""

    batch_id: int
    batch: str
    code: str
    subject: str
    severity: str
    message: str
    remedy: str
    sum: Sum

    @property
    def key(self) -> str:
        return f"{self.code}:{self.subject}" if self.subject else self.code


def stuck(session: Session) -> Sum:
    """Documents of finished or stopped batches that are held, refused, in doubt, or posted and not closed."""
    return _summed(session, _stuck())


def _stuck() -> list[ColumnElement[bool]]:
    states = (PostingState.HELD, PostingState.REFUSED, PostingState.IN_DOUBT, PostingState.POSTED)
    over = or_(col(Batch.ended_at).is_not(None), col(Batch.stopped))
    continued = columns(col(PostingProblem.posting_id)).where(col(PostingProblem.code) == "continued")
    return [col(Posting.state).in_(states), over, col(Posting.id).not_in(continued)]


def posted_since(session: Session, moment: dt.datetime) -> Sum:
    """What came into the books since then (aware)."""
    return _summed(session, [col(Posting.state).in_(IN_BOOKS), col(Posting.posted_at) >= moment])


def _summed(session: Session, conditions: list[ColumnElement[bool]]) -> Sum:
    query = (
        columns(col(Posting.currency), func.count(), func.coalesce(func.sum(Posting.cents), 0))
        .join(Batch, col(Batch.id) == col(Posting.batch_id))
        .where(*conditions)
        .group_by(col(Posting.currency))
    )
    rows = session.execute(query).all()
    return Sum(sum(row[1] for row in rows), {row[0]: int(row[2]) for row in rows})


def sums(session: Session, batches: Sequence[int]) -> dict[int, Sum]:
    """Count and totals of each batch."""
    query = (
        columns(col(Posting.batch_id), col(Posting.currency), func.count(), func.sum(Posting.cents))
        .where(col(Posting.batch_id).in_(batches))
        .group_by(col(Posting.batch_id), col(Posting.currency))
    )
    found: dict[int, Sum] = {}
    for batch_id, currency, count, amount in session.execute(query):
        old = found.get(batch_id, Sum(0, {}))
        found[batch_id] = Sum(old.count + count, {**old.cents, currency: int(amount)})
    return found


def warned(session: Session, batch_id: int) -> int:
    """How many documents of a batch have a warning beside them."""
    query = columns(func.count(func.distinct(PostingProblem.posting_id))).where(
        col(PostingProblem.batch_id) == batch_id, col(PostingProblem.severity) == Severity.WARNING
    )
    return int(session.execute(query).scalar_one())


def attention(session: Session, limit: int = 5) -> list[Attention]:
    """The largest causes first, of batches that no worker acts on any more."""
    query = (
        columns(
            col(Batch.id), col(Batch.name), col(PostingProblem.code), col(PostingProblem.subject),
            func.min(PostingProblem.severity), func.min(PostingProblem.message), func.min(PostingProblem.remedy),
            col(Posting.currency), func.count(func.distinct(Posting.id)), func.sum(Posting.cents),
        )
        .join(Posting, col(Posting.batch_id) == col(Batch.id))
        .join(PostingProblem, col(PostingProblem.posting_id) == col(Posting.id))
        .where(*_stuck(), col(PostingProblem.severity).in_((Severity.ERROR, Severity.DOUBT)))
        .group_by(
            col(Batch.id), col(Batch.name), col(PostingProblem.code), col(PostingProblem.subject),
            col(Posting.currency),
        )
        .order_by(func.count().desc(), col(Batch.id).desc())
        .limit(limit)
    )  # fmt: skip
    return [_attention(row) for row in session.execute(query)]


def _attention(row: Any) -> Attention:
    batch_id, batch, code, subject, severity, message, remedy, currency, count, amount = row
    return Attention(batch_id, batch, code, subject, severity, message, remedy, Sum(count, {currency: int(amount)}))
