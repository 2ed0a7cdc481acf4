"""Drift: what differs between a document as it was posted and as the books, or the PSA, hold it now. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest

from app.domain.money import plain
from app.domain.outcomes import Receipt
from app.domain.pictures import Named, Picture, PicturedLine


class What(StrEnum):
    """What became of a document. The last five are the PSA's."""

    EDITED = "edited"
    VOIDED = "voided"
    DELETED = "deleted"
    REOPENED = "reopened"
    UNBATCHED = "unbatched"
    OTHER_BATCH = "other_batch"
    CHANGED = "changed"
    GONE = "gone"


#: No longer in the books, so that it may be posted again without being taken out first.
NOT_IN_BOOKS = (What.VOIDED, What.DELETED)


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and now, as people read it; empty for nothing."""

    field: str
    before: str
    now: str


def changes(before: Receipt, now: Receipt, was: Picture, shows: Picture) -> list[Change]:
    """What was edited, header first, then line by line. ``was`` and ``shows`` picture the two receipts.

    What is paid of it is no edit: balances are not compared.
    """
    pairs = [
        ("number", before.number, now.number),
        ("customer or vendor", *_named(was.party, shows.party, before.party_id, now.party_id)),
        ("date", _text(before.date), _text(now.date)),
        ("due date", _text(before.due_date), _text(now.due_date)),
        ("terms", *_named(was.terms, shows.terms)),
        ("memo", before.note, now.note),
        ("currency", before.total.currency, now.total.currency),
        ("tax", *(plain(r.tax.amount) if r.tax else "" for r in (before, now))),
        ("total", plain(before.total.amount), plain(now.total.amount)),
    ]
    lines = [
        pair
        for place, (old, new) in enumerate(zip_longest(was.lines, shows.lines), 1)
        for pair in _line(place, old, new)
    ]
    return [Change(field, old, new) for field, old, new in (*pairs, *lines) if _plain(old) != _plain(new)]


def _line(place: int, old: PicturedLine | None, new: PicturedLine | None) -> Iterable[tuple[str, str, str]]:
    if old is None or new is None:
        yield f"line {place}", _whole(old), _whole(new)
        return
    yield f"line {place} text", old.description, new.description
    yield f"line {place} item", *_named(old.item, new.item)
    yield f"line {place} account", *_named(old.account, new.account)
    yield f"line {place} tax code", *_named(old.tax, new.tax)
    yield f"line {place} quantity", _number(old.quantity), _number(new.quantity)
    yield f"line {place} price", _number(old.price), _number(new.price)
    yield f"line {place} amount", plain(old.amount), plain(new.amount)


def _whole(line: PicturedLine | None) -> str:
    return f"{line.description} {plain(line.amount)}".strip() if line else ""


def _named(old: Named, new: Named, old_id: str = "", new_id: str = "") -> tuple[str, str]:
    """By name, where the ids differ; the same text twice where they don't: a renamed customer is no edit."""
    before, now = old.ledger_id or old_id, new.ledger_id or new_id
    if before == now:
        return "", ""
    names = (old.name or before, new.name or now)
    return names if names[0] != names[1] else (f"{names[0]} ({before})", f"{names[1]} ({now})")


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _plain(text: str) -> str:
    return " ".join(text.split())


def signature(what: What, found: Sequence[Change]) -> str:
    """The same for the same drift: what a person has ignored or kept comes back only when this changes."""
    parts = [what, *(part for change in found for part in (change.field, change.now))]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
