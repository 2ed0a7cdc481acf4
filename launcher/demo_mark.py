"""The mark on the demo's data: on its folder, and inside its database, so that a copy of either is recognised."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from launcher.messages import LauncherError

MARKER = "demo"
DATABASE = "crossfoot.db"
#: SQLite's field for "whose file is this", https://sqlite.org/pragma.html#pragma_application_id: "CFde".
APPLICATION_ID = 0x43466465


def mark_folder(folder: Path) -> None:
    """The pages and `up` look for this file."""
    (folder / MARKER).touch()


def mark_database(folder: Path) -> None:
    """Mark the demo's own database, which the migrations have made."""
    with closing(sqlite3.connect(folder / DATABASE, timeout=30)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def refuse_demo(folder: Path, environ: Mapping[str, str]) -> None:
    """Real books never go into the demo's database. Raises LauncherError."""
    for database in (folder / DATABASE, _named(environ)):
        if (folder / MARKER).exists() or (database and _is_marked(database)):
            raise LauncherError(
                f"{database or folder} holds the demo's data, which is not for real use.",
                "Run ./crossfoot demo, or set CROSSFOOT_HOME to another folder.",
            )


def _named(environ: Mapping[str, str]) -> Path | None:
    """The file that CROSSFOOT_DATABASE_URL names, if it names one."""
    scheme, slashes, path = environ.get("CROSSFOOT_DATABASE_URL", "").strip().partition(":///")
    return Path(path) if slashes and path and scheme.startswith("sqlite") else None


def _is_marked(database: Path) -> bool:
    if not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(database, timeout=30)) as connection:
            return bool(connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,))
    except sqlite3.Error:
        return False  # not a database; the app will say so better
