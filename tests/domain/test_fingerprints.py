"""Fingerprints change exactly when something that a person saw has changed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from app.domain.fingerprints import fingerprint

SEEN: dict[str, Any] = {
    "number": "10482",
    "date": dt.date(2026, 3, 17),
    "party_id": "77",
    "total": Decimal("214.00"),
    "terms_id": "2",
    "tax": Decimal("14.00"),
    "date_closed": "2026-03-17T09:39:56Z",
}


def test_amounts_count_by_value_and_not_by_their_zeros() -> None:
    assert fingerprint(**SEEN) == fingerprint(**{**SEEN, "total": Decimal("214"), "tax": Decimal("14.000")})


@pytest.mark.parametrize(
    "change",
    [
        {"number": "10483"},
        {"date": dt.date(2026, 3, 18)},
        {"party_id": "78"},
        {"total": Decimal("-214.00")},
        {"terms_id": ""},
        {"tax": Decimal("14.01")},
        {"date_closed": "2026-03-18T09:39:56Z"},
        {"party_id": "7", "number": "104827"},
    ],
)
def test_any_change_is_another_fingerprint(change: dict[str, Any]) -> None:
    assert fingerprint(**{**SEEN, **change}) != fingerprint(**SEEN)
