"""AutoSync: when a Book's due moment comes, what is unposted is submitted, a batch per kind.

The scheduler calls ``tick`` as often as it likes, from as many processes as it likes: a due moment is claimed by one
conditional UPDATE, and an index says that a Book has one open round. The claim is a row (a round), so a worker that
dies leaves it to the next; and its batches carry a token of round and kind, so they are made once. While a round goes
on, nothing more is claimed: however many moments go by meanwhile, or while the machine is off, one run follows.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.connectors.payments import TellsPayments
from app.connectors.protocols import ConnectionFailedError, Connectors, Destination, Source
from app.database import Database
from app.domain import autosync_settings
from app.domain.codec import to_json
from app.domain.problems import CrossfootError, Problem, ValidationError
from app.domain.schedule import Schedule
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.rounds import AutoSync, Round
from app.services import leases
from app.services.autosync import ends, parking, rounds
from app.services.autosync.ends import ACTOR
from app.services.batches import batches
from app.services.connections import books, connections
from app.services.payments import payments
from app.services.payments import reading as payment_reading
from app.services.people import audit
from app.services.posting import failures
from app.services.records import records

log = logging.getLogger(__name__)

#: A worker that reads and submits for longer counts as dead; batches are made once all the same.
LEASE = dt.timedelta(minutes=5)
#: So often another batch may take a record between our look and our Submit.
TRIES = 3


@dataclass(frozen=True, slots=True)
class View:
    """What pages and commands show of a Book's AutoSync.

    Attributes:
        next: when it is due next; None while it is off or paused.
        last: the newest round that has ended; ``now`` the one under way.
    """

    book: Book
    state: AutoSync
    schedule: Schedule
    kinds: list[str]
    next: dt.datetime | None
    last: Round | None
    now: Round | None

    @property
    def word(self) -> str:
        """``off``, ``paused`` or ``on``."""
        return "paused" if self.state.enabled and self.state.paused else "on" if self.state.enabled else "off"


def view(session: Session, book: Book, now: dt.datetime | None = None) -> View:
    """As it stands."""
    state, schedule = state_of(session, book), schedule_of(book)
    going = state.enabled and not state.paused
    newest = list(reversed(rounds.recent(session, book.id or 0, 2)))
    return View(
        book,
        state,
        schedule,
        _kinds(book),
        schedule.due_after(now or utcnow()) if going else None,
        next((made for made in newest if made.state == "ended"), None),
        next((made for made in newest if made.state != "ended"), None),
    )


def _kinds(book: Book) -> list[str]:
    """What is synced, in the order in which it is: payments last, because they may be for what is posted before."""
    values = books.show(book)
    back = [payments.KIND] if autosync_settings.payments(values) else []
    return [*map(str, rounds.ordered(book, autosync_settings.kinds(values))), *back]


def state_of(session: Session, book: Book) -> AutoSync:
    """The Book's row; a new one, not stored yet, where it was never switched on."""
    return session.get(AutoSync, book.id) or AutoSync(book_id=book.id or 0)


def schedule_of(book: Book) -> Schedule:
    """By the Book's settings, in its zone."""
    return autosync_settings.schedule(books.show(book), books.zone_of(book))


# ── a person's orders ────────────────────────────────────────────────────────────────────────────────────────────


def switch_on(
    session: Session, book: Book, *, by: str, open_checks: list[str], override: bool = False, now: dt.datetime
) -> None:
    """From the next due moment on; commits.

    ``open_checks`` are the titles of the checks that are not fulfilled (see checks): with ``override`` they are
    only written into the audit log. Raises ValidationError.
    """
    if not _kinds(book):
        raise ValidationError("AutoSync has nothing to do.", "Choose at least one kind of transaction first.")
    if open_checks and not override:
        raise ValidationError(
            f"AutoSync isn’t ready yet: {'; '.join(open_checks)}.", "Do what the checklist says, or override it."
        )
    state = state_of(session, book)
    state.enabled, state.paused, state.paused_at, state.failures = True, None, None, 0
    state.mark, state.schedule = now, repr(schedule_of(book))
    session.add(state)
    audit.record(session, by, "autosync.on", f"book:{book.id}", overridden=open_checks)
    session.commit()


