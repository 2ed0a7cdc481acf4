"""Amounts as the vendor rounds them: half up, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Rounded half up to two places."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def shared_out(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """`total` divided in proportion to `weights`, to the cent; the last share takes the rest, so nothing is lost."""
    whole = sum(weights, ZERO)
    if not weights:
        return []
    shares = [cents(total * weight / whole) if whole else ZERO for weight in weights[:-1]]
    return [*shares, total - sum(shares, ZERO)]
