"""Procurement's unposted list as records: receipts of purchase orders, adjustments and transfers of stock.

A record is an ``unpostedProductId`` (``3-SLIP-purchase``); the list may name it once per GL record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from app.connectors.connectwise import values
from app.connectors.connectwise.legible import Reading, fingerprinted
from app.connectors.connectwise.values import Row
from app.connectors.protocols import UnpostedRecord
from app.connectors.source_abilities import VendorInvoice
from app.domain.money import cents
from app.domain.shaping import ADJUSTMENT, PURCHASE, TRANSFER
from app.domain.states import RecordKind

LETTERS = {ADJUSTMENT: "ADJ", TRANSFER: "TRF"}


def grouped(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The list's rows by record."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if key := values.text(row, "unpostedProductId"):
            found.setdefault(key, []).append(row)
    return found


def records(rows: Iterable[Row], default_currency: str) -> list[UnpostedRecord]:
    """One record per receipt, adjustment or transfer."""
    return [
        to_record(key, own, default_currency) for key, own in grouped(rows).items() if len(key) <= values.LONGEST_ID
    ]


def to_record(key: str, rows: Sequence[Row], default_currency: str) -> UnpostedRecord:
    """What the rows of one record say together."""
    row, reading = rows[0], Reading("Open it in ConnectWise’s procurement and correct it.")
    total, tax = _amounts(rows, reading)
    # The day it was closed is the day it was received; else the order's.
    missing = "Neither the day it was closed nor the order’s can be read."
    date = reading.date(row, "dateClosed", "purchaseDate", missing=missing)
    vendor, terms = values.part(row, "vendor"), values.part(row, "billingTerms")
    number, invoice = number_of(key, row), values.text(row, "vendorInvoiceNumber")
    code = values.part(row, "taxCode")
    record = UnpostedRecord(
        record=key,
        kind=RecordKind.INVENTORY,
        number=number,
        psa_type=values.text(row, "procurementType"),
        party_id=values.identity(vendor),
        party=values.text(vendor, "name", "identifier") or values.text(row, "description"),
        date=date,
        due_date=None,
        currency=reading.currency(row, default_currency),
        total=total,
        tax=tax,
        location_id=values.identity(row, "locationId"),
        location="",
        terms_id=values.identity(terms),
        terms=values.text(terms, "name"),
        date_closed=values.text(row, "dateClosed"),
        fingerprint="",
        tax_code_id=values.identity(code),
        tax_code=values.text(code, "name"),
        problems=tuple(reading.problems),
        facts=_facts(key, row),
    )
    return fingerprinted(record, number=f"{number} {invoice}")


def _facts(key: str, row: Row) -> dict[str, str]:
    found = {
        "procurement_type": values.text(row, "procurementType"),
        "purchase_order": values.text(values.part(row, "purchaseOrder"), "name"),
        "packing_slip": packing_slip(key, row),
        "vendor_invoice": values.text(row, "vendorInvoiceNumber"),
        "vendor_date": values.text(row, "vendorInvoiceDate")[:10],
        "description": values.text(row, "description"),
    }
    return {name: value for name, value in found.items() if value}


def invoices(orders: Iterable[Row]) -> dict[str, VendorInvoice]:
    """Vendors' invoices by number of the purchase order, of those that have come."""
    return {
        values.text(row, "poNumber"): VendorInvoice(invoice, _invoiced(row))
        for row in orders
        if (invoice := values.text(row, "vendorInvoiceNumber"))
    }


def _invoiced(order: Row) -> dt.date | None:
    try:
        return values.date(order, "vendorInvoiceDate")
    except ValueError:
        return None


def number_of(key: str, row: Row) -> str:
    """``1021/SLIP`` of a receipt; ``ADJ-4``, ``TRF-2``."""
    kind = values.text(row, "procurementType")
    if kind == PURCHASE:
        return "/".join(filter(None, (values.text(values.part(row, "purchaseOrder"), "name"), packing_slip(key, row))))
    return f"{LETTERS.get(kind, kind[:3].upper())}-{key.partition('-')[0]}"


def packing_slip(key: str, row: Row) -> str:
    """The middle of ``{order id}-{slip}-purchase``; a slip may hold hyphens itself."""
    order = values.identity(values.part(row, "purchaseOrder"))
    if not key.endswith("-purchase") or not order or not key.startswith(f"{order}-"):
        return ""
    return key.removeprefix(f"{order}-").removesuffix("-purchase")


def is_adjustment(key: str) -> bool:
    """Whether a record is an adjustment of stock, by its id."""
    return key.endswith("-adjustment")


def _amounts(rows: Sequence[Row], reading: Reading) -> tuple[Decimal, Decimal]:
    """A receipt's rows each carry its whole total; an adjustment's rows are its lines, with one total each."""
    try:
        totals = [values.amount(row, "total") for row in rows]
        lines = values.text(rows[0], "procurementType") == ADJUSTMENT
        return cents(sum(totals, Decimal(0)) if lines else totals[0]), cents(values.amount(rows[0], "taxTotal"))
    except ValueError as error:
        reading.cannot(str(error), "total")
        return Decimal(0), Decimal(0)