def switch_off(session: Session, book: Book, *, by: str) -> None:
    """Nothing is due any more; what it has submitted goes on. Commits."""
    state = state_of(session, book)
    if state.enabled:
        state.enabled, state.paused, state.paused_at = False, None, None
        session.add(state)
        audit.record(session, by, "autosync.off", f"book:{book.id}")
    session.commit()


def resume(session: Session, book: Book, *, by: str, now: dt.datetime) -> list[int]:
    """Go on after a pause, and with the batches that the fault ended; commits. Answers batches to ring for."""
    state = state_of(session, book)
    if not state.paused:
        return []
    audit.record(session, by, "autosync.resume", f"book:{book.id}", paused_for=state.paused.get("message", ""))
    state.paused, state.paused_at, state.failures, state.mark = None, None, 0, now
    session.add(state)
    session.commit()
    return _go_on(session, book, systemic=True, by=by)


def run_now(session: Session, book: Book, *, by: str) -> Round:
    """A round out of turn; commits, the caller rings for it. Raises ValidationError: off, paused, or one goes on."""
    shown = view(session, book)
    if shown.word != "on":
        raise ValidationError(f"AutoSync is {shown.word}.", "Switch it on or resume it first.")
    running = ValidationError("AutoSync is running already.", "What it has not taken yet comes with the next run.")
    if shown.now:
        raise running
    made = Round(book_id=book.id or 0, auto=True, by=by)
    session.add(made)
    audit.record(session, by, "autosync.now", f"book:{book.id}")
    try:
        session.commit()
    except IntegrityError as error:  # its moment came just now, or somebody else pressed the button
        session.rollback()
        raise running from error
    return made


def _go_on(session: Session, book: Book, *, systemic: bool, by: str) -> list[int]:
    """Resume AutoSync's batches that a fault of one sort ended; a fault of our own is left for a person."""
    query = select(Batch).where(Batch.book_id == book.id, col(Batch.auto), col(Batch.failure).is_not(None))
    found = [
        b for b in session.exec(query) if _systemic(b) is systemic and (b.failure or {})["code"] != "internal_error"
    ]
    for batch in found:
        batches.resume(session, batch, by=by)
    return [batch.id or 0 for batch in found]


def _systemic(batch: Batch) -> bool:
    return bool((batch.failure or {}).get("technical", {}).get("systemic"))


# ── the clock ────────────────────────────────────────────────────────────────────────────────────────────────────


def tick(database: Database, home: str, now: dt.datetime) -> list[int]:
    """End what has ended, claim what is due; answers the rounds that a worker should be rung for.

    A fault with one company is logged and told, and keeps no other from its turn.

    ``home`` is the public address, for mails; ``now`` decides what is due.
    """
    with database.reading() as session:
        going = list(session.exec(select(Round).where(Round.state == "submitted")))
        on = select(AutoSync, Book).join(Book, col(Book.id) == AutoSync.book_id)
        clocks = list(session.exec(on.where(col(AutoSync.enabled), col(AutoSync.paused).is_(None))))
    for made in going:
        with _alone(database, made.book_id, home):
            ends.settle(database, made, home)
    for state, book in clocks:
        if book.connected and book.source_id is not None:
            with _alone(database, state.book_id, home):
                _claim(database, state, book, now)
    with database.reading() as session:
        free = leases.free(col(Round.lease_until), utcnow())
        return [ident or 0 for ident in session.exec(select(Round.id).where(Round.state == "due", free))]


