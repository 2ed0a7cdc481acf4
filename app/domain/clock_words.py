"""Times of day and weekdays as people write them: ``8:00, 17:30`` and ``mon-fri``; and how they are said."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FULL = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY, WORKING_DAYS, WEEKEND = frozenset(range(7)), frozenset(range(5)), frozenset((5, 6))
TIME = re.compile(r"(\d{1,2}):(\d{2})")
#: More times a day than this are an interval.
MOST = 24


def times(text: str) -> tuple[dt.time, ...]:
    """``8:00, 17:30`` in order, each once. Raises ValueError for what is no time, for none, and for too many."""
    found = sorted({_time(part) for part in re.split(r"[,;\s]+", text.strip()) if part})
    if not 0 < len(found) <= MOST:
        raise ValueError(text)
    return tuple(found)


def _time(text: str) -> dt.time:
    match = TIME.fullmatch(text)
    if match is None or not text.isascii():
        raise ValueError(text)
    return dt.time(int(match[1]), int(match[2]))


def weekdays(text: str) -> frozenset[int]:
    """``mon,wed`` or ``mon-fri``, 0 is Monday. Raises ValueError for what is no weekday, and for none."""
    found: set[int] = set()
    for part in re.split(r"[,;\s]+", text.strip().lower()):
        first, dash, last = part.partition("-")
        begin, end = WEEKDAYS.index(first[:3]), WEEKDAYS.index((last if dash else first)[:3])
        found |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return frozenset(found)


def written_times(given: Iterable[dt.time]) -> str:
    """As they are stored: ``08:00, 17:30``."""
    return ", ".join(f"{time:%H:%M}" for time in given)


def written_weekdays(days: Iterable[int]) -> str:
    """As they are stored: ``mon,tue``."""
    return ",".join(WEEKDAYS[day] for day in sorted(days))


def said_times(given: Iterable[dt.time]) -> str:
    """``8:00, 12:00 and 17:30``."""
    return listed([short(time) for time in given])


def short(time: dt.time) -> str:
    """``8:00``."""
    return f"{time.hour}:{time:%M}"


def said_weekdays(days: frozenset[int]) -> str:
    """``on weekdays``, ``on Monday and Friday``; ``every day``."""
    if days == EVERY_DAY:
        return "every day"
    if days in (WORKING_DAYS, WEEKEND):
        return "on weekdays" if days == WORKING_DAYS else "at weekends"
    return f"on {listed([FULL[day] for day in sorted(days)])}"


def listed(words: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
