"""How a round of AutoSync ends, and what pauses AutoSync: only what would make every further run fail too.

A record that fails is parked and pauses nothing. What does: a consent that is gone, a key that the PSA refuses, and
documents of which one after the other fails without a single success. A vendor that is out of reach pauses nothing
either: the next run takes up what this one left. What a batch leaves is told as any batch's end is; what kept a run
from making one is told here, once as long as it stays the same, and stands on every page until a run goes well.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.database import Database
from app.domain.codec import to_json
from app.domain.notices import Event
from app.domain.problems import CrossfootError, Problem
from app.domain.states import STOPPED, Status
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book, SourceRow
from app.models.people import User
from app.models.postings import Posting
from app.models.rounds import AutoSync, Round
from app.services.autosync import rounds
from app.services.batches import progress
from app.services.connections import books
from app.services.mail import channels, letters, mail_settings, notice_wishes, outbox
from app.services.mail.letters import Words
from app.services.people import audit
from app.services.posting import all_or_nothing, failures, posting_problems

ACTOR = "AutoSync"
#: So many documents in a row, none of them posted, count as every record failing.
ALL_FAILING = 10


def settle(database: Database, made: Round, home: str) -> None:
    """End a round whose batches are at rest; pause AutoSync where one of them says that every other would fail."""
    with database.reading() as session:
        own = rounds.batches_of(session, made)
        if not all(rounds.at_rest(batch) for batch in own):
            return
        status = _status(session, session.get_one(Round, made.id), own)
    with database.session() as session:
        ours = (col(Round.id) == made.id, col(Round.state) == "submitted")
        values = {"state": "ended", "status": status, "ended_at": utcnow()}
        if session.exec(update(Round).where(*ours).values(values)).rowcount == 1:
            problem = _count(session, made.book_id, own)
            if problem := problem or _systemic(session, made.book_id, own):
                _pause(session, made.book_id, problem, home)
            else:
                _tell(session, session.get_one(Round, made.id, populate_existing=True), home)
        session.commit()


def fail(database: Database, made: Round, error: CrossfootError | Problem, home: str) -> None:
    """End a round that could not be submitted (whole), if it is still this worker’s; batches that it has go on."""
    problem = Problem(getattr(error, "code", "cannot_start"), error.message, error.remedy)
    with database.session() as session:
        ours = (col(Round.id) == made.id, col(Round.state) == "due", col(Round.lease_owner) == made.lease_owner)
        values = {"state": "ended", "status": Status.FAILED, "ended_at": utcnow(), "problem": to_json(problem)}
        if session.exec(update(Round).where(*ours).values(values)).rowcount == 1:
            if getattr(error, "systemic", False):
                _pause(session, made.book_id, problem, home)
            else:
                _tell(session, session.get_one(Round, made.id, populate_existing=True), home)
        session.commit()


def fault(database: Database, book_id: int, error: Exception, home: str) -> None:
    """A fault of our own with a company's clock, before there is a run: it is said as one, once while it lasts."""
    problem = failures.of_our_own(error, "Nothing is posted by itself until it is mended: report it.")
    with database.session() as session:
        session.get(AutoSync, book_id, with_for_update=True)  # two schedulers say it once
        last = rounds.last_ended(session, book_id)
        if last is None or last.problem != to_json(problem):
            made = Round(
                book_id=book_id, auto=True, by=ACTOR, state="ended", status=Status.FAILED, problem=to_json(problem),
                ended_at=utcnow(),
            )  # fmt: skip
            session.add(made)
            session.flush()
            _tell(session, made, home)
        session.commit()


def _status(session: Session, made: Round, own: list[Batch]) -> str:
    """As bad as its worst batch, or as a kind whose list could not be read."""
    statuses = [progress.status(session, batch) for batch in own]
    if any("problem" in found for found in made.found.values()):
        statuses.append(Status.COMPLETED_WITH_ERRORS if own else Status.FAILED)
    return rounds.worst(statuses or [Status.SKIPPED])


def _systemic(session: Session, book_id: int, own: list[Batch]) -> Problem | None:
    """What ended a batch and would end every other one."""
    failed = [batch.failure for batch in own if batch.failure]
    for failure in failed:
        if failure.get("technical", {}).get("systemic"):
            return posting_problems.from_json(failure)
    book = session.get_one(Book, book_id)
    source = session.get(SourceRow, book.source_id) if book.source_id else None
    if failed and (why := book.broken or (source.broken if source else "")):
        return Problem("connection_broken", why, "Mend it under Settings ▸ Connections, then resume.")
    return None


