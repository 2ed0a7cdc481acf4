"""Money that customers paid elsewhere, to be recorded in the books. A capability, told by ``isinstance``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from app.connectors.protocols import Slot
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.payments import LedgerPayment


@dataclass(frozen=True, slots=True)
class ReceivedPayment:
    """Money that a customer paid elsewhere, to be recorded in the books.

    Attributes:
        mark: by which it is found again; at most 21 characters.
        invoice: the ledger's id of the invoice that all of it pays; empty: it pays nothing yet.
        account: the ledger's id of the account that it goes to; empty: the ledger's own for money not deposited yet.
    """

    mark: str
    note: str
    party_id: str
    invoice: str
    date: dt.date
    amount: Decimal
    currency: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """It is in the books, as ``payment`` says."""

    payment: LedgerPayment


RecordOutcome = Recorded | Refused | NotDone | InDoubt


@runtime_checkable
class RecordsPayments(Protocol):
    """A ledger that takes payments. The slot is one of ``reserve(0)``."""

    def payment_body(self, new: ReceivedPayment) -> str:
        """Exact request body; pure."""
        ...

    def record_payment(self, body: str, request_id: str, slot: Slot) -> RecordOutcome:
        """Never raises for the vendor's sake. Releases the slot."""
        ...

    def payments_marked(self, stem: str, party_id: str, since: dt.datetime) -> list[LedgerPayment]:
        """A customer's payments made since then that carry a mark with this beginning, voided ones too.

        Raises ConnectionFailedError.
        """
        ...
