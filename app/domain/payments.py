"""Money that customers paid, as the books hold it and as the PSA is to show it. Pure.

Amounts are Decimal, positive, in the document's own currency; dates are the documents' own, moments are aware UTC.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Charge(StrEnum):
    """What a line of a payment points to."""

    INVOICE = "invoice"
    CREDIT_MEMO = "credit_memo"
    DEPOSIT = "deposit"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Applied:
    """One line of a payment: this much pays an invoice, or is drawn from a credit memo."""

    to: Charge
    ledger_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class LedgerPayment:
    """A payment as the books hold it now.

    ``total`` is the money received (zero where credits alone are applied); ``unapplied`` the part that pays nothing
    yet. ``gone``: deleted or voided, then it pays nothing, whatever its lines say.
    """

    ledger_id: str
    party_id: str
    date: dt.date
    currency: str
    total: Decimal
    unapplied: Decimal
    lines: tuple[Applied, ...]
    reference: str = ""
    method: str = ""
    version: str = ""
    modified: dt.datetime | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class PsaPayment:
    """A payment or an applied credit as it stands on one of the PSA's invoices.

    ``credit`` names the credit memo; ``reference`` is empty where the PSA keeps none.
    """

    payment_id: str
    invoice: str
    amount: Decimal
    date: dt.date | None
    reference: str = ""
    credit: str = ""
