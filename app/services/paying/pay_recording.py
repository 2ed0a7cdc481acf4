"""Pages at the provider are looked at until they end; what was paid is recorded in the books, exactly once.

Looked at by a worker, so no webhook needs to reach us. Recording is an intent like any write: body and request id are
committed before the first byte, a lost answer is looked up by our mark, and only what is absent twice, once the call
cannot be running any more, goes again, to the byte. What can't be recorded so is a person's.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from app.connectors.checkouts import Checkouts, Page, PageState
from app.connectors.protocols import ConnectionFailedError, Connectors, Destination, Wait
from app.connectors.received_payments import ReceivedPayment, Recorded, RecordsPayments
from app.database import Database
from app.domain.codec import to_json
from app.domain.documents import DocumentKind
from app.domain.outcomes import NotDone, Refused
from app.domain.payments import LedgerPayment
from app.domain.problems import Problem, Severity
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.pay_links import Checkout
from app.models.postings import Posting
from app.services.connections import books, connections
from app.services.paying import pay_links, pay_problems, stripe_keys
from app.services.payments import payments
from app.services.people import audit
from app.services.posting import claims, copied_back, failures
from app.settings import Waits

log = logging.getLogger(__name__)

#: Nothing is to be done with these by itself.
AT_REST = ("recorded", "ended", "stuck", "settled")
#: A worker that has taken one has this long before another one may look after it.
LEASE = dt.timedelta(minutes=3)
LATER = dt.timedelta(minutes=1)
#: Seconds that QuickBooks’ limit is waited for at once.
PATIENCE = 2.0
#: A page is looked at after a third of its age, within these.
SELDOM = dt.timedelta(minutes=30)
#: So long after its end the right key may still come for a page that this one does not show; then a person is told.
UNKNOWN = dt.timedelta(hours=1)
#: A bank debit takes days.
BANKS = dt.timedelta(hours=1)
#: Looks while the call may still be running, after the first one that comes at once.
EARLY = tuple(dt.timedelta(seconds=seconds) for seconds in (2, 5, 15, 40))
#: Sends without any answer after which a person is asked.
MOST_SENDS = 4
#: The actor in the audit log.
BY = "Stripe"


@dataclass(frozen=True, slots=True)
class _Opened:
    database: Database
    book: Book
    checkouts: Checkouts | None
    destination: Destination
    waits: Waits


def due(database: Database) -> list[int]:
    """Books that have something to look at or to record now."""
    with database.reading() as session:
        query = select(Checkout.book_id).where(*_waiting())
        return list(session.exec(query.distinct()))


def _waiting() -> tuple[ColumnElement[bool], ...]:
    return col(Checkout.state).not_in(AT_REST), col(Checkout.look_at) <= utcnow()


def work(database: Database, connectors: Connectors, book_id: int, waits: Waits) -> None:
    """Everything of a Book that is due; any worker may call it, at any time."""
    opened: _Opened | None = None
    while (checkout := _claim(database, book_id)) is not None:
        try:
            opened = opened or _open(database, connectors, book_id, waits)
            _step(opened, checkout)
        except ConnectionFailedError as error:
            log.warning("online payment %s waits: %s %s", checkout.name, error.message, error.remedy)
            _set(database, checkout, look_at=utcnow() + LATER)
        except Exception as error:
            log.exception("online payment %s", checkout.name)
            _fault(database, checkout, error)
        else:
            _no_fault(database, checkout)


def _fault(database: Database, checkout: Checkout, error: Exception) -> None:
    """Ours: counted, and after some a person’s. What nobody has paid yet goes on being looked at, more and more seldom.

    Nothing is a person's while a call may be running.
    """
    now = utcnow()
    with database.session() as session:
        row = session.get_one(Checkout, checkout.id, with_for_update=True)
        if row.state in AT_REST or row.look_at != checkout.look_at:
            return  # another worker has it by now
        row.problem = to_json(pay_problems.fault(row, error))
        count = pay_problems.faults(row)
        row.look_at = max(now + min(LATER * count, SELDOM), row.ended_by or now)
        if count >= failures.MOST_FAULTS:
            if row.paid_at and now >= (row.ended_by or now):
                row.state, row.look_at = "stuck", None
            pay_problems.stand_beside(session, row)
        session.add(row)
        session.commit()


def _no_fault(database: Database, checkout: Checkout) -> None:
    """A step that was done begins the count anew."""
    if not checkout.problem:
        return
    with database.session() as session:
        row = session.get_one(Checkout, checkout.id, with_for_update=True)
        if row.state != "stuck" and row.problem:
            row.problem = None
            session.add(row)
            pay_problems.stand_beside(session, row)
            session.commit()


def _open(database: Database, connectors: Connectors, book_id: int, waits: Waits) -> _Opened:
    with database.reading() as session:
        book, keys = session.get_one(Book, book_id), stripe_keys.keys(session, book_id)
    checkouts = connectors.checkouts(keys.key) if keys else None
    return _Opened(database, book, checkouts, connections.open_destination(database, connectors, book_id), waits)


def _claim(database: Database, book_id: int) -> Checkout | None:
    with database.session() as session:
        query = select(Checkout).where(Checkout.book_id == book_id, *_waiting())
        return claims.claim(session, Checkout, query, LEASE)


def _set(database: Database, checkout: Checkout, **values: Any) -> bool:
    """Write it down while it is leased to this worker; False where another one may have it."""
    with database.session() as session:
        kept = claims.put(session, checkout, **values)
        if sent_at := values.get("sent_at"):
            copied_back.note(session, sent_at)
        session.commit()
    if sent_at:
        copied_back.keep(database, sent_at)
    return kept


def _step(opened: _Opened, checkout: Checkout) -> None:
    match checkout.state:
        case "opening":
            _end(opened, checkout)  # the click that made it had no answer, so nobody was told its address
        case "open" | "under_way":
            _look(opened, checkout)
        case "in_doubt":
            _look_up(opened, checkout)
        case _:
            _record(opened, checkout)


def _end(opened: _Opened, checkout: Checkout) -> None:
    _set(opened.database, checkout, state="ended", live=False, look_at=None, ended_at=utcnow())


# ── at the provider ──────────────────────────────────────────────────────────────────────────────────────────────


def _look(opened: _Opened, checkout: Checkout) -> None:
    now = utcnow()
    age = now - checkout.created_at
    later = now + min(max(age / 3, LATER), SELDOM)
    try:
        page = opened.checkouts.look(checkout.ident) if opened.checkouts else None
        if opened.checkouts and page and page.state is PageState.OPEN and _taken_back(opened, checkout):
            opened.checkouts.end(checkout.ident)
            page = opened.checkouts.look(checkout.ident)  # perhaps it was paid at this very moment
    except ConnectionFailedError as error:
        if error.systemic:
            stripe_keys.heard(opened.database, checkout.book_id, f"{error.message} {error.remedy}")
        raise
    if opened.checkouts:
        stripe_keys.heard(opened.database, checkout.book_id)
    match page.state if page else None:
        case None if now > checkout.expires_at + UNKNOWN:
            _stuck(opened, checkout, pay_problems.unknown(checkout))
        case None | PageState.OPEN:
            _set(opened.database, checkout, look_at=later)
        case PageState.UNDER_WAY:
            _set(opened.database, checkout, state="under_way", look_at=now + BANKS)
        case PageState.PAID if page is not None:
            _paid(opened, checkout, page)
        case _:
            _end(opened, checkout)


def _taken_back(opened: _Opened, checkout: Checkout) -> bool:
    with opened.database.reading() as session:
        return pay_links.taken_back(session, checkout.posting_id)


def _paid(opened: _Opened, checkout: Checkout, page: Page) -> None:
    """From here on it is owed to the books; what is not as it was asked for is a person's."""
    values = {"payment": page.payment, "paid_at": page.paid_at or utcnow()}
    if (page.name, page.amount, page.currency) != (checkout.name, checkout.amount, checkout.currency):
        said = f"Stripe says that {page.amount:,.2f} {page.currency} were paid, not what was asked for."
        remedy = "Look at the payment in Stripe, record it by hand, then settle it here."
        _stuck(opened, checkout, Problem(pay_problems.OTHER, said, remedy), **values)
    elif page.refunded:
        said = f"{page.refunded:,.2f} of the payment were given back in Stripe before it was recorded."
        remedy = "Record what is left by hand, then settle it here."
        _stuck(opened, checkout, Problem(pay_problems.REFUNDED, said, remedy), **values)
    else:
        _set(opened.database, checkout, state="paid", look_at=utcnow(), **values)


