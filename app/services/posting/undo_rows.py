"""The steps of an undo as its rows have them: begun, done, or taken back. What is written is one commit each."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.domain.problems import Problem
from app.domain.states import PostingState, SectionKey
from app.models.postings import Posting, PostingRecord
from app.services.posting import beside, posting_problems, psa_batches
from app.services.posting.run import Run

#: Both forms of each step: to be done, and under way. What a run brings counts only while the undo stands there:
#: one that was frozen may bring it when another has finished the undo, or a person has begun a new one.
LEDGER, PSA = ("to_ledger", "ledger"), ("to_psa", "psa")


def intend(run: Run, posting: Posting, step: str) -> bool:
    """Commit that a step begins, ``ledger`` or ``psa``; False where another run was first, or it may not."""
    with run.database.session() as session:
        claimed = session.exec(
            update(Posting)
            .where(col(Posting.id) == posting.id, col(Posting.undo_step) == f"to_{step}", run.still_ours())
            .values(undo_step=step)
        ).rowcount
        session.commit()
    return claimed == 1


def gone(run: Run, posting: Posting) -> None:
    """The ledger has it no more: the PSA is next."""
    with run.database.session() as session:
        row = _at(run, session, posting, LEDGER)
        if row is None:
            return
        row.undo_step = "to_psa"
        session.add(row)
        run.log(session, f"{posting.number} is no longer in QuickBooks.", row, ledger_id=row.ledger_id)
        run.changed(session, row)


def done(run: Run, posting: Posting) -> None:
    """It is out of both systems. Raises ConnectionFailedError where the PSA's key is refused."""
    elsewhere = _elsewhere(run, posting)
    with run.database.session() as session:
        row = _at(run, session, posting, PSA)
        if row is None:
            return
        row.state, row.undo_step, row.closing, row.close_at = PostingState.UNDONE, "", "", None
        posting_problems.clear(session, row)
        for link in session.exec(select(PostingRecord).where(PostingRecord.posting_id == row.id)):
            link.live = False
            session.add(link)
        session.add(row)
        if elsewhere:
            posting_problems.add(session, row, SectionKey.CLOSE, elsewhere)
        listed = elsewhere.message if elsewhere else "ConnectWise lists it as unposted again."
        run.log(session, f"{posting.number} is undone: {listed}", row)
        run.changed(session, row)


def _elsewhere(run: Run, posting: Posting) -> Problem | None:
    """Somebody else's batch has the record: it is in the books nowhere now, and no list would show it."""
    with run.database.reading() as session:
        records = list(session.exec(select(PostingRecord.record).where(PostingRecord.posting_id == posting.id)))
    names = [psa_batches.batch_of(run, record) for record in records]
    name = next((name for name in names if name and name != posting.psa_batch), None)
    if name is None:
        return None
    return Problem(
        "undone_elsewhere",
        f"It is undone and no longer in QuickBooks, but ConnectWise has it in batch “{name}”, which is not ours.",
        "Take it out of that batch in ConnectWise to post it here; or skip it, if whoever made the batch booked it.",
        technical={"psa_batch": name},
    )


def refuse(run: Run, posting: Posting, problem: Problem, steps: Sequence[str]) -> None:
    """Back to where it stood, with the reason beside it; nothing was taken out, or only what had to be."""
    with run.database.session() as session:
        row = _at(run, session, posting, steps)
        if row is None:
            return
        for one in _together(session, row):
            one.state, one.undo_step = _before(one), ""
            session.add(one)
        section = SectionKey.CLOSE if steps is PSA and row.ledger_id else SectionKey.DOCUMENTS
        posting_problems.add(session, row, section, problem)
        run.log(session, f"{posting.number}: {problem.message}", row)
        run.changed(session, row)


def _together(session: Session, row: Posting) -> list[Posting]:
    """What is being undone with it: a bill that stays keeps its order, an invoice its cost."""
    main = beside.main_of(session, row)
    found = beside.of(session, [main or row], (PostingState.UNDOING,))
    if main is not None and main.state == PostingState.UNDOING:
        found.append(main)
    return [row, *(one for one in found if one.id != row.id)]


def _before(posting: Posting) -> PostingState:
    """The state that an undo began with."""
    if not posting.ledger_id:
        return PostingState.CLEARED
    return PostingState.CLOSED if posting.closing == "done" else PostingState.POSTED


def _at(run: Run, session: Session, posting: Posting, steps: Sequence[str]) -> Posting | None:
    """The row, if its undo still stands at one of the steps."""
    run.lock(session)
    row = session.get_one(Posting, posting.id, with_for_update=True)
    return row if row.state == PostingState.UNDOING and row.undo_step in steps else None
