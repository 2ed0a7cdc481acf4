"""Members of QuickBooks' JSON whatever their form: an answer is what a network delivers, not what a schema promises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.connectors.protocols import ConnectionFailedError

Members = Mapping[str, Any]

#: Beyond this no amount is meant, and sums would lose cents.
LARGEST = Decimal(10) ** 12
#: Ids are kept in columns of this length; QuickBooks' own are short numbers.
LONGEST_ID = 60
_CURRENCY = re.compile(r"[A-Z]{3}")


def part(obj: Members | None, name: str) -> Members:
    """A nested object; empty where there is none."""
    value = (obj or {}).get(name)
    return value if isinstance(value, Mapping) else {}


def rows(obj: Members, name: str) -> list[Members]:
    """The objects of a nested list; empty where there is none."""
    value = obj.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def text(obj: Members, name: str) -> str:
    """A text, or a number as text; empty for anything else."""
    value = obj.get(name)
    return str(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else ""


def ref(obj: Members, name: str) -> str:
    """The id that a reference points to, also where it stands without its object; empty where there is none."""
    return text(part(obj, name), "value") or text(obj, name)


def identity(obj: Members, name: str = "Id") -> str:
    """The object's own id. Raises ValueError where it has none: nothing could be found again by it."""
    found = text(obj, name).strip()
    if not found or len(found) > LONGEST_ID:
        raise ValueError("it carries no id")
    return found


def currency(obj: Members, name: str, default: str) -> str:
    """An ISO code; the default where none is named. Raises ValueError for what is no code."""
    code = ref(obj, name).strip().upper()
    if code and not _CURRENCY.fullmatch(code):
        raise ValueError(f"“{code[:20]}” is no currency’s code")
    return code or default


def amount_of(value: Any) -> Decimal:
    """A JSON number as Decimal. Raises ValueError for anything else."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and abs(Decimal(value)) < LARGEST:
        return Decimal(value)
    raise ValueError(f"{value!r:.40} is not an amount.")


def whole(obj: Members, name: str, what: str) -> Members:
    """The object that was asked for. Raises ConnectionFailedError for an answer without it."""
    value = obj.get(name)
    if not isinstance(value, Mapping):
        raise unreadable(what)
    return value


def unreadable(what: str) -> ConnectionFailedError:
    """An answer that is none to what was asked: nothing is concluded from it."""
    return ConnectionFailedError(
        f"QuickBooks’ answer to {what} has another form than expected.",
        "Try again; if it stays, see Intuit’s status page.",
        code="shape",
    )