# ── in the books ─────────────────────────────────────────────────────────────────────────────────────────────────


def stem(checkout: Checkout) -> str:
    """The beginning of our mark in the books, of any generation."""
    return f"CF-S{checkout.name}-g"


def _record(opened: _Opened, checkout: Checkout) -> None:
    """The first send is not blind either: a copied-back database may know less than the books."""
    books_ = opened.destination
    if seconds := copied_back.left(opened.database, opened.waits.running):
        _set(opened.database, checkout, look_at=utcnow() + dt.timedelta(seconds=seconds))
        return
    if not isinstance(books_, RecordsPayments):
        remedy = "Record it there, then settle it here."
        _stuck(opened, checkout, Problem(pay_problems.REFUSED, "This ledger takes no payments.", remedy))
        return
    if _found(opened, checkout, _marked(books_, checkout)):
        return
    if not checkout.loose and (problem_ := _no_room(opened, checkout)):
        _stuck(opened, checkout, problem_)
        return
    _send(opened, books_, checkout)


def _marked(books_: RecordsPayments, checkout: Checkout) -> list[LedgerPayment]:
    return books_.payments_marked(stem(checkout), checkout.party_id, checkout.created_at)


def _found(opened: _Opened, checkout: Checkout, found: list[LedgerPayment]) -> bool:
    """Whether that ends it: it is in the books, or there more than once."""
    if len(found) > 1:
        problem = Problem(
            pay_problems.DOUBT, f"QuickBooks has this payment {len(found)} times.", "Delete all but one there.",
            Severity.DOUBT,
        )  # fmt: skip
        _stuck(opened, checkout, problem)
    elif found:
        done(opened.database, checkout, found[0])
    return bool(found)


