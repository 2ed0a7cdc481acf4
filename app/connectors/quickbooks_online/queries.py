"""Statements in QuickBooks' query language: AND and IN, no OR, no joins; at most 1,000 rows an answer.

https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

PAGE = 1000
#: Longest IN list; QuickBooks publishes none, longer ones have been cut by gateways.
IN_LIST = 100


def quoted(value: str) -> str:
    """A string literal; quote and backslash are escaped with a backslash."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def one_of(field: str, values: Iterable[str]) -> str:
    """``Field IN ('a', 'b')``."""
    return f"{field} IN ({', '.join(quoted(value) for value in values)})"


def moment(at: dt.datetime) -> str:
    """An aware moment in the form that MetaData times are compared in."""
    return quoted(at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"))


def select(entity: str, *conditions: str, fields: str = "*") -> str:
    """A statement without its paging."""
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {fields} FROM {entity}{where}"  # noqa: S608 -- no SQL, and every value is `quoted`


def paged(statement: str, page: int) -> str:
    """One page (from 0) of a statement, in the order of ids so that pages don't shift."""
    return f"{statement} ORDERBY Id STARTPOSITION {page * PAGE + 1} MAXRESULTS {PAGE}"


def chunks(values: Sequence[str], size: int = IN_LIST) -> Iterator[Sequence[str]]:
    """The values in lists of at most ``size``."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def date_ranges(dates: Iterable[dt.date], gap: int = 7) -> list[tuple[dt.date, dt.date]]:
    """The fewest ranges that hold all the dates without bridging more than ``gap`` days of nothing."""
    ranges: list[tuple[dt.date, dt.date]] = []
    for date in sorted(set(dates)):
        if ranges and (date - ranges[-1][1]).days <= gap:
            ranges[-1] = (ranges[-1][0], date)
        else:
            ranges.append((date, date))
    return ranges
