"""How thorough this run is: `./crossfoot campaign` goes through every combination, the daily suite through a few."""

from __future__ import annotations

import os
from collections.abc import Sequence

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "campaign"


def crossed(one: Sequence[str], other: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair; in the daily suite each value with the first of the others."""
    pairs = [(this, that) for this in one for that in other]
    return pairs if THOROUGH else [(this, that) for this, that in pairs if this == one[0] or that == other[0]]
