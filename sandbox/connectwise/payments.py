"""Payments and applied credits on invoices: what stands there, what the vendor refuses, what its people type in.

Amounts are positive; a credit memo's own total is negative, so what is drawn from it brings its balance towards zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.errors import invalid, not_found
from sandbox.connectwise.model import cents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.connectwise.model import Invoice
    from sandbox.connectwise.site import Site

Row = dict[str, Any]
ZERO = Decimal(0)
LONGEST_REFERENCE = 50


@dataclass
class Payment:
    """One row of an invoice's payments. `credit_id` is the memo it is drawn from, `reference` its glBatchID."""

    id: int
    invoice_id: int
    type: str
    amount: Decimal
    date: date
    applied_by: str
    credit_id: int | None = None
    reference: str = ""


def on_invoice(site: Site, invoice_id: int) -> list[Payment]:
    """What stands on an invoice, oldest first."""
    return list(site.payments_on.get(invoice_id, {}).values())


def totals(site: Site, invoice: Invoice) -> Row:
    """`payments`, `credits` and `balance` of an invoice or a credit memo."""
    standing = on_invoice(site, invoice.id)
    drawn = sum((each.amount for each in site.payments_from.get(invoice.id, {}).values()), ZERO)
    paid = sum((each.amount for each in standing if not each.credit_id), ZERO)
    credited = sum((each.amount for each in standing if each.credit_id), ZERO)
    return {"payments": paid, "credits": credited, "balance": invoice.total - paid - credited + drawn}


def add(site: Site, invoice: Invoice, body: Row, by: str) -> Payment:
    """Put a payment on an invoice, or overwrite the one that is there where a site keeps only one."""
    kind = str(body.get("type") or "")
    credit = _credit(site, body.get("credit"))
    _check_type(site, kind, credit)
    standing = next((each for each in on_invoice(site, invoice.id) if not each.credit_id), None)
    if standing and not credit and site.switches.payments_per_invoice == "one":
        return change(site, standing, body)
    amount = _allowed(site, invoice, _amount(body.get("amount")), credit)
    day, reference = _day(body.get("paymentDate"), site.today), _reference(site, body.get("glBatchID"))
    made = Payment(site.next_payment(), invoice.id, kind, amount, day, by, credit.id if credit else None, reference)
    return _put(site, made)


def change(site: Site, payment: Payment, wanted: Row) -> Payment:
    """Another amount, date or reference; what is not named stays."""
    invoice, credit = site.invoices[payment.invoice_id], site.invoices.get(payment.credit_id or 0)
    amount = payment.amount
    if "amount" in wanted:
        amount = _allowed(site, invoice, _amount(wanted["amount"]), credit, besides=payment.amount)
    day = _day(wanted.get("paymentDate"), payment.date)
    if "glBatchID" in wanted:
        payment.reference = _reference(site, wanted["glBatchID"])
    payment.amount, payment.date = amount, day
    _touched(site, payment)
    return payment


def remove(site: Site, payment: Payment) -> None:
    """Take it off the invoice."""
    del site.payments[payment.id]
    del site.payments_on[payment.invoice_id][payment.id]
    site.payments_from.get(payment.credit_id or 0, {}).pop(payment.id, None)
    _touched(site, payment)


def named(site: Site, invoice: Invoice, payment_id: int) -> Payment:
    """A payment of this invoice, or a 404."""
    found = site.payments.get(payment_id)
    if found is None or found.invoice_id != invoice.id:
        raise not_found("InvoicePayment", payment_id)
    return found


def _put(site: Site, payment: Payment) -> Payment:
    site.payments[payment.id] = payment
    site.payments_on.setdefault(payment.invoice_id, {})[payment.id] = payment
    if payment.credit_id:
        site.payments_from.setdefault(payment.credit_id, {})[payment.id] = payment
    _touched(site, payment)
    return payment


def _touched(site: Site, payment: Payment) -> None:
    for number in (payment.invoice_id, payment.credit_id or 0):
        if number in site.invoices:
            site.touch(site.invoices[number])


def _credit(site: Site, value: Any) -> Invoice | None:
    if value is None:
        return None
    number = value.get("id") if isinstance(value, dict) else None
    found = site.invoices.get(number) if isinstance(number, int) else None
    if found is None or found.total >= 0:
        raise invalid("invoicePayment", "credit", f"Credit {number} not found.", "NotFound")
    return found


