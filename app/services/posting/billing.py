"""Order first: a receipt that was posted as a purchase order becomes a bill when the vendor's invoice has come.

The bill is a posting of its own in the role ``bill``, beside the order's: made once, by the index that lets a record be
live in one posting per role, and sent like any other document, with its own mark. It names the order that it bills. An
order that somebody has changed, billed or closed since is left alone; a person is told instead.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from decimal import Decimal

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.connectors.protocols import Connectors
from app.connectors.source_abilities import KnowsVendorInvoices, VendorInvoice
from app.database import Database
from app.domain.documents import Document, DocumentKind
from app.domain.links import Rules
from app.domain.problems import Problem, Severity
from app.domain.soundness import ORDERED
from app.domain.states import STANDING, Role, SectionKey
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.batches import batches
from app.services.connections import books, connections
from app.services.posting import beside, failures, numbering, posting_problems, posting_rows
from app.services.posting.reading import document_of
from app.services.posting.run import Run

log = logging.getLogger(__name__)


def work(database: Database, connectors: Connectors, book_id: int) -> list[int]:
    """Make bills of the Book's orders whose invoice has come; answers the batches to ring for.

    Raises ConnectionFailedError. Twice at once is harmless: an order has one bill.
    """
    waiting, source_id = _waiting(database, book_id)
    if not waiting or source_id is None:
        return []
    source = connections.open_source(database, connectors, source_id)
    if not isinstance(source, KnowsVendorInvoices):
        return []
    invoices = source.vendor_invoices(sorted({document.psa_number for document in waiting.values()} - {""}))
    found = {ident: invoice for ident, one in waiting.items() if (invoice := invoices.get(one.psa_number))}
    return sorted({batch for ident, invoice in found.items() if (batch := _try(database, ident, invoice))})


def _try(database: Database, ident: int, invoice: VendorInvoice) -> int | None:
    """One order. A fault of ours with it keeps no other from its turn; one that comes again and again is told."""
    try:
        return _bill(database, ident, invoice)
    except Exception as error:
        log.exception("bill of order %s", ident)
        _fault(database, ident, invoice, error)
        return None


def _fault(database: Database, ident: int, invoice: VendorInvoice, error: Exception) -> None:
    with database.session() as session:
        order = posting_rows.locked(session, ident)
        faults = posting_problems.count_fault(session, ident, ORDERED)
        if faults >= failures.MOST_FAULTS:
            told = Problem(
                "bill_not_made",
                f"The vendor’s invoice {invoice.number} has come, but {order.number} was not billed: "
                f"{failures.again_and_again(error, faults)}.",
                "Enter the bill on the order in QuickBooks yourself, and report it.",
                Severity.WARNING,
                "order",
            )
            posting_problems.clear(session, order, ORDERED)
            posting_problems.add(session, order, SectionKey.DOCUMENTS, told)
            batches.log(session, order.batch_id, told.message, posting=order)
            batches.touch(session, order.batch_id)
        session.commit()


def _waiting(database: Database, book_id: int) -> tuple[dict[int, Document], int | None]:
    with database.reading() as session:
        marked = select(PostingProblem.posting_id).where(PostingProblem.code == ORDERED)
        query = select(Posting).where(Posting.book_id == book_id, col(Posting.state).in_(STANDING))
        query = query.where(col(Posting.id).in_(marked), Posting.kind == DocumentKind.PURCHASE_ORDER)
        rows = session.exec(query.order_by(col(Posting.id))).all()
        return {row.id or 0: document_of(row) for row in rows}, session.get_one(Book, book_id).source_id


def _bill(database: Database, ident: int, invoice: VendorInvoice) -> int | None:
    """The bill of one order as a posting that is ready to be checked; its batch, which goes on."""
    with database.session() as session:
        its_batch = select(Posting.batch_id).where(Posting.id == ident).scalar_subquery()
        batch = session.exec(select(Batch).where(Batch.id == its_batch).with_for_update()).one()
        if batch.ended_at is None and not batch.stopped:
            return None  # a run that is about to end would leave the bill behind; the next sweep makes it
        order = session.get_one(Posting, ident, with_for_update=True)
        codes = {row.code for row in posting_problems.of(session, [ident]).get(ident, [])}
        if order.state not in STANDING or ORDERED not in codes:
            return None
        rules = books.rules_of(session.get_one(Book, order.book_id))
        row = _posting(order)
        session.add(row)
        session.flush()
        for link in session.exec(select(PostingRecord).where(PostingRecord.posting_id == ident)).all():
            session.add(
                PostingRecord(
                    posting_id=row.id or 0, source_id=link.source_id, kind=link.kind, record=link.record,
                    role=Role.BILL, fingerprint=link.fingerprint, date_closed=link.date_closed, live=True,
                )
            )  # fmt: skip
        beside.keep(session, row, _document(session, order, row, invoice, rules))
        posting_problems.clear(session, order, ORDERED)
        batches.log(
            session, order.batch_id, f"The vendor’s invoice {invoice.number} has come: {order.number} is billed.",
            posting=row,
        )  # fmt: skip
        batches.go_on(session, batch)
        try:
            session.commit()
        except IntegrityError:  # another worker was first
            session.rollback()
            return None
        return batch.id


def _posting(order: Posting) -> Posting:
    """Its record is closed in the PSA by the order's batch, or will be."""
    done = order.closing == "done"
    return Posting(
        batch_id=order.batch_id, book_id=order.book_id, role=Role.BILL, beside=order.id, generation=order.generation,
        party_key=order.party_key, date=order.date, currency=order.currency, total=Decimal(0),
        closing="done" if done else "", psa_batch=order.psa_batch if done else "",
        psa_batch_id=order.psa_batch_id if done else "", closed_at=order.closed_at if done else None,
        gl_ids=[], snapshot=order.snapshot,
    )  # fmt: skip


