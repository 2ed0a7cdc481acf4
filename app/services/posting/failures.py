"""What ends a run before its time, or makes it wait: the same for documents and for payments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from sqlmodel import Session

from app.connectors.protocols import ConnectionFailedError
from app.database import Database
from app.domain.problems import CrossfootError, Problem
from app.models.columns import utcnow
from app.services.posting.run import LeaseLostError, Run, SystemicError, release_lease

#: Ends the batch (by its id) of a run (by its lease's owner), with what it failed of.
End = Callable[[Database, int, str, Problem | None], None]
#: Seconds until a vendor that went silent in the middle of a batch is asked again, and how long that goes on.
TRY_AGAIN = 15.0
SILENCE = dt.timedelta(minutes=15)
#: Faults of our own with one thing, after which a person is told.
MOST_FAULTS = 6
RESUME = "Resume the batch; if it happens again, save the full log and report it."


def of(error: CrossfootError | SystemicError) -> Problem:
    """What ends the batch; ``systemic`` says that every other one would end so too."""
    if isinstance(error, SystemicError):
        return replace(error.problem, technical={**error.problem.technical, "systemic": True})
    technical = {"systemic": True} if getattr(error, "systemic", False) else {}
    return Problem(getattr(error, "code", "cannot_start"), error.message, error.remedy, technical=technical)


def of_our_own(error: Exception, remedy: str = RESUME) -> Problem:
    """A fault of Crossfoot's."""
    return Problem(
        "internal_error",
        f"Crossfoot ran into a fault of its own ({type(error).__name__}); nothing is lost.",
        remedy,
        technical={"error": type(error).__name__},
    )


def again_and_again(error: Exception, count: int) -> str:
    """A fault of Crossfoot's that has come so often with one thing, as the beginning of a sentence."""
    return f"Crossfoot ran into a fault of its own ({type(error).__name__}) {count} times"


def guarded(
    run: Run,
    stages: Callable[[], float | None],
    sent: Callable[[Session], tuple[bool, dt.datetime | None]],
    end: End,
    let_go: Callable[[Run], None] = lambda _: None,
) -> tuple[Problem | None, float | None] | None:
    """Go through the stages, which answer when to come back; what ended them early, and when the next run comes.

    None where the lease is gone: nothing may be written any more. ``sent`` says whether anything was written, and
    when last; ``let_go`` runs on the way out. A fault of our own ends the batch and is raised.
    """
    try:
        failure, wake = _went_through(run, stages, sent)
        let_go(run)
    except LeaseLostError:
        return None
    except Exception as error:
        end(run.database, run.batch_id, run.owner, of_our_own(error))
        raise
    if wake is not None and failure is not None:
        run.wait_note(f"{failure.message} Crossfoot tries again", wake)
    return failure, 0.0 if run.abandon.is_set() and failure is None else wake


def _went_through(
    run: Run, stages: Callable[[], float | None], sent: Callable[[Session], tuple[bool, dt.datetime | None]]
) -> tuple[Problem | None, float | None]:
    try:
        return None, stages()
    except SystemicError as error:
        return of(error), None
    except ConnectionFailedError as error:
        with run.database.reading() as session:
            return of(error), _patience(error, *sent(session))


def leave(run: Run, failure: Problem | None, wake: float | None, end: End) -> None:
    """Give the batch back: to whoever comes when it is time, or for good."""
    if wake is None or run.asked_to_stop():
        end(run.database, run.batch_id, run.owner, failure)
    else:
        release_lease(run.database, run.batch_id, run.owner, wake_at=soon(wake))


def soon(wake: float | None) -> dt.datetime | None:
    """The moment in so many seconds."""
    return None if wake is None else utcnow() + dt.timedelta(seconds=wake)


def _patience(error: ConnectionFailedError, begun: bool, sent: dt.datetime | None) -> float | None:
    """Seconds until another try; None where a person must act, or nothing has been written yet that must go on.

    ``sent`` is the last write. Our own Redis comes back by itself. A vendor that goes silent in the middle of a batch
    gets a quarter of an hour.
    """
    if error.systemic or (not begun and error.code != "redis_gone"):
        return None
    silent = sent is not None and utcnow() - sent > SILENCE
    return None if silent and error.code != "redis_gone" else TRY_AGAIN
