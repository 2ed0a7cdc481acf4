"""Due dates from payment terms."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from sandbox.quickbooks_online.problems import Json


def due_date(term: Json | None, issued: str) -> str:
    """When a document of this date falls due; without a term on the same day."""
    day = date.fromisoformat(issued)
    if term is None:
        return issued
    if term.get("Type") == "DATE_DRIVEN":
        return _day_of_month(term, day).isoformat()
    return (day + timedelta(days=int(term.get("DueDays", 0)))).isoformat()


def _day_of_month(term: Json, issued: date) -> date:
    wanted = int(term["DayOfMonthDue"])
    due = _clamped(issued.year, issued.month, wanted)
    if (due - issued).days >= int(term.get("DueNextMonthDays", 0)) and due >= issued:
        return due
    return _clamped(issued.year + issued.month // 12, issued.month % 12 + 1, wanted)


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))