def _document(session: Session, order: Posting, row: Posting, invoice: VendorInvoice, rules: Rules) -> Document:
    document = document_of(order)
    dates = {"vendor_invoice": invoice.date, "purchase": document.ordered, "document": document.received}
    bill = replace(
        document,
        kind=DocumentKind.BILL,
        number=invoice.number,
        vendor_date=invoice.date,
        date=dates.get(rules["inventory.date_source"]) or document.received or document.date,
        bills=order.ledger_id,
    )
    row.kind, row.party = DocumentKind.BILL, document.party.name  # whose numbers are compared
    return replace(bill, number=numbering.one(session, row, invoice.number))


def to_come(order: Document, posting: Posting | None = None) -> Document | None:
    """The bill that an order will become, as far as it is known; None of what is no order, or is not to be posted.

    ``posting``: the order's, where it has one.
    """
    taken_back = posting is not None and posting.state in beside.NEVER
    if order.kind is not DocumentKind.PURCHASE_ORDER or taken_back:
        return None
    return replace(order, kind=DocumentKind.BILL, number="", bills=posting.ledger_id if posting else "")


def problem(run: Run, posting: Posting) -> Problem | None:
    """What stands against billing the order now, as the ledger holds it. Raises ConnectionFailedError."""
    with run.database.reading() as session:
        order = beside.main_of(session, posting)
    if order is None:
        return None
    receipt = run.destination.read(DocumentKind.PURCHASE_ORDER, order.ledger_id)
    if receipt is None or receipt.voided:
        why = "it is no longer in QuickBooks"
    elif receipt.open is not None and receipt.open.amount != receipt.total.amount:
        why = "it was billed or closed in QuickBooks since"
    elif order.receipt and receipt.version != order.receipt.get("version"):
        why = "it was changed in QuickBooks since"
    else:
        return None
    return Problem(
        "order_changed",
        f"The order {order.number} is not billed: {why}.",
        "Enter the bill on the order in QuickBooks yourself, then skip it here.",
        field="order",
    )
