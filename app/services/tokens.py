"""OAuth tokens of a Book on the database, refreshed by one process at a time over all processes."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import or_
from sqlmodel import Session, col, select, update

from app.connectors.protocols import ConnectionFailedError, Tokens
from app.database import Database
from app.domain import codec
from app.models.columns import utcnow
from app.models.connections import Book

#: A holder that has not come back after so long is taken for dead: twice the longest wait for Intuit's answer.
LEASE = dt.timedelta(seconds=60)
LOOK_AGAIN = 0.1


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
        free = or_(col(Book.refresh_owner) == "", col(Book.refresh_until) < now)
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
