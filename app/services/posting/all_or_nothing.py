"""All or nothing (a setting of the company): while one document of a batch is held, none of the others is sent.

The others are held too, by a problem that says so; every run lets them go first, and checks anew whether it still
stands. So a retry, or skipping the one that was in the way, sets all of them free.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from app.domain.problems import STOPS, Problem, Severity
from app.domain.states import PostingState, SectionKey
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.posting import posting_problems, posting_rows
from app.services.posting.run import Run
from app.services.records import holding

CODE = "all_or_nothing"
#: Stages before the first document is sent: what holds one there holds all.
BEFORE_SENDING = (SectionKey.READ, SectionKey.CHECK, SectionKey.PARTIES, SectionKey.ITEMS)


def release(run: Run) -> None:
    """Let go what an earlier run held only for the sake of others; not what a person holds since."""
    with run.database.session() as session:
        run.hold_on(session)
        waiting = _with_problem(run.batch_id, col(PostingProblem.code) == CODE)
        query = _held(run.batch_id).where(col(Posting.id).in_(waiting))
        on_hold = select(PostingRecord.posting_id).where(
            col(PostingRecord.record).in_(holding.held(run.source_id, run.kind)), PostingRecord.kind == run.kind
        )
        rows = session.exec(query.where(col(Posting.id).not_in(on_hold)).options(*posting_rows.BARE)).all()
        for posting in rows:
            posting.state, posting.checked = PostingState.READY, False
            session.add(posting)
        posting_problems.clear_all(session, [posting.id or 0 for posting in rows], [CODE])
        if rows:
            run.changed(session, *rows)


def hold_back(run: Run) -> bool:
    """Hold what is ready while another document of the batch is held; True where nothing new may be written."""
    if run.mode != "post" or run.rules["company.validation"] != "batch":
        return False
    with run.database.session() as session:
        run.hold_on(session)
        bad = _count(session, _held(run.batch_id).where(col(Posting.id).in_(_in_the_way(run.batch_id))))
        if not bad:
            return False
        total = _count(session, select(Posting).where(Posting.batch_id == run.batch_id))
        ready = select(Posting).where(Posting.batch_id == run.batch_id, Posting.state == PostingState.READY)
        rows = session.exec(ready.options(*posting_rows.BARE)).all()
        problem = _problem(bad, total)
        for posting in rows:
            posting.state = PostingState.HELD
            session.add(posting)
            posting_problems.add(session, posting, SectionKey.CHECK, problem)
        run.log(session, f"Nothing is sent: {problem.message}")
        run.changed(session, *rows)
    return True


def waits(session: Session, batch_id: int) -> bool:
    """Whether documents of the batch are held only because of others."""
    return session.exec(_with_problem(batch_id, col(PostingProblem.code) == CODE).limit(1)).first() is not None


def for_others(session: Session, batches: Sequence[int]) -> int:
    """How many documents of some batches are held only because of others."""
    query = select(func.count(func.distinct(PostingProblem.posting_id))).where(PostingProblem.code == CODE)
    return session.exec(query.where(col(PostingProblem.batch_id).in_(batches))).one()


def _held(batch_id: int) -> Any:
    """SQL: held, and not gone on in another batch."""
    live = select(PostingRecord.posting_id).where(col(PostingRecord.live))
    return select(Posting).where(
        Posting.batch_id == batch_id, Posting.state == PostingState.HELD, col(Posting.id).in_(live)
    )


def _in_the_way(batch_id: int) -> Any:
    """SQL: postings with an error or a question of a stage before Documents."""
    return _with_problem(
        batch_id, col(PostingProblem.section).in_(BEFORE_SENDING), col(PostingProblem.severity).in_(STOPS)
    )


def _with_problem(batch_id: int, *which: Any) -> Any:
    return select(PostingProblem.posting_id).where(PostingProblem.batch_id == batch_id, *which)


def _count(session: Session, query: Any) -> int:
    found = query.with_only_columns(col(Posting.id)).subquery()
    return int(session.exec(select(func.count()).select_from(found)).one())


def _problem(bad: int, total: int) -> Problem:
    have = "has a problem" if bad == 1 else "have problems"
    return Problem(
        CODE,
        f"{bad} of {total} {have}; this company posts all or nothing.",
        "Fix or skip what is held, then retry: all of them go.",
        Severity.WARNING,
        subject="batch",
    )
