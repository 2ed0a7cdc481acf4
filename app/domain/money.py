"""Money: an exact Decimal and its currency. Adding two currencies is an error, never a sum."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

CENT = Decimal("0.01")


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies cannot be added or compared."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its ISO 4217 currency code, for example ``Money(Decimal("120.00"), "USD")``."""

    amount: Decimal
    currency: str

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in a currency."""
        return cls(Decimal(0), currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other).amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self} and {other} have different currencies.")
        return other


def cents(amount: Decimal) -> Decimal:
    """The amount rounded half up to two decimals, as ledgers round; nothing has no sign."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP) + 0  # takes the minus from -0.00


def plain(amount: Decimal) -> str:
    """Two decimals, no thousands mark, ``-`` for minus: the form of JSON, CSV and hashes."""
    return f"{cents(amount):f}"


def total(amounts: list[Money], currency: str) -> Money:
    """The sum of amounts of one currency."""
    return sum(amounts, Money.zero(currency))
