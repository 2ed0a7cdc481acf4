"""What every transaction has at its head: date, currency, location, class; and the custom fields of sales forms."""

from __future__ import annotations

from decimal import Decimal

from sandbox.quickbooks_online import problems, references
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.problems import Json


def settle(company: Company, body: Json, party: Json | None) -> None:
    """Complete and check the head of a transaction.

    Raises:
        Refusal: 2020, 2500, 610, 6000 currency, 6210 closed books.
    """
    body.setdefault("TxnDate", company.today())
    open_books(company, body["TxnDate"])
    _currency(company, body, party)
    _dimensions(company, body)
    body.pop("CustomField", None)


def open_books(company: Company, txn_date: str) -> None:
    """Refuse (6210) a date in the closed period."""
    closed = company.switches.book_close_date
    if closed and txn_date <= closed:
        detail = "The account period has closed and the account books cannot be updated through the QBO Services API."
        raise problems.Refusal(6210, "Account Period Closed, Cannot Update Through Services API", detail, "TxnDate")


def _currency(company: Company, body: Json, party: Json | None) -> None:
    home = company.switches.home_currency
    due = party["CurrencyRef"]["value"] if party and "CurrencyRef" in party else home
    if not company.switches.multi_currency:
        due = home
    elif "CurrencyRef" not in body:
        raise problems.missing("CurrencyRef")
    if body.setdefault("CurrencyRef", {"value": due}).get("value") != due:
        raise problems.business(
            "The currency of the transaction is invalid for customer / vendor / account.", "CurrencyRef"
        )
    body["CurrencyRef"] = {"value": due}
    if company.switches.multi_currency:
        body.setdefault("ExchangeRate", Decimal(1))
    else:
        body.pop("ExchangeRate", None)


def _dimensions(company: Company, body: Json) -> None:
    if not company.switches.track_departments:
        body.pop("DepartmentRef", None)
    if company.switches.track_classes != "transaction":
        body.pop("ClassRef", None)
    references.settle(company, body, DepartmentRef="Department", ClassRef="Class")


def line_class(company: Company, detail: Json) -> None:
    """Keep a line's class where the company tracks classes by line, drop it elsewhere."""
    if company.switches.track_classes != "line":
        detail.pop("ClassRef", None)
    references.settle(company, detail, ClassRef="Class")


def custom_fields(company: Company, body: Json) -> None:
    """Check the custom fields of a sales form (3000) and show every one that is defined."""
    defined = company.switches.custom_fields
    sent = {field.get("DefinitionId"): field for field in body.pop("CustomField", [])}
    for definition in sent:
        if definition not in defined:
            raise problems.Refusal(3000, "Invalid custom field", f"DefinitionId {definition} is unknown", "CustomField")
    fields = [
        {"DefinitionId": number, "Name": name, "Type": "StringType"}
        | {key: value for key, value in sent.get(number, {}).items() if key == "StringValue"}
        for number, name in defined.items()
    ]
    if fields:
        body["CustomField"] = fields
