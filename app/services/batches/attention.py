"""Needs Attention: everything that waits for a person, over all batches and companies, each with where it is fixed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, text
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain.problems import Problem
from app.domain.states import PostingState, Role
from app.models.batches import Batch
from app.models.columns import Moment, utcnow
from app.models.connections import Book
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.batches import approvals
from app.services.batches.decisions import QUESTIONS
from app.services.connections import health
from app.services.paying import pay_problems
from app.services.payments import tally as payment_tally
from app.services.people import access
from app.services.posting import posting_problems
from app.services.records.records import Sum

S = PostingState
PAGE = 50
SAMPLES = 5
#: An undo that takes longer than this is stuck.
PATIENCE = dt.timedelta(minutes=10)


class Kind(StrEnum):
    """What is asked of the person, in the order of the page."""

    QUESTIONS = "questions"
    HELD = "held"
    REFUSED = "refused"
    DIFFERENCES = "differences"
    NOT_CLOSED = "not_closed"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Place:
    """A batch that has documents of a group, and how many."""

    batch_id: int
    batch: str
    count: int


@dataclass(frozen=True, slots=True)
class Document:
    """One of a group's documents, by its record."""

    record: str
    kind: str
    number: str
    party: str
    cents: int
    currency: str


@dataclass(frozen=True, slots=True)
class Group:
    """Documents with the same cause in one company; ``problem`` is the newest of theirs. ``key`` names their drawer."""

    kind: Kind
    book_id: int
    book: str
    state: str
    problem: Problem
    sum: Sum
    newest: int
    places: Sequence[Place]
    documents: Sequence[Document]

    @property
    def key(self) -> str:
        return self.problem.group


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document that waits without a problem beside it: posted and left unclosed, or an undo that does not end."""

    kind: Kind
    posting: Posting
    batch: Batch
    record: str


@dataclass(frozen=True, slots=True)
class Attention:
    """The page. ``next`` is the key of the following page of groups; 0 on the last."""

    groups: Sequence[Group]
    waiting: Sequence[Waiting] = ()
    batches: Sequence[Batch] = ()
    to_approve: Sequence[tuple[Batch, Sum]] = ()
    connections: Sequence[health.Broken] = ()
    next: int = 0
    books: dict[int, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.groups or self.waiting or self.batches or self.to_approve or self.connections)

    def of(self, kind: Kind) -> list[Group]:
        return [group for group in self.groups if group.kind == kind]


def count(session: Session) -> int:
    """How many documents and batches wait for a person; ``health.broken`` counts the connections.

    One statement over indexes: every page asks it.
    """
    if access.visible.get() is None:
        return sum(int(part) for part in session.execute(_COUNT, _now()).one())
    return sum(int(session.execute(part, _now()).scalar_one()) for part in _counted())


def page(session: Session, after: int = 0) -> Attention:
    """Groups, newest problem first, 50 a page; the rest only on the first page, for it is never long."""
    names = {book.id or 0: book.name for book in session.exec(select(Book))}
    rows = _grouped(session, after)
    groups = [_group(session, row, names) for row in rows[:PAGE]]
    following = groups[-1].newest if len(rows) > PAGE else 0
    if after:
        return Attention(groups, next=following, books=names)
    halted = session.exec(select(Batch).where(_halted()).order_by(col(Batch.id).desc()).limit(PAGE))
    asked = _to_approve(session)
    return Attention(groups, _waiting(session), list(halted), asked, health.broken(session), following, names)


def _to_approve(session: Session) -> list[tuple[Batch, Sum]]:
    """Newest first, with the documents that an approval lets go; a payment sync has none."""
    query = select(Batch).where(approvals.waiting()).order_by(col(Batch.id).desc()).limit(PAGE)
    asked = {batch.id: batch for batch in session.exec(query)}
    ready = (
        columns(col(Posting.batch_id), col(Posting.currency), func.count(), func.sum(col(Posting.cents)))
        .where(col(Posting.batch_id).in_(asked), col(Posting.state) == S.READY, col(Posting.role) == Role.MAIN)
        .group_by(col(Posting.batch_id), col(Posting.currency))
    )
    sums = {ident: Sum(0, {}) for ident in asked}
    for ident, currency, number, cents in session.execute(ready):
        sums[ident] = Sum(sums[ident].count + number, {**sums[ident].cents, currency: int(cents)})
    return [(batch, sums[ident]) for ident, batch in asked.items()]


# ── what counts ──────────────────────────────────────────────────────────────────────────────────────────────────


def _in_batch() -> ColumnElement[bool]:
    return and_(col(Batch.id) == col(PostingProblem.batch_id), col(Batch.mode) != "dry")


def _open() -> list[Any]:
    """In the words of the partial index: with parameters instead, SQLite would not see that it serves."""
    return [text("problems.severity IN ('error', 'doubt')")]


def _halted() -> ColumnElement[bool]:
    """Batches that failed or were stopped and have something left to do: they go on only when a person says so."""
    left = (S.READY, S.SENDING, S.IN_DOUBT, S.POSTED, S.UNDOING)
    undone = columns(col(Posting.id)).where(col(Posting.batch_id) == col(Batch.id), col(Posting.state).in_(left))
    stands = or_(col(Batch.failure).is_not(None), col(Batch.stopped))
    return or_(and_(stands, col(Batch.mode) != "dry", undone.exists()), payment_tally.unsettled())


def _without_problem() -> list[Any]:
    """Posted and not closed by an ended batch, or undoing for too long; with nothing beside it that says why."""
    said = columns(col(PostingProblem.posting_id)).where(*_open())
    books = columns(col(Book.id))  # so that the index by company and state serves
    return [
        col(Posting.book_id).in_(books),
        or_(
            and_(col(Posting.state) == S.POSTED, col(Batch.ended_at).is_not(None), col(Batch.failure).is_(None)),
            and_(col(Posting.state) == S.UNDOING, col(Posting.undo_at) < bindparam("long_ago", type_=Moment)),
        ),
        col(Posting.state).in_((S.POSTED, S.UNDOING)),
        col(Posting.id).not_in(said),
    ]


def _now() -> dict[str, Any]:
    """What ``_without_problem`` compares with."""
    return {"long_ago": utcnow() - PATIENCE}


def _counted() -> list[Any]:
    asked = columns(func.count(func.distinct(col(PostingProblem.posting_id)))).select_from(PostingProblem)
    alone = columns(func.count()).select_from(Posting).join(Batch, col(Batch.id) == col(Posting.batch_id))
    halted = columns(func.count()).select_from(Batch).where(_halted())
    to_approve = columns(func.count()).select_from(Batch).where(approvals.waiting())
    return [to_approve, asked.join(Batch, _in_batch()).where(*_open()), alone.where(*_without_problem()), halted]


#: Made once: composing it would take longer than running it.
_COUNT = columns(*(part.scalar_subquery() for part in _counted()))


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Row:
    """A group as the database gives it; one currency after the other is added."""

    book_id: int
    code: str
    subject: str
    state: str
    newest: int
    count: int
    cents: dict[str, int]


def _grouped(session: Session, after: int) -> list[_Row]:
    """By company, cause and state; one more than a page where there are more."""
    query = (
        columns(
            col(Posting.book_id), col(PostingProblem.code), col(PostingProblem.subject), col(Posting.state),
            col(Posting.currency), func.max(PostingProblem.id), func.count(func.distinct(col(Posting.id))),
            func.sum(Posting.cents),
        )
        .join(Posting, col(Posting.id) == col(PostingProblem.posting_id))
        .join(Batch, _in_batch())
        .where(*_open())
        .group_by(
            col(Posting.book_id), col(PostingProblem.code), col(PostingProblem.subject), col(Posting.state),
            col(Posting.currency),
        )
    )  # fmt: skip
    found: dict[tuple[Any, ...], _Row] = {}
    for book_id, code, subject, state, currency, newest, many, amount in session.execute(query):
        row = found.setdefault((book_id, code, subject, state), _Row(book_id, code, subject, state, 0, 0, {}))
        row.newest, row.count = max(row.newest, newest), row.count + many
        row.cents[currency] = int(amount or 0)
    rows = sorted(found.values(), key=lambda row: -row.newest)
    return [row for row in rows if not after or row.newest < after][: PAGE + 1]


def _group(session: Session, row: _Row, names: dict[int, str]) -> Group:
    newest = session.get_one(PostingProblem, row.newest)
    return Group(
        kind=_kind(row, newest),
        book_id=row.book_id,
        book=names.get(row.book_id, ""),
        state=row.state,
        problem=posting_problems.to_problem(newest),
        sum=Sum(row.count, row.cents),
        newest=row.newest,
        places=_places(session, row),
        documents=_documents(session, row),
    )


def _kind(row: _Row, problem: PostingProblem) -> Kind:
    if row.code in QUESTIONS or row.code in pay_problems.CODES:
        return Kind.QUESTIONS
    if row.code == "undo_refused":
        return Kind.UNDO
    by_state = {S.HELD: Kind.HELD, S.REFUSED: Kind.REFUSED, S.IN_DOUBT: Kind.QUESTIONS, S.UNDOING: Kind.UNDO}
    if row.state in by_state:
        return by_state[S(row.state)]
    return Kind.DIFFERENCES if problem.blocks_close or problem.section == "prove" else Kind.NOT_CLOSED


def _same(row: _Row) -> list[Any]:
    return [
        col(Posting.book_id) == row.book_id, col(PostingProblem.code) == row.code,
        col(PostingProblem.subject) == row.subject, col(Posting.state) == row.state, *_open(),
    ]  # fmt: skip


def _places(session: Session, row: _Row) -> list[Place]:
    query = (
        columns(col(Batch.id), col(Batch.name), func.count(func.distinct(col(Posting.id))))
        .select_from(PostingProblem)
        .join(Posting, col(Posting.id) == col(PostingProblem.posting_id))
        .join(Batch, _in_batch())
        .where(*_same(row))
        .group_by(col(Batch.id), col(Batch.name))
        .order_by(col(Batch.id).desc())
        .limit(PAGE)
    )
    return [Place(*found) for found in session.execute(query)]


def _documents(session: Session, row: _Row) -> list[Document]:
    query = (
        columns(
            func.min(PostingRecord.record), func.min(PostingRecord.kind), col(Posting.number), col(Posting.party),
            col(Posting.cents), col(Posting.currency),
        )
        .select_from(PostingProblem)
        .join(Posting, col(Posting.id) == col(PostingProblem.posting_id))
        .join(PostingRecord, col(PostingRecord.posting_id) == col(Posting.id))
        .join(Batch, _in_batch())
        .where(*_same(row))
        .group_by(col(Posting.id))
        .order_by(col(Posting.id).desc())
        .limit(SAMPLES)
    )  # fmt: skip
    return [Document(*found) for found in session.execute(query)]


def _waiting(session: Session) -> list[Waiting]:
    query = (
        columns(Posting, Batch, func.min(PostingRecord.record))
        .join(Batch, col(Batch.id) == col(Posting.batch_id))
        .join(PostingRecord, col(PostingRecord.posting_id) == col(Posting.id))
        .where(*_without_problem())
        .group_by(col(Posting.id), col(Batch.id))
        .order_by(col(Posting.id).desc())
        .limit(PAGE)
    )
    kinds = {S.UNDOING: Kind.UNDO}
    return [
        Waiting(kinds.get(S(posting.state), Kind.NOT_CLOSED), posting, batch, record)
        for posting, batch, record in session.execute(query, _now())
    ]
