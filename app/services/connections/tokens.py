"""OAuth tokens of a Book on the database, refreshed by one process at a time over all processes, and kept alive."""

from __future__ import annotations

import datetime as dt
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import or_
from sqlmodel import Session, col, select, update

from app.connectors.protocols import ConnectionFailedError, Connectors
from app.connectors.tokens import Tokens
from app.database import Database
from app.domain import codec
from app.models.columns import utcnow
from app.models.connections import Book
from app.services import leases
from app.services.connections.contacts import RowContact

log = logging.getLogger(__name__)

#: A holder that has not come back after so long is taken for dead: twice the longest wait for Intuit's answer.
LEASE = dt.timedelta(seconds=60)
LOOK_AGAIN = 0.1
#: An idle consent ends after 100 days; a Book that nobody used for so long is refreshed by us.
KEEP_ALIVE_AFTER = dt.timedelta(days=14)


class BookTokens:
    """A TokenStore. Every step is a short transaction of its own; none is open while Intuit is being asked."""

    def __init__(self, database: Database, book_id: int, lease: dt.timedelta = LEASE) -> None:
        self._database = database
        self._book_id = book_id
        self._lease = lease

    def load(self) -> Tokens:
        with self._database.reading() as session:
            book = session.get(Book, self._book_id)
        if book is None or not book.connected or not book.tokens:
            raise ConnectionFailedError(
                f"“{book.name if book else 'This QuickBooks company'}” is not connected.",
                "Connect it again under Settings ▸ Connections.",
                systemic=True,
                code="not_connected",
            )
        return codec.from_json(Tokens, book.tokens)

    def save(self, tokens: Tokens) -> None:
        """Store new tokens; that they could be had also heals a broken connection."""
        with self._database.session() as session:
            store(session, self._book_id, tokens)
            session.commit()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        owner, seen = uuid.uuid4().hex, self._version()
        while not self._take(owner):
            time.sleep(LOOK_AGAIN)
            if self._version() != seen:
                yield False
                return
        try:
            yield True
        finally:
            self._give_back(owner)

    def mark_broken(self, reason: str) -> None:
        with self._database.session() as session:
            session.exec(update(Book).where(col(Book.id) == self._book_id).values(broken=reason))
            session.commit()

    def _version(self) -> int:
        with self._database.reading() as session:
            return session.exec(select(Book.tokens_version).where(Book.id == self._book_id)).one()

    def _take(self, owner: str) -> bool:
        """Take the lock where it is free or its holder's lease has run out; the row decides, not this process."""
        now = utcnow()
        free = or_(col(Book.refresh_owner) == "", leases.over(col(Book.refresh_until), now))
        mine = {"refresh_owner": owner, "refresh_until": now + self._lease}
        with self._database.session() as session:
            taken = session.exec(update(Book).where(col(Book.id) == self._book_id, free).values(mine))
            session.commit()
        return taken.rowcount == 1

    def _give_back(self, owner: str) -> None:
        ours = (col(Book.id) == self._book_id) & (col(Book.refresh_owner) == owner)
        with self._database.session() as session:
            session.exec(update(Book).where(ours).values(refresh_owner="", refresh_until=None))
            session.commit()


class HeldTokens:
    """A TokenStore for a company that is not stored yet: the tokens live in this object."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def load(self) -> Tokens:
        return self.tokens

    def save(self, tokens: Tokens) -> None:
        self.tokens = tokens

    @contextmanager
    def alone(self) -> Iterator[bool]:
        yield True

    def mark_broken(self, reason: str) -> None:
        """Nothing is stored, so nothing can be marked; the error that follows says the same."""


def store(session: Session, book_id: int, tokens: Tokens) -> None:
    """Write tokens into the row of a connected Book; what is refreshed after a disconnect is dropped.

    The caller commits.
    """
    values = {"tokens": codec.to_json(tokens), "tokens_version": Book.tokens_version + 1, "broken": ""}
    session.exec(update(Book).where(col(Book.id) == book_id, col(Book.connected)).values(values))


def opening_settings(realm: str, environment: str) -> dict[str, str]:
    """What Connectors.destination is given to open a QuickBooks company."""
    return {"realm": realm, "environment": environment}


def keep_alive(database: Database, connectors: Connectors, now: dt.datetime | None = None) -> list[int]:
    """Refresh the tokens of Books that nobody used for 14 days; returns the ids of those that could be."""
    with database.reading() as session:
        books = list(session.exec(select(Book).where(col(Book.connected), Book.broken == "")))
    due = [book.id for book in books if book.id and _idle(book, now or utcnow())]
    return [book_id for book_id in due if _refreshed(database, connectors, book_id)]


def _idle(book: Book, now: dt.datetime) -> bool:
    """An access token lives an hour, so its end tells when the tokens were last refreshed."""
    return bool(book.tokens) and codec.from_json(Tokens, book.tokens).access_until < now - KEEP_ALIVE_AFTER


def _refreshed(database: Database, connectors: Connectors, book_id: int) -> bool:
    """Read the company: with an access token that has ended, that needs and stores new ones."""
    with database.reading() as session:
        book = session.get_one(Book, book_id)
    store, contact = BookTokens(database, book_id), RowContact(database, Book, book_id)
    try:
        connectors.destination(book.kind, opening_settings(book.ledger_id, book.environment), store, contact).company()
    except ConnectionFailedError as error:
        log.warning("The consent of Book %s could not be kept alive: %s", book_id, error.message)
        return False
    return True
