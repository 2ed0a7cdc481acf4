"""Receipt first: a bill that was posted without a number gets number and date when the vendor's invoice has come.

The change is an intent: committed beside the posting before QuickBooks is asked, with the version of the bill that it
is meant for. A lost answer is looked up: the bill has the new number, or is as it was and may be asked for again. What
somebody has paid or edited since is never changed; a person is told instead.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from dataclasses import asdict, replace

from sqlmodel import Session, col, select

from app.connectors.ledger_changes import Changed, Changes, Changing
from app.connectors.protocols import ConnectionFailedError, Connectors, Destination, Wait
from app.connectors.source_abilities import KnowsVendorInvoices, VendorInvoice
from app.database import Database
from app.domain.codec import to_json
from app.domain.documents import Document, DocumentKind
from app.domain.links import Rules
from app.domain.outcomes import Receipt, Refused
from app.domain.problems import Problem, Severity
from app.domain.soundness import ORDERED
from app.domain.states import STANDING, SectionKey
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Heartbeat, Posting, PostingProblem
from app.services.batches import batches
from app.services.connections import books, connections
from app.services.posting import failures, numbering, posting_problems, posting_rows
from app.services.posting.reading import document_of

log = logging.getLogger(__name__)

#: Marks a bill that was posted without a number, and one whose change may be under way.
WAITING, UNDER_WAY = "waiting_on_bill", "bill_under_way"
#: The PSA is asked for invoices no oftener than this.
EVERY = dt.timedelta(minutes=15)


def due(database: Database, now: dt.datetime | None = None) -> list[int]:
    """Books with bills that wait for a number or orders that wait for their bill, not asked about for a while.

    Their turn is noted.
    """
    moment = now or utcnow()
    with database.session() as session:
        waiting = select(PostingProblem.posting_id).where(col(PostingProblem.code).in_((WAITING, ORDERED)))
        booked = (col(Posting.id).in_(waiting), col(Posting.state).in_(STANDING))
        found = []
        for book_id in session.exec(select(Posting.book_id).where(*booked).distinct()).all():
            beat = session.get(Heartbeat, f"bills:{book_id}")
            if beat is None or moment - beat.at >= EVERY:
                session.merge(Heartbeat(name=f"bills:{book_id}", at=moment))
                found.append(book_id)
        session.commit()
    return found


def work(database: Database, connectors: Connectors, book_id: int) -> int:
    """Give the Book's waiting bills what the PSA knows of them by now; answers how many. Raises ConnectionFailedError.

    Twice at once is harmless: a bill is changed only as the version that its intent names.
    """
    waiting, source_id = _waiting(database, book_id)
    if not waiting or source_id is None:
        return 0
    source = connections.open_source(database, connectors, source_id)
    destination = connections.open_destination(database, connectors, book_id)
    if not isinstance(source, KnowsVendorInvoices) or not isinstance(destination, Changing):
        return 0
    invoices = source.vendor_invoices(sorted({document.psa_number for document in waiting.values()} - {""}))
    known = {ident: found for ident, document in waiting.items() if (found := invoices.get(document.psa_number))}
    return sum(_try(database, destination, ident, invoice) for ident, invoice in known.items())


def _try(database: Database, destination: Destination, ident: int, invoice: VendorInvoice) -> bool:
    """One bill. A fault of ours with it keeps no other from its turn; one that comes again and again is told."""
    try:
        return _amend(database, destination, ident, invoice)
    except ConnectionFailedError:
        raise
    except Exception as error:
        log.exception("bill of posting %s", ident)
        _fault(database, ident, invoice, error)
        return False


def _waiting(database: Database, book_id: int) -> tuple[dict[int, Document], int | None]:
    with database.reading() as session:
        marked = select(PostingProblem.posting_id).where(PostingProblem.code == WAITING)
        query = select(Posting).where(Posting.book_id == book_id, col(Posting.state).in_(STANDING))
        query = query.where(col(Posting.id).in_(marked), col(Posting.document).is_not(None))
        rows = session.exec(query.order_by(col(Posting.id))).all()
        return {row.id or 0: document_of(row) for row in rows}, session.get_one(Book, book_id).source_id


def _amend(database: Database, destination: Destination, ident: int, invoice: VendorInvoice) -> bool:
    """One bill. False where it must wait: for the vendor's limit, or because the answer was lost."""
    with database.reading() as session:
        ledger_id = session.get_one(Posting, ident).ledger_id
    receipt = destination.read(DocumentKind.BILL, ledger_id)
    new = _intend(database, ident, receipt, invoice)
    if new is None or receipt is None:
        return False
    if receipt.number == new.number:
        return _done(database, ident, new, receipt)  # an answer that was lost
    slot = destination.reserve(0)
    if isinstance(slot, Wait) or not isinstance(destination, Changing):
        return False
    outcome = destination.update(DocumentKind.BILL, receipt, new, secrets.token_hex(16), slot)
    match outcome:
        case Changed(changed):
            return _done(database, ident, new, changed)
        case Refused(problem):
            now = destination.read(DocumentKind.BILL, ledger_id)
            if now is not None and now.number == new.number:  # by another worker, or by a call whose answer was lost
                return _done(database, ident, new, now)
            _refuse(database, ident, new.number or "", problem.message)
    return False  # not done, or in doubt: the next turn reads the bill


