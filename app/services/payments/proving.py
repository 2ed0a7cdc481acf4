"""Prove: each touched invoice is read once more, and what stands on it must be what the books say.

Where nothing stands beside an invoice and nothing of it was refused, its sum says so, a hundred in one call. Whatever
that leaves open is read payment by payment.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from app.domain.payment_plan import Plan
from app.domain.payments import PsaPayment
from app.domain.problems import Problem
from app.domain.states import SectionKey
from app.models.payments import PaymentEntry, PaymentTarget
from app.services.payments import checking, one_run
from app.services.payments.checking import Sight
from app.services.payments.one_run import CHUNK, Work
from app.services.posting import posting_problems


def prove(work: Work) -> None:
    """Compare every planned invoice of the batch. Raises ConnectionFailedError."""
    work.run.begin(SectionKey.PROVE)
    last = 0
    while not work.run.stopping() and (chunk := _clear(work, last)):
        last = chunk[-1][0]
        _prove_by_sum(work, chunk)
    checking.go_through(work, SectionKey.PROVE, "planned", _prove)


def _clear(work: Work, after: int) -> list[tuple[int, str]]:
    """Planned invoices (id, record) beside which nothing stands, all of whose writes were carried out."""
    open_ = select(PaymentEntry.record).where(
        PaymentEntry.book_id == work.run.book_id, col(PaymentEntry.state).not_in(("done", "gone"))
    )
    with work.run.database.reading() as session:
        query = (
            select(PaymentTarget.id, PaymentTarget.record)
            .where(PaymentTarget.batch_id == work.run.batch_id, PaymentTarget.state == "planned")
            .where(PaymentTarget.severity == "", col(PaymentTarget.books_cents).is_not(None))
            .where(col(PaymentTarget.id) > after, col(PaymentTarget.record).not_in(open_))
        )
        rows = session.exec(query.order_by(col(PaymentTarget.id)).limit(CHUNK)).all()
    return [(ident or 0, record) for ident, record in rows]


def _prove_by_sum(work: Work, chunk: Sequence[tuple[int, str]]) -> None:
    paid = work.psa.paid_on([record for _, record in chunk])
    if not paid:
        return
    with work.run.database.session() as session:
        work.run.hold_on(session)
        query = select(PaymentTarget).where(col(PaymentTarget.id).in_([ident for ident, _ in chunk]))
        for target in session.exec(query):
            if target.record in paid and paid[target.record] * 100 == target.books_cents:
                target.state, target.after_cents = "proved", target.books_cents
                session.add(target)
        work.run.changed(session)


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
