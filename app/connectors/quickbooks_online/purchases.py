"""Bills, vendor credits, expenses and purchase orders in QuickBooks' form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.connectors.quickbooks_online import conflicts, header, lines, taxes, text
from app.connectors.quickbooks_online.abilities import MONEY, PAYABLE
from app.connectors.quickbooks_online.categories import class_of_header, class_of_line
from app.connectors.quickbooks_online.given import Given
from app.connectors.quickbooks_online.lines import priced
from app.domain.documents import Basis, Document, DocumentKind, Line
from app.domain.item_accounts import straight
from app.domain.links import Entry, LinkKind, Links, Rules, item_source_id, names_customer
from app.domain.money import cents, plain
from app.domain.problems import Problem, Severity

CARD = "Credit Card"


def note(given: Given) -> str:
    """The private note, always with the order's number, and what stands for a vendor's number that has not come."""
    document, mark = given.document, given.mark
    waiting = document.kind is DocumentKind.BILL and not document.number and bool(document.psa_number)
    return header.note_of(document, mark, *(("Waiting on bill",) if waiting else ()))


def fields(given: Given) -> dict[str, Any]:
    """Vendor, accounts, terms, lines, and tax outside the US."""
    document, links, rules = given.document, given.links, given.rules
    tax = _tax(document, links, rules)
    return {
        **_party(document, links),
        **(_paid(document, links, rules) if document.kind is DocumentKind.PURCHASE else {}),
        **_payable(document, links, rules),
        **_terms(document, links),
        **(class_of_header(document, links, rules) if document.kind is DocumentKind.PURCHASE_ORDER else {}),
        "Line": _lines(document, links, tax.line_codes, rules),
        **tax.header,
        **_order(document),
    }


def problems(given: Given) -> list[Problem]:
    """What QuickBooks would refuse."""
    document, links, rules = given.document, given.links, given.rules
    found = [
        *header.problems_of_amounts(document), *_negative_lines(document), *conflicts.problems(document, links, rules),
    ]  # fmt: skip
    if document.kind is DocumentKind.PURCHASE:
        found += _problems_of_payment(document, links, rules)
    if document.kind is DocumentKind.PURCHASE_ORDER and not _payable(document, links, rules):
        found.append(
            Problem(
                "payable_account_missing",
                "A purchase order needs an accounts payable account, and none is linked.",
                "Link the PSA’s payable account under Mappings, then retry.",
                field="account",
                subject=f"{LinkKind.ACCOUNTS}:{document.header_account}" if document.header_account else "",
            )
        )
    if rules.tax_mode == "per_line":
        found += taxes.problems_of_tax(document, links, rules)
    elif document.tax.amount:
        found.append(
            Problem(
                "tax_on_purchase",
                f"QuickBooks has no tax on what is bought in this company; the document has"
                f" {plain(document.tax.amount)}.",
                "Let tax become a line of its own under Settings ▸ Taxes, then read the record again.",
                field="tax",
            )
        )
    return found


def warnings(given: Given) -> list[Problem]:
    """What is posted all the same."""
    document, links, rules = given.document, given.links, given.rules
    found = [*lines.shortened(document.lines), *conflicts.warnings(document, links, rules)]
    if rules.tax_mode == "per_line":
        found += taxes.warnings_of_tax(document, links, rules)
    header_account = links.get((LinkKind.ACCOUNTS, document.header_account))
    if header_account and header_account.detail not in ("", PAYABLE) and document.kind is not DocumentKind.PURCHASE:
        found.append(
            Problem(
                "payable_account_ignored",
                f"“{document.header_account}” is linked to “{header_account.name}”, which is no payable account:"
                " QuickBooks books the document to its own.",
                "Link it to an account of the type Accounts Payable.",
                Severity.WARNING,
                field="account",
                subject=f"{LinkKind.ACCOUNTS}:{document.header_account}",
            )
        )
    return found


def payer(document: Document, links: Links, rules: Rules) -> str:
    """The ledger's id of the account an expense is paid from: the PSA's where it names one, else the setting's."""
    entry = links.get((LinkKind.ACCOUNTS, document.paid_from)) if document.paid_from else None
    return entry.ledger_id if entry else rules["purchases.paid_from"]


def _party(document: Document, links: Links) -> dict[str, Any]:
    if not document.party.source_id:
        return {}
    vendor = links[(LinkKind.VENDORS, document.party.source_id)].ledger_id
    if document.kind is DocumentKind.PURCHASE:
        return {"EntityRef": {"value": vendor, "type": "Vendor"}}
    return {"VendorRef": {"value": vendor}}


def _paid(document: Document, links: Links, rules: Rules) -> dict[str, Any]:
    kind = "CreditCard" if _payer_type(document, links, rules) == CARD else "Cash"
    back = {"Credit": True} if document.refund else {}
    return {"PaymentType": kind, **back, "AccountRef": {"value": payer(document, links, rules)}}


def _payer_type(document: Document, links: Links, rules: Rules) -> str:
    """The type of the account paid from; that of the setting's account is among what the company says of itself."""
    entry = links.get((LinkKind.ACCOUNTS, document.paid_from)) if document.paid_from else None
    return entry.detail if entry else rules.extra.get(f"account_type:{rules['purchases.paid_from']}", "")