def _no_room(opened: _Opened, checkout: Checkout) -> Problem | None:
    """The invoice may have been paid otherwise, or taken back, since the page was made."""
    receipt = opened.destination.read(DocumentKind.INVOICE, checkout.invoice)
    if receipt is None or receipt.voided or receipt.open is None:
        return Problem(
            pay_problems.GONE, "The invoice that was paid is no longer in QuickBooks.",
            "Record it as money that pays nothing yet, or give it back in Stripe and settle it here.",
        )  # fmt: skip
    if receipt.open.amount >= checkout.amount:
        return None
    left = f"only {receipt.open.amount:,.2f} were still open" if receipt.open.amount else "nothing was open any more"
    said = f"{checkout.amount:,.2f} {checkout.currency} were paid by Stripe, and {left}."
    remedy = "Record it as money that pays nothing yet, or give it back in Stripe and settle it here."
    return Problem(pay_problems.TOO_MUCH, said, remedy)


def _send(opened: _Opened, books_: RecordsPayments, checkout: Checkout) -> None:
    slot = opened.destination.reserve(0)
    if isinstance(slot, Wait) and slot.seconds <= PATIENCE:
        time.sleep(slot.seconds)
        slot = opened.destination.reserve(0)
    if isinstance(slot, Wait):
        _set(opened.database, checkout, look_at=utcnow() + dt.timedelta(seconds=slot.seconds))
        return
    now = utcnow()
    body = checkout.body or books_.payment_body(_received(opened, checkout))
    request_id = checkout.request_id or secrets.token_hex(16)
    intent = {
        "state": "sending", "body": body, "request_id": request_id, "sends": checkout.sends + 1, "sent_at": now,
        "ended_by": now + dt.timedelta(seconds=opened.waits.running), "absent": 0, "looks": 0,
    }  # fmt: skip
    try:
        begun = _set(opened.database, checkout, **intent)
    except BaseException:
        slot.release(sent=False)
        raise
    if not begun:
        slot.release(sent=False)
        return
    match books_.record_payment(body, request_id, slot):
        case Recorded(payment):
            done(opened.database, checkout, payment)
        case Refused(problem):
            _stuck(opened, checkout, Problem(
                pay_problems.REFUSED, f"QuickBooks refused the payment: {problem.message}", problem.remedy,
                technical=problem.technical,
            ))  # fmt: skip
        case NotDone(_, wait):
            again = utcnow() + max(dt.timedelta(seconds=wait), EARLY[0])
            _set(opened.database, checkout, state="paid", sends=checkout.sends, look_at=again)
        case _:
            _set(opened.database, checkout, state="in_doubt", look_at=utcnow() + EARLY[0])


