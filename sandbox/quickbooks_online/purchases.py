"""Bills, vendor credits, expenses and purchase orders; and journal entries, which share their accounts."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from decimal import Decimal

from sandbox.quickbooks_online import headers, inventory, numbers, orders, problems, references, taxes, terms
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.money import ZERO, cents
from sandbox.quickbooks_online.problems import Json
from sandbox.quickbooks_online.sales import check_product, numbered, required_in_line
from sandbox.quickbooks_online.shape import required


def completed(company: Company, entity: str, body: Json, old: Json | None, include: AbstractSet[str]) -> Json:
    """A Bill, VendorCredit, Purchase or PurchaseOrder as the vendor keeps it."""
    vendor = _party(company, entity, body)
    required(body, "Line")
    headers.settle(company, body, vendor)
    numbers.assign(company, entity, body, old, include)
    lines = numbered([_line(company, body, line) for line in body["Line"]], old)
    body["Line"] = lines
    total = sum((line["Amount"] for line in lines), ZERO)
    if not taxes.is_us(company):
        required(body, "GlobalTaxCalculation")
        total += taxes.settle(company, body, _net(lines), "PurchaseTaxRateList")
    else:
        body.pop("TxnTaxDetail", None)
    body["TotalAmt"] = total
    _after_total(company, entity, body, old, vendor)
    if entity == "Bill":
        orders.check(company, body, old)
    return body


def _party(company: Company, entity: str, body: Json) -> Json | None:
    if entity == "Purchase":
        required(body, "AccountRef", "PaymentType")
        account = references.target(company, "Account", body["AccountRef"], "AccountRef")
        if body.get("Credit") and body["PaymentType"] != "CreditCard":
            raise problems.business("Only a credit card charge can be a credit.", "Credit")
        allowed = {"Credit Card"} if body["PaymentType"] == "CreditCard" else {"Bank", "Other Current Asset"}
        _of_type(account, allowed, "AccountRef")
        body["AccountRef"] = references.to("Account", account)
        kind = body.get("EntityRef", {}).get("type", "Vendor")
        return references.target(company, kind, body["EntityRef"], "EntityRef") if "EntityRef" in body else None
    required(body, "VendorRef")
    vendor = references.target(company, "Vendor", body["VendorRef"], "VendorRef")
    body["VendorRef"] = references.to("Vendor", vendor)
    return vendor


def _of_type(account: Json, allowed: set[str], element: str) -> None:
    if account["AccountType"] not in allowed:
        raise problems.business(f"{account['Name']} is not an account of the right type.", element, 6430)


def _line(company: Company, body: Json, line: Json) -> Json:
    required_in_line(line, "DetailType", "Amount")
    line["Amount"] = cents(line["Amount"])
    if line["Amount"] < 0:
        raise problems.Refusal(2290, "Negative amount", "Negative amounts are not supported on lines", "Line.Amount")
    kind = line["DetailType"]
    if kind not in {"AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail"}:
        raise problems.unsupported(f"{kind} in a purchase")
    detail = line.setdefault(kind, {})
    if kind == "AccountBasedExpenseLineDetail":
        account = references.target(company, "Account", detail.get("AccountRef"), "AccountRef")
        detail["AccountRef"] = references.to("Account", account)
    else:
        item = references.target(company, "Item", detail.get("ItemRef"), "ItemRef")
        if "ExpenseAccountRef" not in item:
            raise problems.business(f"{item['Name']} is not bought: it has no expense account.", "ItemRef", 6430)
        inventory.started(item, body["TxnDate"])
        detail["ItemRef"] = references.to("Item", item)
        check_product(line, detail)
    _billable(company, detail)
    return line


def _billable(company: Company, detail: Json) -> None:
    headers.line_class(company, detail)
    if detail.get("BillableStatus") == "Billable" and "CustomerRef" not in detail:
        raise problems.business("A billable line needs a customer.", "CustomerRef", 6310)
    references.settle(company, detail, CustomerRef="Customer")
    if taxes.is_us(company):
        detail["TaxCodeRef"] = {"value": "NON"}
    else:
        taxes.check_line_code(company, detail, "")


def _net(lines: list[Json]) -> list[tuple[str, Decimal]]:
    return [(line[line["DetailType"]].get("TaxCodeRef", {}).get("value", ""), line["Amount"]) for line in lines]


def _after_total(company: Company, entity: str, body: Json, old: Json | None, vendor: Json | None) -> None:
    if entity in {"Bill", "VendorCredit"}:
        applied = old["TotalAmt"] - old["Balance"] if old else ZERO
        body["Balance"] = body["TotalAmt"] - applied
    if entity in {"Bill", "VendorCredit", "PurchaseOrder"}:
        _payable(company, entity, body)
    if entity in {"Bill", "PurchaseOrder"}:
        if vendor and "TermRef" in vendor:
            body.setdefault("SalesTermRef", vendor["TermRef"])
        references.settle(company, body, SalesTermRef="Term")
        term = company.find("Term", body.get("SalesTermRef", {}).get("value"))
        body.setdefault("DueDate", terms.due_date(term, body["TxnDate"]))


def _payable(company: Company, entity: str, body: Json) -> None:
    if entity == "PurchaseOrder":
        required(body, "APAccountRef")
        body.setdefault("POStatus", "Open")
    named = body.get("APAccountRef")
    account = references.target(company, "Account", named or {"value": "33"}, "APAccountRef")
    _of_type(account, {"Accounts Payable"}, "APAccountRef")
    if named and account["CurrencyRef"]["value"] != body["CurrencyRef"]["value"]:
        raise problems.business(
            "The currency of the transaction is invalid for customer / vendor / account.", "APAccountRef"
        )
    body["APAccountRef"] = references.to("Account", account)


def journal_completed(company: Company, entity: str, body: Json, old: Json | None, include: AbstractSet[str]) -> Json:
    """A JournalEntry as the vendor keeps it: debits equal credits, line ids from 0, total 0."""
    required(body, "Line")
    headers.settle(company, body, None)
    numbers.assign(company, entity, body, old, include)
    sides = {"Debit": ZERO, "Credit": ZERO}
    for line in body["Line"]:
        sides[_journal_line(company, line)] += line["Amount"]
    if sides["Debit"] != sides["Credit"]:
        text = f"Debits {sides['Debit']} and credits {sides['Credit']} don't match"
        raise problems.Refusal(2300, "The total of debits must equal the total of credits", text, "Line")
    body["Line"] = numbered(body["Line"], old, first=0)
    body.setdefault("Adjustment", False)
    body["TotalAmt"] = ZERO
    return body


def _journal_line(company: Company, line: Json) -> str:
    required_in_line(line, "Amount", "JournalEntryLineDetail")
    detail = line["JournalEntryLineDetail"]
    if "PostingType" not in detail:
        raise problems.Refusal(2260, "Posting type missing", "PostingType is Debit or Credit", "PostingType")
    line["Amount"] = cents(line["Amount"])
    line["DetailType"] = "JournalEntryLineDetail"
    if line["Amount"] < 0:
        raise problems.Refusal(2290, "Negative amount", "Negative amounts are not supported on lines", "Line.Amount")
    account = references.target(company, "Account", detail.get("AccountRef"), "AccountRef")
    detail["AccountRef"] = references.to("Account", account)
    if not company.switches.track_departments:
        detail.pop("DepartmentRef", None)
    headers.line_class(company, detail)
    references.settle(company, detail, DepartmentRef="Department")
    _journal_party(company, account, detail)
    return str(detail["PostingType"])


def _journal_party(company: Company, account: Json, detail: Json) -> None:
    needed = {"Accounts Receivable": "Customer", "Accounts Payable": "Vendor"}.get(account["AccountType"])
    entity = detail.get("Entity", {})
    if needed and entity.get("Type") != needed:
        text = f"When you use {account['AccountType']}, you must choose a {needed.lower()} in the Name field."
        raise problems.business(text, "Entity")
    if entity:
        references.target(company, entity.get("Type", "Customer"), entity.get("EntityRef"), "EntityRef")
