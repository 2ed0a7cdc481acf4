"""What some ledgers can do beside taking documents: hold files, change or void what is in them.

Capabilities of their own: ``isinstance(destination, Attaching)`` says whether a ledger has one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from app.connectors.protocols import RemovalOutcome, Slot
from app.domain.documents import DocumentKind
from app.domain.outcomes import InDoubt, NotDone, Receipt, Refused


@dataclass(frozen=True, slots=True)
class Attached:
    """The file is in the ledger, linked to its document."""

    attachment_id: str


@dataclass(frozen=True, slots=True)
class Changed:
    """The document was changed; ``receipt`` is how it stands now."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Changes:
    """New values of a document's header; None leaves one as it is. Dates are ISO texts."""

    number: str | None = None
    date: str | None = None
    due_date: str | None = None
    note: str | None = None


AttachOutcome = Attached | Refused | NotDone | InDoubt
ChangeOutcome = Changed | Refused | NotDone | InDoubt


@runtime_checkable
class Attaching(Protocol):
    """Holds files beside documents."""

    def attachment(self, kind: DocumentKind, ledger_id: str, name: str) -> str | None:
        """Id of the document's file of this name; None where it has none. Raises ConnectionFailedError.

        Ask before ``attach`` and after a doubt: so no file is attached twice.
        """
        ...

    def attach(self, kind: DocumentKind, ledger_id: str, name: str, content: bytes, slot: Slot) -> AttachOutcome:
        """Attach one file. Never raises for the vendor's sake. Releases the slot."""
        ...


@runtime_checkable
class Printing(Protocol):
    """Makes a PDF of its own of a document, as the customer gets it."""

    def pdf(self, kind: DocumentKind, ledger_id: str) -> bytes:
        """A whole PDF of at most 10 MB. Raises ConnectionFailedError: not there, too large, or no PDF."""
        ...


@runtime_checkable
class Billing(Protocol):
    """Knows what a mail to a customer needs."""

    def mail_address(self, party_id: str) -> str:
        """The customer's addresses as they stand there, perhaps several with commas; empty where there is none.

        Raises ConnectionFailedError.
        """
        ...

    def pay_link(self, ledger_id: str) -> str:
        """Address at which the customer can pay an invoice online; empty where the ledger makes none of it.

        Raises ConnectionFailedError.
        """
        ...


@runtime_checkable
class KnowsRates(Protocol):
    """Keeps exchange rates by day."""

    def exchange_rate(self, currency: str, day: dt.date) -> Decimal | None:
        """What one unit is in the company's own currency; None where it has none. Raises ConnectionFailedError."""
        ...


@runtime_checkable
class Changing(Protocol):
    """Changes and voids documents that it holds."""

    #: Kinds that can be voided; the others can only be deleted.
    voidable: Collection[DocumentKind]

    def update(self, kind: DocumentKind, receipt: Receipt, new: Changes, request_id: str, slot: Slot) -> ChangeOutcome:
        """Change the header of a document as it stood when ``receipt`` was read. Releases the slot.

        Refused where it was edited since; whether it may be changed (paid, edited) is the caller's question.
        """
        ...

    def void(self, kind: DocumentKind, receipt: Receipt, request_id: str, slot: Slot) -> RemovalOutcome:
        """Take a document's amounts away but keep it (undo). Releases the slot. Raises ValueError for other kinds."""
        ...
