"""CSV that any spreadsheet opens, and none runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

#: A spreadsheet takes a cell that begins with one of these for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def lines(rows: Iterable[Iterable[str]]) -> str:
    """The rows as CSV. No cell is taken for a formula; plain amounts stay amounts."""
    text = io.StringIO()
    csv.writer(text).writerows([_guarded(cell) for cell in row] for row in rows)
    return text.getvalue()


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) and not _is_amount(cell) else cell


def _is_amount(cell: str) -> bool:
    return cell.removeprefix("-").replace(".", "", 1).isdecimal()
