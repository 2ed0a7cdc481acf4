"""Close in the PSA: one accounting batch of our own per posting, so that each can be undone alone.

The identifier is committed before the batch is asked for, and looked up after. A record that changed since Read, or
that somebody else batched, is never closed by us: it becomes a Problem beside the posted document.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, select

from app.connectors.protocols import ClosedInPsa, CloseOutcome, Slot
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem
from app.domain.states import PostingState, SectionKey
from app.models.columns import utcnow
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.posting import beside, posting_problems, posting_rows, psa_batches, reading, slots
from app.services.posting.run import Lanes, Run, SystemicError

#: The PSA's list may be this old when a record is compared with it before closing.
LIST_AGE = dt.timedelta(seconds=20)
#: Between two looks for a closing whose answer was lost.
LOOK_AGAIN = dt.timedelta(seconds=5)
MOST_LOOKS = 12


@dataclass(frozen=True, slots=True)
class Explained:
    """A refusal whose reason stands beside the posting already."""


@dataclass(frozen=True, slots=True)
class Due:
    """A posting to be closed, with its records and the fingerprint that each had when it was read."""

    posting: Posting
    seen: Mapping[str, str]

    @property
    def record(self) -> str:
        """The one that names the mark where several became one document."""
        return min(self.seen)

    def psa_batch(self, run: Run) -> str:
        """Identifier of our accounting batch."""
        return run.mark(self.record, self.posting.generation).psa_batch


def start(run: Run, lanes: Lanes) -> float | None:
    """Close what is posted while lanes are free; answers as ``sending.start`` does."""
    while lanes.free("closing"):
        due = _next(run, limit=20)
        if not due:
            return _later(run, lanes)
        _fresh_list(run, [record for one in due for record in one.seen])
        unchanged = [one for one in due if _unchanged(run, one)]
        begun, wait = slots.begin(
            unchanged[: lanes.room("closing")], run.source.reserve, partial(_intend, run), partial(_go, run, lanes)
        )
        if wait is not None:
            return wait.seconds
        if unchanged and not begun:
            return 0.1  # asked to stop, or the lease is gone: whoever called us looks
    return 0


def _go(run: Run, lanes: Lanes, due: Due, slot: Slot) -> None:
    ident, gl_ids = due.posting.id or 0, [int(gl_id) for gl_id in due.posting.gl_ids]
    identifier = due.psa_batch(run)
    lanes.go(
        "closing",
        lambda: run.source.close(run.kind, identifier, gl_ids, slot),
        lambda outcome: _settle(run, ident, _explained(run, due, outcome)),
    )


def _wanted(run: Run) -> list[Any]:
    """SQL: posted, or kept though there is nothing to post; nothing stands against closing it."""
    blocked = select(PostingProblem.posting_id).where(
        PostingProblem.batch_id == run.batch_id,
        or_(
            (col(PostingProblem.blocks_close).is_(True)) & col(Posting.keep).is_(False),
            col(PostingProblem.section) == SectionKey.CLOSE,
        ),
        PostingProblem.posting_id == Posting.id,
    )
    return [
        Posting.batch_id == run.batch_id,
        or_(
            col(Posting.state) == PostingState.POSTED,
            (col(Posting.state) == PostingState.SKIPPED) & col(Posting.keep).is_(True),
        ),
        ~blocked.exists(),
        beside.may_close(),
    ]


def _next(run: Run, limit: int) -> list[Due]:
    with run.database.reading() as session:
        query = select(Posting).where(*_wanted(run), Posting.closing == "").order_by(col(Posting.id)).limit(limit)
        return _with_records(session, session.exec(query.options(*posting_rows.WITH_GL_IDS)).all())


def _with_records(session: Session, postings: Sequence[Posting]) -> list[Due]:
    """Postings with what they stand for: of several records each must be as it was."""
    query = select(PostingRecord).where(col(PostingRecord.posting_id).in_([posting.id for posting in postings]))
    seen: dict[int, dict[str, str]] = {}
    for link in session.exec(query):
        seen.setdefault(link.posting_id, {})[link.record] = link.fingerprint
    return [Due(posting, seen[posting.id or 0]) for posting in postings]


def _later(run: Run, lanes: Lanes) -> float | None:
    with run.database.reading() as session:
        query = select(func.min(Posting.close_at)).where(*_wanted(run), Posting.closing == "in_doubt")
        due = session.exec(query).one()
    if due is None:
        return 0 if lanes.busy else None
    return max(0.1, (due - utcnow()).total_seconds())


def _fresh_list(run: Run, records: Sequence[str]) -> None:
    """A list that is young, and that was read twice where a record is missing.

    Our own closings shorten the list while it is read in pages: what moves over to a page that was read already is in
    neither. By the next reading it has moved on, so only what is missing again is really gone.
    """
    if run.listed_at is None or utcnow() - run.listed_at > LIST_AGE:
        reading.relist(run)
    if any(record not in run.listed for record in records):
        reading.relist(run)


def _unchanged(run: Run, due: Due) -> bool:
    """Its records are still unposted and still those that were read; otherwise a Problem says what they are now."""
    if all(run.listed.get(record) == seen for record, seen in due.seen.items()):
        return True
    gone = sorted(due.seen.keys() - run.listed.keys())
    found = psa_batches.where(run, gone[0], due.psa_batch(run)) if gone else None
    with run.database.session() as session:
        run.hold_on(session)
        row = session.get_one(Posting, due.posting.id)
        if gone:
            _gone(session, run, row, due.psa_batch(run), found)
        else:
            posting_problems.add(session, row, SectionKey.CLOSE, CHANGED)
        run.changed(session, row)
    return False


CHANGED = Problem(
    "changed_after_posting",
    "It was changed in ConnectWise after it was posted: QuickBooks holds the old form, and it was not closed.",
    "Compare both, correct the one that is wrong, then retry to close it; or undo it and post it anew.",
)


def _gone(session: Session, run: Run, posting: Posting, ours: str, name: str | None) -> None:
    """No longer unposted: closed by our own batch (its answer was lost), or by somebody else's."""
    # Of whatever generation: this database may be a copy of an older one.
    if name and psa_batches.stem(name) == psa_batches.stem(ours):
        posting.psa_batch = name
        _closed(session, run, posting)
    else:
        posting_problems.add(session, posting, SectionKey.CLOSE, psa_batches.closed_elsewhere(name))


