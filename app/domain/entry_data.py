"""The data of a customer that both sides keep: address, e-mail, terms, whether it is active; and how two differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain import codec
from app.domain.documents import Address

NOWHERE = Address()
#: What may be brought over, in the order of pages.
FIELDS = ("address", "email", "terms", "active")


@dataclass(frozen=True, slots=True)
class EntryData:
    """``terms`` is the ledger's id of the billing terms; None where what they are is not known.

    ``account`` and ``cost_account`` are the ledger's ids of an item's income and expense account.
    """

    active: bool = True
    email: str = ""
    terms: str | None = ""
    address: Address = NOWHERE
    account: str = ""
    cost_account: str = ""


def changes(now: EntryData, wanted: EntryData, fields: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Old and new values of the fields that differ, as JSON. What the PSA leaves empty empties nothing."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for field in FIELDS:
        before, after = getattr(now, field), getattr(wanted, field)
        if field in fields and after not in (None, "", NOWHERE) and not _same(before, after):
            old[field], new[field] = codec.to_json(before), codec.to_json(after)
    return old, new


def holds(now: EntryData, new: Mapping[str, Any]) -> bool:
    """Whether every new value is there."""
    return all(_same(getattr(now, field), read(field, value)) for field, value in new.items())


def read(field: str, value: Any) -> Any:
    """A value as it was stored."""
    return codec.from_json(Address, value) if field == "address" else value


def _same(one: Any, other: Any) -> bool:
    """Addresses and e-mails are the same whatever their case and blanks; a country alone is no difference."""
    if isinstance(one, Address) and isinstance(other, Address):
        return _parts(one, other) == _parts(other, one)
    if isinstance(one, str) and isinstance(other, str):
        return _plain(one) == _plain(other)
    return bool(one == other)


def _parts(address: Address, beside: Address) -> list[str]:
    lines = " ".join(address.lines)
    country = address.country if address.country and beside.country else ""
    return [_plain(text) for text in (lines, address.city, address.region, address.postal_code, country)]


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def in_words(field: str, value: Any, terms: Mapping[str, str] | None = None) -> str:
    """A stored value as people read it; terms by their name."""
    if field == "active":
        return "active" if value else "inactive"
    if field in ("terms", "account", "cost_account"):
        return (terms or {}).get(value, value) or "none"
    if field == "address":
        a = codec.from_json(Address, value)
        return ", ".join(filter(None, [*a.lines, a.city, f"{a.region} {a.postal_code}".strip(), a.country])) or "none"
    return str(value or "none")
