"""Payments: what a ledger tells of them, and what a PSA takes. Capabilities, told by ``isinstance``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from app.connectors.protocols import Slot, Wait
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.payments import LedgerPayment, PsaPayment


@dataclass(frozen=True, slots=True)
class LedgerNews:
    """What changed in the books since a moment.

    Attributes:
        payments: each changed payment once, as it stands now (``gone`` where it was deleted or voided).
        invoices: ids of invoices and credit memos that were changed, voided or deleted: their payments may have moved.
        until: give this as ``since`` the next time; before the first byte of the answer was written, so that nothing
            falls between two looks (overlap is the rule, what comes twice is no news).
        calls: how many calls it took.
    """

    payments: tuple[LedgerPayment, ...]
    invoices: tuple[str, ...]
    until: dt.datetime
    calls: int


@runtime_checkable
class TellsPayments(Protocol):
    """A ledger that tells which payments changed."""

    def payments_since(self, since: dt.datetime) -> LedgerNews:
        """Change data capture, or queries where it does not reach. Raises ConnectionFailedError."""
        ...

    def payments(self, ledger_ids: Sequence[str]) -> list[LedgerPayment]:
        """These payments as they stand now; one that is gone is said to be. Raises ConnectionFailedError."""
        ...

    def payments_of(self, invoices: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Ids of the payments that are linked to each invoice or credit memo now. Raises ConnectionFailedError."""
        ...


@dataclass(frozen=True, slots=True)
class NewPayment:
    """What is to stand on the PSA's invoice. ``reference`` carries our mark, so that a lost answer can be found."""

    amount: Decimal
    date: dt.date
    reference: str
    #: The PSA's id of the credit memo that is applied; empty for money.
    credit: str = ""


@dataclass(frozen=True, slots=True)
class PaymentWritten:
    """It stands on the invoice; ``payment_id`` is the PSA's (kept by an update, empty after a removal)."""

    payment_id: str


PaymentOutcome = PaymentWritten | Refused | NotDone | InDoubt


@runtime_checkable
class TakesPayments(Protocol):
    """A PSA that keeps payments on its invoices. Writes never raise for the vendor's sake and release their slot."""

    def payments_on(self, invoices: Sequence[str]) -> dict[str, tuple[PsaPayment, ...]]:
        """All payments and applied credits that stand on these invoices (PSA's ids). Raises ConnectionFailedError."""
        ...

    def reserve(self) -> Slot | Wait: ...

    def add_payment(self, invoice: str, new: NewPayment, slot: Slot) -> PaymentOutcome: ...

    def change_payment(self, invoice: str, payment_id: str, new: NewPayment, slot: Slot) -> PaymentOutcome: ...

    def remove_payment(self, invoice: str, payment_id: str, slot: Slot) -> PaymentOutcome:
        """Written also where it was gone before."""
        ...

    def set_paid(self, invoice: str, status: str, paid_on: dt.date | None, slot: Slot) -> PaymentOutcome:
        """Give an invoice the status and the paid date that the Book's settings want. Releases the slot."""
        ...
