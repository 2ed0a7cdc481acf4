"""What happened to one record, over all batches that had it: who, every attempt, every answer, with request ids."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from app.domain.states import RecordKind, Role
from app.models.batches import Batch, LogLine
from app.models.connections import Book
from app.models.people import Audit
from app.models.postings import Call, CallMember, Posting, PostingRecord

#: Deeds on the record itself that no batch's log has.
DEEDS = {"record.hold": "On hold", "record.release": "Released"}
MODES = {"post": "Submitted", "clear": "Submitted to be cleared", "dry": "Submitted as a dry run"}


@dataclass(frozen=True, slots=True)
class Event:
    """One line. ``by`` is empty for what a worker did; ``detail`` holds vendor ids, never secrets."""

    at: dt.datetime
    text: str
    by: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def of(session: Session, book: Book, kind: RecordKind, record: str) -> list[Event]:
    """Everything that is known to have happened to a record, in order; dry runs with it."""
    query = (
        select(Posting, Batch)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .join(Batch, col(Batch.id) == Posting.batch_id)
        .where(Posting.book_id == book.id, PostingRecord.kind == kind, PostingRecord.record == record)
        .order_by(col(Posting.id))
    )
    found = list(session.exec(query))
    postings = [posting.id or 0 for posting, _ in found]
    calls = _calls(session, postings)
    events = [
        *_submitted({batch.id or 0: batch for _, batch in found}.values()),
        *_logged(session, postings, [batch.id or 0 for _, batch in found], {call.request_id for call, _ in calls}),
        *_sent(calls, {row.id or 0: row.number for row, _ in found if row.role != Role.MAIN}),
        *_deeds(session, book, kind, record),
    ]
    return sorted(events, key=lambda event: event.at)


def _submitted(batches: Iterable[Batch]) -> list[Event]:
    return [Event(batch.submitted_at, f"{MODES[batch.mode]} in batch {batch.name}.", batch.by) for batch in batches]


def _logged(session: Session, postings: Sequence[int], batches: Sequence[int], requests: set[str]) -> list[Event]:
    """Lines about the document; of those about its batch, what a person ordered and what became of its calls."""
    query = select(LogLine).where(col(LogLine.batch_id).in_(batches)).order_by(col(LogLine.id))
    about = col(LogLine.posting_id).in_(postings)
    own = session.exec(query.where(about))
    shared = session.exec(query.where(col(LogLine.posting_id).is_(None)))
    of_batch = [line for line in shared if line.by or line.detail.get("request_id") in requests]
    return [Event(line.at, line.text, line.by, line.detail or {}) for line in [*own, *of_batch]]


def _calls(session: Session, postings: Sequence[int]) -> list[tuple[Call, CallMember]]:
    query = select(Call, CallMember).join(CallMember, col(CallMember.call_id) == Call.id)
    return list(session.exec(query.where(col(CallMember.posting_id).in_(postings)).order_by(col(Call.id))))


def _sent(calls: Sequence[tuple[Call, CallMember]], beside: Mapping[int, str]) -> list[Event]:
    """One per call that went out with the document, or with one beside it; a repeated call says how often it went."""
    attempts = Counter[int]()
    numbers = []
    for _, member in calls:
        attempts[member.posting_id] += 1
        numbers.append(attempts[member.posting_id])
    return [
        Event(
            call.sent_at,
            f"{f'{beside[member.posting_id]} sent' if member.posting_id in beside else 'Sent'} to QuickBooks, attempt"
            f" {number}{f', {call.sends} times with one id' if call.sends > 1 else ''}.",
            detail={
                "request_id": call.request_id,
                "outcome": (member.outcome or call.state).replace("_", " "),
                "generation": member.generation if member.generation > 1 else "",
                "with": _with(len(call.item_ids) - 1),
            },
        )
        for number, (call, member) in zip(numbers, calls, strict=True)
    ]  # fmt: skip


def _with(others: int) -> str:
    return f"{others} other{'s' if others > 1 else ''} in the same call" if others else ""


def _deeds(session: Session, book: Book, kind: RecordKind, record: str) -> list[Event]:
    query = select(Audit).where(col(Audit.action).in_(DEEDS), Audit.subject == f"{kind}:{record}")
    return [
        Event(row.at, DEEDS[row.action] + (f": {reason}." if (reason := row.detail.get("reason")) else "."), row.actor)
        for row in session.exec(query)
        if row.detail.get("source") == book.source_id  # another PSA has records of the same ids
    ]