@contextmanager
def _alone(database: Database, book_id: int, home: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.exception("AutoSync of company %s", book_id)
        ends.fault(database, book_id, error, home)


def _claim(database: Database, state: AutoSync, book: Book, now: dt.datetime) -> None:
    """Take the newest due moment that nobody has taken; those before it, missed, are done with it."""
    schedule = schedule_of(book)
    if state.schedule != repr(schedule):
        _take_schedule(database, state, repr(schedule), now)
        return
    if state.mark is not None and state.mark > now + leases.AHEAD:  # it would be silent until then
        _take_schedule(database, state, state.schedule, now)
        return
    due = schedule.due_by(now)
    if due is None or schedule.is_quiet(now) or (state.mark is not None and due <= state.mark):
        return
    ours = (
        col(AutoSync.book_id) == book.id, col(AutoSync.enabled), col(AutoSync.paused).is_(None),
        or_(col(AutoSync.mark).is_(None), col(AutoSync.mark) < due),
        ~select(Round.id).where(Round.book_id == book.id, col(Round.auto), Round.state != "ended").exists(),
    )  # fmt: skip
    with database.session() as session:
        if session.exec(update(AutoSync).where(*ours).values(mark=due)).rowcount == 1:
            session.add(Round(book_id=book.id or 0, due_at=due, auto=True, by=ACTOR))
        with suppress(IntegrityError):  # another scheduler, whose clock differs, has opened one at this very moment
            session.commit()


def _take_schedule(database: Database, state: AutoSync, new: str, now: dt.datetime) -> None:
    """Another schedule holds from now on: what it would have meant for the past is not caught up."""
    same = (col(AutoSync.book_id) == state.book_id, col(AutoSync.schedule) == state.schedule)
    with database.session() as session:
        session.exec(update(AutoSync).where(*same).values(schedule=new, mark=now))
        session.commit()


# ── a round ──────────────────────────────────────────────────────────────────────────────────────────────────────


def work(database: Database, connectors: Connectors, round_id: int, home: str) -> list[int]:
    """Read the PSA's lists, submit what is to be posted; answers the batches to ring for. Harmless when rung twice."""
    owner = _lease(database, round_id)
    if owner is None:
        return []
    with database.reading() as session:
        made = session.get_one(Round, round_id)
        book = session.get_one(Book, made.book_id)
    try:
        _kind_by_kind(database, connectors, made, book, owner)
    except CrossfootError as error:
        ends.fail(database, made, error, home)
    except Exception as error:
        own = failures.of_our_own(error, "It begins anew when it is due; if it fails again, report it.")
        ends.fail(database, made, own, home)
        raise
    with database.session() as session:
        ours = (col(Round.id) == round_id, col(Round.state) == "due", col(Round.lease_owner) == owner)
        session.exec(update(Round).where(*ours).values(state="submitted", lease_owner="", lease_until=None))
        session.commit()
        batch_ids = [batch.id or 0 for batch in rounds.batches_of(session, made)]
    ends.settle(database, made, home)  # at once where nothing was to be posted
    return batch_ids


def _kind_by_kind(database: Database, connectors: Connectors, made: Round, book: Book, owner: str) -> None:
    """Submit each kind that is not submitted yet. Raises CrossfootError where none of them can be."""
    with database.reading() as session:
        going = view(session, book).word == "on"  # it may have been switched off since
    source = connections.open_source(database, connectors, book.source_id or 0)
    ledger = connections.open_destination(database, connectors, book.id or 0)
    if book.broken:
        raise ConnectionFailedError(book.broken, "Connect it again.", systemic=True, code="consent_gone")
    if going:
        _take_up(database, made, book)
    for kind in [kind for kind in _kinds(book) if going and kind not in made.found]:
        found = (
            _bring_back(database, ledger, made, book)
            if kind == payments.KIND
            else _submit(database, source, made, book, RecordKind(kind))
        )
        _keep(database, made, owner, kind, found)


def _lease(database: Database, round_id: int) -> str | None:
    owner, now = secrets.token_hex(8), utcnow()
    free = leases.free(col(Round.lease_until), now)
    with database.session() as session:
        mine = update(Round).where(col(Round.id) == round_id, col(Round.state) == "due", free)
        taken = session.exec(mine.values(lease_owner=owner, lease_until=now + LEASE)).rowcount == 1
        session.commit()
    return owner if taken else None


def _take_up(database: Database, made: Round, book: Book) -> None:
    """Batches of earlier rounds that an outage ended go on, as part of this one."""
    with database.session() as session:
        for batch_id in _go_on(session, book, systemic=False, by=ACTOR):
            rounds.tie(session, made, session.get_one(Batch, batch_id))


def _submit(database: Database, source: Source, made: Round, book: Book, kind: RecordKind) -> dict[str, Any]:
    """What became of one kind. Raises ConnectionFailedError where every other kind would fail too."""
    with database.session() as session:
        if (twin := rounds.twin(session, made, kind)) is not None:  # a worker died right after it
            rounds.tie(session, made, twin)
            return {"taken": True}
    try:
        for left in reversed(range(TRIES)):
            found = _try(database, source, made, book, kind, last=not left)
            if found is not None:
                return found
    except ConnectionFailedError as error:
        if error.systemic:
            raise
        return {"problem": to_json(Problem(error.code, error.message, error.remedy))}
    raise AssertionError  # the last try always answers


def _try(
    database: Database, source: Source, made: Round, book: Book, kind: RecordKind, *, last: bool
) -> dict[str, Any] | None:
    """None where somebody else took one of the records at this very moment, and it is not the last try."""
    records.refresh(database, source, book.source_id or 0, kind)
    order = order_of(book)
    wanted = records.Filter(location=order.location, through=order.through)
    choice = parking.choose(database, source, book, kind, wanted, accept=order.accept)
    found = {"parked": len(choice.parked), "again": choice.again}
    if not choice.taken:
        return {**found, "nothing": True}
    with database.session() as session:
        try:
            rounds.submit(session, made, book, kind, choice.taken, order, by=made.by)
        except ValidationError as error:
            problem = Problem("not_submitted", error.message, error.remedy)
            return {**found, "problem": to_json(problem)} if last else None
    return {**found, "taken": True}


def _bring_back(database: Database, ledger: Destination, made: Round, book: Book) -> dict[str, Any]:
    """A batch of payments, if any changed. Raises ConnectionFailedError where nothing else would work either."""
    try:
        if isinstance(ledger, TellsPayments) and not payment_reading.is_anything_new(database, ledger, book.id or 0):
            return {"nothing": True}
        with database.session() as session:
            name = rounds.name(session, book, payments.KIND, books.setting_of(book, "autosync.name"))
            token = rounds.token(made, payments.KIND)
            batch = payments.submit(
                session, book, by=made.by, name=name, auto=True, token=token, approval=order_of(book).approval
            )
            rounds.tie(session, made, batch)
    except ConnectionFailedError as error:
        if error.systemic:
            raise
        return {"problem": to_json(Problem(error.code, error.message, error.remedy))}
    except ValidationError as error:
        return {"problem": to_json(Problem("not_submitted", error.message, error.remedy))}
    return {"taken": True}


def order_of(book: Book, now: dt.datetime | None = None) -> rounds.Order:
    """What AutoSync's batches are submitted with."""
    values = books.show(book)
    return rounds.Order(
        location=values["autosync.location"],
        through=autosync_settings.through(values["autosync.through"], books.today_of(book, now)),
        summary=values["autosync.summary"] or values["sales.summary"],
        accept=values["autosync.accept"] == "yes",
        pattern=values["autosync.name"],
        approval=False if values["autosync.approval"] == "no" else None,
    )


def _keep(database: Database, made: Round, owner: str, kind: str, found: dict[str, Any]) -> None:
    """Write down what became of a kind, so that a worker that comes after us does not ask again."""
    made.found = {**made.found, kind: found}
    with database.session() as session:
        ours = (col(Round.id) == made.id, col(Round.lease_owner) == owner)
        session.exec(update(Round).where(*ours).values(found=made.found, lease_until=utcnow() + LEASE))
        session.commit()
