"""Taxes of an exported document. They come twice, as ST lines and in the header: ST lines count, else the header.

Rates come in both forms: ``taxRatePercent`` and the customer's rates are percent, ``taxRate`` and ``taxGroupRate``
are fractions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from app.connectors.connectwise import values
from app.connectors.connectwise.signs import Direction
from app.connectors.connectwise.values import Row
from app.domain.documents import TaxLevel
from app.domain.money import Money, cents

LEVEL = re.compile(r"level\s+(\d)", re.IGNORECASE)
HUNDRED = Decimal(100)


def is_tax(detail: Row) -> bool:
    """Whether a line is tax and not something sold. A product may well be named “Sales Tax”; a GL type can't lie."""
    kind = values.text(detail, "glTypeId", "glTypeID").upper()
    if kind == "ST" or values.text(detail, "taxNote").upper() == "AUTOSTAX":
        return True
    return not kind and "sales tax" in {values.text(detail, "memo").lower(), values.text(detail, "taxNote").lower()}


def levels(lines: Sequence[tuple[Row, Decimal]], transaction: Row, customer: Row, currency: str) -> list[TaxLevel]:
    """Each level that has tax, from the ST lines with their settled amounts, else from the header's levels."""
    if lines:
        found = [_from_line(detail, amount, currency, n) for n, (detail, amount) in enumerate(lines, 1)]
    else:
        rates = {values.identity(row, "taxLevel"): row for row in values.rows(customer, "taxLevels")}
        found = [_from_header(row, transaction, rates, currency) for row in values.rows(transaction, "taxLevels")]
    return [level for level in found if level.amount.amount]


def _from_line(detail: Row, amount: Decimal, currency: str, position: int) -> TaxLevel:
    named = LEVEL.search(values.text(detail, "description", "memo"))
    level = int(named.group(1)) if named else position
    name = values.text(detail, "taxCodeXref", "taxAgencyXref") or f"Level {level}"
    percent = values.maybe_amount(detail, "taxRatePercent")
    fraction = values.maybe_amount(detail, "taxRate")
    rate = percent if percent is not None else fraction * HUNDRED if fraction is not None else None
    account = values.account(values.text(detail, "accountNumber"))
    return TaxLevel(level, name, Money(amount, currency), _tidy(rate), account)


def _from_header(row: Row, transaction: Row, rates: dict[str, Row], currency: str) -> TaxLevel:
    level = values.days(row, "taxLevel") or 1
    percent = values.maybe_amount(rates.get(str(level), {}), "taxRate")
    group = values.maybe_amount(transaction, "taxGroupRate")
    if percent is None and group is not None and len(values.rows(transaction, "taxLevels")) == 1:
        percent = group * HUNDRED
    sign = -1 if values.amount(transaction, "total") < 0 and values.amount(row, "taxAmount") < 0 else 1
    amount = cents(values.amount(row, "taxAmount") * sign)
    return TaxLevel(level, values.text(row, "taxCodeXref") or f"Level {level}", Money(amount, currency), _tidy(percent))


def header_tax(transaction: Row, way: Direction, total: Decimal, subtotal: Decimal) -> Decimal:
    """The header's tax in the document's direction: its sign is the one with which the document adds up."""
    tax = cents(values.amount(transaction, "salesTax") * way.header) or Decimal(0)
    return -tax if abs(total - subtotal + tax) < abs(total - subtotal - tax) else tax


def _tidy(rate: Decimal | None) -> Decimal | None:
    """Without the trailing zeros that multiplying leaves: 7 and not 7.00."""
    return None if rate is None else Decimal(f"{rate.normalize():f}")