def _check_type(site: Site, kind: str, credit: Invoice | None) -> None:
    if not kind:
        raise invalid("invoicePayment", "type", "The type field is required.", "MissingRequiredField")
    due = site.switches.credit_payments if credit else "P"
    if due == "refused":
        raise invalid("invoicePayment", "type", "Credits can only be applied in ConnectWise's own pages.")
    if kind != due:
        raise invalid("invoicePayment", "type", f"The type {kind} is not valid.")


def _amount(value: Any) -> Decimal:
    if value is None or isinstance(value, bool):
        raise invalid("invoicePayment", "amount", "The amount field is required.", "MissingRequiredField")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise invalid("invoicePayment", "amount", f"The value {value} is not valid for amount.") from None
    if not amount.is_finite() or amount <= 0 or amount != cents(amount):
        raise invalid("invoicePayment", "amount", f"The value {value} is not valid for amount.")
    return cents(amount)


def _allowed(site: Site, invoice: Invoice, amount: Decimal, credit: Invoice | None, besides: Decimal = ZERO) -> Decimal:
    """The amount that may stand; `besides` is what counts as free already because it is about to be replaced."""
    if credit is not None:
        left = -totals(site, credit)["balance"] + besides
        if amount > left:
            raise invalid("invoicePayment", "amount", f"The amount is more than what is left of the credit ({left}).")
    balance = totals(site, invoice)["balance"] + besides
    if amount <= balance:
        return amount
    if site.switches.overpayment == "refused" or balance <= 0:
        raise invalid("invoicePayment", "amount", f"The amount is more than the balance of the invoice ({balance}).")
    return cents(balance)


def _day(value: Any, default: date) -> date:
    if value is None:
        return default
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise invalid("invoicePayment", "paymentDate", f"{value} is no date.") from None


def _reference(site: Site, value: Any) -> str:
    text = str(value or "")
    if text and site.switches.payment_marks == "refused":
        raise invalid("invoicePayment", "glBatchID", "The field glBatchID cannot be set.")
    if len(text) > LONGEST_REFERENCE:
        sentence = f"The field glBatchID must not exceed {LONGEST_REFERENCE} characters."
        raise invalid("invoicePayment", "glBatchID", sentence, "MaxLengthField")
    return text if site.switches.payment_marks == "kept" else ""


# What people do in ConnectWise's own pages: `POST /_edit`.


def _invoice(site: Site, wanted: Row, name: str) -> Invoice:
    asked = wanted.get(name)
    found = [each for each in site.invoices.values() if asked in (each.id, each.number)]
    if not found:
        raise ValueError(f"no invoice {asked}")
    return found[0]


def take_payment(site: Site, wanted: Row) -> None:
    """Enter a payment on `invoice` (id or number): `amount` (default the balance), `date`, `credit` (a memo)."""
    invoice = _invoice(site, wanted, "invoice")
    credit = _invoice(site, wanted, "credit") if "credit" in wanted else None
    amount = cents(Decimal(str(wanted.get("amount", totals(site, invoice)["balance"]))))
    day = _day(wanted.get("date"), site.today)
    kind = "C" if credit and site.switches.credit_payments != "P" else "P"
    made = Payment(site.next_payment(), invoice.id, kind, amount, day, "mortiz", credit.id if credit else None)
    _put(site, made)


def take_off(site: Site, wanted: Row) -> None:
    """Remove the `payment` (id)."""
    remove(site, _entered(site, wanted))


def correct(site: Site, wanted: Row) -> None:
    """Give the `payment` (id) another `amount` or `date`."""
    payment = _entered(site, wanted)
    payment.amount = cents(Decimal(str(wanted.get("amount", payment.amount))))
    payment.date = _day(wanted.get("date"), payment.date)
    _touched(site, payment)


def _entered(site: Site, wanted: Row) -> Payment:
    found = site.payments.get(wanted.get("payment", 0))
    if found is None:
        raise ValueError(f"no payment {wanted.get('payment')}")
    return found


def listing(site: Site, payments: Iterable[Payment]) -> list[Row]:
    """Payments in short, for `/_payments`."""
    return [
        {
            "id": each.id,
            "invoice": each.invoice_id,
            "number": site.invoices[each.invoice_id].number,
            "type": each.type,
            "amount": f"{each.amount:.2f}",
            "date": each.date.isoformat(),
            "credit": each.credit_id,
            "reference": each.reference,
            "applied_by": each.applied_by,
        }
        for each in payments
    ]


ACTIONS: dict[str, Callable[[Site, Row], None]] = {
    "take_payment": take_payment,
    "take_off_payment": take_off,
    "correct_payment": correct,
}
