"""The stand-in's own addresses, which no real site has: look inside, set switches, play the people at the PSA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox.connectwise import drafts, goods_drafts, payments, people
from sandbox.connectwise.accounting import the_site
from sandbox.connectwise.expenses import Expense
from sandbox.connectwise.model import Invoice
from sandbox.connectwise.present import midnight, moment
from sandbox.connectwise.purchases import Adjustment, Receipt, Transfer

if TYPE_CHECKING:
    from sandbox.connectwise.guards import Gate
    from sandbox.connectwise.ledger import Posting
    from sandbox.connectwise.model import Batch
    from sandbox.connectwise.site import Goods

Row = dict[str, Any]

control = Blueprint("control", __name__)


def _gate() -> Gate:
    gate: Gate = current_app.config["GATE"]
    return gate


@control.errorhandler(ValueError)
def refuse(error: ValueError) -> tuple[Response, int]:
    """What a test asked for makes no sense."""
    return jsonify({"error": str(error)}), 400


@control.errorhandler(KeyError)
def refuse_missing(error: KeyError) -> tuple[Response, int]:
    """What a test asked for is not all there."""
    return jsonify({"error": f"{error} is missing"}), 400


@control.get("/_stats")
def stats() -> Response:
    """Limits, counts of calls, and what is unposted."""
    site = the_site()
    with site.lock:
        unposted = site.unposted()
        counts = {"invoices": len(site.invoices), "unposted": len(unposted), "batches": len(site.batches)}
        counts |= {"unposted_expenses": len(site.unposted_expenses()), "unposted_goods": len(site.unposted_goods())}
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
    everything = the_site().members(batch)
    members = [each for each in everything if isinstance(each, Invoice)]
    return {
        "id": batch.id,
        "identifier": batch.identifier,
        "closed": batch.closed,
        "by_hand": batch.by_hand,
        "created": moment(batch.created),
        "record_ids": list(batch.record_ids),
        "invoices": [each.id for each in members],
        "numbers": [each.number for each in members],
        "expenses": [each.id for each in everything if isinstance(each, Expense)],
        "products": [each.product_id for each in everything if isinstance(each, Receipt | Adjustment | Transfer)],
    }


@control.get("/_invoices")
def all_invoices() -> Response:
    """All invoices with their state and GL records."""
    site = the_site()
    with site.lock:
        return jsonify([_invoice(each) for each in site.invoices.values()])


def _invoice(invoice: Invoice) -> Row:
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
        "batch": _batch_name(invoice),
        "record_ids": list(invoice.stamp.ids) if invoice.stamp else [],
        "mapped": invoice.mapped,
    }


@control.get("/_payments")
def all_payments() -> Response:
    """Everything that stands on any invoice."""
    site = the_site()
    with site.lock:
        return jsonify(payments.listing(site, site.payments.values()))


@control.get("/_expenses")
def all_expenses() -> Response:
    """All expenses with their state and GL records."""
    site = the_site()
    with site.lock:
        return jsonify([_expense(each) for each in site.expenses.values()])


def _expense(expense: Expense) -> Row:
    return {
        "id": expense.id,
        "member": expense.member.identifier,
        "report": expense.report.id,
        "status": expense.report.status,
        "classification": expense.classification,
        "payment": expense.payment.name,
        "date": expense.date.isoformat(),
        "total": f"{expense.amount:.2f}",
        "tax": f"{expense.tax:.2f}",
        "text": expense.text,
        "state": "posted" if expense.batch_id else "unposted" if expense.listed else "open",
        "batch": _batch_name(expense),
        "record_ids": list(expense.record_ids),
    }


@control.get("/_goods")
def all_goods() -> Response:
    """All purchases, adjustments and transfers with their state and GL records."""
    site = the_site()
    with site.lock:
        return jsonify([_goods(each) for each in site.goods])


def _goods(goods: Goods) -> Row:
    order = goods.order if isinstance(goods, Receipt) else None
    return {
        "id": goods.product_id,
        "type": {"Receipt": "Purchase"}.get(type(goods).__name__, type(goods).__name__),
        "purchase_order": order.number if order else None,
        "vendor": order.vendor.name if order else None,
        "vendor_invoice": order.vendor_invoice if order else None,
        "date": goods.date.isoformat(),
        "total": f"{goods.total:.2f}",
        "state": "posted" if goods.batch_id else "unposted",
        "batch": _batch_name(goods),
        "record_ids": list(goods.record_ids),
    }


def _batch_name(posting: Posting) -> str | None:
    batch = the_site().batches.get(posting.batch_id or 0)
    return batch.identifier if batch else None


@control.post("/_close")
def close_invoices() -> Response:
    """The PSA closes `{"count": N}` new invoices; they are unposted from now on."""
    site = the_site()
    with site.lock:
        if site.close_more is None:
            raise ValueError("this site has no customers to bill")
        return jsonify([_invoice(each) for each in site.close_more(int(request.get_json().get("count", 1)))])


@control.post("/_add")
def add() -> Response:
    """The invoice, expense or piece of procurement that the body describes: see `drafts` and `goods_drafts`."""
    site, wanted = the_site(), request.get_json()
    with site.lock:
        if not any(each in wanted for each in goods_drafts.KINDS):
            return jsonify(_invoice(drafts.add_draft(site, wanted)))
        made = goods_drafts.add_goods(site, wanted)
        return jsonify(_expense(made) if isinstance(made, Expense) else _goods(cast("Goods", made)))


@control.post("/_edit")
def edit() -> Response:
    """A person works in ConnectWise's pages: see `people.ACTIONS`."""
    site = the_site()
    with site.lock:
        people.act(site, request.get_json())
    return jsonify({"done": True})
