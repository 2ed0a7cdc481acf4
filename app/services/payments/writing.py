"""Payments: the writes in the PSA. Intent before act, three outcomes, one call at a time on an invoice.

What gives back goes first: a credit memo that is applied to one invoice can't be applied to another before it is free.
The status of an invoice comes last, once everything that was planned for it stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import select as columns
from sqlalchemy import update
from sqlmodel import Session, col, select

from app.connectors.payments import NewPayment, PaymentOutcome, PaymentWritten
from app.connectors.protocols import Slot
from app.domain.codec import to_json
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem
from app.domain.states import SectionKey
from app.models.columns import utcnow
from app.models.payments import PaymentEntry, PaymentTarget
from app.services.batches import approvals, batches
from app.services.payments import doubts
from app.services.payments.one_run import Work
from app.services.posting import copied_back, slots
from app.services.posting.run import Lanes, SystemicError

#: With nothing to do for longer than this, the worker is given back; the sweep rings when it is time.
PATIENCE = 25.0
#: Seconds within which answers are written down together. The limit a minute leaves the lanes so much room.
GATHER = 0.35
#: Entries looked at for those that may go now.
CHUNK = 60
#: Whose turn it is: givers back first; then what adds; the invoices' status when nothing else is open.
TURNS: tuple[tuple[Any, ...], ...] = (
    (col(PaymentEntry.back).is_(True), col(PaymentEntry.what) != "paid"),
    (col(PaymentEntry.what) != "paid",),
)
#: One that the PSA does not carry out so often in a row is a person's.
MOST_SENDS = 8
ONE_ONLY = Problem(
    "one_payment_only",
    "ConnectWise put this payment in the place of another: it keeps only one on an invoice.",
    "Choose one payment per invoice under Settings ▸ QuickBooks companies ▸ Payments, then sync again.",
)


def write(work: Work) -> float | None:
    """Carry out what was planned; answers the seconds until a doubt is looked up, None when nothing is left.

    Before another person has approved it, only doubts are looked up.
    """
    if not work.gated:
        work.run.begin(SectionKey.DOCUMENTS)
    lanes, work.turns_over = Lanes(payments=work.run.source.lanes), 0
    try:
        with lanes:
            wake = _loop(work, lanes)
    finally:
        write_down(work)
    if wake is None and not work.gated and not work.run.stopping():
        work.run.end(SectionKey.DOCUMENTS)
    return wake


def _loop(work: Work, lanes: Lanes) -> float | None:
    while True:
        stopping = work.run.stopping()
        pauses = [] if stopping else [doubts.look(work), None if work.gated else _start(work, lanes)]
        due = [pause for pause in pauses if pause is not None]
        if not lanes.busy and (not due or stopping):
            return None
        if not lanes.busy and min(due) > PATIENCE:
            return min(due)
        lanes.settle(max(GATHER if lanes.busy else 0.02, min([*due, 1.0])), GATHER)
        write_down(work)
        if not lanes.busy and due and min(due) > 0:
            work.run.lost.wait(min([*due, 0.5]))


def anything(work: Work) -> bool:
    """Whether the batch has something to write, or to look up."""
    with work.run.database.reading() as session:
        query = select(PaymentEntry.id).where(
            PaymentEntry.batch_id == work.run.batch_id,
            (col(PaymentEntry.state) == "ready") | approvals.payments_under_way(),
        )
        return session.exec(query.limit(1)).first() is not None


def _start(work: Work, lanes: Lanes) -> float | None:
    """Begin what may begin: 0 as long as something is under way, seconds until something is due, None for nothing."""
    while lanes.free("payments"):
        due, later = _due(work, lanes)
        if not due:
            return 0 if lanes.busy else later
        begun, wait = slots.begin(due, work.psa.reserve, partial(_intend, work), partial(_go, work, lanes))
        if wait is not None:
            work.run.wait_note(wait.reason, wait.seconds)
            return wait.seconds
        work.run.wait_note("", 0)
        if not begun:
            return 0.1
    return 0


def _due(work: Work, lanes: Lanes) -> tuple[list[PaymentEntry], float | None]:
    """Entries whose turn it is, none of an invoice or memo with a call under way; else when to look again."""
    flying = {thing for things in work.flying.values() for thing in things}
    with work.run.database.reading() as session:
        turn = _turn(session, work)
        what = columns(
            col(PaymentEntry.id), col(PaymentEntry.record), col(PaymentEntry.credit), col(PaymentEntry.look_at)
        )
        ready = what.where(col(PaymentEntry.batch_id) == work.run.batch_id, col(PaymentEntry.state) == "ready", *turn)
        rows = session.execute(ready.order_by(col(PaymentEntry.id)).limit(CHUNK + len(flying))).all()
        chosen, now, waits = list[int](), utcnow(), list[float]()
        for ident, record, credit, look_at in rows:
            if look_at is not None and look_at > now:
                waits.append((look_at - now).total_seconds())
            elif not _things(record, credit) & flying and len(chosen) < lanes.room("payments"):
                chosen.append(ident)
                flying |= _things(record, credit)
        due = select(PaymentEntry).where(col(PaymentEntry.id).in_(chosen)).order_by(col(PaymentEntry.id))
        entries = list(session.exec(due)) if chosen else []
    return entries, (max(0.05, min(waits)) if waits else None)


def _things(record: str, credit: str) -> set[str]:
    return {record, f"credit:{credit}"} if credit else {record}


def _turn(session: Session, work: Work) -> tuple[Any, ...]:
    """SQL: whose turn it is. One that is over does not come back: nothing new is planned while a run writes."""
    open_ = select(PaymentEntry.id).where(
        PaymentEntry.batch_id == work.run.batch_id,
        col(PaymentEntry.state).in_(("ready", "sending", "in_doubt")),  # the index; what is done is not gone through
        (col(PaymentEntry.state) == "ready") | approvals.payments_under_way(),
    )
    for turn in TURNS[work.turns_over :]:
        if session.exec(open_.where(*turn).limit(1)).first() is not None:
            return turn
        work.turns_over += 1
    spoiled = select(PaymentEntry.record).where(
        PaymentEntry.batch_id == work.run.batch_id, col(PaymentEntry.state).in_(("refused", "in_doubt"))
    )
    return (col(PaymentEntry.record).not_in(spoiled),)


def _intend(work: Work, due: Sequence[PaymentEntry]) -> list[PaymentEntry]:
    """Commit the intents; answers those that are ours now, each with the moment by which its answer is known."""
    now, wanted = utcnow(), [row.id for row in due]
    with work.run.database.session() as session:
        ours = session.exec(
            update(PaymentEntry)
            .where(col(PaymentEntry.id).in_(wanted), col(PaymentEntry.state) == "ready", work.run.still_ours())
            .values(
                state="sending", sends=PaymentEntry.sends + 1, sent_at=now, look_at=None,
                ended_by=now + dt.timedelta(seconds=work.run.waits.running),
            )
        ).rowcount  # fmt: skip
        claimed = set(wanted)
        if ours != len(wanted):
            mine = (col(PaymentEntry.id).in_(wanted), PaymentEntry.state == "sending", PaymentEntry.sent_at == now)
            claimed = set(session.exec(select(PaymentEntry.id).where(*mine)))
        copied_back.note(session, now)
        session.commit()
    copied_back.keep(work.run.database, now)
    begun = [row for row in due if row.id in claimed]
    for row in begun:
        row.sent_at = now
    return begun


def _go(work: Work, lanes: Lanes, row: PaymentEntry, slot: Slot) -> None:
    ident, at = row.id or 0, row.sent_at or utcnow()
    work.flying[ident] = _things(row.record, row.credit)

    def then(outcome: PaymentOutcome) -> None:
        work.flying.pop(ident, None)
        work.answers.append((ident, at, outcome))

    lanes.go("payments", lambda: _call(work, row, slot), then)


def _call(work: Work, row: PaymentEntry, slot: Slot) -> PaymentOutcome:
    """The one request. Only what the row says: the same bytes whenever it is repeated."""
    psa = work.psa
    match row.verb:
        case "add":
            return psa.add_payment(row.record, _new(row), slot)
        case "change":
            return psa.change_payment(row.record, row.psa_id, _new(row), slot)
        case "remove":
            return psa.remove_payment(row.record, row.psa_id, slot)
        case _:
            return psa.set_paid(row.record, row.status, slot)


def _new(row: PaymentEntry) -> NewPayment:
    return NewPayment(row.amount, row.date or utcnow().date(), row.reference, row.credit)


# ── what became of it ────────────────────────────────────────────────────────────────────────────────────────────


def write_down(work: Work) -> None:
    """Every answer that has come, in one commit. Raises SystemicError where no other call will fare better."""
    if not work.answers:
        return
    answers, work.answers = work.answers, []
    systemic: Problem | None = None
    with work.run.database.session() as session:
        rows = _rows(session, [ident for ident, _, _ in answers])
        taken = _taken(session, list(rows.values()))
        for ident, at, outcome in answers:
            settle(session, work, rows[ident], outcome, taken, at)
            systemic = systemic or (outcome.systemic if isinstance(outcome, NotDone) else None)
        batches.touch(session, work.run.batch_id)
        session.commit()
    if systemic:
        raise SystemicError(systemic)


def _rows(session: Session, idents: list[int]) -> dict[int, PaymentEntry]:
    query = select(PaymentEntry).where(col(PaymentEntry.id).in_(idents)).with_for_update()
    return {row.id or 0: row for row in session.exec(query)}


#: (record, the PSA's id, money or credit) → the entry that it is.
Taken = dict[tuple[str, str, str], int]


def _taken(session: Session, rows: list[PaymentEntry]) -> Taken:
    """Which of the PSA's ids are entries of ours already, on the invoices of these rows."""
    query = select(PaymentEntry.record, PaymentEntry.psa_id, PaymentEntry.what, PaymentEntry.id).where(
        PaymentEntry.psa_id != "",
        col(PaymentEntry.book_id).in_({row.book_id for row in rows}),
        col(PaymentEntry.record).in_({row.record for row in rows}),
    )
    return {(record, psa_id, what): ident or 0 for record, psa_id, what, ident in session.exec(query)}


