"""One run of one batch, from the first section to the last: the way from the button to the vendor.

A run holds a lease on the batch. Whatever dies, the next run finds every fact in rows: what was sent and not answered
is in doubt, what is in doubt is looked up, what is done is done.
"""

from __future__ import annotations

import datetime as dt
import threading
from functools import partial

from sqlmodel import Session, col, func, select

from app.connectors.protocols import Connectors
from app.database import Database
from app.domain.codec import to_json
from app.domain.problems import CrossfootError, Problem
from app.domain.states import IN_BOOKS, PostingState, SectionKey
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Call, Posting
from app.services.batches import afterwards, approvals, batches, queueing, telling
from app.services.mail import mailing
from app.services.payments import payments
from app.services.payments import runs as payment_runs
from app.services.posting import (
    all_or_nothing,
    attaching,
    beside,
    checking,
    closing,
    copied_back,
    creating,
    doubts,
    failures,
    item_accounts,
    opening,
    proving,
    reading,
    sending,
    settling,
    undoing,
)
from app.services.posting.run import Lanes, Lease, Run, free, give_back, release_lease, take_lease
from app.settings import Waits

#: With nothing to do for longer than this, the worker is given back; the sweep rings when it is time.
PATIENCE = 25.0
#: No batch sleeps for longer than this: the moment is of a clock that was wrong.
LONGEST = dt.timedelta(hours=1)


def run(
    database: Database,
    connectors: Connectors,
    batch_id: int,
    waits: Waits,
    abandon: threading.Event | None = None,
) -> None:
    """Work on a batch until it has ended, is stopped, or waits for something. Harmless when another run has it."""
    if _kind(database, batch_id) == payments.KIND:
        payment_runs.run(database, connectors, batch_id, waits, abandon)
        return
    owner = take_lease(database, batch_id, waits)
    if owner is None:
        return
    try:
        current = opening.opened(database, connectors, batch_id, owner, waits, abandon)
    except CrossfootError as error:
        _end(database, batch_id, owner, failures.of(error))
        return
    with Lease(current):
        _work(current)


def _kind(database: Database, batch_id: int) -> str:
    with database.reading() as session:
        return session.get_one(Batch, batch_id).kind


# ── the stages ───────────────────────────────────────────────────────────────────────────────────────────────────


def _work(run: Run) -> None:
    """The stages; what ends them early is written down, and the lease given back (``failures``)."""
    outcome = failures.guarded(run, partial(_stages, run), partial(_sent, run.batch_id), _end, settling.let_go)
    if outcome is not None:
        _leave(run, *outcome)


def _stages(run: Run) -> float | None:
    """In their order, after what an earlier run left behind; answers when to come back, None if done."""
    doubts.recover(run)
    closing.recover(run)
    wake = copied_back.wait(run, PATIENCE)
    if wake is not None:
        return wake
    return _finish_only(run) if run.gated or not _approved(run) else _go_through(run)


def _go_through(run: Run) -> float | None:
    """Every stage; what was approved is compared once more before anything is written."""
    all_or_nothing.release(run)
    beside.wake(run)
    reading.read(run)
    checking.check(run)
    if run.mode == "dry" or not _approved(run, writing=not run.stopping()):
        return None
    return _write(run)


def _approved(run: Run, *, writing: bool = False) -> bool:
    with run.database.session() as session:
        run.hold_on(session)
        return approvals.stands(session, session.get_one(Batch, run.batch_id), writing=writing)


def _finish_only(run: Run) -> float | None:
    """The batch waits for approval: what is on its way is looked up, what is being undone is undone, nothing begins."""
    if not run.gated:
        return None
    wake = doubts.look(run)
    closing.look(run)
    later = undoing.work(run)
    return later if wake is None else min(wake, later or wake)


def _write(run: Run) -> float | None:
    """Everything that changes the books or the PSA, and the proof of it; answers when to come back, None if done."""
    with Lanes(documents=run.destination.lanes, closing=run.source.lanes) as lanes:
        if not all_or_nothing.hold_back(run):
            creating.create(run, lanes)
            if (wait := item_accounts.change(run)) is not None:
                return wait
            all_or_nothing.hold_back(run)  # what could not be created holds its documents
        wake = _post_and_close(run, lanes)
        if wake is None and not run.stopping():
            beside.rest(run)
    later = undoing.work(run)
    wake = later if wake is None else min(wake, later or wake)
    if wake is None and not run.stopping():
        wake = attaching.work(run)
    if wake is None and not run.stopping():
        mailing.plan(run)
        proving.prove(run)
    return wake


def _post_and_close(run: Run, lanes: Lanes) -> float | None:
    """Documents and their closing side by side, doubts between them.

    None when there is nothing left to do; otherwise the seconds until the next doubt is looked up.
    """
    if not _anything(run):
        return None
    run.begin(SectionKey.DOCUMENTS)
    run.begin(SectionKey.CLOSE)
    while True:
        stopping = run.stopping()
        pauses = [] if stopping else _step(run, lanes)
        due = [pause for pause in pauses if pause is not None]
        if not lanes.busy and (not due or stopping):
            break
        if not lanes.busy and min(due) > PATIENCE and not _throttled(run):
            return min(due)
        lanes.settle(max(0.05, min([*due, 1.0]) if due and min(due) > 0 else 1.0))
        if not lanes.busy and due:
            run.lost.wait(min([*due, 0.5]))
    if not run.stopping():
        run.end(SectionKey.DOCUMENTS)
        run.end(SectionKey.CLOSE)
    return None


