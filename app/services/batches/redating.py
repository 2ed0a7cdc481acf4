"""Another date for documents that lie in a closed period: a person's, in the place of the PSA's, told beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlmodel import Session, col, select

from app.domain.problems import ValidationError
from app.domain.states import STOPPED
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Posting
from app.services.batches import approvals, batches
from app.services.connections import books
from app.services.people import audit

#: Problems that another date solves.
CURED = ("period_closed", "before_inventory_start")


def proposed(book: Book, today: dt.date) -> dt.date:
    """The first open day, as far as the closing date is known; else today."""
    closed = books.rules_of(book).close_date
    return dt.date.fromisoformat(closed) + dt.timedelta(days=1) if closed else today


def redate(session: Session, book: Book, postings: Sequence[Posting], date: dt.date, *, by: str) -> int:
    """Give held and refused documents this date; the caller retries them and commits. Answers how many.

    Raises ValidationError: the books are closed on that day too, or it lies far from today.
    """
    closed = books.rules_of(book).close_date
    if closed and date <= dt.date.fromisoformat(closed):
        raise ValidationError(f"QuickBooks’ books are closed to {closed}.", "Give a later day.")
    if abs((date - utcnow().date()).days) > 366:
        raise ValidationError(f"{date:%m/%d/%Y} is more than a year from today.", "Give a day of an open period.")
    own = _locked(session, postings)
    mine = (col(Posting.batch_id).in_([batch.id for batch in own]), col(Posting.state).in_(STOPPED))
    stopped = set(session.exec(select(Posting.id).where(*mine)))
    count = 0
    for posting in postings:
        if posting.id not in stopped:
            continue
        posting.redated = date
        session.add(posting)
        text = f"{posting.number}, dated {posting.date:%m/%d/%Y} in ConnectWise, is posted as of {date:%m/%d/%Y}."
        batches.log(session, posting.batch_id, text, posting=posting, by=by)
        audit.record(
            session, by, "posting.redate", f"posting:{posting.id}", number=posting.number,
            old=posting.date.isoformat(), new=date.isoformat(),
        )  # fmt: skip
        count += 1
    changed = {posting.batch_id for posting in postings if posting.redated == date}
    for batch in own:
        if batch.id in changed:
            approvals.void(session, batch, f"documents got the date {date:%m/%d/%Y}", by=by)
    return count


def _locked(session: Session, postings: Sequence[Posting]) -> Sequence[Batch]:
    """Their batches, before any document: whoever writes rows of a batch locks that first."""
    own = col(Batch.id).in_({posting.batch_id for posting in postings})
    query = select(Batch).where(own).order_by(col(Batch.id)).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).all()
