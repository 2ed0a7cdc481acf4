"""Documents: intent first, then the call, then its outcome. Nothing here sends anything twice.

The order for one call: the throttle's slot is granted; the postings go from ready to sending by a conditional UPDATE
and the call row with its exact bytes is committed; then, within the slot's 20 seconds, the first byte leaves.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, update
from sqlmodel import Session, col, select

from app.connectors.protocols import OutgoingCall, Slot, Wait
from app.domain.documents import DocumentKind
from app.domain.states import PostingState
from app.models.columns import utcnow
from app.models.postings import Call, CallMember, Posting
from app.services.posting import copied_back, picking, posting_rows, settling
from app.services.posting.picking import Ready
from app.services.posting.run import Lanes, LeaseLostError, Run

#: An UPDATE in a session that holds none of its rows needs not look for them there.
NOT_LOADED = {"synchronize_session": False}
#: The throttle is asked again after this many seconds at most: a penalty may be lifted.
LOOK_AGAIN = 1.0
#: Behind another batch's call a worker waits so long; then it is given back, for longer than a run is patient.
BEHIND_OTHERS, COME_BACK = 20.0, 30.0


def start(run: Run, lanes: Lanes) -> float | None:
    """Send what can be sent while lanes are free.

    Answers the seconds after which it makes sense to come back, 0 for "as soon as an answer is in"; None when
    there is nothing (left) to send. Raises SystemicError, LeaseLostError.
    """
    while lanes.free("documents"):
        paused = _paused(run)
        if (pause := _pause(run, paused)) is not None:
            return pause
        ready = [] if paused else picking.pick(run)
        if not paused and not ready:
            return 0 if lanes.busy else _behind_others(run)
        if ready and _waits_for_more(run, lanes, ready):
            return 0
        if (pause := _begin(run, lanes, paused, ready)) is not None:
            return pause
    return 0


def _begin(run: Run, lanes: Lanes, paused: Call | None, ready: Sequence[Ready]) -> float | None:
    """Slot, intent, call: the ``paused`` one again, or one of the ``ready``; else seconds until another try."""
    slot = run.destination.reserve(len(paused.kinds) if paused else len(ready))
    if isinstance(slot, Wait):
        run.wait_note(slot.reason, slot.seconds)
        run.send_from = time.monotonic() + min(slot.seconds, LOOK_AGAIN)
        return slot.seconds
    run.wait_note("", 0)
    run.behind_since = None
    try:
        call = _again(run, paused) if paused else _intend(run, ready)
    except BaseException:
        slot.release(sent=False)
        raise
    if call is None:
        slot.release(sent=False)
        return 0.1  # a customer is under way elsewhere, a stop was asked for, or the lease is gone: look again
    _go(run, lanes, call, slot)
    return None


def _go(run: Run, lanes: Lanes, call: Call, slot: Slot) -> None:
    outgoing = OutgoingCall(
        call.request_id, call.target, call.body, tuple(call.item_ids), tuple(DocumentKind(k) for k in call.kinds)
    )
    ident, sends = call.id or 0, call.sends
    lanes.go(
        "documents",
        lambda: run.destination.send(outgoing, slot),
        lambda outcomes: settling.settle(run, ident, sends, outcomes),
    )


# ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _pause(run: Run, paused: Call | None) -> float | None:
    """Seconds until a call may be made: one that was not carried out has its moment, and the throttle has its own."""
    if paused and paused.due_at and paused.due_at > utcnow():
        seconds = max(0.1, (paused.due_at - utcnow()).total_seconds())
        run.wait_note("QuickBooks’ limit", seconds)
        return min(seconds, 1.0)
    left = run.send_from - time.monotonic()
    return left if left > 0 else None


def _behind_others(run: Run) -> float | None:
    """Seconds to wait for another batch that has the same customers under way; None where nothing waits.

    Its call ends within seconds, or is in doubt for minutes and may need this very worker to be looked up.
    """
    with run.database.reading() as session:
        later = func.count(col(Posting.send_at)), func.min(Posting.send_at)
        ready = select(func.count(), *later).where(Posting.batch_id == run.batch_id, *picking.checked())
        count, timed, first = session.exec(ready).one()
    if not count:
        run.behind_since = None
        return None
    if first and timed == count and (left := (first - utcnow()).total_seconds()) > 0:
        run.wait_note("QuickBooks works on the same records", left)
        return max(0.1, left)
    now = time.monotonic()
    run.behind_since = run.behind_since or now
    return LOOK_AGAIN if now - run.behind_since < BEHIND_OTHERS else COME_BACK


def _waits_for_more(run: Run, lanes: Lanes, ready: Sequence[Ready]) -> bool:
    """Whether others wait only for answers to calls of our own: the last calls go full then, and are fewer."""
    if len(ready) >= run.size or lanes.room("documents") >= run.destination.lanes:
        return False
    other = picking.OTHER
    flying = select(other.party_key).where(other.batch_id == run.batch_id, other.state == PostingState.SENDING)
    waiting = select(Posting.id).where(Posting.batch_id == run.batch_id, *picking.sendable())
    with run.database.reading() as session:
        return session.exec(waiting.where(col(Posting.party_key).in_(flying)).limit(1)).first() is not None


def _paused(run: Run) -> Call | None:
    """A call that was provably not executed, or whose doubt ended with "absent": it goes again to the byte."""
    with run.database.reading() as session:
        query = select(Call).where(Call.batch_id == run.batch_id, Call.state == "paused")
        return session.exec(query.order_by(col(Call.due_at), col(Call.id)).limit(1)).first()


# ── intent ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _intend(run: Run, ready: Sequence[Ready]) -> Call | None:
    """Commit the intent. None when another run was first for some of them, or the lease is gone: pick anew."""
    request_id = secrets.token_hex(16)
    outgoing = run.destination.compose([item.body for item in ready], request_id)
    now = utcnow()
    idents = [item.posting.id or 0 for item in ready]
    with run.database.session() as session:
        run.hold_on(session)
        if not all(_claimed(session, run, item, idents) for item in ready):
            session.rollback()
            _why_not(run)
            _rekey(run, ready)
            return None
        call = Call(
            book_id=run.book_id, batch_id=run.batch_id, request_id=request_id, target=outgoing.target,
            body=outgoing.body, item_ids=list(outgoing.item_ids), kinds=[str(kind) for kind in outgoing.kinds],
            sent_at=now, ended_by=now + dt.timedelta(seconds=run.waits.running),
        )  # fmt: skip
        _store(session, call, ready)
        copied_back.note(session, now)
        run.changed(session, *posting_rows.of(session, idents, posting_rows.BARE).values())
    copied_back.keep(run.database, now)
    return call


def _claimed(session: Session, run: Run, item: Ready, together: Sequence[int]) -> bool:
    """From ready to sending, while it is what was translated and the batch is ours."""
    claim = (
        update(Posting)
        .where(col(Posting.id) == item.posting.id, col(Posting.state) == PostingState.READY)
        .where(col(Posting.generation) == item.posting.generation, run.still_ours())
        .where(_not_flying(run, item, together))
        .values(state=PostingState.SENDING, attempt=Posting.attempt + 1, party_key=item.party)
    )
    return session.exec(claim, execution_options=NOT_LOADED).rowcount == 1


def _store(session: Session, call: Call, ready: Sequence[Ready]) -> None:
    """The call and its members, in their order."""
    session.add(call)
    session.flush()
    session.add_all(
        CallMember(
            call_id=call.id or 0, posting_id=item.posting.id or 0, place=place, generation=item.posting.generation
        )
        for place, item in enumerate(ready)
    )


def _not_flying(run: Run, item: Ready, together: Sequence[int]) -> ColumnElement[bool]:
    """No other call has a document of this customer under way."""
    other = picking.OTHER
    flying = select(other.id).where(
        other.book_id == run.book_id,
        other.party_key == item.party,
        other.state == PostingState.SENDING,
        col(other.id).not_in(together),
    )
    return ~flying.exists()


def _rekey(run: Run, ready: Sequence[Ready]) -> None:
    """Remember the ledger's customer of each, so that the next pick sees whose documents are under way."""
    with run.database.session() as session:
        for item in ready:
            session.exec(
                update(Posting)
                .where(col(Posting.id) == item.posting.id, col(Posting.state) == PostingState.READY)
                .values(party_key=item.party)
            )
        session.commit()


def _why_not(run: Run) -> None:
    if run.stopping():
        return
    if run.lost.is_set():
        raise LeaseLostError


def _again(run: Run, paused: Call) -> Call | None:
    """The identical call once more, with the same request id."""
    now = utcnow()
    with run.database.session() as session:
        run.hold_on(session)
        taken = session.exec(
            update(Call)
            .where(col(Call.id) == paused.id, col(Call.state) == "paused", run.still_ours())
            .values(
                state="open", sends=Call.sends + 1, looks=0, absent=0, due_at=None,
                ended_by=now + dt.timedelta(seconds=run.waits.running),
            )
        ).rowcount  # fmt: skip
        if taken != 1:
            session.rollback()
            _why_not(run)
            return None
        session.exec(
            update(Posting)
            .where(col(Posting.id).in_(settling.members_of(paused.id)), col(Posting.state) == PostingState.IN_DOUBT)
            .values(state=PostingState.SENDING, attempt=Posting.attempt + 1)
        )
        copied_back.note(session, now)
        run.changed(session)
        call = session.get_one(Call, paused.id, populate_existing=True)
    copied_back.keep(run.database, now)
    return call