# ── intent ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _intend(database: Database, ident: int, receipt: Receipt | None, invoice: VendorInvoice) -> Changes | None:
    """What the bill is to become, committed; None where it may not be changed, which is then said."""
    with database.session() as session:
        posting = posting_rows.locked(session, ident)
        marked = {row.code: row for row in posting_problems.of(session, [ident]).get(ident, [])}
        if posting.state not in STANDING or WAITING not in marked:
            return None
        rules = books.rules_of(session.get_one(Book, posting.book_id))
        before = marked.get(UNDER_WAY)
        new = Changes(**before.technical["new"]) if before else _changes(session, posting, invoice, rules)
        reason = _against(posting, receipt, new)
        if reason is None:
            under_way = Problem(
                UNDER_WAY, f"Its bill is being given the number {new.number}.", "", Severity.INFO, "number",
                technical={"new": asdict(new)},
            )  # fmt: skip
            posting_problems.add(session, posting, SectionKey.DOCUMENTS, under_way)
        session.commit()
    if reason is not None:
        _refuse(database, ident, new.number or "", reason)
        return None
    return new


def _changes(session: Session, posting: Posting, invoice: VendorInvoice, rules: Rules) -> Changes:
    document = document_of(posting)
    number = numbering.one(session, posting, invoice.number)
    if rules["inventory.date_source"] != "vendor_invoice" or invoice.date is None:
        return Changes(number=number)
    days = document.terms_due_days
    due_date = invoice.date + dt.timedelta(days=days) if days is not None else None
    return Changes(number, invoice.date.isoformat(), due_date.isoformat() if due_date else None)


def _against(posting: Posting, receipt: Receipt | None, new: Changes) -> str | None:
    """Why the bill stays as it is, in words; None where nothing stands against changing it."""
    if receipt is None or receipt.voided:
        return "it is no longer in QuickBooks"
    if receipt.number == new.number:
        return None
    if receipt.open is not None and receipt.open.amount != receipt.total.amount:
        return "it is paid in QuickBooks already"
    if posting.receipt and receipt.version != posting.receipt.get("version"):
        return "it was edited in QuickBooks since"
    return None


# ── outcome ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _done(database: Database, ident: int, new: Changes, receipt: Receipt) -> bool:
    with database.session() as session:
        posting = posting_rows.locked(session, ident)
        document = replace(document_of(posting), number=new.number or "")
        if new.date:
            document = replace(document, date=dt.date.fromisoformat(new.date))
        posting.document, posting.receipt = to_json(document), to_json(receipt)
        posting.number, posting.date, posting.ledger_number = document.number, document.date, receipt.number
        session.add(posting)
        posting_problems.clear(session, posting, WAITING, UNDER_WAY)
        _say(session, posting, f"The vendor’s invoice {document.number} has come: its bill in QuickBooks says so now.")
    return True


def _fault(database: Database, ident: int, invoice: VendorInvoice, error: Exception) -> None:
    with database.session() as session:
        posting_rows.locked(session, ident)
        faults = posting_problems.count_fault(session, ident, WAITING)
        session.commit()
    if faults >= failures.MOST_FAULTS:
        _refuse(database, ident, invoice.number, failures.again_and_again(error, faults))


def _refuse(database: Database, ident: int, number: str, why: str) -> None:
    with database.session() as session:
        posting = posting_rows.locked(session, ident)
        posting_problems.clear(session, posting, WAITING, UNDER_WAY)
        problem = Problem(
            "bill_not_amended",
            f"The vendor’s invoice {number} has come, but its bill was not changed: {why.rstrip('.')}.",
            f"Enter {number} on the bill in QuickBooks yourself.",
            Severity.WARNING,
            "number",
        )
        posting_problems.add(session, posting, SectionKey.DOCUMENTS, problem)
        _say(session, posting, problem.message)


def _say(session: Session, posting: Posting, text: str) -> None:
    batches.log(session, posting.batch_id, text, posting=posting)
    batches.touch(session, posting.batch_id)
    session.commit()
