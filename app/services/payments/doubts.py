"""Writes in the PSA of which nobody knows what became: looked up, never resent blindly.

An addition is found by the mark in its reference; where a PSA keeps no reference, by being new, and equal. A change or
a removal shows in the payment itself. Not found counts only when the call cannot be running any more, and twice; then
the identical call goes again. Setting a status twice changes nothing: it is simply set again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum

from sqlalchemy import ColumnElement, func, update
from sqlmodel import Session, col, select

from app.domain.codec import to_json
from app.domain.payment_plan import key_of
from app.domain.payments import PsaPayment
from app.domain.problems import Problem, Severity
from app.models.columns import utcnow
from app.models.payments import PaymentEntry
from app.services.batches import batches
from app.services.payments import one_run
from app.services.payments.one_run import Work

#: The first look comes soon: most answers are lost after the deed.
SOON = 2.0
CHUNK = 50
STUCK = Problem(
    "payment_in_doubt",
    "Nobody knows whether ConnectWise has this payment: several there look like it.",
    "Remove what is too much in ConnectWise, then sync again.",
    Severity.DOUBT,
)
#: Sends without an answer before a person is asked.
MOST_SENDS = 4
UNANSWERED = Problem(
    "payment_unanswered",
    "ConnectWise never said what became of this payment, and does not show it.",
    "Look whether ConnectWise works on that invoice, then sync again.",
    Severity.DOUBT,
)


class Look(Enum):
    """What a look found."""

    THERE = "there"
    ABSENT = "absent"
    UNCLEAR = "unclear"


def recover(work: Work) -> None:
    """Calls that a dead worker left under way are in doubt. Nobody else works on this Book's payments now."""
    with work.run.database.session() as session:
        work.run.hold_on(session)
        mine = (col(PaymentEntry.book_id) == work.run.book_id, col(PaymentEntry.state) == "sending")
        session.exec(update(PaymentEntry).where(*mine).values(state="in_doubt", look_at=utcnow(), absent=0))
        # doubts that a person was asked about: perhaps they were answered in the PSA meanwhile
        asked = (col(PaymentEntry.book_id) == work.run.book_id, col(PaymentEntry.state) == "in_doubt")
        session.exec(
            update(PaymentEntry).where(*asked, col(PaymentEntry.batch_id) != work.run.batch_id)
            .values(batch_id=work.run.batch_id, look_at=utcnow(), absent=0)
        )  # fmt: skip
        session.commit()


def begin(work: Work, row: PaymentEntry, *, ended: bool) -> None:
    """The answer was lost; the caller commits."""
    now, wait = utcnow(), min(SOON, work.run.waits.running / 2)
    row.state, row.absent, row.look_at = "in_doubt", 0, now + dt.timedelta(seconds=wait)
    if ended:
        row.ended_by, row.look_at = now, now


def look(work: Work) -> float | None:
    """Look up what is due; answers the seconds until the next is, None without a doubt."""
    run = work.run
    doubtful = (col(PaymentEntry.batch_id) == run.batch_id, col(PaymentEntry.state) == "in_doubt")
    following = _next(work, *doubtful)
    if following is not None and following <= utcnow():
        with run.database.reading() as session:
            query = select(PaymentEntry).where(*doubtful, col(PaymentEntry.look_at) <= utcnow())
            due = session.exec(query.order_by(col(PaymentEntry.id)).limit(CHUNK)).all()
        _look_up(work, due)
        following = _next(work, *doubtful)
    return None if following is None else max(0.05, (following - utcnow()).total_seconds())


def _next(work: Work, *doubtful: ColumnElement[bool]) -> dt.datetime | None:
    """When the next doubt is looked up."""
    with work.run.database.reading() as session:
        return session.exec(select(func.min(PaymentEntry.look_at)).where(*doubtful)).one()


def _look_up(work: Work, due: Sequence[PaymentEntry]) -> None:
    begun = utcnow()
    records = sorted({row.record for row in due if row.what != "paid"})
    standing = work.psa.payments_on(records) if records else {}
    with work.run.database.session() as session:
        work.run.hold_on(session)
        rows = one_run.entries(session, work.run.book_id, [row.record for row in due])
        for each in due:
            row = session.get_one(PaymentEntry, each.id, populate_existing=True)
            if row.state == "in_doubt":
                taken = {other.psa_id for other in rows.get(row.record, []) if other.id != row.id and other.psa_id}
                _judge(session, work, row, standing.get(row.record, ()), taken, begun)
        batches.touch(session, work.run.batch_id)
        session.commit()


def _judge(
    session: Session, work: Work, row: PaymentEntry, standing: Sequence[PsaPayment], taken: set[str], at: dt.datetime
) -> None:
    """``at`` is when the look began: what it shows is true for then."""
    finding, there = _find(row, standing, taken)
    over = row.ended_by is None or at >= row.ended_by
    session.add(row)
    if finding is Look.THERE:
        row.look_at, row.problem = None, None
        gone = row.verb in ("remove", "unpaid")
        row.state, row.psa_id = ("gone", "") if gone else ("done", there or row.psa_id)
        work.run.log(session, f"Found in ConnectWise: {row.verb} {row.amount:,.2f} ({row.reference or row.record}).")
    elif finding is Look.UNCLEAR:
        row.look_at, row.problem = None, to_json(STUCK)
    elif not over:
        wait = min(5.0, max(work.run.waits.running / 4, 0.05))
        row.look_at = utcnow() + dt.timedelta(seconds=wait)
    else:
        row.absent += 1
        row.look_at = utcnow() + dt.timedelta(seconds=work.run.waits.between)
        if row.sends >= MOST_SENDS:
            row.look_at, row.problem = None, to_json(UNANSWERED)
        elif row.absent >= 2 or row.what == "paid":
            row.state, row.look_at = "ready", None
            work.run.log(session, f"Not in ConnectWise: {row.verb} {row.amount:,.2f} goes again.")


def _find(row: PaymentEntry, standing: Sequence[PsaPayment], taken: set[str]) -> tuple[Look, str]:
    """Whether what the call was to do is done; of an addition also the PSA's id."""
    own = next((each for each in standing if each.payment_id == row.psa_id), None)
    match row.verb:
        case "add":
            return _find_new(row, standing, taken)
        case "change":
            return (
                Look.THERE if own is not None and own.amount == row.amount and own.date == row.date else Look.ABSENT
            ), ""
        case "remove":
            return (Look.THERE if own is None else Look.ABSENT), ""
        case _:
            return Look.ABSENT, ""


def _find_new(row: PaymentEntry, standing: Sequence[PsaPayment], taken: set[str]) -> tuple[Look, str]:
    key = one_run.key_of(row)
    free = [each for each in standing if each.payment_id not in taken]
    marked = [each for each in free if key_of(each.reference, row.record) == key]
    seen = {(ident, Decimal(amount)) for ident, amount in row.seen}
    alike = marked or [
        each
        for each in free
        if not each.reference and (each.payment_id, each.amount) not in seen and each.credit == row.credit
        and each.amount == row.amount and each.date in (None, row.date)
    ]  # fmt: skip
    if len(alike) > 1:
        return Look.UNCLEAR, ""
    return (Look.THERE, alike[0].payment_id) if alike else (Look.ABSENT, "")
