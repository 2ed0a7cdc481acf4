"""Undo: a posted document is taken out of both systems, the ledger first, the PSA second.

It is read first for what would refuse it: paid, edited, in a closed period, in a closed PSA batch. Then both steps are
intents like any other; a run that dies in between leaves ``undoing``, and the next one goes on where it stood. What
was undone is on hold: a person who asks for just this record gets it posted again, with a new generation.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from app.connectors.ledger_changes import Changing
from app.connectors.protocols import ClosedInPsa, CloseOutcome, RemovalOutcome, Removed, Slot, Wait
from app.domain.documents import DocumentKind
from app.domain.marks import Mark
from app.domain.outcomes import InDoubt, NotDone, Receipt, Refused
from app.domain.problems import Problem, ValidationError
from app.domain.states import PostingState, Role
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Posting, PostingRecord
from app.services.batches import batches, decisions
from app.services.people import audit
from app.services.posting import beside, ledger_looks, posting_problems, undo_plan, undo_rows
from app.services.posting.run import Run, SystemicError
from app.services.posting.undo_rows import LEDGER, PSA

FIRST_STEP = undo_plan.FIRST_STEP
LOOK_AGAIN = 5.0
#: Seconds until one that goes after another is looked at; what the other one waits for is what counts.
BEHIND = 60.0


ANOTHER = undo_plan.no(
    "QuickBooks has another document under its id by now.",
    "If the books were restored, rerun the batch first: that looks every document up.",
)


def ask(session: Session, batch: Batch, wanted: Sequence[str], *, by: str) -> int:
    """Ask for the undoing of some records of a batch, in one commit; the caller rings the doorbell.

    Raises NotFoundError or ValidationError where one of them is not posted, closed or cleared; none is undone then.
    """
    session.refresh(batch, with_for_update=True)
    chosen = {posting.id: posting for posting in (decisions.find(session, batch, record) for record in wanted)}
    for posting in chosen.values():
        if posting.state not in FIRST_STEP:
            raise ValidationError(
                f"{posting.number} is {posting.state.replace('_', ' ')}: there is nothing of it to undo.",
                "Only what is posted, closed or cleared can be undone.",
            )
    return _ask(session, batch, [*chosen.values(), *_beside(session, list(chosen.values()))], by=by)


def _beside(session: Session, chosen: Sequence[Posting]) -> list[Posting]:
    """What is undone with them; what was not sent is let go. Raises ValidationError for what is in doubt."""
    found = beside.of(session, chosen, list(PostingState), lock=True)
    beside.let_go(session, found)
    for row in found:
        if row.state in (PostingState.SENDING, PostingState.IN_DOUBT):
            raise ValidationError(
                f"{row.number} is {row.state.replace('_', ' ')}.", "Undo it when QuickBooks has said what became of it."
            )
    return [row for row in found if row.state in FIRST_STEP]


def ask_all(session: Session, batch: Batch, *, by: str) -> int:
    """Ask for the undoing of everything of the batch that is posted, closed or cleared; otherwise as ``ask``.

    Raises ValidationError where there is nothing of the kind.
    """
    session.refresh(batch, with_for_update=True)
    states = col(Posting.state).in_(FIRST_STEP)
    query = select(Posting).where(Posting.batch_id == batch.id, states).order_by(col(Posting.id)).with_for_update()
    chosen = list(session.exec(query))
    if not chosen:
        raise ValidationError(
            f"Batch {batch.name} has nothing to undo.", "Only what is posted, closed or cleared can be undone."
        )
    return _ask(session, batch, chosen, by=by)


def _ask(session: Session, batch: Batch, chosen: Sequence[Posting], *, by: str) -> int:
    for posting in chosen:
        posting_problems.clear(session, posting, "undo_refused")
        posting.undo_step = f"to_{FIRST_STEP[PostingState(posting.state)]}"
        posting.state = PostingState.UNDOING
        posting.undo_by, posting.undo_at, posting.proved = by, utcnow(), False
        session.add(posting)
        batches.log(session, posting.batch_id, f"{posting.number}: undo.", posting=posting, by=by)
        audit.record(
            session, by, "posting.undo", f"posting:{posting.id}", number=posting.number, ledger_id=posting.ledger_id
        )
    batches.go_on(session, batch)
    session.commit()
    return len(chosen)


def work(run: Run) -> float | None:
    """Carry every undo of the batch through; answers the seconds until one that waits may go on, None where none does.

    Raises ConnectionFailedError, SystemicError.
    """
    _recover(run)
    while not run.stopping() and (due := _due(run)):
        pause = min((_ledger if posting.undo_step in LEDGER else _psa)(run, posting) for posting in due)
        if run.stopping():
            break
        if pause > LOOK_AGAIN:
            return pause
        time.sleep(pause)
        if any(posting.undo_step in ("ledger", "psa") for posting in _due(run)):
            time.sleep(min(LOOK_AGAIN, run.waits.between))
            _recover(run)
    return None


def _recover(run: Run) -> None:
    """A step that is not known to have ended is looked at anew: both steps begin with a look."""
    with run.database.session() as session:
        run.hold_on(session)
        for step in ("ledger", "psa"):
            session.exec(
                update(Posting)
                .where(col(Posting.batch_id) == run.batch_id, col(Posting.undo_step) == step)
                .where(col(Posting.state) == PostingState.UNDOING)
                .values(undo_step=f"to_{step}")
            )
        session.commit()


def _due(run: Run) -> list[Posting]:
    with run.database.reading() as session:
        query = select(Posting).where(Posting.batch_id == run.batch_id, Posting.state == PostingState.UNDOING)
        return list(session.exec(query.order_by(col(Posting.id))))


# ── first the ledger ─────────────────────────────────────────────────────────────────────────────────────────────


def _ledger(run: Run, posting: Posting) -> float:
    """One step; answers the seconds until there is anything to do again."""
    if _goes_later(run, posting):
        return BEHIND
    receipt = run.destination.read(DocumentKind(posting.kind), posting.ledger_id)
    if receipt is None or receipt.voided:
        undo_rows.gone(run, posting)
        return 0.0
    if not ledger_looks.is_it(posting, _mark(run, posting), receipt):
        undo_rows.refuse(run, posting, ANOTHER, LEDGER)
        return 0.0
    refusal = (
        undo_plan.ledger_refusal(posting, receipt, run.rules, run.destination)
        or _psa_refusal(run, posting)
        or _beside_refusal(run, posting)
    )
    if refusal is not None:
        undo_rows.refuse(run, posting, refusal, LEDGER)
        return 0.0
    slot = _slot(run)
    if slot is None:
        return 0.0
    if not undo_rows.intend(run, posting, "ledger"):
        slot.release()
        return 0.0
    _after_ledger(run, posting, _take_out(run, DocumentKind(posting.kind), receipt, slot))
    return 0.0


def _mark(run: Run, posting: Posting) -> Mark:
    with run.database.reading() as session:
        query = select(func.min(PostingRecord.record)).where(PostingRecord.posting_id == posting.id)
        return run.mark(session.exec(query).one(), posting.generation, posting.role)


def _take_out(run: Run, kind: DocumentKind, receipt: Receipt, slot: Slot) -> RemovalOutcome:
    """Void or delete, as the company's settings say and the ledger can."""
    ident = secrets.token_hex(16)
    if isinstance(run.destination, Changing) and undo_plan.way(run.destination, run.rules, kind) == "void":
        return run.destination.void(kind, receipt, ident, slot)
    return run.destination.remove(kind, receipt, ident, slot)


