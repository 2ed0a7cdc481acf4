"""What an unposted record is, beyond its own problems: left from a past month, or perhaps in QuickBooks already."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain.problems import Problem, Severity
from app.domain.states import PostingState, RecordKind
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.records import holding, records, views

OLD, QUESTION, HELD = "old", "looks_posted", "held"
VIEWS = (views.READY, views.FIX, OLD, QUESTION, HELD, views.UNLOOKED)
#: Problems that a batch stopped at because QuickBooks seems to hold the document.
ASKED = ("looks_already_posted", "several_in_books")


class Question(NamedTuple):
    """A record that a batch held back, with what it found. ``key`` is the problem's group in that batch."""

    batch_id: int
    key: str
    message: str


def old_before(today: dt.date) -> dt.date:
    """The first day of last month: what is dated before it was left over by at least one month's end."""
    return (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)


def verdicts(session: Session, book: Book, source_id: int, kind: RecordKind, today: dt.date) -> Mapping[str, str]:
    """Record → the one view of ``VIEWS`` that it is in.

    Old is only what else would be ready: nobody posts a forgotten invoice because "all ready" took it along.
    """
    found = dict(views.judged(session, book, source_id, kind))
    wanted = records.Filter(through=old_before(today) - dt.timedelta(days=1))
    for record in records.matching(session, source_id, kind, wanted):
        if found.get(record) == views.READY:
            found[record] = OLD
    found |= dict.fromkeys(found.keys() & questions(session, source_id, kind).keys(), QUESTION)
    return found | dict.fromkeys(found.keys() & held(session, source_id, kind), HELD)


def held(session: Session, source_id: int, kind: RecordKind) -> set[str]:
    """What only a person can take, record by record: on hold, undone or skipped."""
    query = (
        select(PostingRecord.record)
        .join(Posting, col(Posting.id) == PostingRecord.posting_id)
        .where(PostingRecord.source_id == source_id, PostingRecord.kind == kind)
        .where(col(Posting.state).in_((PostingState.UNDONE, PostingState.SKIPPED)))
    )
    perhaps = {*session.exec(query), *session.exec(holding.held(source_id, kind))}
    standings = records.standings(session, source_id, kind, list(perhaps))
    return {record for record, standing in standings.items() if standing.only_by_name}


def questions(
    session: Session, source_id: int, kind: RecordKind, only: Iterable[str] | None = None
) -> dict[str, Question]:
    """What asks "is this it?" now, by record: held by a batch that posts, and not answered."""
    query = (
        columns(col(PostingRecord.record), PostingProblem)
        .join(Posting, col(Posting.id) == PostingProblem.posting_id)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .join(Batch, col(Batch.id) == Posting.batch_id)
        .where(col(PostingRecord.source_id) == source_id, col(PostingRecord.kind) == kind, col(PostingRecord.live))
        .where(col(Posting.state) == PostingState.HELD, col(Batch.mode) == "post")
        .where(col(PostingProblem.code).in_(ASKED))
    )
    if only is not None:
        query = query.where(col(PostingRecord.record).in_(list(only)))
    return {record: _question(problem) for record, problem in session.execute(query)}


def _question(row: PostingProblem) -> Question:
    problem = Problem(row.code, row.message, row.remedy, Severity(row.severity), row.field, row.subject)
    return Question(row.batch_id, problem.group, row.message)