# ── intent and outcome ───────────────────────────────────────────────────────────────────────────────────────────


def _intend(run: Run, due: Sequence[Due]) -> list[Due]:
    """Commit the intents; answers those that are ours now."""
    claimed = []
    with run.database.session() as session:
        for one in due:
            posting = one.posting
            ours = session.exec(
                update(Posting)
                .where(col(Posting.id) == posting.id, col(Posting.closing) == "", run.still_ours())
                .where(col(Posting.state) == posting.state)
                .values(closing="intended", psa_batch=one.psa_batch(run), close_at=utcnow()),
                execution_options={"synchronize_session": False},
            ).rowcount
            if ours == 1:
                claimed.append(one)
        session.commit()
    return claimed


def _explained(run: Run, due: Due, outcome: CloseOutcome) -> CloseOutcome | Explained:
    """The PSA refuses GL records that are no longer the invoice's: the list, read anew, says it in our words."""
    if isinstance(outcome, Refused):
        reading.relist(run)
        if not _unchanged(run, due):
            return Explained()
    return outcome


def _settle(run: Run, ident: int, outcome: CloseOutcome | Explained) -> None:
    systemic = None
    with run.database.session() as session:
        run.lock(session)
        posting = session.get_one(Posting, ident, options=posting_rows.BARE)
        match outcome:
            case ClosedInPsa():
                _closed(session, run, posting)
            case _ if posting.closing != "intended":
                return  # a frozen worker's late answer: somebody else has looked it up, or closed it, since
            case Explained():
                posting.closing = ""
            case Refused(problem):
                _refused(session, run, posting, problem)
            case NotDone(reason):
                systemic, posting.closing = outcome.systemic, ""
                run.log(session, f"Closing {posting.number} was not carried out: {reason}.", posting)
            case InDoubt(reason):
                posting.closing, posting.close_at = "in_doubt", utcnow() + dt.timedelta(seconds=1)
                run.log(session, f"Closing {posting.number} is in doubt: {reason}.", posting)
        session.add(posting)
        run.changed(session, posting)
    if systemic:
        raise SystemicError(systemic)


