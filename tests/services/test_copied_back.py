"""A database copied back while a call that it does not know of is on the wire: nothing leaves before that has ended."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

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
    world = World(database, FakeConnectors())
    world.company.honours_request_ids = False
    with database.session() as session:
        book = session.exec(select(Book)).one()
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=["39005"], by="a", name="n", accept=True)
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
