"""Writes JSON without floats: amounts as the plain numbers that they are. Its counterpart is ``http.parse_json``."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any


def dumps(value: Any) -> str:
    """Compact JSON in the order given; a Decimal is written with the digits that it has, never as 1E+2."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(dumps(item) for item in value) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        raise TypeError("Amounts are Decimal, never float.")
    return json.dumps(value, ensure_ascii=False)
