"""What a mail about failures says: the batches that ended badly, each with its causes, each cause with its rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from urllib.parse import quote

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain.notices import Entry, Part, Ref, counted
from app.domain.problems import STOPS
from app.domain.states import Status
from app.models.batches import Batch
from app.models.connections import Book
from app.models.payments import PaymentTarget
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.services.batches import problem_groups, progress
from app.services.mail.letters import Words
from app.services.payments import tally as payment_tally
from app.services.posting import posting_problems

BAD = (Status.FAILED, Status.COMPLETED_WITH_ERRORS)
#: Causes of a batch, and rows of a cause, that a mail names; the rest stands behind the link.
MOST_CAUSES, MOST_ROWS = 12, 5


def is_news(session: Session, batch: Batch, told: dt.datetime | None) -> bool:
    """Whether it ended badly, with something that came up after ``told``, the newest problem of the last mail."""
    if progress.status(session, batch) not in BAD:
        return False
    if batch.failure or batch.kind == payment_tally.KIND or told is None:
        return True
    newest = newest_problem(session, batch)
    return newest is not None and newest > told


def newest_problem(session: Session, batch: Batch) -> dt.datetime | None:
    """When the newest of the batch's open problems came up. Not its id: SQLite gives those of deleted rows again."""
    query = select(func.max(PostingProblem.at)).where(
        PostingProblem.batch_id == batch.id, col(PostingProblem.severity).in_(STOPS)
    )
    return session.exec(query).one()


def words(session: Session, book: Book, batches: Sequence[Batch], home: str) -> Words:
    """One mail about batches of one company."""
    parts = tuple(_part(session, batch, home) for batch in batches)
    waiting = sum(_waiting(session, batch) for batch in batches)
    one = batches[0].name if len(batches) == 1 else counted(len(batches), "batch")
    failed = [batch for batch in batches if batch.failure]
    what = "failed" if failed and not waiting else f"{counted(waiting, 'document')} not posted"
    where = f"{home}/batches/{batches[0].id}" if len(batches) == 1 else f"{home}/attention"
    return Words(
        f"{book.name}: {one}, {what}" if waiting else f"{book.name}: {one} {what}",
        (
            "It ended before its work was done."
            if failed
            else "What follows waits for a person. Everything else went on.",
        ),
        "Open the batch" if len(batches) == 1 else "Open Needs Attention",
        where,
        f"You choose under {home}/me which mails you get.",
        parts,
    )


def _waiting(session: Session, batch: Batch) -> int:
    """Documents, or invoices of a payment sync, that have something open."""
    if batch.kind == payment_tally.KIND:
        return payment_tally.of(session, batch).errors
    query = select(func.count(func.distinct(PostingProblem.posting_id))).where(
        PostingProblem.batch_id == batch.id, col(PostingProblem.severity).in_(STOPS)
    )
    return session.exec(query).one()


def _part(session: Session, batch: Batch, home: str) -> Part:
    entries: list[Entry] = []
    if batch.failure:
        problem = posting_problems.from_json(batch.failure)
        entries.append(Entry(problem.message, f"{home}/batches/{batch.id}", problem.remedy))
    entries += _invoices(session, batch, home) if batch.kind == payment_tally.KIND else _causes(session, batch, home)
    return Part(batch.name, tuple(entries))


def _causes(session: Session, batch: Batch, home: str) -> list[Entry]:
    groups = [group for group in problem_groups.groups(session, batch) if group.sample.severity in STOPS]
    entries = [
        Entry(
            group.sample.message,
            f"{home}/batches/{batch.id}/problems/{quote(group.key, safe=':')}",
            f"{counted(group.count, 'document')}. {group.sample.remedy}".strip(),
            _rows(session, batch, group, home),
        )
        for group in groups[:MOST_CAUSES]
    ]
    if len(groups) > MOST_CAUSES:
        entries.append(Entry(f"{len(groups) - MOST_CAUSES} causes more", f"{home}/batches/{batch.id}"))
    return entries or [Entry("Not everything was finished.", f"{home}/batches/{batch.id}")]


def _rows(session: Session, batch: Batch, group: problem_groups.Group, home: str) -> tuple[Ref, ...]:
    query = (
        columns(col(Posting.number), col(Posting.party), func.min(PostingRecord.record))
        .join(PostingProblem, col(PostingProblem.posting_id) == col(Posting.id))
        .join(PostingRecord, col(PostingRecord.posting_id) == col(Posting.id))
        .where(
            col(PostingProblem.batch_id) == batch.id, col(PostingProblem.code) == group.code,
            col(PostingProblem.subject) == group.subject,
        )
        .group_by(col(Posting.id))
        .order_by(col(Posting.number), col(Posting.id))
        .limit(MOST_ROWS)
    )  # fmt: skip
    return tuple(
        Ref(f"{number} {party}".strip(), f"{record_link(home, batch.book_id, batch.kind, record)}?batch={batch.id}")
        for number, party, record in session.execute(query)
    )


def record_link(home: str, book_id: int, kind: str, record: str) -> str:
    """The page of one record."""
    return f"{home}/records/{book_id}/{kind}/{quote(record, safe='')}"


def _invoices(session: Session, batch: Batch, home: str) -> list[Entry]:
    """Of a payment sync: invoices that are not paid as in the books."""
    query = (
        select(PaymentTarget)
        .where(PaymentTarget.batch_id == batch.id, col(PaymentTarget.severity).in_(STOPS))
        .order_by(col(PaymentTarget.number), col(PaymentTarget.id))
        .limit(MOST_CAUSES)
    )
    return [
        Entry(
            f"{target.number} {target.party}".strip(),
            record_link(home, batch.book_id, "invoices", target.record),
            " ".join(str(problem.get("message", "")) for problem in target.problems[:1]),
        )
        for target in session.exec(query)
    ]
