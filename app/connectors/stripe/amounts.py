"""Amounts as Stripe writes them: whole numbers of a currency's smallest unit.

https://docs.stripe.com/currencies#zero-decimal
"""

from __future__ import annotations

from decimal import Decimal

#: Currencies without a smaller unit, and those with a thousand, of which Stripe wants the last digit to be 0.
WHOLE = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THOUSANDTHS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


def _places(currency: str) -> int:
    return 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2


def to_units(amount: Decimal, currency: str) -> int:
    """``Decimal("12.30")`` dollars are 1230. Raises ValueError for a part of a unit: nothing is rounded away."""
    units = amount.scaleb(_places(currency))
    if units != units.to_integral_value():
        raise ValueError(f"{amount} is no amount of {currency}.")
    return int(units)


def from_units(units: int, currency: str) -> Decimal:
    """The other way round."""
    return Decimal(units).scaleb(-_places(currency))
