"""When AutoSync is due. Pure, in the Book's zone, exact over the days on which clocks are changed.

An interval is counted on the wall clock from the beginning of its window, each day anew: every 2 hours from 8:00 to
18:00 means 8:00, 10:00 … 18:00. A window that ends before it begins goes over midnight; one that ends when it begins is
the whole day. What the clock skips in spring is due an hour later; where that is due anyway, once. What the clock shows
twice in autumn is due twice for intervals of up to an hour, else the first time only.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from app.domain import clock_words
from app.domain.clock_words import EVERY_DAY, short

DAY = dt.timedelta(days=1)
MINUTES_A_DAY = 1440
#: Longest look: the weekday that is asked for may fall into the quiet days of several months in a row.
FARTHEST = 400


@dataclass(frozen=True, slots=True)
class Schedule:
    """Either every so many ``minutes`` between ``begins`` and ``ends``, or (``minutes`` 0) at ``times``; days as below.

    Attributes:
        zone: IANA name.
        weekdays: on which a day's window begins; 0 is Monday.
        quiet_last, quiet_first: so many days at the end and at the beginning of each month are left out.
    """

    zone: str
    minutes: int = 120
    times: tuple[dt.time, ...] = ()
    weekdays: frozenset[int] = EVERY_DAY
    begins: dt.time = dt.time()
    ends: dt.time = dt.time()
    quiet_last: int = 0
    quiet_first: int = 0

    def due_after(self, moment: dt.datetime) -> dt.datetime | None:
        """The first due moment after an aware one, in UTC; None where none comes within a year."""
        day = self._here(moment).date() - 2 * DAY  # a window may begin the day before, and go over midnight
        for _ in range(FARTHEST):
            if later := [due for due in self._due(day) if due > moment]:
                return min(later)
            day += DAY
        return None

    def due_by(self, moment: dt.datetime) -> dt.datetime | None:
        """The last due moment that is not after this one, in UTC; None where there was none for a year."""
        day = self._here(moment).date() + DAY
        for _ in range(FARTHEST):
            if earlier := [due for due in self._due(day) if due <= moment]:
                return max(earlier)
            day -= DAY
        return None

    def is_quiet(self, moment: dt.datetime) -> bool:
        """Whether it falls into the days around a month's end that are left out."""
        day = self._here(moment).date()
        left = calendar.monthrange(day.year, day.month)[1] - day.day
        return day.day <= self.quiet_first or left < self.quiet_last

    def in_words(self) -> str:
        """``every 2 hours on weekdays, 8:00 to 18:00``."""
        days = clock_words.said_weekdays(self.weekdays)
        if not self.minutes:
            return f"{days} at {clock_words.said_times(self.times)}{self._quiet_words()}"
        hours, rest = divmod(self.minutes, 60)
        every = (
            f"{self.minutes} minutes" if rest else "day" if hours == 24 else "hour" if hours == 1 else f"{hours} hours"
        )
        on = "" if self.weekdays == EVERY_DAY else f" {days}"
        window = "" if self.begins == self.ends else f", {short(self.begins)} to {short(self.ends)}"
        return f"every {every}{on}{window}{self._quiet_words()}"

    def _quiet_words(self) -> str:
        parts = [
            f"the {which} {count} days" if count > 1 else f"the {which} day"
            for count, which in ((self.quiet_last, "last"), (self.quiet_first, "first"))
            if count
        ]
        return f", but not on {clock_words.listed(parts)} of a month" if parts else ""

    # ── a single day ──

    def _here(self, moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(ZoneInfo(self.zone))

    def _due(self, day: dt.date) -> set[dt.datetime]:
        """Every due moment of the window that begins on the day."""
        if day.weekday() not in self.weekdays:
            return set()
        found = {moment for wall in self._walls(day) for moment in self._moments(wall)}
        return (
            {moment for moment in found if not self.is_quiet(moment)} if self.quiet_last or self.quiet_first else found
        )

    def _walls(self, day: dt.date) -> Iterator[dt.datetime]:
        """What the wall clock shows then."""
        if not self.minutes:
            yield from (dt.datetime.combine(day, time) for time in self.times)
            return
        begin, end = (time.hour * 60 + time.minute for time in (self.begins, self.ends))
        length = (end - begin) % MINUTES_A_DAY or MINUTES_A_DAY - 1  # the whole day: midnight belongs to the next one
        first = dt.datetime.combine(day, self.begins)
        yield from (first + dt.timedelta(minutes=passed) for passed in range(0, length + 1, self.minutes))

    def _moments(self, wall: dt.datetime) -> list[dt.datetime]:
        """When the wall clock shows that: once; twice in autumn; in spring perhaps never, then as if unchanged."""
        zone = ZoneInfo(self.zone)
        first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
        return [first, second] if first < second and 0 < self.minutes <= 60 else [first]
