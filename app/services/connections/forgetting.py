"""Forgetting a company: everything that this installation knows of it goes, in one commit; both systems keep theirs.

Which rows are the company's is read from the tables themselves: those that lead to it by their foreign keys. So a new
table is forgotten, too. The audit log has none, and stays. So does what keeps records of the PSA from being posted by
another company: what was undone or skipped here is put on hold, until a person releases it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, or_
from sqlalchemy import select as columns
from sqlmodel import Session, SQLModel, col, func, select

from app.domain.problems import NotFoundError, ValidationError
from app.domain.states import IN_BOOKS, PostingState, RecordKind, Role
from app.models.attachments import Attachment
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book, Link
from app.models.mail import Mail
from app.models.pay_links import Checkout
from app.models.payments import PaymentEntry
from app.models.postings import Creation, Posting, PostingRecord
from app.models.reconcile import DriftLook
from app.models.records import Hold
from app.models.reloads import Reload
from app.models.rounds import Round
from app.models.workbench import EntryChange
from app.services import leases
from app.services.connections import books
from app.services.paying import stripe_keys
from app.services.people import audit
from app.services.records import holding, records

FLYING = ("sending", "in_doubt")
WAIT = "Connect it again, let that come to its end, and disconnect it once more."
SOON = "Wait a minute, then try again."
STOP = "Stop it, or reject it, on its page under Batches."
MAILS = "Wait until they are out, or settle them under Mail to customers."
CLOSE = "Connect it again, then resume the batch so that they are closed, or undo them."


@dataclass(frozen=True, slots=True)
class Leaves:
    """What stays elsewhere: documents in the ledger, batches in the PSA; and what goes here."""

    documents: int
    psa_batches: int
    batches: int
    links: int


def leaves(session: Session, book_id: int) -> Leaves:
    """How much is known of a company."""
    batch = col(Posting.psa_batch_id)
    ours = (Posting.book_id == book_id, col(Posting.state).in_(IN_BOOKS))
    return Leaves(
        documents=_count(session, Posting.id, *ours, Posting.ledger_id != ""),
        psa_batches=_count(session, batch.distinct(), Posting.book_id == book_id, Posting.closing == "done"),
        batches=_count(session, Batch.id, Batch.book_id == book_id, Batch.mode != "dry"),
        links=_count(session, Link.id, Link.book_id == book_id, Link.ledger_id != ""),
    )  # fmt: skip


def obstacle(session: Session, book: Book) -> ValidationError | None:
    """Why the company can't be forgotten now; None where it can."""
    if book.connected:
        return ValidationError(f"“{book.name}” is connected.", "Disconnect it first, under Settings ▸ Connections.")
    posted = _count(session, Posting.id, Posting.book_id == book.id, Posting.state == PostingState.POSTED)
    for count, one, many, remedy in (
        (posted, "document is in QuickBooks and not closed in ConnectWise yet",
         "documents are in QuickBooks and not closed in ConnectWise yet", CLOSE),
        *_under_way(session, book.id or 0),
    ):  # fmt: skip
        if count:
            return ValidationError(f"{count} {one if count == 1 else many}.", remedy)
    return None


def _under_way(session: Session, book_id: int) -> Iterator[tuple[int, str, str, str]]:
    """What a call, a worker or a customer may still be busy with: how much, words for one and for many, the remedy."""
    now, of_book = utcnow(), select(Batch.id).where(Batch.book_id == book_id)
    flying = (PostingState.SENDING, PostingState.IN_DOUBT, PostingState.UNDOING)
    going = and_(col(Batch.ended_at).is_(None), col(Batch.stopped).is_(False))
    batch = (Batch.book_id == book_id, or_(col(Batch.lease_until) > now, going))
    yield _count(session, Batch.id, *batch), "batch is under way", "batches are under way", STOP
    for what, *where in (
        (Posting.id, Posting.book_id == book_id, col(Posting.state).in_(flying)),
        (Creation.id, Creation.book_id == book_id, col(Creation.state).in_(FLYING)),
        (EntryChange.id, EntryChange.book_id == book_id, col(EntryChange.state).in_(FLYING)),
        (PaymentEntry.id, PaymentEntry.book_id == book_id, col(PaymentEntry.state).in_(FLYING)),
        (Attachment.id, col(Attachment.batch_id).in_(of_book), col(Attachment.state).in_(FLYING)),
        (Reload.id, col(Reload.batch_id).in_(of_book), col(Reload.state).in_(("opening", "closing"))),
    ):
        yield _count(session, what, *where), "write is under way or in doubt", "writes are under way or in doubt", WAIT
    page = (Checkout.book_id == book_id, col(Checkout.live))
    yield _count(session, Checkout.id, *page), "online payment is open", "online payments are open", WAIT
    waiting = col(Mail.state).in_(("preparing", "queued", *FLYING))
    mail = (Mail.book_id == book_id, waiting)
    yield _count(session, Mail.id, *mail), "mail waits or is in doubt", "mails wait or are in doubt", MAILS
    due = (Round.book_id == book_id, col(Round.state) != "ended")
    yield _count(session, Round.id, *due), "AutoSync run is under way", "AutoSync runs are under way", SOON
    look = (DriftLook.book_id == book_id, ~leases.free(col(DriftLook.lease_until), now))
    yield _count(session, DriftLook.id, *look), "look at both systems is under way", "looks are under way", SOON