def _step(run: Run, lanes: Lanes) -> list[float | None]:
    """Look first, then begin: what a look finds is closed in the same round."""
    looked = doubts.look(run)
    closing.look(run)
    return [looked, sending.start(run, lanes), closing.start(run, lanes)]


def _throttled(run: Run) -> bool:
    with run.database.reading() as session:
        return session.get_one(Batch, run.batch_id).waiting is not None


def _anything(run: Run) -> bool:
    """True when a posting is ready to send, on its way, or posted and not closed."""
    moving = (PostingState.READY, PostingState.SENDING, PostingState.IN_DOUBT, PostingState.POSTED)
    with run.database.reading() as session:
        query = select(Posting.id).where(Posting.batch_id == run.batch_id)
        kept = (col(Posting.state) == PostingState.SKIPPED) & col(Posting.keep).is_(True)
        return session.exec(query.where(col(Posting.state).in_(moving) | kept)).first() is not None


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _sent(batch_id: int, session: Session) -> tuple[bool, dt.datetime | None]:
    """Whether anything was written, and when last."""
    last = session.exec(select(func.max(Call.sent_at)).where(Call.batch_id == batch_id)).one()
    return wrote_something(session, batch_id), last


def _leave(run: Run, failure: Problem | None, wake: float | None) -> None:
    """Where it waits for approval, only who gives it, or a doubt (``wake``), brings the next run."""
    approval = _approval(run)
    if run.gated and approval not in approvals.WAITING:
        wake = 0.0  # approved meanwhile: the next run begins what this one did not
    if approval == "wanted" and failure is None and not run.asked_to_stop():
        release_lease(run.database, run.batch_id, run.owner, waiting=None, wake_at=failures.soon(wake))
    else:
        failures.leave(run, failure, wake, _end)


def _approval(run: Run) -> str:
    with run.database.reading() as session:
        return session.get_one(Batch, run.batch_id).approval


def _end(database: Database, batch_id: int, owner: str, failure: Problem | None) -> None:
    """The run is over: ended, or stopped because somebody asked. A batch that wrote nothing gives its name back.

    Where something was let go again meanwhile, another run follows instead. Whoever lets something go locks the batch
    too (``batches.go_on``), so it is seen here, or sees that the batch has ended.
    """
    with database.session() as session:
        batch = session.get_one(Batch, batch_id, with_for_update=True)
        if batch.lease_owner != owner:
            return  # a frozen worker: another one has the batch
        stopped = batch.stop_asked and failure is None and _unfinished(session, batch_id)
        follows = batch.wake_at is not None and failure is None and not stopped
        values = {
            "ended_at": None if stopped else utcnow(),
            "stopped": stopped,
            "stop_asked": False,
            "waiting": None,
            "failure": to_json(failure) if failure else None,
        }
        if not stopped and not wrote_something(session, batch_id):
            values["name_key"] = None
        if not follows:
            text = f"Failed: {failure.message}" if failure else "Stopped." if stopped else "Ended."
            batches.log(session, batch_id, text)
        give_back(session, batch_id, owner, **({} if follows else values))
        session.commit()
    telling.batch_ended(database, batch_id)


def _unfinished(session: Session, batch_id: int) -> bool:
    moving = (
        PostingState.READY, PostingState.SENDING, PostingState.IN_DOUBT, PostingState.POSTED, PostingState.UNDOING
    )  # fmt: skip
    query = select(Posting.id).where(Posting.batch_id == batch_id, col(Posting.needs_person).is_(False))
    moves = session.exec(query.where(col(Posting.state).in_(moving))).first() is not None
    return moves or afterwards.unfinished(session, batch_id)


def wrote_something(session: Session, batch_id: int) -> bool:
    """True when the batch has, or may have, put anything into the books or the PSA."""
    states = (*IN_BOOKS, PostingState.CLEARED, PostingState.UNDONE, PostingState.IN_DOUBT, PostingState.SENDING)
    query = select(func.count()).select_from(Posting).where(Posting.batch_id == batch_id)
    calls = select(func.count()).select_from(Call).where(Call.batch_id == batch_id)
    closed = col(Posting.closing) == "done"
    written = session.exec(query.where(col(Posting.state).in_(states) | closed)).one()
    unsure = session.exec(calls.where(col(Call.state).in_(("open", "paused", "in_doubt")))).one()
    return bool(written or unsure)


# ── for the sweep ────────────────────────────────────────────────────────────────────────────────────────────────


def due(database: Database) -> list[int]:
    """Batches that some worker should be working on and none is: what the sweep rings for."""
    now = utcnow()
    with database.reading() as session:
        query = select(Batch.id).where(
            col(Batch.ended_at).is_(None),
            col(Batch.stopped).is_(False),
            ~approvals.at_rest(),
            free(now),
            (col(Batch.wake_at).is_(None)) | (col(Batch.wake_at) <= now) | (col(Batch.wake_at) > now + LONGEST),
            ~queueing.blocked(now),
        )
        return [ident for ident in session.exec(query.order_by(col(Batch.id))) if ident is not None]
