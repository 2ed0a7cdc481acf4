"""Postal addresses in QuickBooks' form and within its limits."""

from __future__ import annotations

from app.connectors.quickbooks_online import text
from app.domain.documents import Address


def physical_address(address: Address) -> dict[str, str]:
    """A PhysicalAddress; empty where the address is. What doesn't fit into five lines is joined into the fifth."""
    given = [line for line in map(text.one_line, address.lines) if line]
    if len(given) > 5:
        given = [*given[:4], ", ".join(given[4:])]
    fields = {f"Line{number}": text.fits(line, 400) for number, line in enumerate(given, 1)}
    rest = {
        "City": text.fits(text.one_line(address.city), 255),
        "CountrySubDivisionCode": text.fits(text.one_line(address.region), 255),
        "PostalCode": text.fits(text.one_line(address.postal_code), 30),
        "Country": text.fits(text.one_line(address.country), 255),
    }
    return {**fields, **{name: value for name, value in rest.items() if value}}
