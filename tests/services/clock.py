"""AutoSync of a company whose clock is moved by hand, and what tests of it have in common."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlmodel import col, select

from app.database import Database
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book, Link
from app.models.rounds import AutoSync, Round
from app.services.autosync import autosync
from app.services.batches import as_json, batches
from app.services.connections import books
from app.services.posting import running
from tests.routes.world import WAITS, World

HOME = "https://books.example"
BY = "owner@example.com"
#: Two hours before the first due moment of most tests, in UTC.
START = dt.datetime(2026, 11, 30, 13, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
EVERY_HOUR = {"autosync.accept": "yes", "company.zone": "UTC", "autosync.interval": "60"}


class Clock:
    """AutoSync of a world, whose time goes by when the test says so. Both its sides are played in memory."""

    def __init__(self, database: Database, vendors: Any, book_id: int = 1, **settings: str) -> None:
        self.at, self.database, self.vendors, self.book_id = START, database, vendors, book_id
        self.set(**EVERY_HOUR | settings)
        with database.session() as session:
            autosync.switch_on(session, session.get_one(Book, book_id), by=BY, open_checks=[], now=self.at)

    def set(self, **settings: str) -> None:
        with self.database.session() as session:
            wanted = {key.replace("__", "."): value for key, value in settings.items()}
            books.set_settings(session, session.get_one(Book, self.book_id), wanted, by=BY)

    def due(self, hours: float = 1) -> list[int]:
        """Time goes by, and the scheduler looks."""
        self.at += hours * HOUR
        return autosync.tick(self.database, HOME, self.at)

    def tick(self, hours: float = 1) -> list[int]:
        """Also a worker submits; answers the batches that it would ring for."""
        return [b for made in self.due(hours) for b in autosync.work(self.database, self.vendors, made, HOME)]

    def turn(self, hours: float = 1) -> list[dict[str, Any]]:
        """Also its batches are run to their end."""
        rung = self.tick(hours)
        for batch_id in rung:
            running.run(self.database, self.vendors, batch_id, WAITS)
        self.due(0)
        return [self.json(batch_id) for batch_id in rung]

    def json(self, batch_id: int) -> dict[str, Any]:
        with self.database.reading() as session:
            return as_json.batch_json(session, session.get_one(Batch, batch_id))

    @property
    def paused(self) -> str:
        with self.database.reading() as session:
            return str((session.get_one(AutoSync, self.book_id).paused or {}).get("code", ""))

    def rounds(self) -> list[Round]:
        with self.database.reading() as session:
            return list(session.exec(select(Round).order_by(col(Round.id))))

    def resume(self) -> list[int]:
        with self.database.session() as session:
            return autosync.resume(session, session.get_one(Book, self.book_id), by=BY, now=self.at)


def numbers(batch: dict[str, Any], state: str = "closed") -> set[str]:
    return {posting["records"][0] for posting in batch["postings"] if posting["state"] == state}


def hand_in(world: World, *wanted: str, **more: Any) -> int:
    """A person submits a batch."""
    with world.database.session() as session:
        book = session.get_one(Book, 1)
        batch = batches.submit(session, book, kind=RecordKind.INVOICES, wanted=wanted, by=BY, accept=True, **more)
        return batch.id or 0


def link(world: World, ledger_id: str) -> None:
    """Account 4600 is linked, or with nothing unlinked."""
    with world.database.session() as session:
        row = session.exec(select(Link).where(Link.source_id == "4600")).one()
        row.ledger_id, row.at = ledger_id, utcnow()
        session.add(row)
        session.commit()
