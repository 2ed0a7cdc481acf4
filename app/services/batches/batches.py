"""Batches: submit, find, stop, resume, retry. What a batch then does stands in services/posting."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Sequence

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.domain import line_text
from app.domain.problems import NotFoundError, ValidationError
from app.domain.states import STOPPED, PostingState, RecordKind, Role, SectionKey
from app.models.batches import Batch, LogLine, Section
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Creation, Posting, PostingProblem, PostingRecord
from app.models.records import UnpostedRow
from app.services.batches import afterwards, approvals, names, new_postings
from app.services.connections import books
from app.services.people import audit
from app.services.records import holding, records

SUMMARIES = ("default", "condensed", "detailed")


def submit(
    session: Session,
    book: Book,
    *,
    kind: RecordKind,
    wanted: Sequence[str],
    by: str,
    initials: str = "X",
    name: str = "",
    summary: str = "default",
    through: dt.date | None = None,
    location: str = "",
    accept: bool = False,
    release: bool = False,
    mode: str = "post",
    auto: bool = False,
    token: str | None = None,
    today: dt.date | None = None,
    approval: bool | None = None,
) -> Batch:
    """Make a batch and its postings, in one commit; the caller rings the doorbell after it.

    ``wanted`` are record ids of the stored list. Records that another batch has, or that are in the books already, are
    left out and named in ``left_out``; with ``release`` those are taken that a person put on hold, undid or skipped.
    A second submit with the same ``token`` answers with the first one's batch. ``mode`` is that of models.Batch.
    ``approval``: whether another person must approve it; None for what the company's setting says.

    Raises ValidationError: nothing is left to post, the name is taken or not a name, the summary level is unknown.
    """
    if token and (twin := session.exec(select(Batch).where(Batch.token == token)).first()):
        return twin
    summary, source_id = _summary_of(book, kind, summary), books.source_of(book)
    rows = records.named(session, source_id, kind, wanted)
    taken, left_out = _sort_out(session, source_id, kind, rows, wanted, release=release)
    if not taken:
        raise ValidationError(_nothing(left_out), "Refresh the list and select records that are still unposted.")
    name = name.strip() or names.propose(session, book, kind, initials, today or utcnow().date())
    names.validate(session, book, name)
    batch = Batch(
        book_id=_id(book), source_id=source_id, kind=kind, name=name, name_key=None if mode == "dry" else name,
        summary=summary, through=through, location=location, accept=accept, by=by, token=token, left_out=left_out,
        mode=mode, auto=auto,
    )  # fmt: skip
    if mode != "dry" and (approvals.needed(book) if approval is None else approval):
        approvals.ask(batch, by=by)
    return _stored(session, batch, taken)


def _stored(session: Session, batch: Batch, rows: list[UnpostedRow]) -> Batch:
    """The batch with its postings, in one commit; where somebody else committed first, what that means."""
    session.add(batch)
    token, told = batch.token, {"name": batch.name, "records": len(rows), "accept": batch.accept}
    try:
        session.flush()
        new_postings.add(session, batch, rows)
        audit.record(session, batch.by, f"batch.{batch.mode}", f"batch:{batch.id}", **told)
        session.commit()
    except IntegrityError as error:
        session.rollback()
        return _lost_race(session, token, error)
    return batch


def _summary_of(book: Book, kind: RecordKind, wanted: str) -> str:
    """The summary level that is asked for, or that the Book's other settings need."""
    if wanted not in SUMMARIES:
        raise ValidationError(f"“{wanted}” is not a summary level.", f"Choose {', '.join(SUMMARIES)}.")
    forced = kind is RecordKind.INVOICES and line_text.needs_detailed(books.rules_of(book))
    return "detailed" if forced else wanted


def _id(row: Book | Batch | Posting) -> int:
    if row.id is None:
        raise ValueError("The row is not stored yet.")
    return row.id


def _sort_out(
    session: Session,
    source_id: int,
    kind: RecordKind,
    rows: list[UnpostedRow],
    wanted: Sequence[str],
    *,
    release: bool,
) -> tuple[list[UnpostedRow], list[dict[str, str]]]:
    """Those that may be taken, and the others each with its reason."""
    standings = records.standings(session, source_id, kind, [row.record for row in rows])
    taken, left = [], []
    listed = {row.record for row in rows}
    missing = [record for record in dict.fromkeys(wanted) if record not in listed]
    left += [{"record": record, "number": "", "why": "no longer unposted in the PSA"} for record in missing]
    for row in rows:
        standing = standings.get(row.record, records.FREE)
        if not standing.offered:
            why = f"already {standing.state} in batch {standing.batch}"
            left.append({"record": row.record, "number": row.number, "why": why})
        elif standing.only_by_name and not release:
            why = _on_hold(standing)
            left.append({"record": row.record, "number": row.number, "why": why})
        else:
            taken.append(row)
    return taken, left


