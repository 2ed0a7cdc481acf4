"""Links to pay: an address of ours for one invoice, and the way from it to a page of the payment provider.

Nothing is told before the click but whom one pays. At the click QuickBooks is asked what is open, and one page is made
for that amount; an invoice has at most one page that can be paid. What is paid there is recorded by pay_recording.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.connectors.checkouts import Checkouts, NewPage, Opened, PageState
from app.connectors.protocols import ConnectionFailedError, Connectors
from app.database import Database
from app.domain.codec import to_json
from app.domain.documents import DocumentKind
from app.domain.money import Money
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import CrossfootError, NotFoundError, Problem, ValidationError
from app.domain.states import STANDING
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.pay_links import Checkout, PayLink
from app.models.postings import Posting
from app.services.connections import books, connections
from app.services.paying import pay_problems, stripe_keys
from app.services.people import audit

#: Bytes of a token: 128 bits.
TOKEN = 16
#: How long a page can be paid: the provider's least is half an hour. Short, for QuickBooks' balance may change.
PAGE_LIFE = dt.timedelta(hours=1)
#: A page that has no answer yet belongs to the click that made it for so long.
OPENING = dt.timedelta(minutes=3)
KEPT = dt.timedelta(days=90)
FIRST_LOOK = dt.timedelta(minutes=1)
UNPAID = ("opening", "open")


class LinkGoneError(CrossfootError):
    """The link is known, and no longer good."""


class NotPayableError(CrossfootError):
    """The invoice can't be paid by this link now; the sentences are for the customer."""


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────


def new(posting: Posting, days: int) -> tuple[str, PayLink]:
    """A token, and the row that the caller commits with the mail that brings it."""
    token = secrets.token_urlsafe(TOKEN)
    ends = utcnow() + dt.timedelta(days=days)
    return token, PayLink(
        book_id=posting.book_id, posting_id=posting.id or 0, token_hash=_digest(token), expires_at=ends
    )


def address(home: str, token: str) -> str:
    """Where the customer goes; ``home`` is our public address."""
    return f"{home}/pay/{token}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def find(session: Session, token: str) -> tuple[PayLink, Book]:
    """The link and whom one pays by it. Raises NotFoundError, LinkGoneError."""
    link = session.exec(select(PayLink).where(PayLink.token_hash == _digest(token[:100]))).first()
    if link is None:
        raise NotFoundError("There is no such link.", "Open the one in the e-mail, whole, or ask for a new one.")
    book = session.get_one(Book, link.book_id)
    if link.revoked_at is not None or link.expires_at <= utcnow():
        raise LinkGoneError("This link is no longer good.", f"Ask {payee(book)} for a new one.")
    return link, book


def payee(book: Book) -> str:
    """Whom one pays, as mails name the company."""
    return books.setting_of(book, "email.sender_name") or book.name


def of_posting(session: Session, posting_id: int) -> list[PayLink]:
    """An invoice's links that still work, newest first."""
    query = select(PayLink).where(PayLink.posting_id == posting_id, col(PayLink.revoked_at).is_(None))
    return list(session.exec(query.where(col(PayLink.expires_at) > utcnow()).order_by(col(PayLink.id).desc())))


def revoke(session: Session, book_id: int, posting_id: int, by: str) -> int:
    """All of an invoice's links stop working; commits, and answers how many. The caller rings: its page is ended."""
    mine = (col(PayLink.book_id) == book_id, col(PayLink.posting_id) == posting_id, col(PayLink.revoked_at).is_(None))
    count = session.exec(update(PayLink).where(*mine).values(revoked_at=utcnow(), revoked_by=by)).rowcount
    if not count:
        raise ValidationError("This invoice has no link to pay that works.", "Look at the page again.")
    open_ = (col(Checkout.posting_id) == posting_id, col(Checkout.state) == "open")
    session.exec(update(Checkout).where(*open_).values(look_at=utcnow()))
    number = session.get_one(Posting, posting_id).number
    audit.record(session, by, "pay_link.revoke", f"posting:{posting_id}", invoice=number, links=count)
    session.commit()
    return count


