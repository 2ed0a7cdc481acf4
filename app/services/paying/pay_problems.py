"""A customer's online payment beside the invoice that it pays: a line in its log, and a problem while it is stuck.

A fault of our own is counted in its row. It is a problem, too, once it has come ``failures.MOST_FAULTS`` times.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete, update
from sqlmodel import Session, col

from app.domain.codec import from_json
from app.domain.problems import Problem, Severity
from app.domain.states import SectionKey
from app.models.batches import Batch
from app.models.pay_links import Checkout
from app.models.postings import Posting, PostingProblem
from app.services.posting import failures, posting_problems

OTHER, REFUNDED, GONE = "online_payment_differs", "online_payment_refunded", "online_payment_invoice_gone"
TOO_MUCH, REFUSED, DOUBT = "online_payment_too_much", "online_payment_refused", "online_payment_in_doubt"
FAULT, UNKNOWN = "online_payment_fault", "online_payment_unknown"
CODES = (OTHER, REFUNDED, GONE, TOO_MUCH, REFUSED, DOUBT, FAULT, UNKNOWN)
_WORDS = {
    "open": "was found again at Stripe",
    "recorded": "was recorded in QuickBooks",
    "settled": "was settled by a person",
    "stuck": "could not be recorded",
}


def told(session: Session, checkout: Checkout) -> None:
    """Put its state beside the posting, and say it in the log; the caller commits."""
    stand_beside(session, checkout)
    if checkout.state in _WORDS:
        text = f"The online payment of {checkout.amount:,.2f} {checkout.currency} {_WORDS[checkout.state]}."
        posting_problems.say(session, session.get_one(Posting, checkout.posting_id), text)


def stand_beside(session: Session, checkout: Checkout) -> None:
    """Put its problem beside the posting, or take it away; the caller commits."""
    posting, subject = session.get_one(Posting, checkout.posting_id), f"online:{checkout.name}"
    session.exec(update(Batch).where(col(Batch.id) == posting.batch_id).values(rev=Batch.rev + 1))
    mine = (col(PostingProblem.posting_id) == posting.id, col(PostingProblem.subject) == subject)
    session.exec(delete(PostingProblem).where(*mine))
    if checkout.problem and (checkout.state == "stuck" or faults(checkout) >= failures.MOST_FAULTS):
        problem = replace(from_json(Problem, checkout.problem), subject=subject)
        posting_problems.add(session, posting, SectionKey.EMAIL, problem)


def unknown(checkout: Checkout) -> Problem:
    """Its page belongs to another account's key: the money, if any, is there."""
    begun = "A payment was under way at" if checkout.state == "under_way" else "A customer was led to a page of"
    return Problem(
        UNKNOWN, f"{begun} Stripe that the company’s key does not show: nobody knows whether it was paid.",
        "Give the key of the account that had it, then record it again; or look there, then settle it here.",
        Severity.DOUBT,
    )  # fmt: skip


def faults(checkout: Checkout) -> int:
    """Faults of our own, one after the other, that it has met."""
    return int((checkout.problem or {}).get("technical", {}).get("faults", 0))


def fault(checkout: Checkout, error: Exception) -> Problem:
    """One more of them."""
    count, name = faults(checkout) + 1, type(error).__name__
    remedy = "Crossfoot goes on trying. Report it, and look in Stripe whether it was paid."
    if checkout.paid_at:
        remedy = "Report it. Record the payment by hand if QuickBooks does not have it, then settle it here."
    return Problem(
        FAULT, f"{failures.again_and_again(error, count)} with this online payment.", remedy,
        Severity.DOUBT if checkout.sends else Severity.ERROR, technical={"error": name, "faults": count},
    )  # fmt: skip
