"""Tells users and channels, from the sweep: failures at once, the rest in a morning digest. Each thing once.

What was looked at is noted in the same commit as the mails, whether or not anybody wanted one, so that mail that is set
up later brings nothing old.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, or_, select

from app.database import Database
from app.domain.notices import Event, Part
from app.domain.schedule import Schedule
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail
from app.models.notices import NoticeBatch, NoticeMark
from app.models.people import User
from app.models.rounds import Round, RoundBatch
from app.services.connections import books
from app.services.mail import channels, mail_settings, notice_failures, notice_wishes, outbox
from app.services.mail.letters import Words

ACTOR = "Crossfoot"
#: On the company's clock.
MORNING = dt.time(7)
#: Batches of a round are told together when it has ended, but not later than this after their own end.
PATIENCE = dt.timedelta(hours=1)
#: An end that nobody looked at for so long is no news.
OLD = dt.timedelta(days=30)


def sweep(database: Database, home: str, now: dt.datetime | None = None) -> None:
    """Write down what is to be told now; ``home`` is the public address. Two at once tell it once."""
    now = now or utcnow()
    with database.reading() as session:
        if not (_unmarked(session) or _ended(session, now) or _mornings(session, now)):
            return
    try:
        with database.session() as session:
            for book in _unmarked(session):
                session.add(NoticeMark(book_id=book.id or 0, since=now, digest_until=now))
            session.flush()
            _tell_failures(session, home, now)
            _tell_mornings(session, home, now)
            session.commit()
    except IntegrityError:
        return  # another sweep was faster, and has told it


def _unmarked(session: Session) -> list[Book]:
    """Companies that are new: what was before is not told."""
    known = select(NoticeMark.book_id)
    return list(session.exec(select(Book).where(col(Book.id).not_in(known))))


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _ended(session: Session, now: dt.datetime) -> list[tuple[Batch, NoticeBatch | None]]:
    """Batches whose end was not looked at; those of a round together."""
    going = (
        select(RoundBatch.batch_id)
        .join(Round, col(Round.id) == col(RoundBatch.round_id))
        .where(RoundBatch.batch_id == Batch.id, Round.state != "ended")
    )
    query = (
        select(Batch, NoticeBatch)
        .join(NoticeMark, col(NoticeMark.book_id) == col(Batch.book_id))
        .join(NoticeBatch, col(NoticeBatch.batch_id) == col(Batch.id), isouter=True)
        .where(
            col(Batch.ended_at) > col(NoticeMark.since),
            col(Batch.ended_at) > now - OLD,
            or_(col(NoticeBatch.ended_at).is_(None), col(NoticeBatch.ended_at) != col(Batch.ended_at)),
            or_(~going.exists(), col(Batch.ended_at) < now - PATIENCE),
        )
        .order_by(col(Batch.book_id), col(Batch.id))
    )
    return [(batch, seen) for batch, seen in session.exec(query)]


def _tell_failures(session: Session, home: str, now: dt.datetime) -> None:
    news: dict[int, list[Batch]] = {}
    for batch, seen in _ended(session, now):
        told = seen or NoticeBatch(batch_id=batch.id or 0, ended_at=now)
        if batch.mode != "dry" and notice_failures.is_news(session, batch, told.newest):
            news.setdefault(batch.book_id, []).append(batch)
        told.ended_at = batch.ended_at or now
        told.newest = notice_failures.newest_problem(session, batch) or told.newest
        session.add(told)
    session.flush()  # where another sweep has noted the same, this one ends here
    for book_id, batches in news.items():
        book = session.get_one(Book, book_id)
        words = notice_failures.words(session, book, batches, home)
        last = max(batch.ended_at or now for batch in batches)
        key = f"{batches[-1].id}:{last:%Y%m%d%H%M%S%f}"
        channels.tell(session, Event.FAILURES, key, words, book)
        users = notice_wishes.who(session, book_id, Event.FAILURES)
        for user in users:
            _mail(session, Event.FAILURES, f"{user.id}:{key}", user.email, words, home)
        for address in notice_wishes.others(book, users):
            _mail(session, Event.FAILURES, f"{address.key}:{key}", address.to, address.told(words), home)


# ── the morning ──────────────────────────────────────────────────────────────────────────────────────────────────


def _mornings(session: Session, now: dt.datetime) -> list[tuple[Book, NoticeMark, dt.datetime]]:
    """Companies in which a morning has come since the last digest; several missed ones are one."""
    rows = session.exec(select(Book, NoticeMark).join(NoticeMark, col(NoticeMark.book_id) == col(Book.id)))
    found = []
    for book, mark in rows:
        due = Schedule(books.zone_of(book), minutes=0, times=(MORNING,)).due_by(now)
        if due is not None and due > mark.digest_until:
            found.append((book, mark, due))
    return sorted(found, key=lambda row: (row[0].name, row[0].id))


def _tell_mornings(session: Session, home: str, now: dt.datetime) -> None:
    """One mail a user for all companies whose morning it is; one message a company to the channels."""
    if not (mornings := _mornings(session, now)):
        return
    from app.services.mail import digests  # noqa: PLC0415 -- what no other job of a worker needs, once a day

    said: list[tuple[Book, tuple[Part, ...]]] = []
    days: dict[int, dt.date] = {}
    for book, mark, due in mornings:
        window = (mark.digest_until, due)
        ours = (col(NoticeMark.book_id) == book.id, col(NoticeMark.digest_until) == mark.digest_until)
        if session.exec(update(NoticeMark).where(*ours).values(digest_until=due)).rowcount != 1:
            continue
        days[book.id or 0] = due.astimezone(ZoneInfo(books.zone_of(book))).date()
        if parts := digests.parts(session, book, window, home):
            said.append((book, parts))
    readers: dict[int, tuple[User, list[tuple[Book, tuple[Part, ...]]]]] = {}
    for book, parts in said:
        day = days[book.id or 0]
        channels.tell(session, Event.DIGEST, f"{book.id}:{day}", _digest([(book, parts)], home), book)
        for user in notice_wishes.who(session, book.id or 0, Event.DIGEST):
            readers.setdefault(user.id or 0, (user, []))[1].append((book, parts))
    for user, theirs in readers.values():
        first = theirs[0][0].id or 0
        _mail(session, Event.DIGEST, f"{user.id}:{first}:{days[first]}", user.email, _digest(theirs, home), home)


def _digest(said: Sequence[tuple[Book, tuple[Part, ...]]], home: str) -> Words:
    several = len(said) > 1
    parts = tuple(
        Part(f"{book.name}: {part.title}" if several else part.title, part.entries)
        for book, own in said
        for part in own
    )
    titles = dict.fromkeys(part.title.lower() for _, own in said for part in own)
    whose = f"{len(said)} companies" if several else said[0][0].name
    return Words(
        f"{whose} this morning: {', '.join(titles)}",
        ("What happened since the last digest, and what waits for a person now.",),
        "Open Crossfoot",
        home,
        f"It comes only when there is something to say. You choose under {home}/me which mails you get.",
        parts,
    )


def _mail(session: Session, event: Event, key: str, to: str, words: Words, home: str) -> None:
    """To one address, once a key, where mail is set up."""
    known = select(Mail.id).where(Mail.key == f"{event}:{key}")
    if mail_settings.server(session) is not None and session.exec(known).first() is None:
        outbox.queue(session, kind=event, key=key, to=to, words=words, home=home, by=ACTOR)