def _problems_of_payment(document: Document, links: Links, rules: Rules) -> list[Problem]:
    paid_from = payer(document, links, rules)
    kind = _payer_type(document, links, rules)
    if paid_from and document.refund and kind not in ("", CARD):
        return [
            Problem(
                "refund_not_on_card",
                f"Money came back to “{document.paid_from or paid_from}”, an account of the type {kind}: QuickBooks"
                " takes back an expense on a credit card only.",
                "Enter it as a deposit in QuickBooks, then skip it here; or link the PSA’s account to a card.",
                field="paid from",
                subject=f"{LinkKind.ACCOUNTS}:{document.paid_from}" if document.paid_from else "",
            )
        ]
    if paid_from and kind in ("", *MONEY):
        return []
    said = f"“{document.paid_from}” is linked to an account of the type {kind}" if paid_from else "No account is named"
    return [
        Problem(
            "paid_from_missing" if not paid_from else "paid_from_wrong_type",
            f"{said}: QuickBooks books an expense as paid from a bank account or a card.",
            "Name the account under Settings ▸ Purchases, or link the PSA’s account to a bank account or a card.",
            field="paid from",
            subject=f"{LinkKind.ACCOUNTS}:{document.paid_from}" if document.paid_from else "",
        )
    ]


def _payable(document: Document, links: Links, rules: Rules) -> dict[str, Any]:
    """``APAccountRef`` where the PSA's account is linked to one of the document's currency; an order must have one."""
    if document.kind is DocumentKind.PURCHASE:
        return {}
    entry: Entry | None = links.get((LinkKind.ACCOUNTS, document.header_account)) if document.header_account else None
    fits = entry is not None and entry.detail == PAYABLE and entry.currency in ("", document.currency)
    own = entry.ledger_id if entry and fits else ""
    if not own and document.kind is DocumentKind.PURCHASE_ORDER:
        own = rules.extra.get(f"payable_account:{document.currency}") or rules.extra.get("payable_account", "")
    return {"APAccountRef": {"value": own}} if own else {}


def _terms(document: Document, links: Links) -> dict[str, Any]:
    if document.kind not in (DocumentKind.BILL, DocumentKind.PURCHASE_ORDER):
        return {}
    term = links.get((LinkKind.TERMS, document.terms.source_id)) if document.terms else None
    found: dict[str, Any] = {"SalesTermRef": {"value": term.ledger_id}} if term else {}
    if document.due_date:
        found["DueDate"] = document.due_date.isoformat()
    return found


def _tax(document: Document, links: Links, rules: Rules) -> taxes.TaxForm:
    if rules.tax_mode == "per_line":
        return taxes.to_tax(document, links, rules)
    return taxes.TaxForm([""] * len(document.lines))


def _negative_lines(document: Document) -> list[Problem]:
    return [
        Problem(
            "negative_line",
            f"Line {number} is below zero ({plain(cents(line.amount.amount))}): QuickBooks takes no such line here.",
            "Take the deduction off the lines it belongs to in the PSA, or book it as a vendor credit of its own.",
            field=f"line {number}",
        )
        for number, line in enumerate(document.lines, 1)
        if cents(line.amount.amount) < 0
    ]


def _lines(document: Document, links: Links, codes: Sequence[str], rules: Rules) -> list[dict[str, Any]]:
    pairs = enumerate(zip(document.lines, codes, strict=True), 1)
    return [{**_line(line, links, code, rules), **_order(document, place)} for place, (line, code) in pairs]


# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/bill#the-bill-object
def _order(document: Document, line: int = 0) -> dict[str, Any]:
    """The purchase order that a bill is made from; of a line, the order's line: they are counted from 1."""
    if not document.bills:
        return {}
    linked = {"TxnId": document.bills, "TxnType": "PurchaseOrder"}
    return {"LinkedTxn": [{**linked, "TxnLineId": str(line)} if line else linked]}


def _line(line: Line, links: Links, code: str, rules: Rules) -> dict[str, Any]:
    if straight(line, links, rules):
        line = replace(line, basis=Basis.ACCOUNT, description=lines.counted(line))
    kind = "ItemBasedExpenseLineDetail" if line.basis is Basis.ITEM else "AccountBasedExpenseLineDetail"
    amount = cents(line.amount.amount)
    detail = _item(line, links) if line.basis is Basis.ITEM else _account(line, links)
    detail |= class_of_line(line, links, rules)
    if line.customer and names_customer(line, rules):
        detail["CustomerRef"] = {"value": links[(LinkKind.CUSTOMERS, line.customer.source_id)].ledger_id}
        if line.billable and rules["purchases.billable"] == "yes":
            detail["BillableStatus"] = "Billable"
    if code:
        detail["TaxCodeRef"] = {"value": code}
    body: dict[str, Any] = {"DetailType": kind, "Amount": amount}
    if description := _text(line):
        body["Description"] = description
    return {**body, kind: detail}


def _item(line: Line, links: Links) -> dict[str, Any]:
    detail: dict[str, Any] = {"ItemRef": {"value": links[(LinkKind.ITEMS, item_source_id(line))].ledger_id}}
    if pair := priced(line.quantity, cents(line.amount.amount)):
        detail["Qty"], detail["UnitPrice"] = pair
    return detail


def _account(line: Line, links: Links) -> dict[str, Any]:
    return {"AccountRef": {"value": links[(LinkKind.ACCOUNTS, line.account)].ledger_id}}


def _text(line: Line) -> str:
    if line.basis is Basis.ITEM:
        return lines.description_of(line)
    return text.shorten(text.clean(line.description), lines.DESCRIPTION)
