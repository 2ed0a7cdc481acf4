"""What ends a run before its time, or makes it wait: the same for documents and for payments."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import CrossfootError, Problem
from app.models.columns import utcnow
from app.services.posting.run import SystemicError

#: Seconds until a vendor that went silent in the middle of a batch is asked again, and how long that goes on.
TRY_AGAIN = 15.0
SILENCE = dt.timedelta(minutes=15)
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


def patience(error: ConnectionFailedError, sent: dt.datetime | None, *, begun: bool) -> float | None:
    """Seconds until another try; None where a person must act, or nothing has been written yet that must go on.

    ``sent`` is the last write. Our own Redis comes back by itself. A vendor that goes silent in the middle of a batch
    gets a quarter of an hour.
    """
    if error.systemic or (not begun and error.code != "redis_gone"):
        return None
    silent = sent is not None and utcnow() - (sent if sent.tzinfo else sent.replace(tzinfo=dt.UTC)) > SILENCE
    return None if silent and error.code != "redis_gone" else TRY_AGAIN
