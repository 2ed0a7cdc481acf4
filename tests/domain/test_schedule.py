"""The schedule of AutoSync, held against a clock that is read minute by minute."""

from __future__ import annotations

import calendar
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain import autosync_settings, book_settings, clock_words
from app.domain.problems import ValidationError
from app.domain.schedule import Schedule

#: Zones whose clocks change at two, at midnight, by half an hour, and never.
ZONES = ("America/Chicago", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
MINUTE = dt.timedelta(minutes=1)
#: Close to the days on which the clocks of those zones change, and to a month's end.
AROUND = (
    dt.datetime(2026, 3, 8, 6, tzinfo=dt.UTC), dt.datetime(2026, 11, 1, 5, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 29, tzinfo=dt.UTC), dt.datetime(2026, 10, 25, tzinfo=dt.UTC),
    dt.datetime(2026, 4, 4, 15, tzinfo=dt.UTC), dt.datetime(2026, 10, 3, 15, tzinfo=dt.UTC),
)  # fmt: skip

clock_times = st.builds(dt.time, st.integers(0, 23), st.sampled_from((0, 15, 30)))
schedules = st.builds(
    Schedule,
    zone=st.sampled_from(ZONES),
    minutes=st.sampled_from((0, 15, 20, 45, 60, 90, 100, 120, 480, 1440)),
    times=st.sets(clock_times, min_size=1, max_size=4).map(lambda found: tuple(sorted(found))),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    begins=clock_times,
    ends=clock_times,
    quiet_last=st.sampled_from((0, 0, 1, 5)),
    quiet_first=st.sampled_from((0, 0, 2)),
)
moments = st.tuples(st.sampled_from(AROUND), st.integers(-3000, 3000)).map(lambda found: found[0] + found[1] * MINUTE)


def is_due(schedule: Schedule, moment: dt.datetime) -> bool:
    """By the words of the setting alone: what the clock on the wall shows at this minute, and for the first time?"""
    zone = ZoneInfo(schedule.zone)
    shown = [moment.astimezone(zone).replace(tzinfo=None)]
    before = (moment - MINUTE).astimezone(zone)
    jump = moment.astimezone(zone).utcoffset() - before.utcoffset()  # type: ignore[operator]  # both are aware
    shown += [shown[0] - skipped for skipped in [_skipped(schedule, moment)] if skipped]
    again = moment.astimezone(zone).fold == 1
    if again and not 0 < schedule.minutes <= 60:
        return False
    assert abs(jump) < dt.timedelta(hours=3)
    day = shown[0].date()
    left = calendar.monthrange(day.year, day.month)[1] - day.day
    if day.day <= schedule.quiet_first or left < schedule.quiet_last:
        return False
    return any(_on_the_wall(schedule, wall) for wall in shown)


def _skipped(schedule: Schedule, moment: dt.datetime) -> dt.timedelta | None:
    """By how much the clock jumped, if what it would have shown by now was skipped."""
    zone = ZoneInfo(schedule.zone)
    wall = moment.astimezone(zone)
    for minutes in range(0, 121, 30):
        earlier = (moment - dt.timedelta(minutes=minutes + 1)).astimezone(zone)
        jump = wall.utcoffset() - earlier.utcoffset()  # type: ignore[operator]  # both are aware
        if jump > dt.timedelta():
            unseen = wall.replace(tzinfo=None) - jump
            back = unseen.replace(tzinfo=zone).astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None)
            return jump if back != unseen else None
    return None


def _on_the_wall(schedule: Schedule, wall: dt.datetime) -> bool:
    if not schedule.minutes:
        return wall.weekday() in schedule.weekdays and wall.time() in schedule.times
    begin, end = (time.hour * 60 + time.minute for time in (schedule.begins, schedule.ends))
    length = (end - begin) % 1440 or 1439
    passed = (wall.hour * 60 + wall.minute - begin) % 1440
    window = (wall - dt.timedelta(minutes=passed)).weekday()
    return passed <= length and passed % schedule.minutes == 0 and window in schedule.weekdays


@given(schedules, moments)
def test_the_next_due_moment_is_the_first_minute_that_the_words_of_the_settings_mean(
    schedule: Schedule, moment: dt.datetime
) -> None:
    found = schedule.due_after(moment)
    at = moment + MINUTE
    for _ in range(20 * 60):
        if is_due(schedule, at):
            assert found == at
            return
        assert found != at
        at += MINUTE
    assert found is None or found >= at


