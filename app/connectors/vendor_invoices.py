"""What some PSAs can say of an order that was received before its vendor's invoice came.

A capability of its own: ``isinstance(source, KnowsVendorInvoices)`` says whether a PSA has it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


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
