"""Payments: what a ledger tells of them, and what a PSA takes. Capabilities, told by ``isinstance``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
        linked: what ``payments_of`` would say of those of the ``invoices`` that were told whole: no need to ask again.
    """

    payments: tuple[LedgerPayment, ...]
    invoices: tuple[str, ...]
    until: dt.datetime
    calls: int
    linked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@runtime_checkable
class TellsPayments(Protocol):
    """A ledger that tells which payments changed."""

    def payments_since(self, since: dt.datetime) -> LedgerNews:
        """Change data capture, or queries where it does not reach, from ``since`` (aware) on.

        From a little before it, as a vendor may write a change down later than the moment that it bears. Raises
        ConnectionFailedError.
        """
        ...

    def payments(self, ledger_ids: Sequence[str]) -> list[LedgerPayment]:
        """These payments as they stand now; one that is gone is said to be. Raises ConnectionFailedError."""
        ...

    def payments_of(self, invoices: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Ids of the payments that are linked to each invoice or credit memo now. Raises ConnectionFailedError."""
        ...


@dataclass(frozen=True, slots=True)
class NewPayment:
    """What is to stand on the PSA's invoice.

    ``reference`` carries our mark, at most 50 characters, so that a lost answer can be found. Whether a PSA keeps it is
    read from its answers (PsaPayment.reference): where it comes back empty, a doubt is settled by the invoice's list
    before and after, never by sending again blindly.
    """

    amount: Decimal
    date: dt.date
    reference: str
    #: The PSA's id of the credit memo that is applied; empty for money.
    credit: str = ""


@dataclass(frozen=True, slots=True)
class PaymentWritten:
    """It stands on the invoice; ``payment_id`` is the PSA's (kept by an update, empty after a removal).

    A PSA that keeps one payment an invoice answers an ``add_payment`` with the id of the one that it has overwritten.
    ``amount`` is what stands there now where the PSA made another amount of it (some cut an overpayment to the
    balance); None where it is as asked.
    """

    payment_id: str
    amount: Decimal | None = None


PaymentOutcome = PaymentWritten | Refused | NotDone | InDoubt


@runtime_checkable
class TakesPayments(Protocol):
    """A PSA that keeps payments on its invoices. Writes never raise for the vendor's sake and release their slot."""

    def payments_on(self, invoices: Sequence[str]) -> dict[str, tuple[PsaPayment, ...]]:
        """All payments and applied credits that stand on these invoices (PSA's ids).

        An invoice that the PSA doesn't have, or doesn't show us, is missing from the answer; one without payments has
        an empty entry. Raises ConnectionFailedError.
        """
        ...

    def paid_on(self, invoices: Sequence[str]) -> dict[str, Decimal]:
        """How much stands on these invoices in all, by the PSA's own sums of payments and credits.

        Cheaper than their lists. Missing where the PSA doesn't say, or where the lists cost no more. Raises
        ConnectionFailedError.
        """
        ...

    def reserve(self) -> Slot | Wait: ...

    def add_payment(self, invoice: str, new: NewPayment, slot: Slot) -> PaymentOutcome: ...

    def change_payment(self, invoice: str, payment_id: str, new: NewPayment, slot: Slot) -> PaymentOutcome: ...

    def remove_payment(self, invoice: str, payment_id: str, slot: Slot) -> PaymentOutcome:
        """Written also where it was gone before."""
        ...

    def set_paid(self, invoice: str, status: str, slot: Slot) -> PaymentOutcome:
        """Give an invoice the status (the PSA's id, or its name) that the Book's settings want. Releases the slot."""
        ...

    def reopened(self, invoices: Sequence[str]) -> set[str]:
        """Those whose status says that they are open again. Raises ConnectionFailedError."""
        ...
