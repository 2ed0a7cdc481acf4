"""Keys of pages: a list goes on after the last row that was shown, by its sorted value and its id (``value|id``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from app.domain.problems import ValidationError


def beyond(
    column: Any, row_id: Any, after: str, *, down: bool, read: Callable[[str], Any] = str
) -> ColumnElement[bool]:
    """What comes after a key. Raises ValidationError for one that no page has given out."""
    value, _, ident = after.rpartition("|")
    try:
        key, last = read(value), int(ident)
    except ValueError as error:
        raise ValidationError("There is no such page of this list.", "Open its first page.") from error
    return or_(column < key if down else column > key, and_(column == key, row_id > last))


def reader(name: str) -> Callable[[str], Any]:
    """How the value of a sorted column stands in a key."""
    readers: dict[str, Callable[[str], Any]] = {"total": int, "date": dt.date.fromisoformat}
    return readers.get(name, str)