def _on_hold(standing: records.Standing) -> str:
    since = f"on hold since batch {standing.batch}"
    return f"on hold: {standing.reason} ({standing.held_by})" if standing.reason else since


def _nothing(left_out: list[dict[str, str]]) -> str:
    if len(left_out) == 1:
        only = left_out[0]
        return f"Record {only['number'] or only['record']} is {only['why']}."
    if left_out:
        return f"None of the {len(left_out)} records can be posted: the first is {left_out[0]['why']}."
    return "No record is selected."


#: What tells in SQLite's words (columns) or PostgreSQL's (the constraint) what somebody else took first.
RACES = {
    "records": re.compile(r"posting_records\.record|ux_one_live_posting"),
    "name": re.compile(r"batches\.name_key|batches_book_id_name_key_key"),
    "Submit": re.compile(r"batches\.token|batches_token_key"),
}


def _lost_race(session: Session, token: str | None, error: IntegrityError) -> Batch:
    """Somebody else committed first: the same Submit (then theirs is ours), a name, or a record. Else it is a fault."""
    lost = next((what for what, words in RACES.items() if words.search(str(error.orig))), None)
    if lost is None:
        raise error
    if token and (twin := session.exec(select(Batch).where(Batch.token == token)).first()):
        return twin
    raise ValidationError(
        f"Another batch took the same {lost} at this very moment; nothing was submitted.",
        "Look at the list of batches, refresh the selection and submit again.",
    ) from error


# ── looks and orders ─────────────────────────────────────────────────────────────────────────────────────────────


def find(session: Session, batch_id: int) -> Batch:
    """The batch. Raises NotFoundError."""
    batch = session.get(Batch, batch_id)
    if batch is None:
        raise NotFoundError(f"There is no batch {batch_id}.", "Look at the list of batches.")
    return batch


def listing(session: Session, *, before: int | None = None, limit: int = 50) -> list[Batch]:
    """Batches, newest first; ``before`` is the id of the last one of the page before."""
    query = select(Batch).order_by(col(Batch.id).desc()).limit(limit)
    return list(session.exec(query.where(col(Batch.id) < before) if before else query))


def log(
    session: Session, batch_id: int, text: str, *, posting: Posting | None = None, by: str = "", **detail: object
) -> None:
    """Add a line to the batch's log (and the document's timeline); the caller commits."""
    session.add(LogLine(batch_id=batch_id, posting_id=posting.id if posting else None, text=text, by=by, detail=detail))


def log_lines(session: Session, batch: Batch) -> list[LogLine]:
    """The whole log, oldest first."""
    return list(session.exec(select(LogLine).where(LogLine.batch_id == batch.id).order_by(col(LogLine.id))))


def records_of(session: Session, batch: Batch) -> dict[int, list[str]]:
    """Posting → its records, in the order in which they were put together."""
    query = (
        select(PostingRecord.posting_id, PostingRecord.record)
        .join(Posting, col(Posting.id) == PostingRecord.posting_id)
        .where(Posting.batch_id == batch.id)
        .order_by(col(PostingRecord.id))
    )
    found: dict[int, list[str]] = {}
    for posting_id, record in session.exec(query):
        found.setdefault(posting_id, []).append(record)
    return found


def touch(session: Session, batch_id: int) -> None:
    """Something of the batch changed: whoever watches it gets the new state."""
    newer = update(Batch).where(col(Batch.id) == batch_id).values(rev=Batch.rev + 1)
    session.exec(newer, execution_options={"synchronize_session": False})


def stop(session: Session, batch: Batch, *, by: str) -> None:
    """Ask the batch to stop after the calls in flight. Nothing happens to one that has ended."""
    session.refresh(batch, with_for_update=True)
    if batch.ended_at is None and not batch.stopped:
        batch.stop_asked = True
        if not batch.lease_owner:
            batch.stopped = True
        session.add(batch)
        log(session, _id(batch), "Asked to stop.", by=by)
        audit.record(session, by, "batch.stop", f"batch:{batch.id}")
        touch(session, _id(batch))
    session.commit()


