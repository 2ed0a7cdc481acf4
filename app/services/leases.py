"""Leases: a moment until which a row is somebody's. One of a clock that was wrong binds nobody."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, or_

#: Clocks of several machines differ by less, and no lease is longer. A moment further ahead is of a wrong clock.
AHEAD = dt.timedelta(minutes=15)


def over(until: Any, now: dt.datetime) -> ColumnElement[bool]:
    """SQL: the lease in this column has ended."""
    return or_(until < now, until > now + AHEAD)


def free(until: Any, now: dt.datetime) -> ColumnElement[bool]:
    """SQL: nobody has it, or has it no more."""
    return or_(until.is_(None), over(until, now))
