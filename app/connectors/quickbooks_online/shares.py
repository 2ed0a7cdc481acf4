"""Splits an amount of cents by weights so that the shares add up to it exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from app.domain.money import CENT


def split(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Shares of the amount; the cents that rounding leaves over go to the largest remainders."""
    whole = sum(weights, Decimal(0))
    if not whole:
        return [amount, *[Decimal("0.00")] * (len(weights) - 1)] if weights else []
    exact = [amount * weight / whole for weight in weights]
    shares = [share.quantize(CENT, rounding=ROUND_DOWN) for share in exact]
    left = int((amount - sum(shares, Decimal(0))) / CENT)
    order = sorted(range(len(shares)), key=lambda at: abs(exact[at] - shares[at]), reverse=True)
    for at in order[: abs(left)]:
        shares[at] += CENT if left > 0 else -CENT
    return shares