def _received(opened: _Opened, checkout: Checkout) -> ReceivedPayment:
    with opened.database.reading() as session:
        number = session.get_one(Posting, checkout.posting_id).number
    first = checkout.generation == 1
    return ReceivedPayment(
        mark=f"{stem(checkout)}{checkout.generation}",
        note=f"PSA {number} · {stem(checkout)}{checkout.generation} · Stripe {checkout.payment}",
        party_id=checkout.party_id,
        invoice="" if checkout.loose else checkout.invoice,
        date=books.today_of(opened.book, checkout.paid_at if first else None),
        amount=checkout.amount,
        currency=checkout.currency,
        account=books.setting_of(opened.book, "payments.stripe_account"),
    )


def _look_up(opened: _Opened, checkout: Checkout) -> None:
    """Found ends a doubt at once; absent counts only when the call cannot be running any more."""
    books_, now = opened.destination, utcnow()
    if not isinstance(books_, RecordsPayments) or _found(opened, checkout, _marked(books_, checkout)):
        return
    ended = checkout.ended_by or now
    if now < ended:
        pause = EARLY[min(checkout.looks + 1, len(EARLY) - 1)]
        _set(opened.database, checkout, look_at=min(now + pause, ended), looks=checkout.looks + 1)
    elif not checkout.absent:
        later = now + dt.timedelta(seconds=opened.waits.between)
        _set(opened.database, checkout, look_at=later, absent=1)
    elif checkout.sends >= MOST_SENDS:
        said = "QuickBooks never said what became of this payment, and does not show it."
        problem = Problem(pay_problems.DOUBT, said, "Look into QuickBooks, then say it here.", Severity.DOUBT)
        _stuck(opened, checkout, problem)
    else:
        _set(opened.database, checkout, state="paid", look_at=now)  # the identical call goes again


def done(database: Database, checkout: Checkout, payment: LedgerPayment) -> None:
    """It is in the books: written down whatever the row says by now. The payment sync is told to look."""
    with database.session() as session:
        row = session.get_one(Checkout, checkout.id, with_for_update=True)
        if row.state == "recorded":
            return
        row.state, row.live, row.look_at, row.problem = "recorded", False, None, None
        row.ledger_payment, row.ended_at = payment.ledger_id, utcnow()
        session.add(row)
        pay_problems.told(session, row)
        shown = f"{row.amount:,.2f} {row.currency}"
        audit.record(
            session, BY, "pay.recorded", f"posting:{row.posting_id}", amount=shown, payment=row.payment,
            in_books=payment.ledger_id,
        )  # fmt: skip
        payments.ring(session, {session.get_one(Book, row.book_id).ledger_id})


def _stuck(opened: _Opened, checkout: Checkout, problem: Problem, **values: Any) -> None:
    """A person must decide; it stands beside the invoice, where Needs Attention finds it."""
    with opened.database.session() as session:
        row = session.get_one(Checkout, checkout.id, with_for_update=True)
        if row.state in AT_REST or row.look_at != checkout.look_at:
            return  # another worker has it by now
        row.state, row.look_at, row.problem = "stuck", None, to_json(problem)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        pay_problems.told(session, row)
        session.commit()
