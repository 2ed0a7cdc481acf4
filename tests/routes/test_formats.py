"""How days look in sentences of services, which know no country."""

from __future__ import annotations

import pytest
from flask import Flask, g

from app.routes import formats

SAID = "It is dated 11/26/2026; QuickBooks’ books are closed to 2026-10-31."


@pytest.mark.parametrize(
    ("country", "text", "shown"),
    [
        ("US", SAID, "It is dated 11/26/2026; QuickBooks’ books are closed to 10/31/2026."),
        ("CA", SAID, "It is dated 2026-11-26; QuickBooks’ books are closed to 2026-10-31."),
        ("CA", "INV-2026-11-26, 1/11/26/2026 and 2026-13-40 are no days", ""),
        ("US", "INV-2026-11-26, 2026-11-26T10:42 and 02/30/2026 are no days", ""),
        ("US", None, ""),
    ],
)
def test_a_sentence_has_its_days_as_the_companys_country_writes_them(country: str, text: str, shown: str) -> None:
    with Flask("pages").app_context():
        g.country = country
        assert formats.dated(text) == (shown or text or "")
