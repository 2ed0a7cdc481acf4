"""A real database in a temporary folder, and one Book in it. Where it matters, the same on PostgreSQL too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from cryptography.fernet import Fernet
from sqlmodel import Session

from app.database import Database
from app.models.connections import Book
from tests import engine, template
from tests.engine import Engine
from tests.fakes import FakeConnectors, some_tokens
from tests.routes.world import World, keep_young
from tests.rows import a_book
from tests.services.bookkeeper import Bookkeeper
from tests.services.clock import Clock

#: Invoices and credit memos of the demo that get posted whatever the links.
PAYABLE = (
    "10395", "10398", "10399", "10441", "10401", "10412", "10413", "10420", "10426", "10442",
    "10430", "10432", "10435", "10437", "10438", "10439", "10440", "10450", "10451",
)  # fmt: skip


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """SQLite, unless the test asks for ``postgresql`` (``pytest.mark.parametrize("database", …, indirect=True)``)."""
    key = Fernet.generate_key().decode()
    if getattr(request, "param", "sqlite") == "postgresql":
        database = Database(request.getfixturevalue("postgres_url"), (key,))
        database.migrate()
    else:
        database = template.migrated(tmp_path / "crossfoot.db", key)
    yield database
    database.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.session() as session:
        yield session


@pytest.fixture
def book(database: Database) -> Book:
    """Demo MSP, connected, with tokens that are good for an hour."""
    with database.session() as session:
        book = a_book(tokens=some_tokens())
        session.add(book)
        session.commit()
        return book


@pytest.fixture
def working(tmp_path: Path, redis_server: redis.Redis) -> Iterator[Engine]:
    """The whole engine over real HTTP: everything connected and linked, nothing posted yet."""
    made = engine.make(tmp_path, redis_server)
    yield made
    made.both.stop()
    made.database.dispose()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Bookkeeper]:
    """The same for all tests of a module, with nineteen documents posted that may be paid."""
    server = redis.Redis.from_url(redis_url)
    server.flushall()
    made = engine.make(tmp_path_factory.mktemp("payments"), server)
    yield Bookkeeper(made, *PAYABLE)
    made.both.stop()
    made.database.dispose()


@pytest.fixture
def world(database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two systems in memory with unposted invoices."""
    keep_young(monkeypatch)
    return World(database, FakeConnectors())


@pytest.fixture
def clock(world: World) -> Clock:
    """AutoSync of that company, switched on, every hour."""
    return Clock(world.database, world.vendors)
