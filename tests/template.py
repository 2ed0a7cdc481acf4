"""What every test would make anew, made once a process: a migrated SQLite database, and what libraries compile."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, create_engine
from werkzeug.routing import Rule

from app.database import Database

#: Statements put into words once for all databases of a test run; each would begin anew, at a quarter of its time.
_IN_WORDS: dict[Any, Any] = {}


_COMPILE_BUILDER = Rule._compile_builder
#: What builds the addresses of a rule, for all applications of a test run.
_BUILDERS: dict[tuple[str, str, bool], Any] = {}


def share_addresses() -> None:
    """Werkzeug writes and compiles two functions for each address of each application; let it once."""
    Rule._compile_builder = _builder  # type: ignore[method-assign, assignment]  # no other place


def _builder(rule: Rule, append_unknown: bool = True) -> Any:
    key = (rule.rule, repr(rule.defaults), append_unknown)
    if key not in _BUILDERS:
        _BUILDERS[key] = _COMPILE_BUILDER(rule, append_unknown)
    return _BUILDERS[key]


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
