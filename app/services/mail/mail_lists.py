"""The queue of mails to customers, as people look at it: views, counts, by batch."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.models.batches import Batch
from app.models.mail import Mail
from app.models.postings import Posting, PostingRecord
from app.services.posting import posting_rows

PAGE = 50
#: Views of the queue, in the order of the page: states of each.
VIEWS = {
    "held": ("held",), "waiting": ("preparing", "queued", "sending"), "in_doubt": ("in_doubt",),
    "failed": ("failed", "bounced"), "sent": ("sent",), "dropped": ("dropped",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One mail of the queue, with its invoice."""

    mail: Mail
    posting: Posting
    batch: Batch
    record: str


def listing(session: Session, book_id: int, view: str, before: int | None = None, batch_id: int = 0) -> list[Row]:
    """A view's mails of a Book, or of one batch of it, newest first, a page of them; goes on before an id."""
    query = (
        select(Mail, Posting, Batch)
        .join(Posting, col(Posting.id) == Mail.posting_id)
        .join(Batch, col(Batch.id) == Posting.batch_id)
        .where(Mail.book_id == book_id, col(Mail.state).in_(VIEWS[view]), *of_batch(batch_id))
        .order_by(col(Mail.id).desc())
        .limit(PAGE)
        .options(*posting_rows.BARE)
    )
    found = session.exec(query.where(col(Mail.id) < before) if before else query).all()
    records = (
        select(PostingRecord.posting_id, func.min(PostingRecord.record))
        .where(col(PostingRecord.posting_id).in_([posting.id for _, posting, _ in found]))
        .group_by(col(PostingRecord.posting_id))
    )
    record_of = dict(session.exec(records).all())
    return [Row(mail, posting, batch, record_of.get(posting.id or 0, "")) for mail, posting, batch in found]


def of_batch(batch_id: int) -> list[ColumnElement[bool]]:
    """SQL: the mail is one of the batch's; 0 for every batch."""
    own = select(Posting.id).where(Posting.batch_id == batch_id)
    return [col(Mail.posting_id).in_(own)] if batch_id else []


def batches_in(session: Session, book_id: int, view: str) -> list[tuple[int, str, int]]:
    """The newest batches that have mails in a view: id, name, how many."""
    query = (
        columns(col(Batch.id), col(Batch.name), func.count())
        .join(Posting, col(Posting.batch_id) == col(Batch.id))
        .join(Mail, col(Mail.posting_id) == col(Posting.id))
        .where(col(Mail.book_id) == book_id, col(Mail.state).in_(VIEWS[view]))
        .group_by(col(Batch.id), col(Batch.name))
        .order_by(col(Batch.id).desc())
    )
    return [(ident, name, count) for ident, name, count in session.execute(query.limit(PAGE))]


def waiting(session: Session) -> int:
    """How many mails wait for a person: to be approved, in doubt, not sent, come back. Every page asks it."""
    states = [state for view in ("held", "in_doubt", "failed") for state in VIEWS[view]]
    query = columns(func.count()).select_from(Mail).where(col(Mail.book_id).is_not(None), col(Mail.state).in_(states))
    return int(session.execute(query).scalar_one())


def counts(session: Session, book_id: int, batch_id: int = 0) -> dict[str, int]:
    """How many mails of a Book, or of one batch of it, each view has."""
    mine = (col(Mail.book_id) == book_id, *of_batch(batch_id))
    query = columns(col(Mail.state), func.count()).where(*mine).group_by(col(Mail.state))
    states = {state: int(count) for state, count in session.execute(query)}
    return {view: sum(states.get(state, 0) for state in members) for view, members in VIEWS.items()}
