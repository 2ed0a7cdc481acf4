"""A record's fingerprint: equal as long as nothing that matters about the record has changed in the PSA."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal

from app.domain.money import plain


def fingerprint(
    *,
    number: str,
    date: dt.date,
    party_id: str,
    total: Decimal,
    terms_id: str,
    tax: Decimal,
    date_closed: str,
) -> str:
    """Hex SHA-256 of what a person saw when selecting the record. ``date_closed`` is the PSA's own text."""
    parts = (number, date.isoformat(), party_id, plain(total), terms_id, plain(tax), date_closed)
    # A separator that no part contains: "1" + "23" must differ from "12" + "3".
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