def resume(session: Session, batch: Batch, *, by: str) -> None:
    """Let a stopped or failed batch go on; the caller rings the doorbell."""
    go_on(session, batch)
    approvals.reconsider(session, batch, by=by)
    log(session, _id(batch), "Resumed.", by=by)
    audit.record(session, by, "batch.resume", f"batch:{batch.id}")
    session.commit()


def retry(
    session: Session, batch: Batch, *, by: str, postings: Collection[int] | None = None, accept: bool = False
) -> int:
    """Check and send again what is held by a problem or was refused; the caller rings the doorbell.

    ``postings`` limits it to some. Postings on hold by a person, and those that continue in another batch, stay.
    Answers how many go again.
    """
    session.refresh(batch, with_for_update=True)  # before its documents: as a run does
    own = select(PostingRecord.posting_id).where(col(PostingRecord.live))
    on_hold = own.where(col(PostingRecord.record).in_(holding.held(batch.source_id, batch.kind)))
    query = (
        select(Posting)
        .where(Posting.batch_id == batch.id, col(Posting.id).in_(own), col(Posting.id).not_in(on_hold))
        .where(col(Posting.state).in_(STOPPED))
        .with_for_update()
    )
    only = None if postings is None else frozenset(postings)
    chosen = [p for p in session.exec(query).all() if only is None or p.id in only]
    for posting in chosen:
        ready_again(session, posting)
    stuck = _close_again(session, batch, only) + afterwards.again(session, batch, only)
    batch.accept = batch.accept or accept
    go_on(session, batch)
    approvals.reconsider(session, batch, by=by)
    log(session, _id(batch), f"Retry of {len(chosen) + stuck} documents.", by=by)
    audit.record(session, by, "batch.retry", f"batch:{batch.id}", records=len(chosen) + stuck)
    session.commit()
    return len(chosen) + stuck


def ready_again(session: Session, posting: Posting) -> None:
    """Back to the start of the way: read, checked and sent anew. After a refusal with a new generation."""
    if posting.state == PostingState.REFUSED:
        posting.generation += 1
    posting.state = PostingState.READY
    posting.checked = posting.proved = False
    if posting.closing != "done" and posting.role != Role.BILL:  # what is closed in the PSA can't be read again
        posting.document = None
    session.add(posting)
    session.exec(delete(PostingProblem).where(col(PostingProblem.posting_id) == posting.id))


def _close_again(session: Session, batch: Batch, only: Collection[int] | None) -> int:
    """Posted but not closed for a reason of the PSA's: look again, unless a difference waits for a person."""
    query = (
        select(PostingProblem, Posting)
        .join(Posting, col(Posting.id) == PostingProblem.posting_id)
        .where(PostingProblem.batch_id == batch.id, PostingProblem.section == SectionKey.CLOSE)
        .where(Posting.state == PostingState.POSTED)
    )
    found = [(problem, posting) for problem, posting in session.exec(query).all() if only is None or posting.id in only]
    for problem, posting in found:
        session.delete(problem)
        posting.closing = "in_doubt" if posting.closing else ""
        posting.close_at = utcnow()
        session.add(posting)
    return len({posting.id for _, posting in found})


def go_on(session: Session, batch: Batch) -> None:
    """Let the batch run again from where its rows stand; the caller commits and rings the doorbell."""
    session.flush()
    session.refresh(batch, with_for_update=True)  # a run that ends it now has done so, or sees what is written here
    if batch.ended_at is not None or batch.stopped:
        batch.queued_at = utcnow()  # behind what the company has begun since
    batch.stop_asked = batch.stopped = False
    batch.wake_at = utcnow() if batch.lease_owner and batch.ended_at is None else None  # that run may have passed it by
    cut_off = (col(Section.batch_id) == batch.id, col(Section.started_at).is_not(None), col(Section.ended_at).is_(None))
    session.exec(update(Section).where(*cut_off).values(ended_at=batch.ended_at))
    batch.ended_at = batch.failure = batch.waiting = None
    if batch.name_key is None:
        taken = select(Batch.id).where(Batch.book_id == batch.book_id, Batch.name_key == batch.name)
        batch.name_key = f"{batch.name}#{batch.id}" if session.exec(taken).first() else batch.name
    session.exec(
        update(Creation)
        .where(col(Creation.batch_id) == batch.id, col(Creation.state) == "refused")
        .values(state="wanted", problem=None, generation=Creation.generation + 1, request_id="")
    )
    touch(session, _id(batch))
