"""How thorough this run is: `./crossfoot campaign` goes through every combination, the daily suite through a few."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "campaign"


def sampled(values: Sequence[T], step: int) -> Sequence[T]:
    """All of them; in the daily suite every second, third …."""
    return values if THOROUGH else values[::step]


def crossed(one: Sequence[str], other: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair; in the daily suite each value with the first of the others."""
    pairs = [(this, that) for this in one for that in other]
    return pairs if THOROUGH else [(this, that) for this, that in pairs if this == one[0] or that == other[0]]