@given(schedules, moments)
def test_what_was_due_last_and_what_is_due_next_meet(schedule: Schedule, moment: dt.datetime) -> None:
    due = schedule.due_after(moment)
    assert due is not None
    assert due > moment
    assert schedule.due_by(due) == due
    before = schedule.due_by(due - MINUTE)
    assert before is None or before <= moment
    assert before is None or schedule.due_after(before) == due
    assert not schedule.is_quiet(due)


@example("Australia/Lord_Howe", 20, dt.datetime(2026, 4, 4, 14, 39, tzinfo=dt.UTC))
@given(st.sampled_from(ZONES), st.sampled_from((15, 20, 30, 60)), moments)
def test_short_intervals_stay_what_they_are_when_clocks_are_changed(
    zone: str, minutes: int, moment: dt.datetime
) -> None:
    schedule = Schedule(zone, minutes=minutes)
    one = schedule.due_after(moment)
    assert one is not None
    odd = 30 % minutes if zone == "Australia/Lord_Howe" else 0  # its clock goes back by half an hour
    for _ in range(12):
        other = schedule.due_after(one)
        assert other is not None
        assert MINUTE < other - one <= dt.timedelta(minutes=minutes + odd)
        one = other


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-03-07", ["2026-03-07T02:30:00-06:00"]),
        ("2026-03-08", ["2026-03-08T03:30:00-05:00"]),  # 2:30 is skipped
        ("2026-11-01", ["2026-11-01T01:30:00-05:00", "2026-11-01T02:30:00-06:00"]),  # 1:30 comes twice
    ],
)
def test_each_time_of_day_comes_once_a_day(day: str, due: list[str]) -> None:
    times = (dt.time(2, 30),) if len(due) == 1 else (dt.time(1, 30), dt.time(2, 30))
    schedule = Schedule("America/Chicago", minutes=0, times=times)
    at = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), ZoneInfo("America/Chicago"))
    end, found = at + dt.timedelta(days=1), []
    while (at := schedule.due_after(at) or end) < end:
        found.append(at)
    assert found == [dt.datetime.fromisoformat(each) for each in due]


@example("mon-fri", "8:00,17:30")
@given(st.text(max_size=12), st.text(max_size=12))
def test_whatever_is_typed_is_understood_or_refused(days: str, times: str) -> None:
    for key, text in (("autosync.weekdays", days), ("autosync.times", times), ("autosync.begins", times)):
        setting = book_settings.setting(key)
        try:
            stored = setting.parse(text)
        except ValidationError:
            continue
        assert setting.parse(stored) == stored
    with pytest.raises(ValidationError):
        book_settings.setting("autosync.name").parse("[company] [no such]")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "every 2 hours"),
        ({"autosync.interval": "15"}, "every 15 minutes"),
        ({"autosync.weekdays": "mon,tue,wed,thu,fri", "autosync.begins": "08:00", "autosync.ends": "18:00"},
         "every 2 hours on weekdays, 8:00 to 18:00"),
        ({"autosync.when": "times", "autosync.times": "08:00, 17:30", "autosync.weekdays": "mon,fri"},
         "on Monday and Friday at 8:00 and 17:30"),
        ({"autosync.interval": "1440", "autosync.quiet_last": "2", "autosync.quiet_first": "1"},
         "every day, but not on the last 2 days and the first day of a month"),
    ],
)  # fmt: skip
def test_a_schedule_is_said_in_words(changes: dict[str, str], words: str) -> None:
    values = {key: book_settings.value_of(changes, key) for key in book_settings.SETTINGS}
    assert autosync_settings.schedule(values, "UTC").in_words() == words


@given(st.dates(dt.date(2024, 1, 1), dt.date(2030, 1, 1)))
def test_through_dates_are_those_of_the_companys_day(today: dt.date) -> None:
    assert autosync_settings.through("today", today) == today
    assert autosync_settings.through("yesterday", today) == today - dt.timedelta(days=1)
    last = autosync_settings.through("last_month", today)
    assert last < today.replace(day=1)
    assert last + dt.timedelta(days=1) == today.replace(day=1)


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_weekdays_are_read_back_as_they_were_written(days: frozenset[int]) -> None:
    assert clock_words.weekdays(clock_words.written_weekdays(days)) == days
