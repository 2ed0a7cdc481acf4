"""The schema's versions: which one this checkout brings, and the way there by Alembic.

Alembic takes a third of a command's start, and is needed only where something has changed: so it is imported there,
and whether anything has changed is read from the migrations' own text.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, MetaData, inspect, text

from app.domain.problems import CrossfootError
from app.settings import PROJECT

if TYPE_CHECKING:
    from alembic.config import Config


MIGRATIONS = PROJECT / "migrations"
#: PostgreSQL's lock while somebody migrates: any number that nobody else locks ("CROSSFOT" in ASCII).
LOCK_NUMBER = 0x43524F5353464F54
_REVISION = re.compile(r'^(?P<which>down_)?revision\b[^=\n]*=\s*(?:"(?P<id>[^"]+)"|None)', re.MULTILINE)


class SchemaError(CrossfootError):
    """The database is of a version that this checkout doesn't know."""


def newest() -> set[str]:
    """The revision that no migration builds on; more than one where branches were not merged."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for file in (MIGRATIONS / "versions").glob("*.py"):
        for match in _REVISION.finditer(file.read_text()):
            found[bool(match["which"])].add(match["id"] or "")
    return found[False] - found[True]


def is_current(engine: Engine) -> bool:
    """Whether the database is at the newest revision; takes no lock."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars()) == newest()


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; does nothing when it is there. Raises SchemaError.

    Two commands that start at the same moment take turns: the second one finds nothing left to do.
    """
    commands, errors = import_module("alembic.command"), import_module("alembic.util")
    with _alone(engine):
        try:
            commands.upgrade(config(engine), "head")
        except errors.CommandError as error:
            raise SchemaError(
                f"The database does not fit: {error}.", "Update Crossfoot: a newer one has used it."
            ) from error


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Nobody else migrates this database meanwhile, on whatever machine."""
    if engine.dialect.name == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": LOCK_NUMBER})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": LOCK_NUMBER})
    elif (place := engine.url.database) and place != ":memory:":
        with Path(f"{place}.migrating").open("w") as lock:  # beside it, as SQLite's own files are; let go when closed
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    else:
        yield


def differences(engine: Engine, metadata: MetaData) -> list[str]:
    """Where the migrations have made other tables than the models expect; empty where both agree."""
    versions, autogenerate = import_module("alembic.runtime.migration"), import_module("alembic.autogenerate")
    with engine.connect() as connection:
        context = versions.MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in autogenerate.compare_metadata(context, metadata)]


def config(engine: Engine) -> Config:
    """Alembic's configuration for a database."""
    made: Any = import_module("alembic.config").Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.attributes["engine"] = engine
    found: Config = made
    return found