def _closed(session: Session, run: Run, posting: Posting) -> None:
    """By our batch. One that a person is undoing since goes on being undone: its second step takes it out again."""
    posting.closing, posting.closed_at, posting.close_at = "done", utcnow(), None
    posting.state = CLOSED.get(posting.state, posting.state)
    session.add(posting)
    beside.closed(session, posting)
    run.log(session, f"{posting.number} is closed in ConnectWise by {posting.psa_batch}.", posting)


def _refused(session: Session, run: Run, posting: Posting, problem: Problem) -> None:
    posting.closing = ""
    posting_problems.add(session, posting, SectionKey.CLOSE, problem)
    run.log(session, f"ConnectWise did not close {posting.number}: {problem.message}", posting, **problem.technical)


# ── doubts ───────────────────────────────────────────────────────────────────────────────────────────────────────


def recover(run: Run) -> None:
    """Closings that a dead worker left under way are in doubt."""
    with run.database.session() as session:
        run.hold_on(session)
        session.exec(
            update(Posting)
            .where(col(Posting.batch_id) == run.batch_id, col(Posting.closing) == "intended")
            .values(closing="in_doubt", close_at=utcnow())
        )
        session.commit()


def look(run: Run) -> None:
    """Look up closings whose answer was lost: by our identifier, which the PSA lets nobody use twice."""
    with run.database.reading() as session:
        doubtful = (Posting.batch_id == run.batch_id, Posting.closing == "in_doubt", col(Posting.close_at) <= utcnow())
        query = select(Posting).where(*doubtful).limit(50).options(*posting_rows.BARE)
        due = _with_records(session, session.exec(query).all())
    if not due:
        return
    found = run.source.find_batches([one.posting.psa_batch for one in due])
    reading.relist(run)
    lost = {record for one in due if one.posting.psa_batch not in found for record in one.seen}
    elsewhere = {record: psa_batches.batch_of(run, record) for record in lost - run.listed.keys()}
    with run.database.session() as session:
        run.hold_on(session)
        rows = []
        for one in due:
            row = session.get_one(Posting, one.posting.id)
            _judge(session, run, row, sorted(one.seen), elsewhere, exists=row.psa_batch in found)
            rows.append(row)
        run.changed(session, *rows)


def _judge(
    session: Session, run: Run, posting: Posting, records: Sequence[str], elsewhere: Mapping[str, str | None], *,
    exists: bool,
) -> None:  # fmt: skip
    if posting.closing != "in_doubt":
        return
    gone = [record for record in records if record not in run.listed]
    if exists and len(gone) == len(records):
        _closed(session, run, posting)
    elif exists:
        posting.closing = ""
        posting_problems.add(session, posting, SectionKey.CLOSE, HALF_CLOSED)
    elif not gone:
        posting.closing = ""  # not closed, and the identifier is free: it may be asked for again
    else:
        posting.closing = ""
        posting_problems.add(session, posting, SectionKey.CLOSE, psa_batches.closed_elsewhere(elsewhere.get(gone[0])))
    session.add(posting)


#: What a posting is once its records are closed.
CLOSED: Mapping[str, str] = {
    PostingState.POSTED: PostingState.CLOSED, PostingState.SKIPPED: PostingState.CLEARED,
}  # fmt: skip
HALF_CLOSED = Problem(
    "half_closed",
    "Our batch exists in ConnectWise, but the record is still listed as unposted.",
    "Delete that batch in ConnectWise under Finance ▸ Accounting Interface ▸ Batches, then retry.",
)