def taken_back(session: Session, posting_id: int) -> bool:
    """Whether a person took an invoice's links back, and there is none that works."""
    revoked = select(PayLink.id).where(PayLink.posting_id == posting_id, col(PayLink.revoked_at).is_not(None))
    return session.exec(revoked.limit(1)).first() is not None and not of_posting(session, posting_id)


def forget(database: Database) -> None:
    """Links that ended long ago are deleted, and pages at which nobody paid."""
    long_ago = utcnow() - KEPT
    with database.session() as session:
        session.exec(delete(PayLink).where(col(PayLink.expires_at) < long_ago))
        session.exec(delete(Checkout).where(col(Checkout.state) == "ended", col(Checkout.ended_at) < long_ago))
        session.commit()


# ── the click ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one click needs. ``home``: our public address."""

    database: Database
    checkouts: Checkouts
    book: Book
    posting: Posting
    home: str


def begin(database: Database, connectors: Connectors, token: str, home: str) -> str:
    """Where the customer pays what is open now.

    Raises NotFoundError, LinkGoneError, NotPayableError; ConnectionFailedError where QuickBooks or Stripe is out of
    reach.
    """
    with database.reading() as session:
        link, book = find(session, token)
        posting, keys = session.get_one(Posting, link.posting_id), stripe_keys.keys(session, link.book_id)
        if keys is None or not stripe_keys.is_on(session, book):
            raise NotPayableError("Invoices can’t be paid online at the moment.", f"Ask {payee(book)} how to pay.")
    if posting.state not in STANDING:
        raise NotPayableError("This invoice was taken back.", f"Ask {payee(book)} about it.")
    asked = _Asked(database, connectors.checkouts(keys.key), book, posting, home)
    earlier = _live(database, posting)
    _stop_if_paid(asked, earlier)
    due, party = _due(connectors, asked)
    if earlier is not None and (url := _once_more(asked, earlier, due)):
        return url
    return _open(asked, _intend(asked, due, party))


def _live(database: Database, posting: Posting) -> Checkout | None:
    with database.reading() as session:
        return session.exec(select(Checkout).where(Checkout.posting_id == posting.id, col(Checkout.live))).first()


def _stop_if_paid(asked: _Asked, checkout: Checkout | None) -> None:
    if checkout is None or checkout.state in UNPAID:
        return
    if checkout.state == "under_way":
        raise NotPayableError("A payment of this invoice is under way.", "The bank takes some days; do not pay again.")
    if checkout.paid_at is None:
        raise NotPayableError("This invoice can’t be paid online.", f"Ask {payee(asked.book)} how to pay.")
    raise _already(asked)


def _already(asked: _Asked) -> NotPayableError:
    return NotPayableError("This invoice is already paid.", f"If you think it is not, ask {payee(asked.book)}.")


def _due(connectors: Connectors, asked: _Asked) -> tuple[Money, str]:
    """What QuickBooks says is open of the invoice now, and of which customer."""
    destination = connections.open_destination(asked.database, connectors, asked.book.id or 0)
    receipt = destination.read(DocumentKind.INVOICE, asked.posting.ledger_id)
    if receipt is None or receipt.voided or receipt.open is None:
        raise NotPayableError("This invoice was taken back.", f"Ask {payee(asked.book)} about it.")
    if receipt.open.amount <= 0:
        raise _already(asked)
    if receipt.open.currency != asked.posting.currency:
        raise NotPayableError("This invoice can’t be paid online.", f"Ask {payee(asked.book)} how to pay.")
    return receipt.open, receipt.party_id


def _once_more(asked: _Asked, earlier: Checkout, due: Money) -> str | None:
    """The page that is there already, if it is for this amount; else it is ended first. None: make a new one."""
    same = earlier.amount == due.amount and earlier.currency == due.currency
    if earlier.state == "opening":
        if same and utcnow() - earlier.created_at < OPENING:
            return _open(asked, earlier)
        _end(asked, earlier)  # its address was never told to anybody
        return None
    page = asked.checkouts.look(earlier.ident)
    if page is not None and page.state is PageState.OPEN and same:
        return page.url
    if page is not None and page.state is PageState.OPEN and not asked.checkouts.end(earlier.ident):
        page = asked.checkouts.look(earlier.ident)  # paid at this very moment
    if page is None:  # another account's: it may have been paid there, or may be yet
        raise _busy()
    if page.state in (PageState.PAID, PageState.UNDER_WAY):
        look_now(asked.database, earlier.ident)
        raise _already(asked)
    _end(asked, earlier)
    return None


