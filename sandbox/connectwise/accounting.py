"""`/finance/accounting`: what is unposted, and its export."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox.connectwise import fields
from sandbox.connectwise.bodies import ExportRequest, export_request
from sandbox.connectwise.errors import not_found
from sandbox.connectwise.expenses import Expense
from sandbox.connectwise.export import gl_export
from sandbox.connectwise.invoice_rows import unposted_invoice
from sandbox.connectwise.listing import count_of, one, page_of
from sandbox.connectwise.model import Invoice
from sandbox.connectwise.unposted import expense_rows, goods_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.connectwise.ledger import Posting
    from sandbox.connectwise.model import LevelTax
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

accounting = Blueprint("accounting", __name__)


def the_site() -> Site:
    """The site that this server serves."""
    site: Site = current_app.config["SITE"]
    return site


def _unposted_rows() -> list[Row]:
    site = the_site()
    with site.lock:
        rows = [(each, site.shown(each, unposted_invoice)) for each in site.unposted()]
    if site.switches.invoice_rows == "document":
        return [row for _, row in rows]
    return [{**row, "id": record} for each, row in rows for record in (each.stamp.receivable if each.stamp else ())]


def _unposted_row(record_id: int) -> Row:
    """The row with this id, which is a GL record's and not the invoice's."""
    found = next((each for each in _unposted_rows() if each["id"] == record_id), None)
    if found is None:
        raise not_found("UnpostedInvoice", record_id)
    return found


@accounting.get("/unpostedinvoices")
def unposted_invoices() -> Response:
    """The unposted invoices that the API member may see."""
    return page_of(_unposted_rows(), fields.UNPOSTED_INVOICE)


@accounting.get("/unpostedinvoices/count")
def count_unposted_invoices() -> Response:
    """How many there are."""
    return count_of(_unposted_rows(), fields.UNPOSTED_INVOICE)


@accounting.get("/unpostedinvoices/<int:record_id>")
def one_unposted_invoice(record_id: int) -> Response:
    """One of them, by the id of its GL record."""
    return one(_unposted_row(record_id), fields.UNPOSTED_INVOICE)


@accounting.get("/unpostedinvoices/<int:record_id>/taxableLevels")
def taxable_levels(record_id: int) -> Response:
    """The tax of each level of one of them."""
    invoice = the_site().invoice(_unposted_row(record_id)["billingLogId"])
    return page_of(_levels(invoice.taxes), fields.TAXABLE_LEVEL)


def _levels(taxes: Iterable[LevelTax]) -> list[Row]:
    return [
        {"id": index + 1, "taxLevel": each.level.level, "taxCodeXref": each.level.xref, "taxAmount": each.amount}
        for index, each in enumerate(taxes)
    ]


def _other_rows(kind: str) -> list[Row]:
    site = the_site()
    with site.lock:
        return expense_rows(site) if kind == "unpostedexpenses" else goods_rows(site)


OTHER_FIELDS = {"unpostedexpenses": fields.UNPOSTED_EXPENSE, "unpostedprocurement": fields.UNPOSTED_PROCUREMENT}


@accounting.get("/<any(unpostedexpenses, unpostedprocurement):kind>")
def unposted_others(kind: str) -> Response:
    """Unposted expenses or procurement."""
    return page_of(_other_rows(kind), OTHER_FIELDS[kind])


@accounting.get("/<any(unpostedexpenses, unpostedprocurement):kind>/count")
def count_unposted_others(kind: str) -> Response:
    """How many there are."""
    return count_of(_other_rows(kind), OTHER_FIELDS[kind])


def _other_row(kind: str, record_id: int) -> Row:
    found = next((each for each in _other_rows(kind) if each["id"] == record_id), None)
    if found is None:
        raise not_found(kind, record_id)
    return found


@accounting.get("/<any(unpostedexpenses, unpostedprocurement):kind>/<int:record_id>")
def one_unposted_other(kind: str, record_id: int) -> Response:
    """One of them, by its id."""
    return one(_other_row(kind, record_id), OTHER_FIELDS[kind])


@accounting.get("/<any(unpostedexpenses, unpostedprocurement):kind>/<int:record_id>/taxableLevels")
def other_taxable_levels(kind: str, record_id: int) -> Response:
    """The tax of each level of one of them."""
    _other_row(kind, record_id)
    (posting,) = the_site().postings_of([record_id])
    return page_of(_levels(getattr(posting, "taxes", ())), fields.TAXABLE_LEVEL)


def _key(posting: Posting) -> int | str:
    """What the included and excluded ids of an export name."""
    if isinstance(posting, Invoice):
        return posting.id
    return posting.debit if isinstance(posting, Expense) else posting.product_id  # type: ignore[attr-defined]  # goods


def selected(site: Site, wanted: ExportRequest, postings: Sequence[Posting]) -> list[Posting]:
    """What an export holds: no later than its date, of its location, included and not excluded."""
    absent = site.switches.unmapped_export == "absent"
    return [
        each
        for each in postings
        if each.date <= wanted.through
        and wanted.location_id in (0, each.location_id)
        and wanted.takes(each.kind, _key(each))
        and (getattr(each, "mapped", True) or not absent)
    ]


def export_of(postings: Sequence[Posting], wanted: ExportRequest) -> Row:
    """Call with the site's lock held."""
    site = the_site()
    return gl_export(site, selected(site, wanted, postings), wanted.summary, wanted.exports)


@accounting.post("/export")
def export() -> Response:
    """GLExport of unposted documents. It changes nothing; a big one takes its time."""
    site = the_site()
    wanted = export_request(request.get_json(), site.today)
    with site.lock:
        unposted: list[Posting] = [*site.unposted(), *site.unposted_expenses(), *site.unposted_goods()]
        many = len(selected(site, wanted, unposted))
        document = export_of(unposted, wanted)
    time.sleep(site.switches.export_seconds * many)
    return jsonify(document)
