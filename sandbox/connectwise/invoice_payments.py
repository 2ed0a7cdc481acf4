"""`/finance/invoices/{id}/payments`: the payments of one invoice, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from sandbox.connectwise import fields, payments
from sandbox.connectwise.accounting import the_site
from sandbox.connectwise.errors import ApiError, invalid
from sandbox.connectwise.listing import one, page_of
from sandbox.connectwise.present import midnight, without_null

if TYPE_CHECKING:
    from sandbox.connectwise.payments import Payment
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

invoice_payments = Blueprint("invoice_payments", __name__)
CHANGEABLE = ("amount", "paymentDate", "glBatchID")


def _row(site: Site, payment: Payment) -> Row:
    """InvoicePayment."""
    invoice = site.invoices[payment.invoice_id]
    credit = site.invoices.get(payment.credit_id or 0)
    row = {
        "id": payment.id,
        "type": payment.type,
        "source": "Default",
        "invoice": {"id": invoice.id, "identifier": invoice.number},
        "credit": {"id": credit.id, "identifier": credit.number} if credit else None,
        "amount": payment.amount,
        "balance": 0.0,
        "invoiceBalance": payments.totals(site, invoice)["balance"],
        "invoiceTotal": invoice.total,
        "paymentDate": midnight(payment.date),
        "appliedBy": payment.applied_by,
        "paymentSyncStatus": "Applied",
        "glBatchID": payment.reference or None,
    }
    return without_null(row)


@invoice_payments.get("/<int:invoice_id>/payments")
def all_payments(invoice_id: int) -> Response:
    """Everything that stands on the invoice."""
    site = the_site()
    with site.lock:
        rows = [_row(site, each) for each in payments.on_invoice(site, site.invoice(invoice_id).id)]
    return page_of(rows, fields.INVOICE_PAYMENT)


@invoice_payments.get("/<int:invoice_id>/payments/<int:payment_id>")
def one_payment(invoice_id: int, payment_id: int) -> Response:
    """One of them."""
    site = the_site()
    with site.lock:
        return one(_row(site, payments.named(site, site.invoice(invoice_id), payment_id)), fields.INVOICE_PAYMENT)


@invoice_payments.post("/<int:invoice_id>/payments")
def add_payment(invoice_id: int) -> tuple[Response, int]:
    """A new one; 201."""
    site, body = the_site(), request.get_json()
    if not isinstance(body, dict):
        raise ApiError(400, "InvalidObject", "A JSON object was expected.")
    with site.lock:
        invoice = site.invoice(invoice_id)
        if body.get("invoice") is not None and body["invoice"].get("id") != invoice.id:
            raise invalid("invoicePayment", "invoice", "The invoice of the body is not the one of the address.")
        return jsonify(_row(site, payments.add(site, invoice, body, by="api"))), 201


@invoice_payments.patch("/<int:invoice_id>/payments/<int:payment_id>")
def change_payment(invoice_id: int, payment_id: int) -> Response:
    """Amount, date and reference, by JSON Patch; all of the steps or none."""
    site, steps = the_site(), request.get_json()
    if not isinstance(steps, list) or not all(isinstance(each, dict) for each in steps):
        raise ApiError(400, "InvalidObject", "A PATCH takes an array of operations.")
    wanted = {str(each.get("path", "")).lstrip("/"): each.get("value") for each in steps}
    for each in steps:
        if each.get("op") != "replace" or str(each.get("path", "")).lstrip("/") not in CHANGEABLE:
            raise invalid("invoicePayment", str(each.get("path", "")), "The field cannot be replaced.")
    with site.lock:
        found = payments.named(site, site.invoice(invoice_id), payment_id)
        return jsonify(_row(site, payments.change(site, found, wanted)))


@invoice_payments.delete("/<int:invoice_id>/payments/<int:payment_id>")
def remove_payment(invoice_id: int, payment_id: int) -> tuple[str, int]:
    """Gone; 204."""
    site = the_site()
    with site.lock:
        payments.remove(site, payments.named(site, site.invoice(invoice_id), payment_id))
    return "", 204
