"""`/finance/accounting/batches`: what marks documents as posted, and their undoing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from sandbox.connectwise import fields
from sandbox.connectwise.accounting import export_of, the_site
from sandbox.connectwise.bodies import batch_request, export_request
from sandbox.connectwise.entries import entries
from sandbox.connectwise.errors import not_found
from sandbox.connectwise.export import gl_export
from sandbox.connectwise.listing import count_of, one, page_of
from sandbox.connectwise.present import moment

if TYPE_CHECKING:
    from sandbox.connectwise.model import Batch

Row = dict[str, Any]

batches = Blueprint("batches", __name__)


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


@batches.get("")
def all_batches() -> Response:
    """The accounting batches."""
    return page_of(_batch_rows(), fields.BATCH)


@batches.get("/count")
def count_batches() -> Response:
    """How many there are."""
    return count_of(_batch_rows(), fields.BATCH)


@batches.get("/<int:batch_id>")
def one_batch(batch_id: int) -> Response:
    """One of them."""
    return one(_batch_row(the_site().batch(batch_id)), fields.BATCH)


@batches.post("")
def create_batch() -> tuple[Response, int]:
    """201 with a GLExport, not with the batch: its id is found by its identifier."""
    site = the_site()
    wanted = batch_request(request.get_json())
    with site.lock:
        batch = site.add_batch(wanted.identifier, wanted.record_ids, **wanted.exports)
        document = gl_export(site, site.members(batch), "Default", wanted.exports)
    return jsonify(document), 201


@batches.delete("/<int:batch_id>")
def delete_batch(batch_id: int) -> tuple[str, int]:
    """Return the members to unposted."""
    site = the_site()
    with site.lock:
        site.delete_batch(site.batch(batch_id))
    return "", 204


@batches.post("/<int:batch_id>/export")
def export_batch(batch_id: int) -> Response:
    """The export of a posted batch once more."""
    site = the_site()
    wanted = export_request(request.get_json(), site.today)
    with site.lock:
        return jsonify(export_of(site.members(site.batch(batch_id)), wanted))


def _entry_rows(batch_id: int) -> list[Row]:
    site = the_site()
    with site.lock:
        batch = site.batch(batch_id)
        mine = set(batch.record_ids)
        return [row for each in site.postings_of(batch.record_ids) for row in entries(each) if row["id"] in mine]


@batches.get("/<int:batch_id>/entries")
def batch_entries(batch_id: int) -> Response:
    """The GL records of a batch."""
    return page_of(_entry_rows(batch_id), fields.BATCH_ENTRY)


@batches.get("/<int:batch_id>/entries/count")
def count_batch_entries(batch_id: int) -> Response:
    """How many there are."""
    return count_of(_entry_rows(batch_id), fields.BATCH_ENTRY)


@batches.get("/<int:batch_id>/entries/<int:record_id>")
def one_batch_entry(batch_id: int, record_id: int) -> Response:
    """One of them."""
    found = next((each for each in _entry_rows(batch_id) if each["id"] == record_id), None)
    if found is None:
        raise not_found("BatchEntry", record_id)
    return one(found, fields.BATCH_ENTRY)
