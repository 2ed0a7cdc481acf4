"""Documents: the domain form of one or several PSA records. Frozen, exact, without any vendor's field names.

Amounts run in the document's own direction: a line of an Invoice that the customer pays is positive, and so is a line
of a CreditMemo that the customer gets back. A deduction (down payment, discount) is a negative line in either.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.domain.money import Money, total


class DocumentKind(StrEnum):
    """What the books will hold."""

    INVOICE = "invoice"
    CREDIT_MEMO = "credit_memo"


@dataclass(frozen=True, slots=True)
class Reference:
    """Something of the PSA that a Link points from: the PSA's id and the name a person knows it by."""

    source_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; empty parts are empty strings."""

    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """The customer of a document as the PSA knows it."""

    source_id: str
    name: str
    account_number: str = ""
    email: str = ""
    phone: str = ""
    billing_address: Address = Address()


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the PSA's catalog on a line. ``kind`` is the PSA's type cross-reference, e.g. ``Service``."""

    source_id: str
    identifier: str
    description: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line before tax. ``account`` is the PSA's GL account string; no product means labour, agreement, expense."""

    description: str
    quantity: Decimal
    amount: Money
    account: str
    product: Product | None = None
    taxable: bool = False
    gl_class: str = ""


@dataclass(frozen=True, slots=True)
class TaxLevel:
    """One level's tax. ``rate`` is a percentage (6.5) or None where the PSA doesn't say."""

    level: int
    name: str
    amount: Money
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One invoice or credit memo, complete enough for any ledger.

    Attributes:
        records: ids of the PSA records it stands for.
        number: the PSA's full number, whatever a ledger's limit is.
        psa_type: the PSA's own word, e.g. ``Agreement``, for people.
        ship_to: where the goods go; decides the tax of US automated sales tax.
    """

    kind: DocumentKind
    records: tuple[str, ...]
    number: str
    psa_type: str
    party: Party
    currency: str
    date: dt.date
    due_date: dt.date | None
    terms: Reference | None
    terms_due_days: int | None
    lines: tuple[Line, ...]
    tax: Money
    tax_levels: tuple[TaxLevel, ...]
    tax_code: Reference | None
    total: Money
    memo: str = ""
    po_number: str = ""
    location: Reference | None = None
    ship_to: Address = Address()

    @property
    def subtotal(self) -> Money:
        """Sum of the lines, before tax."""
        return total([line.amount for line in self.lines], self.currency)

    @property
    def difference(self) -> Money:
        """What is left when lines and tax are taken from the total: anything but zero does not crossfoot."""
        return self.total - self.subtotal - self.tax

    @property
    def signed_total(self) -> Money:
        """What the customer owes by it: negative for a credit memo. This is what batch totals add up."""
        return -self.total if self.kind is DocumentKind.CREDIT_MEMO else self.total
