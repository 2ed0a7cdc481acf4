"""What people see of customers' online payments, and what they decide about one that could not be recorded."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from app.domain.problems import NotFoundError, ValidationError
from app.models.columns import utcnow
from app.models.pay_links import Checkout
from app.models.postings import Posting
from app.services.paying import pay_problems
from app.services.people import audit
from app.services.posting import posting_rows

PAGE = 50
#: Nobody paid: not worth a row, unless it is about one invoice.
NOTHING = ("opening", "ended")
#: What a person may say of a payment that is stuck.
DECISIONS = ("again", "loose", "settled")


@dataclass(frozen=True, slots=True)
class Row:
    """One payment and its invoice."""

    checkout: Checkout
    posting: Posting


def listing(session: Session, book_id: int, before: int | None = None) -> list[Row]:
    """A company's, newest first, a page of them; goes on before an id."""
    query = (
        select(Checkout, Posting)
        .join(Posting, col(Posting.id) == Checkout.posting_id)
        .where(Checkout.book_id == book_id, col(Checkout.state).not_in(NOTHING))
        .order_by(col(Checkout.id).desc())
        .limit(PAGE)
        .options(*posting_rows.BARE)
    )
    found = session.exec(query.where(col(Checkout.id) < before) if before else query)
    return [Row(checkout, posting) for checkout, posting in found]


def of_posting(session: Session, posting_id: int) -> list[Checkout]:
    """An invoice's, newest first."""
    query = select(Checkout).where(Checkout.posting_id == posting_id, col(Checkout.state) != "opening")
    return list(session.exec(query.order_by(col(Checkout.id).desc())))


def decide(session: Session, book_id: int, ident: int, how: str, by: str) -> Checkout:
    """A person says what becomes of a payment that is stuck; commits, and the caller rings.

    ``again``: record it anew (looked up by our mark first); ``loose``: record it as money that pays nothing yet;
    ``settled``: it was recorded by hand, or given back. Raises ValidationError, NotFoundError.
    """
    row = session.get(Checkout, ident, with_for_update=True)
    if row is None or row.book_id != book_id:
        raise NotFoundError("There is no such payment.", "Look at the list of online payments.")
    if how not in DECISIONS:
        raise ValidationError(f"“{how}” is no decision.", f"Choose {', '.join(DECISIONS)}.")
    if row.state != "stuck":
        raise ValidationError("This payment does not wait for a decision.", "Look at the list again.")
    if how == "settled":
        row.state, row.live, row.ended_at = "settled", False, utcnow()
    else:
        # what is not known to be paid is looked at again first
        row.state, row.look_at, row.loose = "paid" if row.paid_at else "open", utcnow(), row.loose or how == "loose"
        row.generation, row.body, row.request_id = row.generation + 1, "", ""
        row.sends, row.looks, row.absent = 0, 0, 0
    row.problem = None
    session.add(row)
    pay_problems.told(session, row)
    amount = f"{row.amount:,.2f} {row.currency}"
    audit.record(session, by, f"pay.{how}", f"posting:{row.posting_id}", amount=amount, payment=row.payment)
    session.commit()
    return row