def _count(session: Session, book_id: int, own: list[Batch]) -> Problem | None:
    """Count documents that failed in a row, over rounds; the Problem once there are too many."""
    query = columns(col(Posting.state), func.count()).group_by(col(Posting.state))
    states = Counter[str]()
    for state, count in session.execute(query.where(col(Posting.batch_id).in_([batch.id for batch in own]))):
        states[state] += count
    failed = sum(states[state] for state in STOPPED)
    if not states:
        return None
    innocent = all_or_nothing.for_others(session, [batch.id or 0 for batch in own])
    failed, total = failed - innocent, states.total() - innocent
    state = session.get(AutoSync, book_id)
    if state is None:
        return None
    state.failures = state.failures + failed if failed == total else 0
    session.add(state)
    if state.failures < ALL_FAILING:
        return None
    return Problem(
        "every_record_failing",
        f"The last {state.failures} documents were all held or refused.",
        "Look under Needs Attention what they have in common, mend it, then resume.",
    )


def _pause(session: Session, book_id: int, problem: Problem, home: str) -> None:
    """Until a person resumes; every admin gets a mail, where mail is set up. The caller commits."""
    now = utcnow()
    ours = (col(AutoSync.book_id) == book_id, col(AutoSync.enabled), col(AutoSync.paused).is_(None))
    if session.exec(update(AutoSync).where(*ours).values(paused=to_json(problem), paused_at=now)).rowcount != 1:
        return
    book = session.get_one(Book, book_id)
    audit.record(session, ACTOR, "autosync.pause", f"book:{book_id}", reason=problem.message)
    words = letters.autosync_paused(f"{home}/settings/books/{book_id}/autosync", book.name, problem)
    admins = session.exec(select(User).where(User.role == "admin", col(User.active))).all()
    _say(session, Event.PAUSED, words, book, admins, key=f"{book_id}:{now:%Y%m%d%H%M%S}", home=home)


def _tell(session: Session, made: Round, home: str) -> None:
    """What kept a run from its work, to whoever is told of failures; nothing where the run before failed so too."""
    problem, before = why(made), rounds.last_ended(session, made.book_id, before=made.id or 0)
    if problem is None or (before is not None and why(before) == problem):
        return
    book = session.get_one(Book, made.book_id)
    link = f"{home}/run/everything/{book.id}/{made.id}"
    words = letters.autosync_failed(link, book.name, problem, home)
    users = notice_wishes.who(session, made.book_id, Event.FAILURES)
    _say(session, Event.FAILURES, words, book, users, key=f"run:{made.id}", home=home)


def _say(
    session: Session, event: Event, words: Words, book: Book, users: Sequence[User], *, key: str, home: str
) -> None:
    """To channels; and by mail, where it is set up, also to the company's other addresses."""
    channels.tell(session, event, key, words, book)
    if mail_settings.server(session) is None:
        return
    paused = event is Event.PAUSED  # of these, a mail that did not go out yet gives way to a newer one
    others = [(other.key, other.to, other.told(words)) for other in notice_wishes.others(book, users)]
    for who, to, said in [*((str(user.id), user.email, words) for user in users), *others]:
        outbox.queue(
            session, kind="autosync" if paused else event, key=f"{key}:{who}", to=to, words=said, home=home, by=ACTOR,
            about=f"autosync:{book.id}:{who}" if paused else "",
        )  # fmt: skip


def why(made: Round) -> Problem | None:
    """What kept a run, or one of its kinds, from being submitted; None for one that went well."""
    told = [made.problem, *(found.get("problem") for found in made.found.values())]
    return next((posting_problems.from_json(problem) for problem in told if problem), None)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the banner says. ``round_id``: the last run, which failed; 0 where AutoSync is paused."""

    book_id: int
    name: str
    at: dt.datetime
    why: str
    remedy: str
    round_id: int = 0


def troubles(session: Session) -> list[Trouble]:
    """Companies whose AutoSync waits for a person, or whose last run failed, of those that may be seen."""
    on = {row.book_id: row for row in session.exec(select(AutoSync).where(col(AutoSync.enabled)))}
    known = books.list_books(session) if on else []
    return [found for book in known if (row := on.get(book.id or 0)) and (found := _trouble(session, book, row))]


def _trouble(session: Session, book: Book, row: AutoSync) -> Trouble | None:
    ident = book.id or 0
    if row.paused:
        return Trouble(ident, book.name, row.paused_at or utcnow(), row.paused["message"], row.paused["remedy"])
    last = rounds.last_ended(session, ident)
    problem = why(last) if last else None
    if last is None or problem is None:
        return None
    return Trouble(ident, book.name, last.ended_at or utcnow(), problem.message, problem.remedy, last.id or 0)
