"""A database copied back while a call that it does not know of is on the wire: nothing leaves before that has ended."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import threading
from pathlib import Path

import pytest
from sqlmodel import select

from app.connectors.protocols import OutgoingCall
from app.database import Database
from app.domain.states import PostingState, RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Posting
from app.services.batches import batches
from app.services.posting import copied_back, running
from app.settings import Waits
from tests.fakes import FakeConnectors, FakeSlot
from tests.routes.world import World

#: Nobody is as patient as that: the worker is given back.
WAITS = Waits(running=100, between=0.1, lease=5)


class PowerLostError(Exception):
    """The machine is off; what is on the wire goes on its way."""


def lose_power(_call: OutgoingCall) -> None:
    raise PowerLostError


def test_a_call_that_left_before_the_database_was_copied_back_has_ended_before_anything_is_sent(
    database: Database, tmp_path: Path
) -> None:
    world = a_batch(database)
    world.company.honours_request_ids = False
    place, copy = Path(database.url.removeprefix("sqlite:///")), tmp_path / "copy.db"
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")  # VACUUM is no part of a transaction
        connection.exec_driver_sql(f"VACUUM INTO '{copy}'")
    world.company.next.append("lose_before")  # QuickBooks is still at work on it
    world.company.during = lose_power
    try:
        work(world)
    except PowerLostError:
        world.company.during = lambda _: None
    database.dispose()
    for extra in ("-wal", "-shm"):
        place.with_name(place.name + extra).unlink(missing_ok=True)
    shutil.copy(copy, place)

    work(world)
    assert len(world.company.calls) == 1
    with database.reading() as session:
        assert "copied back" in (session.get_one(Batch, 1).waiting or {})["reason"]
    world.company.send(world.company.calls[0], FakeSlot())  # now it is through
    copied_back.keep(database, utcnow() - dt.timedelta(seconds=WAITS.running))
    work(world)
    assert len(world.company.documents) == 1
    with database.reading() as session:
        assert session.exec(select(Posting.state)).one() == PostingState.CLOSED


def a_batch(database: Database) -> World:
    world = World(database, FakeConnectors())
    with database.session() as session:
        book = session.exec(select(Book)).one()
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=["39005"], by="a", name="n", accept=True)
    return world


def work(world: World) -> None:
    running.run(world.database, world.vendors, 1, WAITS)


def test_a_database_that_knows_of_calls_and_is_new_to_this_machine_waits_once(database: Database) -> None:
    assert copied_back.left(database, 100) == 0
    with database.session() as session:
        copied_back.note(session, utcnow())
        session.commit()
    assert copied_back.left(database, 100) == 0  # another machine's
    assert database.memory is not None
    database.memory.unlink()
    assert 99 < copied_back.left(database, 100) <= 100
    copied_back.keep(database, utcnow() - dt.timedelta(seconds=100))
    assert copied_back.left(database, 100) == 0


@pytest.mark.parametrize("content", ["", "yesterday", "2026-11-29T10:00:00", "2999-01-01T00:00:00+00:00", b"\xff\xfe"])
def test_a_sign_that_cannot_be_true_or_is_none_lets_the_machine_wait_once(
    database: Database, content: str | bytes
) -> None:
    memory = known_for_a_day(database)
    memory.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert 99 < copied_back.left(database, 100) <= 100
    copied_back.keep(database, utcnow() - dt.timedelta(seconds=100))
    assert copied_back.left(database, 100) == 0


def known_for_a_day(database: Database) -> Path:
    copied_back.left(database, 100)
    with database.session() as session:
        copied_back.note(session, utcnow() - dt.timedelta(days=1))
        session.commit()
    assert database.memory is not None
    return database.memory


def test_a_sign_older_than_the_database_is_another_machines_call_and_nothing_waits(database: Database) -> None:
    known_for_a_day(database)
    copied_back.keep(database, utcnow() - dt.timedelta(days=2))
    assert copied_back.left(database, 100) == 0


@pytest.mark.parametrize("when", ["before the run", "after the intent"])
def test_where_the_sign_cannot_be_written_nothing_is_sent_and_the_batch_says_why(
    database: Database, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    world = a_batch(database)
    assert database.memory is not None
    if when == "before the run":
        database.memory.mkdir()  # cannot be read either, not even by root
    else:
        copied_back.left(database, 100)
        own = f"{database.memory.name}.{os.getpid()}.{threading.get_ident()}"
        database.memory.with_name(own).symlink_to("/dev/full")
        monkeypatch.setattr(copied_back, "_try", lambda _memory: None)  # the disk was not full then
    work(world)
    assert not world.company.calls
    with database.reading() as session:
        batch = session.get_one(Batch, 1)
        told = (batch.failure or {}).get("message") or (batch.waiting or {})["reason"]
    assert "Nothing is sent, for " in told
