"""A database that was copied back knows too little: a call that left since may be under way, and shows in no look.

Until it cannot be running any more, nothing is concluded and nothing leaves. So the moment of the newest intent stands
twice: in the database, in the intent's own transaction, and beside it in a file, which a restore does not bring back. A
database that knows of an older moment than the file was copied back; one that knows of a moment where there is no file
is new to this machine.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from contextlib import suppress
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from app.connectors.protocols import ConnectionFailedError
from app.database import Database
from app.models.columns import utcnow
from app.models.postings import Heartbeat
from app.services.posting.run import Run

#: The row of the newest intent.
NAME = "sent"
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def wait(run: Run, patience: float) -> float | None:
    """Wait until such a call cannot be running any more; answers seconds where that is longer than ``patience``."""
    seconds = left(run.database, run.waits.running)
    if not seconds:
        return None
    run.wait_note("calls that left before this database was copied back", seconds)
    if seconds > patience:
        return seconds
    run.lost.wait(seconds)
    run.wait_note("", 0)
    return None


def left(database: Database, running: float) -> float:
    """Seconds until no call that this database does not know of can be under way; 0 as a rule.

    ``running``: how many seconds one can be. Raises ConnectionFailedError where the file can't be read or written:
    without it nothing may leave.
    """
    if database.memory is None:
        return 0.0
    kept = _kept(database.memory)  # first: what stands there is in the database already
    known = _known(database)
    if kept is None or kept > utcnow():  # no moment, or one of a clock that was wrong
        kept = utcnow() if kept or known > LONG_AGO else LONG_AGO
        keep(database, kept)
    else:
        _try(database.memory)
    return max(0.0, (kept - utcnow()).total_seconds() + running) if kept > known else 0.0


def _kept(memory: Path) -> dt.datetime | None:
    """None where there is no file, or nothing in it that tells a moment."""
    try:
        found = dt.datetime.fromisoformat(memory.read_text())
    except (FileNotFoundError, ValueError):
        return None
    except OSError as error:
        raise _unusable(memory, error) from error
    return found if found.tzinfo else None


def _known(database: Database) -> dt.datetime:
    """The newest intent that the database knows of. The row is there from now on."""
    with database.reading() as session:
        if row := session.get(Heartbeat, NAME):
            return row.at
    with database.session() as session, suppress(IntegrityError):  # another worker may be faster
        session.add(Heartbeat(name=NAME, at=LONG_AGO))
        session.commit()
    return LONG_AGO


def note(session: Session, at: dt.datetime) -> None:
    """In the transaction of an intent that is given this moment."""
    older = (col(Heartbeat.name) == NAME, col(Heartbeat.at) < at)
    session.exec(update(Heartbeat).where(*older).values(at=at), execution_options={"synchronize_session": False})


def keep(database: Database, at: dt.datetime) -> None:
    """After its commit, before the first byte leaves. Raises ConnectionFailedError: then it must not leave."""
    if (memory := database.memory) is not None:
        try:
            _write(memory, at.isoformat()).replace(memory)
        except OSError as error:
            raise _unusable(memory, error) from error


def _write(memory: Path, text: str) -> Path:
    """A new file beside it; none where the disk is full."""
    new = memory.with_name(f"{memory.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        new.write_text(text)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise
    return new


def _try(memory: Path) -> None:
    """Before anything is intended: a call that could not leave would be in doubt."""
    try:
        _write(memory, utcnow().isoformat()).unlink()
    except OSError as error:
        raise _unusable(memory, error) from error


def _unusable(memory: Path, error: OSError) -> ConnectionFailedError:
    return ConnectionFailedError(
        f"Nothing is sent, for {memory} can’t be read or written: {error.strerror or error}.",
        "Make room on its disk, or give it and its folder to the account that Crossfoot runs under.",
        code="no_sign",
    )
