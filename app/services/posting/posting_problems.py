"""Problems beside postings: written, replaced and taken away by the stages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from app.domain import codec
from app.domain.problems import WORST_FIRST, Problem, Severity
from app.domain.states import PostingState, SectionKey
from app.models.batches import LogLine
from app.models.postings import Posting, PostingProblem

#: What a session has read beforehand: posting → (code, subject, field) → row.
PREPARED = "problems"
Prepared = dict[int, dict[tuple[str, str, str], PostingProblem]]


@contextmanager
def prepared(session: Session, postings: Sequence[int]) -> Iterator[None]:
    """Read what stands beside many postings at once: ``add`` then asks the database for none of them singly."""
    found: Prepared = {ident: {} for ident in postings}
    for ident, rows in of(session, postings).items():
        found[ident] = {(row.code, row.subject, row.field): row for row in rows}
    session.info[PREPARED] = found
    try:
        yield
    finally:
        del session.info[PREPARED]


def add(
    session: Session, posting: Posting, section: SectionKey, problem: Problem, *, blocks_close: bool = False
) -> None:
    """Put a problem beside a posting, once per code, subject and field."""
    known: Prepared = session.info.get(PREPARED, {})
    beside, key = known.get(posting.id or 0), (problem.code, problem.subject, problem.field)
    row = (_twin(session, posting, problem) if beside is None else beside.get(key)) or PostingProblem(
        posting_id=posting.id or 0,
        batch_id=posting.batch_id,
        code=problem.code,
        severity=problem.severity,
        message=problem.message,
        subject=problem.subject,
        field=problem.field,
    )
    row.severity, row.message, row.remedy = problem.severity, problem.message, problem.remedy
    row.technical, row.section, row.blocks_close = problem.technical, section, blocks_close
    session.add(row)
    if beside is not None:
        beside[key] = row


def _twin(session: Session, posting: Posting, problem: Problem) -> PostingProblem | None:
    query = select(PostingProblem).where(
        PostingProblem.posting_id == posting.id,
        PostingProblem.code == problem.code,
        PostingProblem.subject == problem.subject,
        PostingProblem.field == problem.field,
    )
    return session.exec(query).first()


def hold(session: Session, posting: Posting, section: SectionKey, problems: Iterable[Problem]) -> None:
    """Stop the posting before sending, with everything that is wrong with it."""
    posting.state = PostingState.HELD
    session.add(posting)
    found = list(problems)
    for problem in found:
        add(session, posting, section, problem)
    why = next((problem.message for problem in found if problem.severity is Severity.ERROR), "for a reason unknown")
    say(session, posting, f"{posting.number} is held: {why}")


def say(session: Session, posting: Posting, text: str) -> None:
    """A line in the log of its batch, and in its own timeline; the caller commits."""
    session.add(LogLine(batch_id=posting.batch_id, posting_id=posting.id, text=text))


def count_fault(session: Session, posting_id: int, code: str) -> int:
    """One more fault of ours with what a problem of this code waits for; answers how many. The caller commits."""
    faults = 0
    for row in of(session, [posting_id]).get(posting_id, []):
        if row.code == code:
            faults = int(row.technical.get("faults", 0)) + 1
            row.technical = {**row.technical, "faults": faults}
            session.add(row)
    return faults


def clear(session: Session, posting: Posting, *codes: str) -> None:
    """Take problems away that no longer hold; without codes, all of them."""
    session.info.get(PREPARED, {}).pop(posting.id or 0, None)
    query = delete(PostingProblem).where(col(PostingProblem.posting_id) == posting.id)
    session.exec(query.where(col(PostingProblem.code).in_(codes)) if codes else query)


def clear_all(session: Session, postings: Sequence[int], codes: Sequence[str]) -> None:
    """Take problems with these codes away from many postings."""
    for start in range(0, len(postings), 500):
        some = col(PostingProblem.posting_id).in_(postings[start : start + 500])
        session.exec(delete(PostingProblem).where(some, col(PostingProblem.code).in_(codes)))


def of(session: Session, postings: Sequence[int]) -> dict[int, list[PostingProblem]]:
    """Problems by posting, worst first."""
    found: dict[int, list[PostingProblem]] = {}
    for start in range(0, len(postings), 500):
        query = select(PostingProblem).where(col(PostingProblem.posting_id).in_(postings[start : start + 500]))
        for row in session.exec(query.order_by(col(PostingProblem.id))):
            found.setdefault(row.posting_id, []).append(row)
    return {key: sorted(rows, key=lambda row: WORST_FIRST.index(Severity(row.severity))) for key, rows in found.items()}


def codes(session: Session, postings: Sequence[int]) -> dict[int, frozenset[str]]:
    """Only the codes of what stands beside each posting, for those who ask about thousands."""
    found: dict[int, set[str]] = {}
    for start in range(0, len(postings), 500):
        some = col(PostingProblem.posting_id).in_(postings[start : start + 500])
        for ident, code in session.exec(select(PostingProblem.posting_id, PostingProblem.code).where(some)):
            found.setdefault(ident, set()).add(code)
    return {ident: frozenset(own) for ident, own in found.items()}


def to_problem(row: PostingProblem) -> Problem:
    """The domain form of a stored problem."""
    return Problem(
        row.code, row.message, row.remedy, Severity(row.severity), row.field, row.subject, dict(row.technical or {})
    )


def from_json(data: dict[str, Any]) -> Problem:
    """The domain form of a problem kept as JSON."""
    return codec.from_json(Problem, data)
