"""Documents and receipts as plain JSON values and back, exact: amounts are strings, dates ISO 8601."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
import typing
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """A domain value (dataclass, tuple, Decimal, date, enum) as a plain JSON value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    return value


def from_json(cls: type[T], data: Any) -> T:
    """The domain value of type ``cls`` that ``to_json`` was given. Raises ValueError or TypeError on foreign data."""
    return typing.cast("T", _read(cls, data))


def _read(kind: Any, data: Any) -> Any:
    return _reader(kind)(data)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """How to read one type, found out once: lists of thousands are read for a page."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = next(a for a in get_args(kind) if a is not type(None))
        return lambda data: None if data is None else _reader(inner)(data)
    if origin is tuple:
        item = _reader(get_args(kind)[0])
        return lambda data: tuple(map(item, data))
    if origin is not None or kind is Any:
        return _as_it_is
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return partial(_read_fields, kind, {name: _reader(hint) for name, hint in get_type_hints(kind).items()})
    if issubclass(kind, Decimal):
        return lambda data: Decimal(str(data))
    if issubclass(kind, dt.datetime | dt.date):
        return partial(_read_moment, kind)
    return kind if issubclass(kind, Enum) else _as_it_is


def _as_it_is(data: Any) -> Any:
    return data


def _read_moment(kind: type[dt.date], data: str) -> dt.date:
    return kind.fromisoformat(data)


def _read_fields(kind: Callable[..., Any], readers: dict[str, Callable[[Any], Any]], data: dict[str, Any]) -> Any:
    """A dataclass; what it has no field for is left out."""
    return kind(**{name: readers[name](value) for name, value in data.items() if name in readers})
