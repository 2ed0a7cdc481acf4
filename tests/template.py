"""A migrated SQLite database to copy: the migrations of a schema take longer than most tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, create_engine

from app.database import Database

#: Statements put into words once for all databases of a test run; each would begin anew, at a quarter of its time.
_IN_WORDS: dict[Any, Any] = {}


def migrated(path: Path, *keys: str) -> Database:
    """A new database at ``path``, at the newest schema."""
    put(path)
    return sharing_words(Database(f"sqlite:///{path}", keys))


def put(path: Path) -> None:
    """A new database at ``path``, that somebody else opens."""
    shutil.copy(_template(), path)


def sharing_words(database: Database) -> Database:
    """One of SQLite shares what SQLAlchemy has compiled for the others; it tells them by their dialect."""
    if database.engine.dialect.name != "sqlite":
        return database
    database.engine.dialect = _dialect()
    database.engine.update_execution_options(compiled_cache=_IN_WORDS)
    return database


@cache
def _dialect() -> Dialect:
    """One that has seen a connection, and so knows what the driver can do."""
    engine = create_engine("sqlite://")
    engine.connect().close()
    return engine.dialect


@cache
def _template() -> Path:
    """Made once a process, as an installation makes its own."""
    folder = Path(tempfile.mkdtemp(prefix="cf-schema-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "template.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")  # a checkpoint is no part of a transaction
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path
