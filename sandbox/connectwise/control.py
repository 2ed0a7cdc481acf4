"""The stand-in's own addresses, which no real site has: look inside, set switches, play the people at the PSA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox.connectwise import people
from sandbox.connectwise.accounting import the_site
from sandbox.connectwise.model import Invoice
from sandbox.connectwise.present import midnight, moment

if TYPE_CHECKING:
    from sandbox.connectwise.guards import Gate
    from sandbox.connectwise.model import Batch

Row = dict[str, Any]

control = Blueprint("control", __name__)


def _gate() -> Gate:
    gate: Gate = current_app.config["GATE"]
    return gate


@control.errorhandler(ValueError)
def refuse(error: ValueError) -> tuple[Response, int]:
    """What a test asked for makes no sense."""
    return jsonify({"error": str(error)}), 400


@control.get("/_stats")
def stats() -> Response:
    """Limits, counts of calls, and what is unposted."""
    site = the_site()
    with site.lock:
        unposted = site.unposted()
        counts = {"invoices": len(site.invoices), "unposted": len(unposted), "batches": len(site.batches)}
        total = sum(each.total for each in unposted)
    return jsonify({**_gate().stats(), "records": {**counts, "unposted_total": f"{total:.2f}"}})


@control.get("/_switches")
def show_switches() -> Response:
    """All switches."""
    return jsonify(the_site().switches.as_dict())


@control.post("/_switches")
def change_switches() -> Response:
    """Set the switches that the body names."""
    with the_site().lock:
        the_site().switches.change(request.get_json())
        _gate().obey_switches()
    return show_switches()


@control.get("/_faults")
def show_faults() -> Response:
    """The faults that wait, with their hits."""
    return jsonify(_gate().faults.listing())


@control.post("/_faults")
def add_faults() -> Response:
    """One rule or a list of rules."""
    body = request.get_json()
    for each in body if isinstance(body, list) else [body]:
        _gate().faults.add_json(each)
    return show_faults()


@control.delete("/_faults")
def clear_faults() -> Response:
    """Forget every fault."""
    _gate().faults.clear()
    return show_faults()


@control.get("/_batches")
def all_batches() -> Response:
    """All batches with their GL records and invoices."""
    site = the_site()
    with site.lock:
        return jsonify([_batch(each) for each in site.batches.values()])


def _batch(batch: Batch) -> Row:
    members = [each for each in the_site().members(batch) if isinstance(each, Invoice)]
    return {
        "id": batch.id,
        "identifier": batch.identifier,
        "closed": batch.closed,
        "by_hand": batch.by_hand,
        "created": moment(batch.created),
        "record_ids": list(batch.record_ids),
        "invoices": [each.id for each in members],
        "numbers": [each.number for each in members],
    }


@control.get("/_invoices")
def all_invoices() -> Response:
    """All invoices with their state and GL records."""
    site = the_site()
    with site.lock:
        return jsonify([_invoice(each) for each in site.invoices.values()])


def _invoice(invoice: Invoice) -> Row:
    batch = the_site().batches.get(invoice.batch_id or 0)
    return {
        "id": invoice.id,
        "number": invoice.number,
        "type": invoice.type,
        "company": invoice.company.name,
        "company_id": invoice.company.id,
        "location_id": invoice.location_id,
        "date": midnight(invoice.date)[:10],
        "due_date": midnight(invoice.due_date)[:10],
        "total": f"{invoice.total:.2f}",
        "tax": f"{invoice.tax:.2f}",
        "state": "posted" if invoice.posted else "unposted" if invoice.closed else "open",
        "batch": batch.identifier if batch else None,
        "record_ids": list(invoice.stamp.ids) if invoice.stamp else [],
        "mapped": invoice.mapped,
    }


@control.post("/_close")
def close_invoices() -> Response:
    """The PSA closes `{"count": N}` new invoices; they are unposted from now on."""
    site = the_site()
    with site.lock:
        if site.close_more is None:
            raise ValueError("this site has no customers to bill")
        return jsonify([_invoice(each) for each in site.close_more(int(request.get_json().get("count", 1)))])


@control.post("/_edit")
def edit() -> Response:
    """A person works in ConnectWise's pages: see `people.ACTIONS`."""
    site = the_site()
    with site.lock:
        people.act(site, request.get_json())
    return jsonify({"done": True})
