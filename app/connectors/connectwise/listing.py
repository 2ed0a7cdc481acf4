"""The list of unposted invoices as domain records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from app.connectors.connectwise import values
from app.connectors.connectwise.legible import Reading, fingerprinted
from app.connectors.connectwise.values import Row
from app.connectors.protocols import UnpostedRecord
from app.domain.money import cents
from app.domain.problems import Problem, Severity
from app.domain.states import RecordKind

REMEDY = "Open the invoice in ConnectWise and correct it."
#: Exports take the invoice's id, which the list may lack; the record is shown all the same.
NAMELESS = Problem(
    "no_invoice_id",
    "ConnectWise lists this record without the id of its invoice, so it can’t be exported.",
    "Reopen and close the invoice in ConnectWise.",
)


def records(rows: Iterable[Row], default_currency: str) -> list[UnpostedRecord]:
    """One record per invoice: the list may name an invoice once per GL entry."""
    found: dict[str, UnpostedRecord] = {}
    for row in rows:
        key = values.identity(row, "billingLogId") or f"row_{values.identity(row)}"
        if key not in found:
            found[key] = to_record(key, row, default_currency)
    return list(found.values())


def to_record(key: str, row: Row, default_currency: str) -> UnpostedRecord:
    """An UnpostedInvoice row. What can't be read in it is a problem of the record, never an exception."""
    reading = Reading(REMEDY, [] if values.is_number(key) else [NAMELESS])
    total, tax = _amounts(row, reading)
    date = reading.date(row, "invoiceDate", missing="The invoice date is missing or can’t be read.")
    party = values.part(row, "billToCompany") or values.part(row, "company")
    terms, tax_code, location = (values.part(row, name) for name in ("billingTerms", "taxCode", "location"))
    reading.problems.extend(_without_gl(row))
    record = UnpostedRecord(
        record=key,
        kind=RecordKind.INVOICES,
        number=values.text(row, "invoiceNumber"),
        psa_type=values.text(row, "invoiceType"),
        party_id=values.identity(party),
        party=values.text(party, "name", "identifier"),
        date=date,
        due_date=_due_date(row),
        currency=reading.currency(row, default_currency),
        total=total,
        tax=tax,
        location_id=values.identity(row, "locationId") or values.identity(location),
        location=values.text(location, "name"),
        terms_id=values.identity(terms),
        terms=values.text(terms, "name"),
        date_closed=values.text(row, "dateClosed"),
        fingerprint="",
        tax_code_id=values.identity(tax_code),
        tax_code=values.text(tax_code, "name"),
        problems=tuple(reading.problems),
    )
    return fingerprinted(record)


def _amounts(row: Row, reading: Reading) -> tuple[Decimal, Decimal]:
    """Total and tax as the customer owes them. A credit memo is a credit whichever sign its total carries."""
    try:
        total, tax = cents(values.amount(row, "total")), cents(values.amount(row, "salesTaxAmount"))
    except ValueError as error:
        reading.cannot(str(error), "total")
        return Decimal(0), Decimal(0)
    is_credit = values.text(row, "invoiceType").replace(" ", "").lower() == "creditmemo"
    return (-total, -tax) if is_credit and total > 0 else (total, tax)


def _due_date(row: Row) -> dt.date | None:
    try:
        return values.date(row, "dueDate")
    except ValueError:
        return None


def _without_gl(row: Row) -> list[Problem]:
    """ConnectWise writes the GL account's name into the description; it stays blank without GL entries."""
    if values.text(row, "description"):
        return []
    return [
        Problem(
            "no_gl_entries",
            "ConnectWise seems to have made no GL entries for this invoice.",
            "Fix the GL mapping (System ▸ Setup Tables ▸ GL Accounts), then reopen and close the invoice.",
            Severity.WARNING,
        )
    ]
