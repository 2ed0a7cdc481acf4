"""A migrated SQLite database to copy: the migrations of a schema take longer than most tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from app.database import Database


def migrated(path: Path, *keys: str) -> Database:
    """A new database at ``path``, at the newest schema."""
    shutil.copy(_template(), path)
    return Database(f"sqlite:///{path}", keys)


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
