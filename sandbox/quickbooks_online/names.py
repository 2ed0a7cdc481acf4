"""Customers, vendors, items, accounts and the small lists: names that are unique, parents, activity."""

from __future__ import annotations

from decimal import Decimal

from sandbox.quickbooks_online import problems, references
from sandbox.quickbooks_online.company import PEOPLE, Company
from sandbox.quickbooks_online.problems import Json
from sandbox.quickbooks_online.shape import required

_FORBIDDEN = ":\t\n\r"
_CLASSIFICATION = {
    "Bank": "Asset",
    "Accounts Receivable": "Asset",
    "Other Current Asset": "Asset",
    "Fixed Asset": "Asset",
    "Other Asset": "Asset",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Other Current Liability": "Liability",
    "Long Term Liability": "Liability",
    "Equity": "Equity",
    "Income": "Revenue",
    "Other Income": "Revenue",
    "Expense": "Expense",
    "Other Expense": "Expense",
    "Cost of Goods Sold": "Expense",
}


def completed(company: Company, entity: str, body: Json, old: Json | None) -> Json:
    """A list object as the vendor keeps it: checked, derived fields filled in.

    Raises:
        Refusal: 2020, 2040, 2500, 610, 6010, 6220, 6240, 6430.
    """
    key = "DisplayName" if entity in PEOPLE or entity == "TaxAgency" else "Name"
    if entity in PEOPLE:
        _display_name(body)
    required(body, key)
    _check_name(entity, key, body[key])
    body.setdefault("Active", True)
    if old is not None and old.get("Active", True) and not body["Active"]:
        _inactivate(company, entity, key, body)
    _unique(company, entity, body[key], body["Id"])
    _parents(company, entity, key, body)
    _COMPLETE.get(entity, _nothing_more)(company, body)
    return body


def _display_name(body: Json) -> None:
    parts = [body.get(part, "") for part in ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")]
    spoken = " ".join(part for part in parts if part)
    if not body.get("DisplayName") and not spoken:
        raise problems.Refusal(6080, "Name required", "At least one name or DisplayName must be given", "DisplayName")
    body["DisplayName"] = (body.get("DisplayName") or spoken).strip()
    body.setdefault("PrintOnCheckName", body["DisplayName"][:110])


def _check_name(entity: str, key: str, name: str) -> None:
    forbidden = _FORBIDDEN + ('"' if entity == "Account" else "")
    if any(character in name for character in forbidden):
        raise problems.bad_characters(key, name)


def _inactivate(company: Company, entity: str, key: str, body: Json) -> None:
    if entity in PEOPLE and company.balances[body["Id"]] != 0:
        raise problems.business("This record has an open balance and can't be made inactive.", "Active", 6220)
    if not body[key].endswith(" (deleted)"):
        body[key] += " (deleted)"


def _unique(company: Company, entity: str, name: str, id_: str) -> None:
    holder = company.name_holder(entity, name)
    if holder is not None and holder != (entity, id_):
        raise problems.name_taken(holder[1])


def _parents(company: Company, entity: str, key: str, body: Json) -> None:
    name = body[key]
    if "ParentRef" in body:
        parent = references.target(company, entity, body["ParentRef"], "ParentRef")
        body["ParentRef"] = {"value": parent["Id"]}
        name = f"{parent.get('FullyQualifiedName', parent.get(key))}:{name}"
        if name.count(":") > 4:
            raise problems.business("You have exceeded the maximum of 5 levels.", "ParentRef", 6180)
    if entity not in {"Term", "PaymentMethod", "TaxAgency", "Vendor", "Employee"}:
        body["FullyQualifiedName"] = name


def _currency(company: Company, body: Json) -> None:
    body.setdefault("CurrencyRef", {"value": company.switches.home_currency})


def _customer(company: Company, body: Json) -> None:
    body.setdefault("Taxable", True)
    body.setdefault("Job", "ParentRef" in body)
    body.setdefault("BillWithParent", False)
    body.setdefault("PreferredDeliveryMethod", "Print")
    references.settle(company, body, SalesTermRef="Term", PaymentMethodRef="PaymentMethod", DefaultTaxCodeRef="TaxCode")
    _currency(company, body)


def _vendor(company: Company, body: Json) -> None:
    body.setdefault("Vendor1099", False)
    references.settle(company, body, TermRef="Term", APAccountRef="Account")
    _currency(company, body)


def _item(company: Company, body: Json) -> None:
    kind = body.setdefault("Type", "Service")
    if kind not in {"Inventory", "NonInventory", "Service", "Category"}:
        raise problems.bad_value(2170, "Type", kind)
    if kind == "Inventory":
        required(body, "InvStartDate", "AssetAccountRef", "ExpenseAccountRef", "IncomeAccountRef")
        if "QtyOnHand" not in body:
            raise problems.missing("QtyOnHand")
        body["TrackQtyOnHand"] = True
    enough = {"IncomeAccountRef", "ExpenseAccountRef"}
    if kind == "Service" and company.switches.service_items == "income_account":
        enough = {"IncomeAccountRef"}
    if kind in {"Service", "NonInventory"} and not (enough & body.keys()):
        raise problems.missing("IncomeAccountRef")
    _item_accounts(company, body)
    references.settle(company, body, PrefVendorRef="Vendor", ClassRef="Class")
    body.setdefault("Taxable", False)
    body.setdefault("UnitPrice", Decimal(0))
    body.setdefault("TrackQtyOnHand", False)


_ACCOUNT_TYPES = {
    "IncomeAccountRef": {"Income", "Other Income"},
    "ExpenseAccountRef": {"Cost of Goods Sold", "Expense", "Other Expense"},
    "AssetAccountRef": {"Other Current Asset"},
}


def _item_accounts(company: Company, body: Json) -> None:
    for name, allowed in _ACCOUNT_TYPES.items():
        if name not in body:
            continue
        account = references.target(company, "Account", body[name], name)
        if account["AccountType"] not in allowed and body["Type"] == "Inventory":
            raise problems.business(f"{account['Name']} is not an account of the right type.", name, 6430)
        body[name] = references.to("Account", account)


def _account(company: Company, body: Json) -> None:
    if "AccountType" not in body:
        raise problems.Refusal(6010, "Account type missing", "AccountType or AccountSubType is needed", "AccountType")
    if body["AccountType"] not in _CLASSIFICATION:
        raise problems.bad_value(2170, "AccountType", body["AccountType"])
    if len(body.get("AcctNum", "")) > 7:
        raise problems.too_long("AcctNum", 7, len(body["AcctNum"]))
    if ":" in body.get("AcctNum", ""):
        raise problems.bad_characters("AcctNum", body["AcctNum"])
    body["SubAccount"] = "ParentRef" in body
    body["Classification"] = _CLASSIFICATION[body["AccountType"]]
    body.setdefault("CurrentBalance", Decimal(0))
    _currency(company, body)


def _term(_company: Company, body: Json) -> None:
    body["Type"] = "DATE_DRIVEN" if "DayOfMonthDue" in body else "STANDARD"
    if not {"DueDays", "DayOfMonthDue"} & body.keys():
        raise problems.missing("DueDays")


def _nothing_more(_company: Company, _body: Json) -> None:
    """The small lists have nothing to complete."""


_COMPLETE = {"Customer": _customer, "Vendor": _vendor, "Item": _item, "Account": _account, "Term": _term}