def settle(
    session: Session, work: Work, row: PaymentEntry, outcome: PaymentOutcome, taken: Taken, at: dt.datetime
) -> None:
    """One entry by its answer to the send of that moment; the caller commits.

    Also a late success is written down, even where the same write was given up meanwhile and is to go again.
    """
    same = row.sent_at == at
    given_up = same and row.state == "ready" and row.sends > 0
    match outcome:
        case PaymentWritten(payment_id) if row.state in ("sending", "in_doubt") or given_up:
            done(row, payment_id, taken)
        case _ if row.state != "sending" or not same:
            return  # a frozen worker's late answer: somebody else has looked it up since, and perhaps sent it again
        case Refused(problem):
            row.state, row.problem = "refused", to_json(problem)
            _say(session, work, row, f"ConnectWise refused: {problem.message}")
        case NotDone(reason, wait):
            row.state, row.look_at = "ready", utcnow() + dt.timedelta(seconds=max(wait, 0.05))
            if row.sends >= MOST_SENDS and not outcome.systemic:
                problem = Problem("not_taken", f"ConnectWise does not take it: {reason}", "Sync again later.")
                row.state, row.problem = "refused", to_json(problem)
        case InDoubt(reason, ended):
            doubts.begin(work, row, ended=ended)
            _say(session, work, row, f"It is in doubt: {reason}")
    session.add(row)


def done(row: PaymentEntry, payment_id: str, taken: Taken) -> None:
    """It stands (or is gone, or is set). A PSA that answers with another entry of ours has overwritten that one."""
    row.look_at, row.problem = None, None
    if row.verb in ("remove", "unpaid"):
        row.state, row.psa_id = "gone", ""
    elif row.verb == "add" and taken.get((row.record, payment_id, row.what), row.id) != row.id:
        row.state, row.problem = "refused", to_json(ONE_ONLY)
    else:
        row.state, row.psa_id = "done", payment_id or row.psa_id
        taken[row.record, row.psa_id, row.what] = row.id or 0


def _say(session: Session, work: Work, row: PaymentEntry, text: str) -> None:
    number = session.exec(select(PaymentTarget.number).where(PaymentTarget.posting_id == row.posting_id)).first()
    work.run.log(session, f"{number or row.record}, {row.verb} {row.amount:,.2f}. {text}")
