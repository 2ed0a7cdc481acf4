"""When a vendor was last called, as the database remembers it: what a throttle asks when Redis has forgotten."""

from __future__ import annotations

import datetime as dt
import threading
import time

from sqlmodel import col, select, update

from app.database import Database
from app.models.columns import utcnow
from app.models.connections import Book, SourceRow

#: Seconds between two writes of the same moment.
EVERY = 5.0


class RowContact:
    """A Contact on the row of a Source or a Book."""

    def __init__(self, database: Database, table: type[SourceRow] | type[Book], row_id: int) -> None:
        self._database = database
        self._table = table
        self._id = row_id
        self._written = -EVERY
        self._lock = threading.Lock()

    def last(self) -> dt.datetime | None:
        with self._database.reading() as session:
            return session.exec(select(self._table.last_call_at).where(self._table.id == self._id)).first()

    def touch(self) -> None:
        if not self._due():
            return
        with self._database.session() as session:
            session.exec(update(self._table).where(col(self._table.id) == self._id).values(last_call_at=utcnow()))
            session.commit()

    def _due(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now - self._written < EVERY:
                return False
            self._written = now
            return True


class NoContact:
    """A Contact for a vendor that is not stored yet: nobody has called it before."""

    def last(self) -> dt.datetime | None:
        return None

    def touch(self) -> None:
        """There is no row to write to."""
