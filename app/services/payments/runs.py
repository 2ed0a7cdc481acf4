"""One run of one batch of payments: read the books, check against the PSA, write the difference, prove it.

The lease is that of every batch. Beside it a run needs the turn of its Book: of two batches of payments on one company
the second waits behind the first, and says so.
"""

from __future__ import annotations

import datetime as dt
import threading
from functools import partial

from sqlalchemy import or_, update
from sqlmodel import Session, col, func, select

from app.connectors.payments import TakesPayments, TellsPayments
from app.connectors.protocols import Connectors
from app.database import Database
from app.domain.codec import to_json
from app.domain.problems import CrossfootError, Problem
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.payments import PaymentEntry, PaymentMark, PaymentRun, PaymentTarget
from app.services.batches import approvals, batches
from app.services.payments import checking, doubts, payments, proving, reading, tally, writing
from app.services.payments.one_run import Work
from app.services.posting import copied_back, failures, opening
from app.services.posting.run import Lease, Run, give_back, release_lease, take_lease
from app.settings import Waits

#: Seconds until a batch behind another one asks again.
QUEUE = 3.0
CANNOT = Problem(
    "payments_unknown",
    "These two systems cannot bring payments together: one of them does not tell or take them.",
    "Payments come from QuickBooks Online to ConnectWise PSA.",
)


def run(
    database: Database, connectors: Connectors, batch_id: int, waits: Waits, abandon: threading.Event | None = None
) -> None:
    """Work on the batch until it has ended, is stopped, or waits. Harmless when another run has it."""
    owner = take_lease(database, batch_id, waits)
    if owner is None or not _turn(database, batch_id, owner):
        return
    try:
        work = _work_of(opening.opened(database, connectors, batch_id, owner, waits, abandon))
    except CrossfootError as error:
        _end(database, batch_id, owner, failures.of(error))
        return
    with Lease(work.run):
        _work(work)


# ── whose turn it is ─────────────────────────────────────────────────────────────────────────────────────────────


def _turn(database: Database, batch_id: int, owner: str) -> bool:
    """Take the Book's turn; where another batch has it, wait behind it and say so."""
    with database.session() as session:
        batch = session.get_one(Batch, batch_id)
        over = select(Batch.id).where(or_(col(Batch.ended_at).is_not(None), col(Batch.stopped).is_(True)))
        free = or_(
            col(PaymentMark.batch_id).is_(None), col(PaymentMark.batch_id) == batch_id,
            col(PaymentMark.batch_id).in_(over),
        )  # fmt: skip
        taken = session.exec(
            update(PaymentMark).where(col(PaymentMark.book_id) == batch.book_id, free).values(batch_id=batch_id),
            execution_options={"synchronize_session": False},
        ).rowcount
        if taken == 1:
            if (batch.waiting or {}).get("queue"):
                batch.waiting = None
                session.add(batch)
            session.commit()
            return True
        before = session.exec(
            select(Batch.name)
            .join(PaymentMark, col(PaymentMark.batch_id) == Batch.id)
            .where(PaymentMark.book_id == batch.book_id)
        ).first()
        session.rollback()
    wake = utcnow() + dt.timedelta(seconds=QUEUE)
    reason = f"batch {before or 'before'} of the same company: payments are synced one after the other"
    note = {"reason": reason, "until": wake.isoformat(), "queue": True}
    release_lease(database, batch_id, owner, wake_at=wake, waiting=note)
    return False


def _work_of(current: Run) -> Work:
    """Raises CrossfootError where one of the systems does not know payments."""
    destination, source = current.destination, current.source
    if not isinstance(destination, TellsPayments) or not isinstance(source, TakesPayments):
        raise CrossfootError(CANNOT.message, CANNOT.remedy)
    with current.database.reading() as session:
        batch = session.get_one(Batch, current.batch_id)
        options = payments.options_of(session.get_one(Book, current.book_id))
    return Work(current, destination, source, options, bool(batch.prepared_by) and batch.approval != "used")


# ── the stages ───────────────────────────────────────────────────────────────────────────────────────────────────


def _work(work: Work) -> None:
    """The stages; what ends them early is written down, and the lease given back."""
    outcome = failures.guarded(work.run, partial(_stages, work), partial(_sent, work.run.batch_id), _end)
    if outcome is not None:
        failures.leave(work.run, *outcome, _end)


def _stages(work: Work) -> float | None:
    """Answers when to come back, None when everything is done or somebody asked to stop."""
    if (later := copied_back.wait(work.run, writing.PATIENCE)) is not None:
        return later
    if work.run.mode != "dry":
        doubts.recover(work)
        reading.begin_anew(work)
        if writing.anything(work):  # what an earlier run planned, or left in doubt, comes first
            wake = writing.write(work)
            if wake is not None or work.run.stopping():
                return wake
    reading.read(work)
    checking.check(work)
    if work.run.mode == "dry" or work.run.stopping() or not _approved(work):
        return None
    wake = writing.write(work)
    if wake is None and not work.run.stopping():
        proving.prove(work)
    return wake


def _approved(work: Work) -> bool:
    """Whether what was planned may be written; where another person must say so first, the batch waits from now on."""
    if not work.gated or not writing.anything(work):
        return True
    with work.run.database.session() as session:
        work.run.hold_on(session)
        batch = session.get_one(Batch, work.run.batch_id)
        if batch.approval:
            work.gated = not approvals.stands(session, batch, writing=True)
            work.run.gated = work.run.gated and work.gated
            return not work.gated
        approvals.ask(batch, by=batch.by)
        session.add(batch)
        work.run.log(session, "It waits for another person’s approval.")
        work.run.changed(session)
    return False


def _sent(batch_id: int, session: Session) -> tuple[bool, dt.datetime | None]:
    """Whether anything was written, and when last."""
    last = session.exec(select(func.max(PaymentEntry.sent_at)).where(PaymentEntry.batch_id == batch_id)).one()
    return last is not None, last


def _end(database: Database, batch_id: int, owner: str, failure: Problem | None) -> None:
    """The run is over: ended, or stopped because somebody asked. The Book's turn is given on.

    Where a person resumed it after it was asked to stop, another run follows instead.
    """
    with database.session() as session:
        batch = session.get_one(Batch, batch_id, with_for_update=True)
        if batch.lease_owner != owner:
            return  # a frozen worker: another one has the batch, and the Book's turn with it
        stopped = batch.stop_asked and failure is None and _unfinished(session, batch)
        values = {"ended_at": None if stopped else utcnow(), "stopped": stopped, "stop_asked": False, "waiting": None,
                  "failure": to_json(failure) if failure else None}  # fmt: skip
        waits = batch.approval == "wanted" or batch.wake_at is not None
        goes_on = waits and failure is None and not stopped
        if goes_on:
            values = {"waiting": None}
        else:
            text = f"Failed: {failure.message}" if failure else "Stopped." if stopped else "Ended."
            batches.log(session, batch_id, text)
        if not goes_on and not stopped:
            row = session.get_one(PaymentRun, batch_id)
            row.written = tally.count_written(session, batch_id)
            session.add(row)
        session.exec(update(PaymentMark).where(col(PaymentMark.batch_id) == batch_id).values(batch_id=None))
        give_back(session, batch_id, owner, **values)
        session.commit()


def _unfinished(session: Session, batch: Batch) -> bool:
    left = ("open",) if batch.mode == "dry" else ("open", "planned")
    query = select(PaymentTarget.id).where(PaymentTarget.batch_id == batch.id, col(PaymentTarget.state).in_(left))
    return session.exec(query.limit(1)).first() is not None or batch.started_at is None
