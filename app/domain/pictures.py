"""Pictures: a ledger's document in words that are not any vendor's, so that it can stand beside the PSA's."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Named:
    """A reference into one of the ledger's lists; ``name`` is empty where only the id is at hand."""

    ledger_id: str = ""
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.ledger_id)


@dataclass(frozen=True, slots=True)
class PicturedLine:
    """One line. Quantity and price are None where the amount stands alone; ``tax`` is the line's tax code."""

    description: str
    amount: Decimal
    quantity: Decimal | None = None
    price: Decimal | None = None
    item: Named = Named()
    account: Named = Named()
    tax: Named = Named()


@dataclass(frozen=True, slots=True)
class TaxPart:
    """What one rate of a tax code comes to. ``percent`` is a percentage (6.5) where the ledger says it."""

    amount: Decimal
    percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A document as the ledger gets it, or holds it.

    Amounts run in the document's own direction, as in ``documents``. ``total`` and ``tax`` are None where they are not
    said: a body that is yet to be sent says no total, the ledger adds it up.
    """

    party: Named
    number: str = ""
    date: dt.date | None = None
    due_date: dt.date | None = None
    terms: Named = Named()
    tax_code: Named = Named()
    note: str = ""
    lines: tuple[PicturedLine, ...] = ()
    tax: Decimal | None = None
    tax_parts: tuple[TaxPart, ...] = field(default=())
    total: Decimal | None = None

    @property
    def subtotal(self) -> Decimal:
        """Sum of the lines, before tax."""
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def whole(self) -> Decimal:
        """The total as said, else as it will come out."""
        return self.subtotal + (self.tax or 0) if self.total is None else self.total
