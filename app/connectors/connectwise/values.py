"""Single values of ConnectWise's JSON: null is left out or empty, dates carry a midnight that means nothing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

Row = Mapping[str, Any]

#: Control characters but tab and newline, the two separators that break lines in JSON consumers,
#: and halves of surrogate pairs, which no encoding takes.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
#: An id or a count; longer ones are none of ConnectWise's, whose ids are 32 bits wide.
DIGITS = re.compile(r"[0-9]{1,18}")
DAYS = re.compile(r"-?[0-9]{1,4}")
#: ISO 4217.
CURRENCY = re.compile(r"[A-Z]{3}")
#: Beyond this no invoice is meant, and sums would lose cents.
LARGEST = Decimal(10) ** 12
#: Ids are kept in columns of this length.
LONGEST_ID = 60
#: ``5/1/2014 5:21:58 AM``: seen beside ISO dates in exports.
US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\b")


def text(row: Row, *names: str) -> str:
    """The first of the named values that isn't blank, cleaned of control characters."""
    for name in names:
        value = row.get(name)
        cleaned = clean(str(value)) if value is not None and not isinstance(value, Mapping | list) else ""
        if cleaned:
            return cleaned
    return ""


def clean(value: str) -> str:
    """Without control characters and blanks around; line ends are newlines."""
    return CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()


def part(row: Row, name: str) -> Row:
    """A nested object; empty where there is none."""
    value = row.get(name)
    return value if isinstance(value, Mapping) else {}


def rows(row: Row, name: str) -> list[Row]:
    """A nested list of objects; empty where there is none."""
    value = row.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def identity(row: Row, name: str = "id") -> str:
    """An id as text; empty where it is missing, 0, or nothing that could be one."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    found = clean(str(value)) if value else ""
    return found if len(found) <= LONGEST_ID else ""


def is_number(value: str) -> bool:
    """Whether an id is one of ConnectWise's own, which are whole numbers: ``int`` takes it, and a condition too."""
    return bool(DIGITS.fullmatch(value))


def amount(row: Row, name: str) -> Decimal:
    """A number, exact; 0 where it is missing. Raises ValueError for what is no number."""
    value = row.get(name)
    if value is None or value == "":
        return Decimal(0)
    if isinstance(value, bool | float):
        raise ValueError(f"{name} is not an exact number.")  # noqa: TRY004 -- what came from outside is a value
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{name} is not a number.") from None
    if not number.is_finite():
        raise ValueError(f"{name} is not a number.")
    if abs(number) >= LARGEST:
        raise ValueError(f"{name} is larger than any invoice.")
    return number


def maybe_amount(row: Row, name: str) -> Decimal | None:
    """A number, or None where it is missing."""
    return None if row.get(name) in (None, "") else amount(row, name)


def date(row: Row, name: str) -> dt.date | None:
    """The calendar day as written, never shifted; None where it is missing. Raises ValueError for what is no date."""
    value = text(row, name)
    if not value or value.startswith("0001-01-01"):  # .NET's empty date
        return None
    if us := US_DATE.match(value):
        month, day, year = map(int, us.groups())
        return dt.date(year, month, day)
    return dt.date.fromisoformat(value[:10])


def days(row: Row, name: str) -> int | None:
    """A number of days; a text in some answers and a number in others. None where it is neither."""
    value = text(row, name)
    return int(value) if DAYS.fullmatch(value) else None


def currency(row: Row, default: str) -> str:
    """ISO code of the row's currency, an object or a bare code; the default where it names none.

    Raises ValueError for what is no code: taking another currency's amount for dollars would be worse than stopping.
    """
    named = part(row, "currency")
    code = (text(named, "currencyCode", "currencyIdentifier") or text(row, "currency")).upper()
    if code and not CURRENCY.fullmatch(code):
        raise ValueError(f"“{code[:20]}” is not a currency’s code of three letters.")
    return code or default


def account(value: str) -> str:
    """A GL account string without the empty sub-account and class that exports append: ``4001:`` is ``4001``."""
    return clean(value).rstrip(":/ ")


def whole_numbers(value: Any) -> list[int]:
    """GL record ids: a number, a text ``1010,1011``, or a list of either."""
    items = value if isinstance(value, list) else str(value if value is not None else "").split(",")
    numbers = (str(item).strip() for item in items)
    return [int(number) for number in numbers if DIGITS.fullmatch(number) and int(number)]
