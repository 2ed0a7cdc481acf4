"""Rerun: after the books were restored from before a batch, what is missing there is posted again, in the same batch.

Every posting is looked up first. What is still there stays as it is, and is proved anew: so what differs becomes a
Problem. What is missing goes again with a new generation, exactly as it was posted: the record is closed in the PSA, so
the stored document is what there is, and the PSA's batch is kept and not made a second time. Check looks once more
before anything is sent, so nothing doubles when it is run twice, or dies between.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from app.connectors.protocols import Destination, Source
from app.database import Database
from app.domain.codec import to_json
from app.domain.links import kinds_of
from app.domain.outcomes import Absent, CannotTell, Finding, Found, LooksAlike, Receipt, Several
from app.domain.problems import ValidationError
from app.domain.states import STANDING, PostingState, RecordKind
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting
from app.services.batches import approvals, batches
from app.services.connections import books
from app.services.mapping import lists
from app.services.people import audit
from app.services.posting import ledger_looks, posting_problems, posting_rows, receipts
from app.services.posting.ledger_looks import Look
from app.services.posting.reading import document_of


@dataclass(frozen=True, slots=True)
class Item:
    """One document of a batch before a rerun.

    Attributes:
        standing: ``there``, ``missing``, ``differs`` (it is there, but not as it was posted), ``several``, or
            ``unknown`` (the books did not say; it is left alone).
        receipt: what the books hold now, where it is there.
        closed: the PSA still has our batch that closed it.
    """

    posting: Posting
    record: str
    standing: str
    receipt: Receipt | None = None
    closed: bool = False


def plan(
    database: Database,
    source: Source,
    destination: Destination,
    batch_id: int,
    only: Collection[int] | None = None,
) -> list[Item]:
    """Look every posted document of the batch up in the books; with ``only`` (posting ids) just some of them.

    Raises ConnectionFailedError, ValidationError.
    """
    with database.reading() as session:
        batch = batches.find(session, batch_id)
        _may_rerun(batch)
        kinds = kinds_of(RecordKind(batch.kind), books.rules_of(session.get_one(Book, batch.book_id)))
        looks = ledger_looks.postings(session, batch, STANDING, only)
    findings = ledger_looks.find(destination, looks)
    kept = source.find_batches([look.posting.psa_batch for look in looks if look.posting.closing == "done"])
    items = [_item(look, finding, kept) for look, finding in zip(looks, findings, strict=True)]
    if of(items, "missing"):  # customers and items that the batch had made are gone with them, perhaps
        lists.refresh(database, destination, batch.book_id, kinds=kinds, max_age=dt.timedelta())
    return items


def _may_rerun(batch: Batch) -> None:
    if batch.kind not in tuple(RecordKind):
        raise ValidationError("A payment sync is not rerun.", "Sync again: it looks at what differs now.")
    if batch.mode != "post":
        raise ValidationError(f"Batch {batch.name} sent nothing to QuickBooks.", "There is nothing to post again.")
    if batch.ended_at is None and not batch.stopped:
        raise ValidationError(f"Batch {batch.name} is still running.", "Wait until it has ended, or stop it.")


def _item(look: Look, finding: Finding, kept: Collection[str]) -> Item:
    posting, closed = look.posting, look.posting.psa_batch in kept
    match finding:
        case Found(receipt):
            same = receipts.booked_cents(document_of(posting), receipt) == posting.ledger_cents
            return Item(posting, look.mark.record, "there" if same else "differs", receipt, closed)
        case Absent() | LooksAlike():
            return Item(posting, look.mark.record, "missing", closed=closed)
        case Several():
            return Item(posting, look.mark.record, "several", closed=closed)
        case CannotTell():
            return Item(posting, look.mark.record, "unknown", closed=closed)


def of(items: Sequence[Item], *standings: str) -> list[Item]:
    """Those that stand so."""
    return [item for item in items if item.standing in standings]


#: A standing in words, for one and for several documents.
STANDINGS = {
    "there": "still in QuickBooks",
    "missing": "missing in QuickBooks: posted again",
    "differs": "there, but not as posted: a problem says how",
    "several": "there more than once: a problem says which",
    "unknown": "not told by QuickBooks: left alone",
}


def words(items: Sequence[Item]) -> list[str]:
    """``138 still in QuickBooks``, one line per standing that occurs."""
    return [f"{len(some)} {text}" for standing, text in STANDINGS.items() if (some := of(items, standing))]


def rerun(database: Database, batch_id: int, items: Sequence[Item], *, by: str) -> int:
    """Let what is missing go again, and what is there be proved anew; commits. The caller rings the doorbell.

    ``items`` come from a look just made; what has changed since is left alone. Answers how many go again. Raises
    ValidationError while the batch runs.
    """
    with database.session() as session:
        batch = batches.find(session, batch_id)
        session.refresh(batch, with_for_update=True)
        _may_rerun(batch)
        idents = [item.posting.id or 0 for item in items]
        locked = select(Posting.id).where(col(Posting.batch_id) == batch_id).with_for_update()
        session.exec(locked).all()
        fresh = posting_rows.of(session, idents, posting_rows.BARE)
        going = 0
        for item in items:
            row = fresh[item.posting.id or 0]
            if row.state not in STANDING or row.generation != item.posting.generation:
                continue
            if item.standing == "missing":
                _again(session, row, item, by=by)
                going += 1
            elif item.standing != "unknown":
                _stays(session, row, item)
        batches.go_on(session, batch)
        if going:
            approvals.void(session, batch, "it is posted again", by=by)
        batches.log(session, batch_id, f"Rerun: {len(of(items, 'there'))} are still in QuickBooks, {going} go again.",
                    by=by)  # fmt: skip
        audit.record(session, by, "batch.rerun", f"batch:{batch_id}", missing=going, looked_up=len(items))
        session.commit()
    return going


def _again(session: Session, posting: Posting, item: Item, *, by: str) -> None:
    """From Check on, with a new generation. What stood beside it was about the document that is gone."""
    posting_problems.clear(session, posting)
    batches.log(session, posting.batch_id, f"{posting.number} is no longer in QuickBooks: it goes again.",
                posting=posting, by=by, ledger_id=posting.ledger_id)  # fmt: skip
    posting.state, posting.generation = PostingState.READY, posting.generation + 1
    posting.checked = posting.looked_anyway = posting.proved = posting.needs_person = posting.keep = False
    posting.ledger_id = posting.ledger_number = ""
    posting.ledger_cents = posting.receipt = posting.posted_at = posting.send_at = None
    if not item.closed:
        posting.closing = posting.psa_batch_id = ""
    session.add(posting)


def _stays(session: Session, posting: Posting, item: Item) -> None:
    """Prove says what differs; a restored company may have given the document another id."""
    posting.proved = False
    if item.receipt is not None and item.receipt.ledger_id != posting.ledger_id:
        posting.ledger_id, posting.ledger_number = item.receipt.ledger_id, item.receipt.number
        posting.receipt = to_json(item.receipt)
    session.add(posting)