def _goes_later(run: Run, posting: Posting) -> bool:
    """An invoice goes before the entry of its cost, and a bill before the order that it bills."""
    with run.database.reading() as session:
        main = beside.main_of(session, posting)
        first = [main] if main and posting.role == Role.COGS else []
        if main is None:
            first = [row for row in beside.of(session, [posting], (PostingState.UNDOING,)) if row.role == Role.BILL]
        return any(row.state == PostingState.UNDOING and row.undo_step in LEDGER for row in first)


def _beside_refusal(run: Run, posting: Posting) -> Problem | None:
    """What stands against taking out what is undone with it: known before anything is gone."""
    with run.database.reading() as session:
        rows = beside.of(session, [posting], (PostingState.UNDOING,))
    for row in rows:
        receipt = run.destination.read(DocumentKind(row.kind), row.ledger_id)
        if receipt is None or receipt.voided:
            continue
        refusal = undo_plan.ledger_refusal(row, receipt, run.rules, run.destination)
        if refusal is not None:
            return undo_plan.no(f"{row.number} beside it: {undo_plan.reason(refusal)}", refusal.remedy)
    return None


def _psa_refusal(run: Run, posting: Posting) -> Problem | None:
    if posting.closing != "done":
        return None
    return undo_plan.psa_refusal(posting, run.source.find_batches([posting.psa_batch]).get(posting.psa_batch))


