"""A batch as the JSON of the outside contract, and as an exit status."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlmodel import Session, col, select

from app.domain.money import plain
from app.domain.states import IN_BOOKS, PostingState, Status
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting
from app.services.batches import batches, progress
from app.services.posting import posting_problems

S = PostingState


def batch_json(session: Session, batch: Batch) -> dict[str, Any]:
    """The batch as the contract's JSON says it, postings included."""
    shown = progress.view(session, batch)
    return {
        "batch": batch.id,
        "name": batch.name,
        "kind": batch.kind,
        "book": shown.book,
        "status": str(shown.status),
        "mode": batch.mode,
        "sections": [
            {"key": s.key, "title": s.title, "status": str(s.status), "total": s.total, "done": s.done,
             "failed": s.failed}
            for s in shown.sections
        ],
        "totals": [
            {"currency": foot.currency, **{name: tally.amount for name, tally in foot.total.items()}}
            for foot in shown.feet
        ],
        "postings": _postings_json(session, batch),
        "left_out": list(batch.left_out),
        "failure": shown.failure.to_json() if shown.failure else None,
        "approval": _approval(batch),
    }  # fmt: skip


def _approval(batch: Batch) -> dict[str, Any] | None:
    """Who prepared it, who said yes or no, and why not (any more); None where none was asked for."""
    if not batch.approval:
        return None
    return {
        "state": batch.approval, "prepared_by": batch.prepared_by, "by": batch.approval_by, "note": batch.approval_note,
    }  # fmt: skip


def _postings_json(session: Session, batch: Batch) -> list[dict[str, Any]]:
    postings = session.exec(select(Posting).where(Posting.batch_id == batch.id).order_by(col(Posting.id))).all()
    records = batches.records_of(session, batch)
    problems = posting_problems.of(session, [posting.id or 0 for posting in postings])
    return [
        {
            "records": sorted(records.get(posting.id or 0, [])),
            "number": posting.number,
            "kind": posting.kind,
            "role": posting.role,
            "party": posting.party,
            "currency": posting.currency,
            "total": plain(posting.total),
            "state": posting.state,
            "ledger_id": posting.ledger_id or None,
            "ledger_number": posting.ledger_number or None,
            "psa_batch": posting.psa_batch if posting.closing == "done" else None,
            "problems": [posting_problems.to_problem(row).to_json() for row in problems.get(posting.id or 0, [])],
        }
        for posting in postings
    ]


def summary_json(session: Session, batch: Batch) -> dict[str, Any]:
    """One row of ``batch list``."""
    return {
        "batch": batch.id,
        "name": batch.name,
        "kind": batch.kind,
        "book": session.get_one(Book, batch.book_id).name,
        "status": str(progress.status(session, batch)),
        "mode": batch.mode,
        "started": _moment(batch.started_at),
        "ended": _moment(batch.ended_at),
    }


def _moment(moment: dt.datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def exit_status(session: Session, batch: Batch) -> int:
    """Exit status of a command that waited for the batch: 0 done, 1 something needs a person, 2 nothing was written."""
    now = progress.status(session, batch)
    wrote = _wrote(session, batch)
    if now == Status.FAILED:
        return 1 if wrote else 2
    return 1 if now in (Status.COMPLETED_WITH_ERRORS, Status.STOPPED) else 0


def _wrote(session: Session, batch: Batch) -> bool:
    states = (*IN_BOOKS, S.CLEARED, S.IN_DOUBT, S.SENDING)
    query = select(Posting.id).where(Posting.batch_id == batch.id, col(Posting.state).in_(states))
    return session.exec(query).first() is not None