def _end(asked: _Asked, checkout: Checkout, problem: Problem | None = None) -> None:
    """Nothing was, or can be, paid by it."""
    values = {"state": "ended", "live": False, "look_at": None, "ended_at": utcnow(),
              "problem": to_json(problem) if problem else None}  # fmt: skip
    with asked.database.session() as session:
        mine = (col(Checkout.id) == checkout.id, col(Checkout.state).in_(UNPAID))
        session.exec(update(Checkout).where(*mine).values(**values))
        if pay_problems.faults(checkout):  # what was told of looking at it holds no longer
            pay_problems.stand_beside(session, session.get_one(Checkout, checkout.id))
        session.commit()


def _intend(asked: _Asked, due: Money, party: str) -> Checkout:
    """The row, committed before the provider is asked; where another click was faster, that one's."""
    now = utcnow()
    made = Checkout(
        book_id=asked.book.id or 0, posting_id=asked.posting.id or 0, name=secrets.token_hex(6),
        invoice=asked.posting.ledger_id, party_id=party, amount=due.amount, currency=due.currency,
        created_at=now, expires_at=now + PAGE_LIFE, look_at=now + OPENING,
    )  # fmt: skip
    with asked.database.session() as session:
        try:
            session.add(made)
            session.commit()
        except IntegrityError:
            session.rollback()
            faster = _live(asked.database, asked.posting)
            if faster is None or faster.amount != due.amount or faster.state != "opening":
                raise _busy() from None
            return faster
    return made


def _open(asked: _Asked, checkout: Checkout) -> str:
    """Ask the provider for the page. A doubt costs nothing: nobody knows its address, and the name makes one page."""
    back = f"{asked.home}/pay/return/{checkout.name}"
    wanted = NewPage(
        checkout.name, f"Invoice {asked.posting.number}", checkout.amount, checkout.currency, back, f"{back}/cancelled",
        checkout.expires_at, asked.book.ledger_id, checkout.invoice,
    )  # fmt: skip
    match asked.checkouts.open(wanted):
        case Opened(page):
            values = {"state": "open", "ident": page.ident, "look_at": utcnow() + FIRST_LOOK}
            with asked.database.session() as session:
                mine = (col(Checkout.id) == checkout.id, col(Checkout.state).in_(UNPAID))
                ours = session.exec(update(Checkout).where(*mine).values(**values)).rowcount == 1
                session.commit()
            if not ours:
                raise _busy()
            return page.url
        case Refused(problem):
            _end(asked, checkout, problem)
            raise NotPayableError("This invoice can’t be paid online.", f"Ask {payee(asked.book)} how to pay.")
        case NotDone(_, _, systemic) if systemic:
            _end(asked, checkout, systemic)
            stripe_keys.heard(asked.database, checkout.book_id, f"{systemic.message} {systemic.remedy}")
            raise ConnectionFailedError(systemic.message, systemic.remedy, systemic=True, code=systemic.code)
        case NotDone() | InDoubt():
            raise _busy()


def _busy() -> NotPayableError:
    return NotPayableError("The page could not be made just now.", "Try again in a minute; nothing was paid.")


# ── coming back ──────────────────────────────────────────────────────────────────────────────────────────────────


def returned(session: Session, name: str) -> tuple[Checkout, Book]:
    """The page that a customer comes back from. Raises NotFoundError."""
    found = session.exec(select(Checkout).where(Checkout.name == name[:20])).first()
    if found is None:
        raise NotFoundError("There is no such page.", "Open the link in the e-mail.")
    return found, session.get_one(Book, found.book_id)


def look_now(database: Database, ident: str) -> int | None:
    """Something has happened at a page: it is looked at soon. Answers the company, None for a page of somebody else's.

    Only a reason to look: what happened is asked for.
    """
    with database.session() as session:
        found = session.exec(select(Checkout).where(Checkout.ident == ident)).first() if ident else None
        if found is None:
            return None
        waits = (col(Checkout.id) == found.id, col(Checkout.state).in_(("open", "under_way")))
        session.exec(update(Checkout).where(*waits).values(look_at=utcnow()))
        session.commit()
        return found.book_id
