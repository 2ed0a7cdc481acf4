"""Once a day: what Stripe knows of the last weeks' payments, and this database does not.

After a database was copied back, pages at which customers paid are taken up again: each carries the ids of its company
and its invoice, so that its row can be made anew; pay_recording then does the rest, and finds by the mark what had been
recorded before. What was given back in Stripe after it was recorded is told.
"""

from __future__ import annotations

import datetime as dt
import logging

from sqlmodel import Session, col, select

from app.connectors.checkouts import Page
from app.connectors.protocols import ConnectionFailedError, Connectors
from app.database import Database
from app.domain.codec import to_json
from app.domain.problems import Problem
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.pay_links import Checkout
from app.models.postings import Posting
from app.services.mapping import wants
from app.services.paying import pay_problems, stripe_keys
from app.services.posting import posting_rows

log = logging.getLogger(__name__)

#: Nobody copies an older database back without looking at the payments.
REACH = dt.timedelta(days=30)


def look(database: Database, connectors: Connectors) -> int:
    """Ask each company's account once; answers how many pages were taken up or told of."""
    with database.reading() as session:
        accounts = stripe_keys.accounts(session)
    found = 0
    for book, keys in accounts:
        try:
            pages = list(connectors.checkouts(keys.key).ended_well(utcnow() - REACH))
        except ConnectionFailedError as error:
            log.warning("Stripe was not asked for payments of %s: %s %s", book.name, error.message, error.remedy)
            continue
        with database.session() as session:
            found += sum(_take(session, book, page) for page in pages if page.name and page.company == book.ledger_id)
            session.commit()
    return found


def _take(session: Session, book: Book, page: Page) -> bool:
    """One that is not known, of an invoice that is; of another one the next day, when it is known again."""
    known = session.exec(select(Checkout).where(Checkout.name == page.name).with_for_update()).first()
    if known is not None and (known.state == "ended" or _was_not_shown(known)):  # given up, by whatever chance
        known.state, known.look_at, known.problem = "open", utcnow(), None
        session.add(known)
        pay_problems.told(session, known)
        return True
    if known is not None:
        return _given_back(session, known, page)
    mine = (Posting.book_id == book.id, Posting.ledger_id == page.invoice, Posting.role == "main")
    query = select(Posting).where(*mine).order_by(col(Posting.id).desc()).options(*posting_rows.BARE)
    posting = session.exec(query).first()
    party = wants.ledger_party(posting.party_key) if posting else ""
    if posting is None or not (page.invoice and party):
        log.warning("Stripe has a payment of an invoice that is not known: %s, %s", page.invoice, page.ident)
        return False
    made = page.made_at or utcnow() - REACH
    live = select(Checkout.id).where(Checkout.posting_id == posting.id, col(Checkout.live))
    row = Checkout(
        book_id=book.id or 0, posting_id=posting.id or 0, name=page.name, ident=page.ident, invoice=page.invoice,
        party_id=party, amount=page.amount, currency=page.currency, state="open",
        live=session.exec(live).first() is None, created_at=made, expires_at=made, look_at=utcnow(),
    )  # fmt: skip
    session.add(row)
    pay_problems.told(session, row)
    return True


def _was_not_shown(row: Checkout) -> bool:
    """The right key has come back."""
    return row.state == "stuck" and (row.problem or {}).get("code") == pay_problems.UNKNOWN


def _given_back(session: Session, row: Checkout, page: Page) -> bool:
    """QuickBooks still counts it: a person must book what went back. Told once; what was settled is left alone."""
    if row.state != "recorded" or not page.refunded:
        return False
    said = f"{page.refunded:,.2f} {page.currency} were given back in Stripe, and QuickBooks still counts the payment."
    problem = Problem(pay_problems.REFUNDED, said, "Book it in QuickBooks, then settle it here.")
    row.state, row.problem = "stuck", to_json(problem)
    session.add(row)
    pay_problems.told(session, row)
    return True