def _count(session: Session, what: Any, *where: Any) -> int:
    return session.exec(select(func.count(what)).where(*where)).one()


def forget(session: Session, book_id: int, by: str, *, typed: str | None = None) -> str:
    """Remove a company from this installation and commit; answers its name.

    ``typed`` is the name as a person typed it; None where it was not asked for. Raises ValidationError where it is
    another one, or where something stands in the way; NotFoundError where there is no such company.
    """
    book = session.exec(select(Book).where(Book.id == book_id).with_for_update()).first()  # nothing begins meanwhile
    if book is None:
        raise NotFoundError(f"There is no QuickBooks company {book_id}.", "Look under Settings ▸ Connections.")
    if typed is not None and " ".join(typed.split()) != " ".join(book.name.split()):
        raise ValidationError("That is not the company’s name.", f"Type “{book.name}”, just as it stands here.")
    if error := obstacle(session, book):
        raise error
    left, name, default = leaves(session, book_id), book.name, book.is_default
    _keep_out(session, book, by)
    audit.record(
        session, by, "book.forget", f"book:{book_id}", name=name, realm=book.ledger_id, documents=left.documents,
        batches=left.batches, links=left.links,
    )  # fmt: skip
    session.expunge(book)
    stripe_keys.drop(session, book_id)
    for table, condition in reversed(list(belonging(book_id).items())):
        session.execute(delete(table).where(condition))
    if default and (heir := books.default_book(session)):
        books.set_default(session, heir, by)
    session.commit()
    return name


def _keep_out(session: Session, book: Book, by: str) -> None:
    """What was undone or skipped in a batch of the company is on hold by that batch; now by a hold of its own."""
    query = (
        select(PostingRecord, Batch.name)
        .join(Posting, col(Posting.id) == col(PostingRecord.posting_id))
        .join(Batch, col(Batch.id) == col(Posting.batch_id))
        .where(Posting.book_id == book.id, Batch.mode != "dry", col(PostingRecord.live).is_(False))
        .where(col(Posting.state).in_((PostingState.UNDONE, PostingState.SKIPPED)), PostingRecord.role == Role.MAIN)
        .order_by(col(PostingRecord.id))
    )
    let_go: dict[tuple[int, str], dict[str, tuple[str, str]]] = defaultdict(dict)
    for row, batch in session.exec(query):
        let_go[row.source_id, row.kind][row.record] = row.fingerprint, batch
    for (source_id, kind), own in let_go.items():
        where = (session, source_id, RecordKind(kind), list(own))
        listed, held = {row.record for row in records.named(*where)}, holding.of(*where)
        for record, standing in records.standings(*where).items():
            stays = standing.only_by_name or (standing.offered and record not in listed)
            if stays and record not in held:
                fingerprint, batch = own[record]
                reason = f"undone or skipped in batch {batch} of {book.name}, which was forgotten"[: holding.REASON]
                session.add(Hold(source_id=source_id, kind=kind, record=record, reason=reason, by=by,
                                 fingerprint=fingerprint))  # fmt: skip


def belonging(book_id: int) -> dict[Table, ColumnElement[bool]]:
    """Every table with rows of a company, parents first, and which rows those are."""
    found: dict[Table, ColumnElement[bool]] = {}
    for table in SQLModel.metadata.sorted_tables:
        if table.name == "books":
            found[table] = table.c.id == book_id
            continue
        keys = [key for key in table.foreign_keys if key.column.table in found]
        own = [key for key in keys if key.column.table.name == "books" and not key.parent.nullable]
        ways = [key.parent.in_(columns(key.column).where(found[key.column.table])) for key in own or keys]
        if ways:
            found[table] = or_(*ways)
    return found
