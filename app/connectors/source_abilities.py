"""What some PSAs can do besides: each a capability of its own, told by ``isinstance(source, …)``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from app.connectors.protocols import CloseOutcome, Slot, Source
from app.domain.links import LinkKind
from app.domain.source_lists import SourceEntry
from app.domain.states import RecordKind


@dataclass(frozen=True, slots=True)
class VendorInvoice:
    """The number and the date of a vendor's invoice, as somebody has entered them on the order."""

    number: str
    date: dt.date | None = None


@runtime_checkable
class KnowsVendorInvoices(Protocol):
    """Reads orders whose receipts were posted and closed long ago."""

    def vendor_invoices(self, orders: Sequence[str]) -> dict[str, VendorInvoice]:
        """By number of the order; one whose invoice has not come is missing. Raises ConnectionFailedError."""
        ...


@dataclass(frozen=True, slots=True)
class Eligibility:
    """One test of why a record is offered: True passed, False failed (with its remedy), None could not be told."""

    question: str
    passed: bool | None
    answer: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class StatusInPsa:
    """A record's billing status: its id, whether it closes, and the open one that a reopened record gets."""

    status: str
    closed: bool
    open_as: str


@runtime_checkable
class Explains(Protocol):
    """Tells its own conditions, asked one after the other."""

    def explain(self, kind: RecordKind, number: str) -> list[Eligibility]:
        """Why the PSA lists, or doesn't list, the record of this number as unposted. Raises ConnectionFailedError."""
        ...


@runtime_checkable
class Reopens(Source, Protocol):
    """Opens and closes invoices; closing stamps them with the GL mapping of the day."""

    def status(self, record: str) -> StatusInPsa:
        """An invoice's billing status as it is now. Raises ConnectionFailedError."""
        ...

    def set_status(self, record: str, status: str, slot: Slot) -> CloseOutcome:
        """Open or close an invoice; the same a second time changes nothing. Releases the slot."""
        ...


@runtime_checkable
class Lists(Protocol):
    """Shows its own lists whole, so that links can be proposed before any document needs one."""

    #: The kinds that it has a list of.
    listed: Collection[LinkKind]

    def entries(self, kind: LinkKind) -> list[SourceEntry]:
        """The whole list, inactive entries too, read page by page within the limits. Raises ConnectionFailedError."""
        ...


@runtime_checkable
class GivesPdf(Protocol):
    """Makes a PDF of its own of a document, as the customer gets it."""

    def pdf(self, kind: RecordKind, record: str) -> bytes:
        """A whole PDF of at most 10 MB. Raises ConnectionFailedError: not there, too large, or no PDF."""
        ...


@dataclass(frozen=True, slots=True)
class FileInPsa:
    """A file beside a record: its id there, and the name that people gave it."""

    ident: str
    name: str


@runtime_checkable
class KeepsFiles(Protocol):
    """Keeps files beside records: a receipt that somebody has photographed."""

    def files(self, paper: str) -> list[FileInPsa]:
        """Those of one of ``Document.papers``, always in the same order. Raises ConnectionFailedError."""
        ...

    def file(self, ident: str) -> bytes:
        """One whole, of at most 20 MB. Raises ConnectionFailedError: not there, or too large."""
        ...


@runtime_checkable
class KnowsMailAddresses(Protocol):
    """Knows where a customer wants its invoices mailed."""

    def mail_addresses(self, parties: Sequence[str]) -> dict[str, str]:
        """By the PSA's id of the customer: its invoice address, else its billing contact's; without one it is missing.

        As they are now, not as they were when a document was read. Raises ConnectionFailedError.
        """
        ...
