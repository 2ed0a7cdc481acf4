"""What is wrong with a request before its meaning is looked at: unknown properties, wrong kinds, texts too long."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.quickbooks_online import problems
from sandbox.quickbooks_online.fields import Field, table
from sandbox.quickbooks_online.problems import Json

_MOST_PLACES = 7


def checked(entity: str, body: Any, prefix: str = "") -> Json:
    """The body with its values in their kinds (numbers as Decimal, ids as str), nulls left out.

    Raises:
        Refusal: 2010 unknown property, 2050 too long, 2060 date, 2090 number, 2170 word, 2230 boolean.
    """
    if not isinstance(body, dict):
        raise problems.unreadable(f"an object of type {entity} is expected")
    known = table()[entity]
    result: Json = {}
    for name, value in body.items():
        if name not in known:
            raise problems.unknown_property(name, entity, list(known))
        if value is not None:
            result[name] = _value(known[name], value, f"{prefix}{name}")
    return result


def required(body: Json, *names: str) -> None:
    """Refuse (2020) if one of these is absent or empty."""
    for name in names:
        if body.get(name) in (None, "", []):
            raise problems.missing(name)


def _value(field: Field, value: Any, element: str) -> Any:
    if field.many:
        if not isinstance(value, list):
            raise problems.unreadable(f"{element} is a list")
        return [_one(field, item, element) for item in value]
    return _one(field, value, element)


def _one(field: Field, value: Any, element: str) -> Any:
    kind = field.kind
    if kind == "ref":
        return checked("ReferenceType", value, f"{element}.")
    if kind == "EmailAddress":
        return _email(value, element)
    if kind in table():
        return checked(kind, value, f"{element}.")
    if kind == "s":
        return _text(value, element, field.max_length)
    if kind in _SCALARS:
        return _SCALARS[kind](value, element)
    if "|" in kind:
        return _word(value, element, kind)
    return value


def _text(value: Any, element: str, limit: int) -> str:
    if isinstance(value, (dict, list)):
        raise problems.unreadable(f"{element} is a string")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if limit and len(text) > limit:
        raise problems.too_long(element, limit, len(text))
    return text


def _email(value: Any, element: str) -> Json:
    """One address or several with commas; anything else is 2210."""
    email = checked("EmailAddress", value, f"{element}.")
    addresses = [part.strip() for part in email.get("Address", "").split(",") if part.strip()]
    if not all(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address) for address in addresses):
        raise problems.bad_value(2210, element, email.get("Address"))
    return email


def _number(value: Any, element: str) -> Decimal:
    if isinstance(value, (bool, dict, list)):
        raise problems.bad_value(2090, element, value)
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise problems.bad_value(2090, element, value) from error
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise problems.bad_value(2090, element, value)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _MOST_PLACES and number != round(number, _MOST_PLACES):
        raise problems.bad_value(2100, element, value)
    return number


def _integer(value: Any, element: str) -> int:
    number = _number(value, element)
    if number != number.to_integral_value():
        raise problems.bad_value(2090, element, value)
    return int(number)


def _boolean(value: Any, element: str) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in {"true", "false"}:
        raise problems.bad_value(2230, element, value)
    return str(value).lower() == "true"


def _date(value: Any, element: str) -> str:
    text = str(value)
    if not re.match(r"\d{4}-\d{2}-\d{2}", text):
        raise problems.bad_value(2060, element, value)
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise problems.bad_value(2060, element, value) from error


def _word(value: Any, element: str, kind: str) -> str:
    if value not in kind.split("|"):
        raise problems.bad_value(2170, element, value)
    return str(value)


_SCALARS = {"n": _number, "i": _integer, "b": _boolean, "date": _date}
