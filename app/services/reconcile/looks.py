"""Looks: both systems are read in bulk and compared with what was posted. A look writes to neither of them.

A look goes through stages; each step is one call and one commit with the place reached, under a lease. So a look whose
worker was killed goes on where it stood, and a frozen worker that thaws writes nothing any more.
"""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import time
from zoneinfo import ZoneInfo

from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from app.connectors.overviews import ShowsDocuments, ShowsInvoices
from app.connectors.protocols import ConnectionFailedError, Connectors
from app.database import Database
from app.domain.codec import to_json
from app.domain.problems import CrossfootError, Problem, ValidationError
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Posting
from app.models.reconcile import DriftLook
from app.services import leases
from app.services.connections import books, connections
from app.services.people import audit
from app.services.posting import failures
from app.services.reconcile import look_books, look_psa
from app.services.reconcile.looking import Looking, LookLostError

#: A step is one call, which may wait for a vendor's limit; a lease that is not renewed for so long is free.
LEASE = dt.timedelta(seconds=150)
#: Changes are asked for from before the last look began: what comes twice does no harm.
OVERLAP = dt.timedelta(minutes=10)
#: Everything is read again so often, whatever was followed in between.
WHOLE_AGAIN = dt.timedelta(days=7)
#: A step that failed for want of a connection, or by a fault of ours, is tried again after so long, so often. A try
#: counts when it begins, so that one whose worker dies of it counts too; a step that is done begins the count anew.
TRY_AGAIN, MOST_TRIES = dt.timedelta(seconds=20), 6
DIED = (f"Its worker died {MOST_TRIES} times at the same place.", "Look at the workers’ log, then look again.")

STAGES = (*look_psa.STAGES, *look_books.STAGES, *look_psa.LAST)


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(session: Session, book: Book, *, by: str, whole: bool = False) -> DriftLook:
    """Begin a look, or answer with the one that is under way; commits, the caller rings the doorbell.

    Raises ValidationError where a side is not connected.
    """
    if book.source_id is None or not book.connected:
        raise ValidationError(f"“{book.name}” is not connected on both sides.", "Look under Settings ▸ Connections.")
    if (under_way := running(session, book.id or 0)) is not None:
        return under_way
    look = _new(session, book, by=by, whole=whole)
    session.add(look)
    audit.record(session, by, "reconcile.look", f"book:{book.id}", whole=look.whole)
    try:
        session.commit()
    except IntegrityError:  # somebody else asked at this very moment
        session.rollback()
        return session.exec(_under_way(book.id or 0)).one()
    return look


def _new(session: Session, book: Book, *, by: str, whole: bool) -> DriftLook:
    first, last = first_day(book), newest(session, book.id or 0)
    ended = (DriftLook.book_id == book.id, col(DriftLook.until).is_not(None))
    all_read = session.exec(select(func.max(DriftLook.ended_at)).where(*ended, col(DriftLook.whole))).one()
    recent = all_read is not None and utcnow() - all_read < WHOLE_AGAIN
    follows = not whole and recent and last is not None and last.first_day <= first and last.until is not None
    since = last.until - OVERLAP if follows and last and last.until else None
    return DriftLook(book_id=book.id or 0, by=by, first_day=first, whole=since is None, since=since, stage=STAGES[0])


