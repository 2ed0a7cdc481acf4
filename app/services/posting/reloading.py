"""Reload GL: reopen and close records in the PSA, so that they are stamped with today's mapping, then retry them.

Each step is committed before its call, and setting a status twice changes nothing: whatever dies, the record's status
is read and the missing step is taken. A record is never left open without somebody being told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.connectors.protocols import ClosedInPsa, ConnectionFailedError, Connectors, Wait
from app.connectors.source_abilities import Reopens
from app.database import Database
from app.domain.codec import to_json
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem, ValidationError
from app.domain.states import PostingState, RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Posting, PostingRecord
from app.models.reloads import Reload
from app.services.batches import batches
from app.services.connections import connections
from app.services.people import audit
from app.services.posting import claims, failures
from app.services.records import records

#: Problems that a new stamp may solve.
CURED = ("no_gl_entries", "gl_account_missing", "freight_account_missing")
#: A worker that has begun a step has this long before another one may take the record over.
LEASE = dt.timedelta(minutes=3)
LATER = dt.timedelta(seconds=15)
MOST_TRIES = 12


def ask(session: Session, batch: Batch, postings: Sequence[Posting], *, by: str) -> int:
    """Note the wish for held documents of a batch, and commit; the caller rings. Answers how many records.

    Raises ValidationError for another kind than invoices, or when all of them are under way already.
    """
    if batch.kind != RecordKind.INVOICES:
        raise ValidationError(
            "Only invoices can be reopened and closed from here.", "Do it in ConnectWise, then retry."
        )
    count = 0
    for posting in postings:
        if posting.state != PostingState.HELD:
            continue
        for record in session.exec(select(PostingRecord.record).where(PostingRecord.posting_id == posting.id)):
            count += _wish(session, batch, posting, record, by)
    if not count:
        raise ValidationError("They are being reloaded already, or no longer held.", "Look again in a minute.")
    audit.record(session, by, "record.reload", f"batch:{batch.id}", records=count)
    session.commit()
    return count


def last(session: Session, postings: Sequence[int]) -> Reload | None:
    """The newest reload that was asked for any of these postings."""
    query = select(Reload).order_by(col(Reload.id).desc()).limit(1)
    return session.exec(query.where(col(Reload.posting_id).in_(postings))).first()


def _wish(session: Session, batch: Batch, posting: Posting, record: str, by: str) -> bool:
    wish = Reload(source_id=batch.source_id, kind=batch.kind, record=record, number=posting.number,
                  batch_id=batch.id, posting_id=posting.id, by=by)  # fmt: skip
    try:
        with session.begin_nested():
            session.add(wish)
            session.flush()
    except IntegrityError:
        return False
    batches.log(session, batch.id or 0, f"{posting.number} is to be reopened and closed in ConnectWise.",
                posting=posting, by=by)  # fmt: skip
    return True


def due(database: Database) -> list[int]:
    """Sources that have something to reload now."""
    with database.reading() as session:
        query = select(Reload.source_id).where(col(Reload.state).not_in(("done", "failed"))).distinct()
        return list(session.exec(query.where(claims.free(Reload))))


def work(database: Database, connectors: Connectors, source_id: int) -> set[int]:
    """Take every step that is due for a source; any worker may call it, at any time.

    Answers the batches that have something to do again; the caller rings for them.
    """
    source, again = connections.open_source(database, connectors, source_id), set[int]()
    if not isinstance(source, Reopens):
        return again
    while (reload := _claim(database, source_id)) is not None:
        try:
            if _step(database, source, reload) and reload.batch_id:
                again.add(reload.batch_id)
        except ConnectionFailedError as error:
            _put_off(database, reload, Problem(error.code, error.message, error.remedy))
        except Exception as error:
            _put_off(database, reload, failures.of_our_own(error, "Retry, or report it."))
            raise
    return again


def _claim(database: Database, source_id: int) -> Reload | None:
    query = select(Reload).where(Reload.source_id == source_id, col(Reload.state).not_in(("done", "failed")))
    with database.session() as session:
        return claims.claim(session, Reload, query, LEASE)


def _step(database: Database, source: Reopens, reload: Reload) -> bool:
    """Where the record stands in the PSA decides what comes next; True when it is through."""
    now = source.status(reload.record)
    ours = True
    if reload.state == "wanted":
        if not now.closed:  # somebody has it open: their business, not ours
            _end(database, reload, OPEN_ALREADY)
            return False
        ours = _intend(database, reload, "opening", back_to=now.status, open_as=now.open_as)
    elif reload.state == "opening" and not now.closed:
        ours = _intend(database, reload, "closing")
    elif reload.state == "closing" and now.closed:
        return _done(database, source, reload)
    if ours:
        _send(database, source, reload)
    return False


OPEN_ALREADY = Problem(
    "open_already", "It is open in ConnectWise already: somebody is at work on it.",
    "Close it there, then retry.",
)  # fmt: skip
LEFT_OPEN = Problem(
    "left_open", "It was reopened for Reload GL, and ConnectWise does not take its closing.",
    "Close it in ConnectWise, then retry.",
)  # fmt: skip
MAYBE_OPEN = Problem(
    "left_open", "ConnectWise fell silent while it was being reopened for Reload GL: it may be open there.",
    "Look at it in ConnectWise, close it there, then retry.",
)  # fmt: skip
#: What is told when it is tried no more, by the step that was perhaps taken.
GIVEN_UP = {"opening": MAYBE_OPEN, "closing": LEFT_OPEN}


def _send(database: Database, source: Reopens, reload: Reload) -> None:
    slot = source.reserve()
    if isinstance(slot, Wait):
        _set(database, reload, look_at=utcnow() + dt.timedelta(seconds=slot.seconds))
        return
    status = reload.open_as if reload.state == "opening" else reload.back_to
    match source.set_status(reload.record, status, slot):
        case ClosedInPsa() | InDoubt():
            _set(database, reload, look_at=None)  # reading it says what became of it
        case NotDone(reason, wait, systemic):
            _put_off(database, reload, systemic or Problem("not_taken", reason, "It is tried again."), max(wait, 5.0))
        case Refused(problem):
            _refused(database, reload, problem)


def _refused(database: Database, reload: Reload, problem: Problem) -> None:
    """Not reopened, it is as it was; but one that was reopened must not be forgotten."""
    if reload.state == "opening" or reload.tries >= MOST_TRIES:
        _end(database, reload, problem if reload.state == "opening" else LEFT_OPEN)
    else:
        _put_off(database, reload, LEFT_OPEN)


def _put_off(database: Database, reload: Reload, problem: Problem, wait: float | None = None) -> None:
    if reload.tries >= MOST_TRIES:
        _end(database, reload, GIVEN_UP.get(reload.state, problem))
        return
    pause = dt.timedelta(seconds=wait) if wait else LATER
    _set(database, reload, look_at=utcnow() + pause, tries=reload.tries + 1, problem=to_json(problem))


def _intend(database: Database, reload: Reload, state: str, **values: str) -> bool:
    reload.state = state
    for name, value in values.items():
        setattr(reload, name, value)
    return _set(database, reload, state=state, **values)


def _set(database: Database, reload: Reload, **values: object) -> bool:
    """Write it down while the record is leased to this worker; False where another one may have it."""
    with database.session() as session:
        kept = claims.put(session, reload, **values)
        session.commit()
    return kept


def _end(database: Database, reload: Reload, problem: Problem) -> None:
    if not _set(database, reload, state="failed", problem=to_json(problem)) or reload.batch_id is None:
        return
    with database.session() as session:
        posting = session.get(Posting, reload.posting_id) if reload.posting_id else None
        batches.log(session, reload.batch_id, f"{reload.number} was not reloaded: {problem.message} {problem.remedy}",
                    posting=posting, by=reload.by)  # fmt: skip
        batches.touch(session, reload.batch_id)
        session.commit()


def _done(database: Database, source: Reopens, reload: Reload) -> bool:
    """Stamped anew: the list is read, and the document goes again as it is now."""
    kind = RecordKind(reload.kind)
    records.refresh(database, source, reload.source_id, kind)
    with database.session() as session:
        if not claims.put(session, reload, state="done", problem=None):
            return False
        if reload.batch_id is None or reload.posting_id is None:
            session.commit()
            return True
        row = records.one(session, reload.source_id, kind, reload.record)
        links = session.exec(select(PostingRecord).where(PostingRecord.posting_id == reload.posting_id)).all()
        posting = session.get_one(Posting, reload.posting_id)
        for link in links:
            if row and link.record == reload.record and row.total == posting.total:
                link.fingerprint = row.fingerprint  # the person who asked for it knows that it was closed again
                session.add(link)
        batch = batches.find(session, reload.batch_id)
        batches.log(session, reload.batch_id, f"{reload.number} was reopened and closed in ConnectWise.",
                    posting=posting, by=reload.by)  # fmt: skip
        batches.retry(session, batch, by=reload.by, postings=[reload.posting_id])
    return True