def _after_ledger(run: Run, posting: Posting, outcome: RemovalOutcome) -> None:
    match outcome:
        case Removed():
            undo_rows.gone(run, posting)
        case Refused(problem):
            undo_rows.refuse(run, posting, undo_plan.no(problem.message, problem.remedy), LEDGER)
        case NotDone() | InDoubt():
            _unclear(outcome)


# ── then the PSA ─────────────────────────────────────────────────────────────────────────────────────────────────


def _psa(run: Run, posting: Posting) -> float:
    """One step, as ``_ledger``. While a closing without an answer may still come, absent says nothing."""
    if _waits(run, posting):
        return BEHIND
    left = _may_close(run, posting)
    found = run.source.find_batches([posting.psa_batch]).get(posting.psa_batch) if posting.psa_batch else None
    if found is None:
        if left <= 0:
            undo_rows.done(run, posting)
        return max(left, 0.0)
    slot = run.source.reserve()
    if isinstance(slot, Wait):
        time.sleep(min(slot.seconds, 1.0))
        return 0.0
    if not undo_rows.intend(run, posting, "psa"):
        slot.release()
        return 0.0
    _after_psa(run, posting, run.source.reopen(found.batch_id, slot))
    return 0.0


def _may_close(run: Run, posting: Posting) -> float:
    """Seconds until a closing that was never seen to end cannot be running any more."""
    if posting.close_at is None:
        return 0.0
    return (posting.close_at - utcnow()).total_seconds() + run.waits.running


def _waits(run: Run, posting: Posting) -> bool:
    """One PSA batch stands for both: it goes when both are out of the ledger, by the document's own undo."""
    with run.database.reading() as session:
        main = beside.main_of(session, posting)
        if main is not None:
            return main.state == PostingState.UNDOING
        return any(row.undo_step in LEDGER for row in beside.of(session, [posting], (PostingState.UNDOING,)))


def _after_psa(run: Run, posting: Posting, outcome: CloseOutcome) -> None:
    match outcome:
        case ClosedInPsa():
            undo_rows.done(run, posting)
        case Refused(problem):
            undo_rows.refuse(run, posting, problem, PSA)
        case NotDone() | InDoubt():
            _unclear(outcome)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _slot(run: Run) -> Slot | None:
    slot = run.destination.reserve(0)
    if isinstance(slot, Wait):
        run.wait_note(slot.reason, slot.seconds)
        time.sleep(min(slot.seconds, 1.0))
        return None
    run.wait_note("", 0)
    return slot


def _unclear(outcome: NotDone | InDoubt) -> None:
    """Looked at again in the next round; unless nothing else will fare better."""
    if isinstance(outcome, NotDone) and outcome.systemic:
        raise SystemicError(outcome.systemic)
