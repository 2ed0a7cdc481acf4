"""A batch's problems by cause, worst and largest first, so that one fix serves a whole group."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain.problems import STOPS, WORST_FIRST, Problem, Severity
from app.domain.states import PostingState
from app.models.batches import Batch
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.batches import decisions
from app.services.posting import posting_problems

S = PostingState


@dataclass(frozen=True, slots=True)
class Group:
    """Postings with the same cause; ``sample`` is one of their problems in full."""

    code: str
    subject: str
    sample: Problem
    count: int
    cents: Mapping[str, int]
    decisions: bool = False

    @property
    def key(self) -> str:
        return self.sample.group


def groups(session: Session, batch: Batch, *, doubts: bool = True) -> list[Group]:
    """Problems by cause, worst and largest first; doubts that are looked up by themselves are a group of their own.

    ``doubts`` is False where the caller knows that there are none.
    """
    query = (
        columns(
            col(PostingProblem.code),
            col(PostingProblem.subject),
            func.min(PostingProblem.id),
            col(Posting.currency),
            func.count(func.distinct(PostingProblem.posting_id)),
            func.sum(Posting.cents),
        )
        .join(Posting, col(Posting.id) == col(PostingProblem.posting_id))
        .where(col(PostingProblem.batch_id) == batch.id, col(PostingProblem.code) != "continued")
        .group_by(col(PostingProblem.code), col(PostingProblem.subject), col(Posting.currency))
    )
    found: dict[tuple[str, str], Group] = {}
    rows = session.execute(query).all()
    firsts = session.exec(select(PostingProblem).where(col(PostingProblem.id).in_([row[2] for row in rows])))
    samples = {row.id: posting_problems.to_problem(row) for row in firsts}
    for code, subject, first, currency, count, amount in rows:
        old = found.get((code, subject))
        sample = old.sample if old else samples[first]
        cents = {**(old.cents if old else {}), currency: int(amount or 0)}
        found[code, subject] = Group(code, subject, sample, count + (old.count if old else 0), cents)
    groups = sorted(found.values(), key=lambda g: (WORST_FIRST.index(g.sample.severity), -g.count, g.code, g.subject))
    doubt = _open_doubts(session, batch) if doubts else None
    return [*groups, doubt] if doubt else groups


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of a group: what thousands of it can be counted by. ``problem`` is the id of its problem's row."""

    posting: int
    problem: int
    batch: int
    record: str
    state: str
    currency: str
    cents: int
    date: dt.date
    choices: tuple[str, ...]


_COUNTED: tuple[Any, ...] = (
    Posting.id, Posting.batch_id, Posting.state, Posting.currency, Posting.cents, Posting.date, Posting.needs_person,
    Posting.keep, Posting.kind,
)  # fmt: skip


def documents(session: Session, key: str, *, batch_id: int = 0, book_id: int = 0, state: str = "") -> list[Entry]:
    """The documents with a cause, by number: of one batch, or of all of a company's. No document's contents are read.

    Over all batches only what waits for a person counts, in the given state; dry runs ask for nothing.
    """
    code, _, subject = key.partition(":")
    record = (
        columns(func.min(PostingRecord.record))
        .where(col(PostingRecord.posting_id) == Posting.id)
        .correlate(Posting)
        .scalar_subquery()
    )
    query = (
        columns(*(col(column) for column in _COUNTED), func.min(PostingProblem.id), record)
        .join(PostingProblem, col(PostingProblem.posting_id) == Posting.id)
        .where(col(PostingProblem.code) == code, col(PostingProblem.subject) == subject)
        .group_by(col(Posting.id))
        .order_by(col(Posting.number), col(Posting.id))
    )
    if batch_id:
        query = query.where(col(PostingProblem.batch_id) == batch_id)
    else:
        query = (
            query.join(Batch, col(Batch.id) == Posting.batch_id)
            .where(col(Posting.book_id) == book_id, col(Posting.state) == state, col(Batch.mode) != "dry")
            .where(col(PostingProblem.severity).in_(STOPS))
        )
    rows = session.execute(query).all()
    codes = posting_problems.codes(session, [row[0] for row in rows])
    found = []
    for posting, batch, state_now, currency, cents, date, needs_person, keep, kind, problem, named in rows:
        beside = codes.get(posting, frozenset())
        choices = decisions.choices_of(state_now, beside, kind, needs_person=needs_person, keep=keep)
        found.append(Entry(posting, problem, batch, named or "", state_now, currency, cents, date, choices))
    return found


def _open_doubts(session: Session, batch: Batch) -> Group | None:
    query = (
        columns(col(Posting.currency), func.count(), func.sum(Posting.cents))
        .where(col(Posting.batch_id) == batch.id, col(Posting.state) == S.IN_DOUBT)
        .where(col(Posting.needs_person).is_(False))
        .group_by(col(Posting.currency))
    )
    rows = session.execute(query).all()
    if not rows:
        return None
    problem = Problem(
        "in_doubt",
        "In doubt: QuickBooks did not answer.",
        "Perhaps they are in the books, perhaps not. Nothing is sent again until QuickBooks says which. Nothing to do.",
        Severity.DOUBT,
    )
    return Group("in_doubt", "", problem, sum(row[1] for row in rows), {row[0]: int(row[2]) for row in rows})
