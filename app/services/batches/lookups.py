"""What a doubt waits for: when the call went out, when it is looked up next, and until when nothing is sent again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from app.domain.states import PostingState
from app.models.postings import Call, CallMember, Posting


@dataclass(frozen=True, slots=True)
class Lookup:
    """The doubt that is looked up next.

    Attributes:
        sent_at: when its call went out.
        next_at: when QuickBooks is asked; None once it is a person's to decide.
        ends_at: from when on the call cannot be running any more; only then may "not there" let it go again.
        looks: how often it was looked up.
    """

    sent_at: dt.datetime
    next_at: dt.datetime | None
    ends_at: dt.datetime | None
    looks: int
    request_id: str


def of_posting(session: Session, posting_id: int) -> Lookup | None:
    """What the document waits for; None where it is not in doubt."""
    return _next(session, col(Posting.id) == posting_id)


def of_batch(session: Session, batch_id: int) -> Lookup | None:
    """What the next look of a batch is for."""
    return _next(session, col(Posting.batch_id) == batch_id)


def _next(session: Session, which: ColumnElement[bool]) -> Lookup | None:
    query = (
        select(Call)
        .join(CallMember, col(CallMember.call_id) == Call.id)
        .join(Posting, col(Posting.id) == CallMember.posting_id)
        .where(Posting.state == PostingState.IN_DOUBT, Call.state == "in_doubt", which)
        .order_by(col(Call.due_at))
    )
    call = session.exec(query).first()
    if call is None:
        return None
    return Lookup(call.sent_at, call.due_at, call.ended_by, call.looks, call.request_id)
