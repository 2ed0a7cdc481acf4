"""A database that was copied back knows too little: a call that left since may be under way, and shows in no look.

Until it cannot be running any more, nothing is concluded and nothing leaves. So the moment of the newest intent stands
twice: in the database, in the intent's own transaction, and beside it in a file, which a restore does not bring back. A
database that knows of an older moment than the file was copied back; one that knows of a moment where there is no file
is new to this machine.
"""

from __future__ import annotations

import datetime as dt
import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

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

    ``running``: how many seconds one can be.
    """
    if database.memory is None:
        return 0.0
    kept = _kept(database.memory)  # first: what stands there is in the database already
    known = _known(database)
    if kept is None:
        kept = utcnow() if known > LONG_AGO else LONG_AGO
        keep(database, kept)
    return max(0.0, (kept - utcnow()).total_seconds() + running) if kept > known else 0.0


def _kept(memory: Path) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(memory.read_text())
    except (FileNotFoundError, ValueError):
        return None


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
    """After its commit, before the first byte leaves."""
    if database.memory is not None:
        new = database.memory.with_name(f"{database.memory.name}.{os.getpid()}")
        new.write_text(at.isoformat())
        new.replace(database.memory)
