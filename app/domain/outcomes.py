"""What became of a call to a ledger, and what a look into the books found. Three outcomes, never two."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.domain.money import Money
from app.domain.problems import Problem


@dataclass(frozen=True, slots=True)
class Receipt:
    """A document as the ledger holds it.

    Attributes:
        total: positive, in the document's own direction (see documents).
        created_at: the ledger's creation moment (aware); before our intent it is a replay and must be read by id.
        open: what is not yet paid or applied of it; None where the ledger doesn't say.
        home_total: the total in the ledger's own currency, where it says one.
        stored: the ledger's own form, trimmed, kept for proof; never secrets.
    """

    ledger_id: str
    number: str
    total: Money
    tax: Money | None = None
    date: dt.date | None = None
    due_date: dt.date | None = None
    party_id: str = ""
    note: str = ""
    version: str = ""
    created_at: dt.datetime | None = None
    voided: bool = False
    open: Money | None = None
    home_total: Decimal | None = None
    stored: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Posted:
    """It is in the books, and we hold the ledger's id."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Refused:
    """The ledger said no, finally: a fault listed as final in the connector. Nothing was booked."""

    problem: Problem
    duplicate_number: bool = False


@dataclass(frozen=True, slots=True)
class NotDone:
    """Provably not executed (throttled, token expired, locked): the same call may go out again after ``wait`` seconds.

    ``systemic`` means that no other call will fare better (consent gone, company closed): stop and say ``problem``.
    """

    reason: str
    wait: float = 0
    systemic: Problem | None = None


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Sent, and nobody has said what became of it. ``ended`` is True when the vendor cannot still be working on it."""

    reason: str
    ended: bool = False
    technical: dict[str, Any] = field(default_factory=dict)


Outcome = Posted | Refused | NotDone | InDoubt


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly one document with our mark, not voided."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Absent:
    """No document with our mark, and none that looks like it."""


@dataclass(frozen=True, slots=True)
class LooksAlike:
    """None with our mark, but some without it: same number, or same customer, total and date. A person decides."""

    candidates: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """More than one document with our mark."""

    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The look itself failed; nothing is known, nothing may be concluded."""

    reason: str


Finding = Found | Absent | LooksAlike | Several | CannotTell
