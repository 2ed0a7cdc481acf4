"""The database: engine, sessions, migrations. SQLite in WAL mode or PostgreSQL, with no difference to the callers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlmodel import Session

from app import schema
from app.models.columns import set_encryption_keys
from app.settings import Settings


class Database:
    """Engine of one database. Sessions are short: none stays open while a vendor is being called.

    ``memory`` is a file beside it that a restore leaves as it is (services/posting/copied_back.py); None where there is
    no place for it.
    """

    def __init__(self, url: str, encryption_keys: tuple[str, ...] = (), home: Path | None = None) -> None:
        self.url = url
        self.engine = _engine(url)
        place = home / "crossfoot" if home else _file(url)
        self.memory = place.with_name(f"{place.name}.sent") if place else None
        if encryption_keys:
            set_encryption_keys(encryption_keys)

    @classmethod
    def of(cls, settings: Settings) -> Database:
        home = None if _file(settings.database_url) else settings.home
        return cls(settings.database_url, settings.encryption_keys, home)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that may write. On SQLite its transactions take the write lock at once, so that none deadlocks."""
        with Session(self.engine.execution_options(writes=True), expire_on_commit=False) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads; never waits for a writer."""
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    def migrate(self) -> None:
        """Bring the schema to the newest version; does nothing when it is there."""
        schema.migrate(self.engine)

    def is_current(self) -> bool:
        """Whether the schema is the newest; takes no lock."""
        return schema.is_current(self.engine)

    def dispose(self) -> None:
        """Close pooled connections; call in a forked child before the first use."""
        self.engine.dispose()


def _file(url: str) -> Path | None:
    """SQLite's."""
    found = make_url(url)
    return Path(found.database) if found.drivername.startswith("sqlite") and found.database else None


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(url, connect_args={"timeout": 60}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """WAL lets readers go on beside a writer; the driver's own BEGIN is switched off, ours says which kind."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=60000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    kind = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {kind}")