def first_day(book: Book) -> dt.date:
    """First day of the first month that is looked at."""
    today = books.today_of(book)
    months = today.year * 12 + today.month - 1 - int(books.setting_of(book, "reconcile.months")) + 1
    return dt.date(months // 12, months % 12 + 1, 1)


def running(session: Session, book_id: int) -> DriftLook | None:
    """The look that is under way."""
    return session.exec(_under_way(book_id)).first()


def _under_way(book_id: int) -> SelectOfScalar[DriftLook]:
    return select(DriftLook).where(DriftLook.book_id == book_id, col(DriftLook.ended_at).is_(None))


def newest(session: Session, book_id: int) -> DriftLook | None:
    """The last look that came to its end with an answer."""
    query = select(DriftLook).where(DriftLook.book_id == book_id, col(DriftLook.until).is_not(None))
    return session.exec(query.order_by(col(DriftLook.id).desc())).first()


def last(session: Session, book_id: int) -> DriftLook | None:
    """The last look whatever became of it."""
    return session.exec(
        select(DriftLook).where(DriftLook.book_id == book_id).order_by(col(DriftLook.id).desc())
    ).first()


# ── the schedule ─────────────────────────────────────────────────────────────────────────────────────────────────


def due(database: Database, now: dt.datetime | None = None) -> list[int]:
    """Looks that nobody works on, today's among them once their hour has come."""
    moment = now or utcnow()
    with database.reading() as session:
        wanted = [book.id for book in session.exec(select(Book)) if _is_time(session, book, moment)]
    for book_id in wanted:
        with database.session() as session:
            look = ask(session, session.get_one(Book, book_id), by="")
            look.asked_at = moment
            session.add(look)
            session.commit()
    with database.reading() as session:
        free = leases.free(col(DriftLook.lease_until), moment)
        later = or_(col(DriftLook.wake_at).is_(None), col(DriftLook.wake_at) <= moment)
        query = select(DriftLook.id).where(col(DriftLook.ended_at).is_(None), free, later)
        return [ident for ident in session.exec(query) if ident is not None]


def _is_time(session: Session, book: Book, now: dt.datetime) -> bool:
    """Whether the day's hour has come, nothing was looked at since, and something was posted before it."""
    if not book.connected or book.source_id is None or books.setting_of(book, "reconcile.daily") != "yes":
        return False
    hour = _last_hour(book, now)
    asked = session.exec(select(func.max(DriftLook.asked_at)).where(DriftLook.book_id == book.id)).one()
    if asked is not None and asked >= hour:
        return False
    before = select(Posting.id).where(Posting.book_id == book.id, col(Posting.posted_at) < hour).limit(1)
    return session.exec(before).first() is not None


def _last_hour(book: Book, now: dt.datetime) -> dt.datetime:
    """The hour of the daily look that came last."""
    zone = ZoneInfo(books.zone_of(book))
    here = now.astimezone(zone)
    hour = here.replace(hour=int(books.setting_of(book, "reconcile.hour")), minute=0, second=0, microsecond=0)
    return hour if hour <= here else hour - dt.timedelta(days=1)


# ── working ──────────────────────────────────────────────────────────────────────────────────────────────────────


def work(
    database: Database, connectors: Connectors, look_id: int, abandon: threading.Event | None = None
) -> DriftLook | None:
    """Go on with a look until it ends or must wait; None where somebody else has it, or it has ended."""
    owner = secrets.token_hex(8)
    if not _take(database, look_id, owner):
        return None
    try:
        looking = _open(database, connectors, look_id, owner)
        while not (abandon and abandon.is_set()) and looking.look.stage != "done":
            _step(looking)
        values = {} if looking.look.stage != "done" else {"ended_at": utcnow(), "until": looking.look.started_at}
        _give_back(database, look_id, owner, tries=0, **values)
    except LookLostError:
        return None
    except CrossfootError as error:
        passes = isinstance(error, ConnectionFailedError) and not error.systemic
        problem = Problem(getattr(error, "code", "cannot_look"), error.message, error.remedy)
        _failed(database, look_id, owner, problem, passes=passes)
    except Exception as error:
        problem = failures.of_our_own(error, "Look again; if it happens again, report it.")
        _failed(database, look_id, owner, problem, passes=True)
        raise
    with database.reading() as session:
        return session.get(DriftLook, look_id)


def work_again(database: Database, connectors: Connectors, look_id: int) -> DriftLook | None:
    """Wait until a look that failed may be tried again, then ``work`` on it."""
    with database.reading() as session:
        wake_at = session.get_one(DriftLook, look_id).wake_at
    if wake_at is not None:
        time.sleep(max(0.0, (wake_at - utcnow()).total_seconds()))
    return work(database, connectors, look_id)


def _take(database: Database, look_id: int, owner: str) -> bool:
    now = utcnow()
    free = leases.free(col(DriftLook.lease_until), now)
    with database.session() as session:
        mine = (col(DriftLook.id) == look_id, col(DriftLook.ended_at).is_(None), free)
        values = {"lease_owner": owner, "lease_until": now + LEASE, "wake_at": None, "tries": DriftLook.tries + 1}
        taken = session.exec(update(DriftLook).where(*mine).values(**values)).rowcount
        started = (col(DriftLook.id) == look_id, col(DriftLook.started_at).is_(None))
        session.exec(update(DriftLook).where(*started).values(started_at=now))
        session.commit()
    return taken == 1


def _open(database: Database, connectors: Connectors, look_id: int, owner: str) -> Looking:
    with database.reading() as session:
        look = session.get_one(DriftLook, look_id)
        source_id = session.get_one(Book, look.book_id).source_id
    if look.tries > MOST_TRIES:
        raise CrossfootError(*DIED)
    if source_id is None:
        raise ValidationError("No PSA is connected any more.", "Look under Settings ▸ Connections.")
    source = connections.open_source(database, connectors, source_id)
    destination = connections.open_destination(database, connectors, look.book_id)
    if not isinstance(source, ShowsInvoices) or not isinstance(destination, ShowsDocuments):
        raise ValidationError("These systems can’t be looked at in bulk.", "Look at single documents instead.")
    return Looking(database, source, destination, source_id, owner, LEASE, look)


def _step(looking: Looking) -> None:
    """One step of the stage that the look is at; then the next one, or the next stage."""
    stage = looking.look.stage
    run = look_psa.STEPS.get(stage) or look_books.STEPS[stage]
    if run(looking):
        looking.go_to(STAGES[STAGES.index(stage) + 1] if stage != STAGES[-1] else "done")


def _failed(database: Database, look_id: int, owner: str, problem: Problem, *, passes: bool) -> None:
    """What may pass is tried again; the rest ends it."""
    with database.reading() as session:
        tries = session.get_one(DriftLook, look_id).tries
    again = passes and tries < MOST_TRIES
    values = {"wake_at": utcnow() + TRY_AGAIN * tries} if again else {"ended_at": utcnow()}
    _give_back(database, look_id, owner, problem=to_json(problem), **values)


def _give_back(database: Database, look_id: int, owner: str, **values: object) -> None:
    with database.session() as session:
        mine = (col(DriftLook.id) == look_id, col(DriftLook.lease_owner) == owner)
        session.exec(update(DriftLook).where(*mine).values(lease_owner="", lease_until=None, **values))
        session.commit()
