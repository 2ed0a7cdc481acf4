"""A customer's online payment beside the invoice that it pays: a line in its log, and a problem while it is stuck."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete, update
from sqlmodel import Session, col

from app.domain.codec import from_json
from app.domain.problems import Problem
from app.domain.states import SectionKey
from app.models.batches import Batch, LogLine
from app.models.pay_links import Checkout
from app.models.postings import Posting, PostingProblem

OTHER, REFUNDED, GONE = "online_payment_differs", "online_payment_refunded", "online_payment_invoice_gone"
TOO_MUCH, REFUSED, DOUBT = "online_payment_too_much", "online_payment_refused", "online_payment_in_doubt"
CODES = (OTHER, REFUNDED, GONE, TOO_MUCH, REFUSED, DOUBT)
_WORDS = {
    "open": "was found again at Stripe",
    "recorded": "was recorded in QuickBooks",
    "settled": "was settled by a person",
    "stuck": "could not be recorded",
}


def told(session: Session, checkout: Checkout) -> None:
    """Put its state beside the posting; the caller commits."""
    posting, subject = session.get_one(Posting, checkout.posting_id), f"online:{checkout.name}"
    mine = (col(PostingProblem.posting_id) == posting.id, col(PostingProblem.subject) == subject)
    session.exec(delete(PostingProblem).where(*mine))
    if checkout.state == "stuck" and checkout.problem:
        problem = replace(from_json(Problem, checkout.problem), subject=subject)
        session.add(PostingProblem(
            posting_id=posting.id or 0, batch_id=posting.batch_id, code=problem.code, severity=problem.severity,
            message=problem.message, remedy=problem.remedy, subject=subject, field="", technical=problem.technical,
            section=SectionKey.EMAIL,
        ))  # fmt: skip
    if checkout.state in _WORDS:
        text = f"The online payment of {checkout.amount:,.2f} {checkout.currency} {_WORDS[checkout.state]}."
        session.add(LogLine(batch_id=posting.batch_id, posting_id=posting.id, text=text))
    session.exec(update(Batch).where(col(Batch.id) == posting.batch_id).values(rev=Batch.rev + 1))
