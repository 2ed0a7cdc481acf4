"""Prove: each touched invoice is read once more, and what stands on it must be what the books say."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from app.domain.payment_plan import Plan
from app.domain.payments import PsaPayment
from app.domain.problems import Problem
from app.domain.states import SectionKey
from app.models.payments import PaymentTarget
from app.services.payments import checking, one_run
from app.services.payments.checking import Sight
from app.services.payments.one_run import Work
from app.services.posting import posting_problems


def prove(work: Work) -> None:
    """Compare every planned invoice of the batch. Raises ConnectionFailedError."""
    checking.go_through(work, SectionKey.PROVE, "planned", _prove)


def _prove(
    session: Session, work: Work, target: PaymentTarget, view: Sight, standing: Sequence[PsaPayment] | None
) -> None:
    target.state = "proved"
    session.add(target)
    if standing is None:
        one_run.say(target, checking.NOT_THERE)
        return
    rows = view.rows.get(target.record, [])
    now = view.plan(work, target, standing)
    found = checking.problems(now, rows)
    refused = [posting_problems.from_json(row.problem) for row in rows if row.state == "refused" and row.problem]
    if now.steps and not refused:
        refused = [_differs(now)]
    target.after_cents, target.books_cents = int(now.before * 100), int(now.books * 100)
    one_run.say(target, *refused, *found)


def _differs(now: Plan) -> Problem:
    return Problem(
        "payments_differ",
        f"ConnectWise shows {now.before:,.2f} as paid, QuickBooks {now.books:,.2f}.",
        "Look at the invoice in both; if nobody is at work on it, sync again.",
    )
