"""`/finance/invoices`: invoices in every state, their PDF, and the status that opens and closes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from sandbox.connectwise import fields
from sandbox.connectwise.accounting import the_site
from sandbox.connectwise.entries import entries
from sandbox.connectwise.errors import ApiError, invalid
from sandbox.connectwise.invoice_rows import invoice_row
from sandbox.connectwise.listing import count_of, one, page_of
from sandbox.connectwise.model import Invoice
from sandbox.connectwise.present import STATUSES
from sandbox.pdf import one_page

Row = dict[str, Any]

invoices = Blueprint("invoices", __name__)


def _rows() -> list[Row]:
    site = the_site()
    with site.lock:
        return [site.shown(each, invoice_row) for each in site.invoices.values() if site.sees(each.location_id)]


@invoices.get("")
def all_invoices() -> Response:
    """Invoices in every state."""
    return page_of(_rows(), fields.INVOICE)


@invoices.get("/count")
def count_invoices() -> Response:
    """How many there are."""
    return count_of(_rows(), fields.INVOICE)


@invoices.get("/<int:invoice_id>")
def one_invoice(invoice_id: int) -> Response:
    """One of them."""
    site = the_site()
    with site.lock:
        return one(invoice_row(site, site.invoice(invoice_id)), fields.INVOICE)


@invoices.get("/<int:invoice_id>/pdf")
def invoice_pdf(invoice_id: int) -> Response:
    """What the customer would get."""
    site = the_site()
    invoice = site.invoice(invoice_id)
    content = one_page(f"{site.name}: invoice {invoice.number}, {invoice.total:.2f} USD")
    match site.switches.invoice_pdf:
        case "half":
            content = content[: len(content) // 2]
        case "page":
            return Response("<html><body>Please log in</body></html>", mimetype="text/html")
        case "huge":
            content = content + b"%" * (11 * 1024 * 1024) + b"\n%%EOF\n"
    return Response(content, mimetype="application/pdf")


@invoices.get("/<int:invoice_id>/glEntries", strict_slashes=False)
def gl_entries(invoice_id: int) -> Response:
    """Its GL records with their accounts, and whether each is batched."""
    site = the_site()
    with site.lock:
        invoice = site.invoice(invoice_id)
        batched = site.batch_of_record
        rows = [
            {**_gl_entry(each, mapped=invoice.mapped), "isBatched": each["id"] in batched} for each in entries(invoice)
        ]
    return page_of(rows, fields.GL_ENTRY)


def _gl_entry(entry: Row, *, mapped: bool) -> Row:
    return {
        "id": entry["id"],
        "type": entry["accountType"],
        "amount": entry.get("debit", 0) or -entry.get("credit", 0),
        "description": entry["accountType"],
        "segment1": entry["accountNumber"] if mapped else "",
    }


@invoices.patch("/<int:invoice_id>")
def change_invoice(invoice_id: int) -> Response:
    """Only the status can be changed; closing stamps new GL records."""
    site = the_site()
    with site.lock:
        invoice = site.invoice(invoice_id)
        for step in _steps(request.get_json()):
            _set_status(invoice, step.get("value"))
        return one(invoice_row(site, invoice), fields.INVOICE)


def _steps(body: Any) -> list[Row]:
    if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
        raise ApiError(400, "InvalidObject", "A PATCH takes an array of operations.")
    for each in body:
        if each.get("op") != "replace" or str(each.get("path", "")).lstrip("/") != "status":
            raise invalid("invoice", str(each.get("path", "")), "Only the status can be replaced here.")
    return body


def _set_status(invoice: Invoice, value: Any) -> None:
    wanted = value if isinstance(value, dict) else {}
    status = next(
        (each for each in STATUSES if each["id"] == wanted.get("id") or each["name"] == wanted.get("name")), None
    )
    if status is None:
        raise invalid("invoice", "status", f"Status {value} not found.", "NotFound")
    if status["closedFlag"]:
        the_site().close(invoice, by="api")
        invoice.closed_status = status["id"]
        the_site().touch(invoice)
    else:
        the_site().reopen(invoice)
        invoice.open_status = status["id"]
