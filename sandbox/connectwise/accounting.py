"""`/finance/accounting`: what is unposted, its export, and the batches that mark it as posted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox.connectwise import fields
from sandbox.connectwise.bodies import ExportRequest, batch_request, export_request
from sandbox.connectwise.errors import not_found
from sandbox.connectwise.export import RECEIVABLE, TAX_PAYABLE, gl_export
from sandbox.connectwise.listing import count_of, one, page_of
from sandbox.connectwise.present import moment, unposted_invoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.connectwise.model import Batch, Invoice
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
        return [site.shown(each, unposted_invoice) for each in site.unposted()]


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
    rows = [
        {"id": index + 1, "taxLevel": each.level.level, "taxCodeXref": each.level.xref, "taxAmount": each.amount}
        for index, each in enumerate(invoice.taxes)
    ]
    return page_of(rows, fields.TAXABLE_LEVEL)


def _other_rows(kind: str) -> list[Row]:
    site = the_site()
    with site.lock:
        table = site.expenses if kind == "unpostedexpenses" else site.procurement
        return [
            row for record, row in table.items() if record not in site.batch_of_record and site.sees(row["locationId"])
        ]


OTHER_FIELDS = {"unpostedexpenses": fields.UNPOSTED_EXPENSE, "unpostedprocurement": fields.UNPOSTED_PROCUREMENT}


@accounting.get("/<any(unpostedexpenses, unpostedprocurement):kind>")
def unposted_others(kind: str) -> Response:
    """Unposted expenses or procurement."""
    return page_of(_other_rows(kind), OTHER_FIELDS[kind])


@accounting.get("/<any(unpostedexpenses, unpostedprocurement):kind>/count")
def count_unposted_others(kind: str) -> Response:
    """How many there are."""
    return count_of(_other_rows(kind), OTHER_FIELDS[kind])


@accounting.get("/<any(unpostedexpenses, unpostedprocurement):kind>/<int:record_id>")
def one_unposted_other(kind: str, record_id: int) -> Response:
    """One of them, by its id."""
    found = next((each for each in _other_rows(kind) if each["id"] == record_id), None)
    if found is None:
        raise not_found(kind, record_id)
    return one(found, OTHER_FIELDS[kind])


def _selected(site: Site, wanted: ExportRequest, invoices: Sequence[Invoice]) -> list[Invoice]:
    """What an export holds: no later than its date, of its location, included and not excluded."""
    if not wanted.exports["invoices"]:
        return []
    absent = site.switches.unmapped_export == "absent"
    return [
        each
        for each in invoices
        if each.date <= wanted.through
        and wanted.location_id in (0, each.location_id)
        and (wanted.included is None or each.id in wanted.included)
        and each.id not in wanted.excluded
        and (each.mapped or not absent)
    ]


def _export(invoices: Sequence[Invoice], wanted: ExportRequest) -> Row:
    """Call with the site's lock held."""
    site = the_site()
    return gl_export(site, _selected(site, wanted, invoices), wanted.summary, wanted.exports)


@accounting.post("/export")
def export() -> Response:
    """GLExport of unposted documents. It changes nothing; a big one takes its time."""
    site = the_site()
    wanted = export_request(request.get_json(), site.today)
    with site.lock:
        document = _export(site.unposted(), wanted)
    time.sleep(site.switches.export_seconds * len(document["transactions"]))
    return jsonify(document)


def _batch_row(batch: Batch) -> Row:
    return {
        "id": batch.id,
        "batchIdentifier": batch.identifier,
        "exportInvoicesFlag": batch.invoices,
        "exportExpensesFlag": batch.expenses,
        "exportProductsFlag": batch.products,
        "closedFlag": batch.closed,
        "_info": {"lastUpdated": moment(batch.created), "updatedBy": "person" if batch.by_hand else "api"},
    }


def _batch_rows() -> list[Row]:
    site = the_site()
    with site.lock:
        return [_batch_row(each) for each in site.batches.values()]


@accounting.get("/batches")
def batches() -> Response:
    """The accounting batches."""
    return page_of(_batch_rows(), fields.BATCH)


@accounting.get("/batches/count")
def count_batches() -> Response:
    """How many there are."""
    return count_of(_batch_rows(), fields.BATCH)


@accounting.get("/batches/<int:batch_id>")
def one_batch(batch_id: int) -> Response:
    """One of them."""
    return one(_batch_row(the_site().batch(batch_id)), fields.BATCH)


@accounting.post("/batches")
def create_batch() -> tuple[Response, int]:
    """201 with a GLExport, not with the batch: its id is found by its identifier."""
    site = the_site()
    wanted = batch_request(request.get_json())
    with site.lock:
        batch = site.add_batch(wanted.identifier, wanted.record_ids, **wanted.exports)
        document = gl_export(site, site.members(batch), "Default", wanted.exports)
    return jsonify(document), 201


@accounting.delete("/batches/<int:batch_id>")
def delete_batch(batch_id: int) -> tuple[str, int]:
    """Return the members to unposted."""
    site = the_site()
    with site.lock:
        site.delete_batch(site.batch(batch_id))
    return "", 204


@accounting.post("/batches/<int:batch_id>/export")
def export_batch(batch_id: int) -> Response:
    """The export of a posted batch once more."""
    site = the_site()
    wanted = export_request(request.get_json(), site.today)
    with site.lock:
        return jsonify(_export(site.members(site.batch(batch_id)), wanted))


def _entry_rows(batch_id: int) -> list[Row]:
    site = the_site()
    with site.lock:
        batch = site.batch(batch_id)
        mine = set(batch.record_ids)
        return [row for each in site.invoices_of(batch.record_ids) for row in _entries(each) if row["id"] in mine]


def _entries(invoice: Invoice) -> list[Row]:
    """BatchEntry rows: debit of the receivable, credits of lines and taxes (the other way where negative)."""
    if invoice.stamp is None:
        return []
    ref = {"id": invoice.id, "identifier": invoice.number, "billingType": invoice.type}
    rows = [
        {"id": invoice.stamp.receivable[0], "accountType": "AR", "accountNumber": RECEIVABLE, **_sides(invoice.total)}
    ]
    rows += [{"id": each, "accountType": "AR", "accountNumber": RECEIVABLE} for each in invoice.stamp.receivable[1:]]
    for record, line in zip(invoice.stamp.lines, invoice.lines, strict=True):
        rows.append({"id": record, "accountType": line.gl_type, "accountNumber": line.account, **_sides(-line.amount)})
    for record, tax in zip(invoice.stamp.taxes, invoice.taxes, strict=True):
        rows.append({"id": record, "accountType": "ST", "accountNumber": TAX_PAYABLE, **_sides(-tax.amount)})
    return [{**row, "invoice": ref} for row in rows]


def _sides(amount: Any) -> Row:
    return {"debit": amount} if amount > 0 else {"credit": -amount}


@accounting.get("/batches/<int:batch_id>/entries")
def batch_entries(batch_id: int) -> Response:
    """The GL records of a batch."""
    return page_of(_entry_rows(batch_id), fields.BATCH_ENTRY)


@accounting.get("/batches/<int:batch_id>/entries/count")
def count_batch_entries(batch_id: int) -> Response:
    """How many there are."""
    return count_of(_entry_rows(batch_id), fields.BATCH_ENTRY)
