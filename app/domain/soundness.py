"""What a document itself shows, whatever ledger it goes to: it must add up, be mapped, open and approved. Pure."""

from __future__ import annotations

import datetime as dt

from app.domain import cogs, hooks
from app.domain.documents import APPROVED, SALES, Document, DocumentKind
from app.domain.links import Rules
from app.domain.problems import Problem, Severity
from app.domain.shaping import NON_REIMBURSABLE, PURCHASE, REIMBURSABLE, STOCK

#: Beside a purchase order that waits for the vendor's invoice.
ORDERED = "order_waits"


def problems(document: Document, rules: Rules) -> list[Problem]:
    """Everything that stops or remarks the document before any ledger is asked."""
    found = (
        _crossfoots(document), _accounts(document), _lines(document), _period(document, rules),
        _currency(document, rules), _approval(document, rules), _vendor_invoice(document, rules),
        _in_full(document, rules), _costs(document, rules),
    )  # fmt: skip
    return [*(problem for problem in found if problem), *hooks.problems(document, rules)]


def _crossfoots(document: Document) -> Problem | None:
    if not document.difference.amount:
        return None
    return Problem(
        "does_not_crossfoot",
        f"Lines {document.subtotal.amount:,.2f} and tax {document.tax.amount:,.2f} do not add up to the total "
        f"{document.total.amount:,.2f}: {document.difference.amount:,.2f} is missing.",
        "Check “Include sales tax” in ConnectWise’s accounting package setup, or correct the record there.",
        field="total",
    )


def _accounts(document: Document) -> Problem | None:
    missing = [str(number) for number, line in enumerate(document.lines, 1) if not line.account]
    if not missing:
        return None
    return Problem(
        "gl_account_missing",
        f"ConnectWise has no GL account for line {', '.join(missing[:5])}.",
        "Complete the GL mapping in ConnectWise, then reopen and close the record: that stamps it anew.",
        field=f"line {missing[0]}",
    )


def _lines(document: Document) -> Problem | None:
    if document.lines or document.is_empty:
        return None
    return Problem("no_lines", "ConnectWise exports it without lines.", "Reopen and close the record there.")


def _period(document: Document, rules: Rules) -> Problem | None:
    if not rules.close_date or document.date > dt.date.fromisoformat(rules.close_date):
        return None
    return Problem(
        "period_closed",
        f"It is dated {document.date:%m/%d/%Y}; QuickBooks’ books are closed to {rules.close_date}.",
        "Change the date in ConnectWise, or ask the accountant to move the closing date.",
        field="date",
    )


def _currency(document: Document, rules: Rules) -> Problem | None:
    if document.currency == rules.home_currency or rules.multi_currency:
        return None
    return Problem(
        "currency_differs",
        f"It is in {document.currency}; this QuickBooks company keeps books in {rules.home_currency} only.",
        "Post it to a company with multicurrency switched on.",
        field="currency",
    )


def _approval(document: Document, rules: Rules) -> Problem | None:
    if document.approval == APPROVED or rules["purchases.unapproved"] == "yes":
        return None
    unknown = not document.approval
    if unknown and document.psa_type not in (REIMBURSABLE, NON_REIMBURSABLE):
        return None
    return Problem(
        "not_approved",
        "ConnectWise does not tell whether its expense report is approved."
        if unknown
        else f"Its expense report is not approved yet ({document.approval}).",
        "Let the API member read expense reports (Security Role ▸ Time & Expense) and retry, or take unapproved"
        " expenses under Settings ▸ Purchases."
        if unknown
        else "Approve the report in ConnectWise and retry, or take unapproved expenses under Settings ▸ Purchases.",
        field="approval",
    )


def _vendor_invoice(document: Document, rules: Rules) -> Problem | None:
    """A receipt may come before the vendor's invoice."""
    if document.psa_type == PURCHASE and document.kind is DocumentKind.PURCHASE_ORDER:
        return Problem(
            ORDERED,
            "It becomes a bill when the vendor’s invoice is in ConnectWise.",
            "Enter the vendor’s invoice number and date on the order when it comes.",
            Severity.INFO,
            field="number",
        )
    if document.psa_type != PURCHASE or document.kind is not DocumentKind.BILL or document.number:
        return None
    hold = rules["inventory.without_invoice"] == "hold"
    return Problem(
        "waiting_on_bill",
        "The vendor’s invoice number is not in ConnectWise yet.",
        "Enter the vendor’s invoice number on the order and retry."
        if hold
        else "It is posted without a number; enter the vendor’s invoice number on the order when it comes.",
        Severity.ERROR if hold else Severity.WARNING,
        field="number",
    )


def _in_full(document: Document, rules: Rules) -> Problem | None:
    """A Book may want one bill for an order, not one for each delivery."""
    if document.psa_type != PURCHASE or rules["inventory.partial"] != "wait" or document.in_full:
        return None
    unknown = document.in_full is None
    return Problem(
        "order_not_complete",
        "ConnectWise does not tell whether its purchase order was received in full."
        if unknown
        else f"Goods of purchase order {document.psa_number} are still to come.",
        "Let the API member read purchase orders (Security Role ▸ Procurement), then retry."
        if unknown
        else "Retry when the rest is received, or take partial receipts under Settings ▸ Inventory.",
        field="received",
    )


def _costs(document: Document, rules: Rules) -> Problem | None:
    """A Book that books costs must be told them."""
    if not cogs.wanted(rules) or document.kind not in SALES:
        return None
    if document.currency != rules.home_currency and any(line.cost for line in document.lines):
        return Problem(
            "cost_in_other_currency",
            f"It is in {document.currency}, and ConnectWise does not say in which currency its costs are: no COGS entry"
            " is made.",
            "Book the cost of its goods in QuickBooks yourself.",
            Severity.WARNING,
            field="cost",
        )
    goods = [n for n, line in enumerate(document.lines, 1) if line.product and line.product.kind == STOCK]
    if not goods or any(line.cost for line in document.lines):
        return None
    return Problem(
        "cost_not_exported",
        "ConnectWise exports no cost of its goods, so no COGS entry is made.",
        "Tick “Include COGS Entries” in ConnectWise’s accounting package setup and map the costs, then retry.",
        Severity.WARNING,
        field=f"line {goods[0]}",
    )
