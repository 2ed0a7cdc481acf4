"""Invoices and credit memos: lines, tax, totals, and what the customer's card fills in."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from decimal import Decimal

from sandbox.quickbooks_online import headers, inventory, numbers, problems, references, taxes, terms
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.money import ZERO, cents
from sandbox.quickbooks_online.problems import Json
from sandbox.quickbooks_online.shape import required


def completed(company: Company, entity: str, body: Json, old: Json | None, include: AbstractSet[str]) -> Json:
    """An invoice or a credit memo as the vendor keeps it."""
    required(body, "CustomerRef", "Line")
    customer = references.target(company, "Customer", body["CustomerRef"], "CustomerRef")
    body["CustomerRef"] = references.to("Customer", customer)
    sent = {"CustomField": body.get("CustomField", [])}
    headers.settle(company, body, customer)
    headers.custom_fields(company, sent)
    body |= sent if sent.get("CustomField") else {}
    if not taxes.is_us(company):
        required(body, "GlobalTaxCalculation")
    numbers.assign(company, entity, body, old, include)
    lines = [
        _line(company, entity, body, line) for line in body["Line"] if line.get("DetailType") != "SubTotalLineDetail"
    ]
    _totals(company, body, lines, old)
    body["Line"] = [*numbered(lines, old), _subtotal(lines)]
    _defaults(company, entity, body, customer)
    return body


def numbered(lines: list[Json], old: Json | None, first: int = 1) -> list[Json]:
    """Lines with ids and numbers: known ids stay, new ones count on from the highest."""
    known = {line["Id"] for line in (old or {}).get("Line", []) if "Id" in line}
    highest = max((int(id_) for id_ in known), default=first - 1)
    for position, line in enumerate(lines, 1):
        if line.get("Id") not in known:
            highest += 1
            line["Id"] = str(highest)
        line["LineNum"] = position
    return lines


def _line(company: Company, entity: str, body: Json, line: Json) -> Json:
    required_in_line(line, "DetailType")
    kind = line["DetailType"]
    if kind == "SalesItemLineDetail":
        _sales_item(company, body, line)
    elif kind == "DiscountLineDetail":
        _discount(line)
    elif kind != "DescriptionOnly":
        raise problems.unsupported(f"{kind} in {entity}")
    return line


def required_in_line(line: Json, *names: str) -> None:
    """Refuse (2020) a line that lacks one of these."""
    for name in names:
        if name not in line:
            raise problems.missing(f"Line.{name}")


def _sales_item(company: Company, body: Json, line: Json) -> None:
    required_in_line(line, "Amount")
    detail = line.setdefault("SalesItemLineDetail", {})
    item = references.target(company, "Item", detail.get("ItemRef", {"value": "1"}), "ItemRef")
    if "IncomeAccountRef" not in item and company.switches.sold_without_account == "refused":
        raise problems.business(f"{item['Name']} is not for sale: it has no income account.", "ItemRef", 6430)
    inventory.started(item, body["TxnDate"])
    detail["ItemRef"] = references.to("Item", item)
    detail["ItemAccountRef"] = (item if "IncomeAccountRef" in item else company.tables["Item"]["1"])["IncomeAccountRef"]
    check_product(line, detail)
    headers.line_class(company, detail)
    taxes.check_line_code(company, detail, "TAX" if item.get("Taxable") else "NON")


def check_product(line: Json, detail: Json) -> None:
    """Refuse (6070) a line whose amount isn't quantity times price, rounded to the cent."""
    line["Amount"] = cents(line["Amount"])
    if "Qty" in detail and "UnitPrice" in detail and cents(detail["Qty"] * detail["UnitPrice"]) != line["Amount"]:
        detail_text = f"Amount is not equal to UnitPrice * Qty. Supplied value:{line['Amount']}"
        raise problems.Refusal(6070, "Amount calculation incorrect in the request", detail_text, "Line.Amount")


def _discount(line: Json) -> None:
    detail = line.setdefault("DiscountLineDetail", {})
    if not detail.get("PercentBased") and "Amount" not in line:
        raise problems.business("A discount needs an amount or a percentage.", "DiscountLineDetail", 6090)


def _totals(company: Company, body: Json, lines: list[Json], old: Json | None) -> None:
    before_discount = _sum(lines, "SalesItemLineDetail")
    if not any(line["DetailType"] == "SalesItemLineDetail" for line in lines):
        raise problems.Refusal(2250, "No lines", "At least one sales item line is needed", "Line")
    discount = _discount_of(lines, before_discount)
    tax = taxes.settle(company, body, _net(body, lines, discount, before_discount))
    total = before_discount - discount + tax
    if total < 0:
        raise problems.business("The total of a transaction must be zero or more.", "Line")
    applied = old["TotalAmt"] - old["Balance"] if old else ZERO
    if total < applied:
        raise problems.business("The total is less than what has been paid already.", "Line")
    body.update(TotalAmt=total, Balance=total - applied)


def _sum(lines: list[Json], kind: str) -> Decimal:
    return sum((line["Amount"] for line in lines if line["DetailType"] == kind), ZERO)


def _discount_of(lines: list[Json], base: Decimal) -> Decimal:
    for line in lines:
        detail = line.get("DiscountLineDetail", {})
        if line["DetailType"] == "DiscountLineDetail" and detail.get("PercentBased"):
            line["Amount"] = cents(base * detail.get("DiscountPercent", ZERO) / 100)
    return _sum(lines, "DiscountLineDetail")


def _net(body: Json, lines: list[Json], discount: Decimal, base: Decimal) -> list[tuple[str, Decimal]]:
    """Tax code and taxable amount of each line; the discount lowers all of them in proportion."""
    factor = (base - discount) / base if base else Decimal(1)
    untaxed = body.get("GlobalTaxCalculation") == "NotApplicable"
    return [
        (line["SalesItemLineDetail"].get("TaxCodeRef", {}).get("value", ""), line["Amount"] * factor)
        for line in lines
        if line["DetailType"] == "SalesItemLineDetail" and not untaxed
    ]


def _subtotal(lines: list[Json]) -> Json:
    amount = _sum(lines, "SalesItemLineDetail")
    return {"Amount": amount, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}


def _defaults(company: Company, entity: str, body: Json, customer: Json) -> None:
    for source, name in (("PrimaryEmailAddr", "BillEmail"), ("BillAddr", "BillAddr"), ("ShipAddr", "ShipAddr")):
        if source in customer and (name != "BillEmail" or company.switches.fill_bill_email):
            body.setdefault(name, customer[source])
    if entity == "Invoice":
        if "SalesTermRef" in customer:
            body.setdefault("SalesTermRef", customer["SalesTermRef"])
        references.settle(company, body, SalesTermRef="Term")
        term = body.get("SalesTermRef", {"value": company.switches.default_terms})
        body.setdefault("DueDate", terms.due_date(company.find("Term", term["value"]), body["TxnDate"]))
    else:
        body["RemainingCredit"] = body["Balance"]
    body.setdefault("LinkedTxn", [])
    body.setdefault("ApplyTaxAfterDiscount", False)
    body.setdefault("PrintStatus", "NeedToPrint")
    body.setdefault("EmailStatus", "NotSet")
    if body["EmailStatus"] == "NeedToSend" and not body.get("BillEmail", {}).get("Address"):
        raise problems.business("An e-mail address is needed to send this form.", "BillEmail", 6420)
