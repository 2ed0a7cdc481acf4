"""What a new company of the demo starts with: chart of accounts, tax codes, terms, departments, classes, one item."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sandbox.quickbooks_online import documents
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.problems import Json
from sandbox.quickbooks_online.switches import Switches

BANK, RECEIVABLE, OTHER_ASSET, FIXED = "Bank", "Accounts Receivable", "Other Current Asset", "Fixed Asset"
PAYABLE, CARD, OTHER_LIABILITY, LONG_TERM = (
    "Accounts Payable",
    "Credit Card",
    "Other Current Liability",
    "Long Term Liability",
)
EQUITY, INCOME, COGS, EXPENSE = "Equity", "Income", "Cost of Goods Sold", "Expense"
OTHER_INCOME, OTHER_EXPENSE = "Other Income", "Other Expense"

# id, number, name, type; the ids of a grown file are in no order.
ACCOUNTS = [
    ("35", "1000", "Checking", BANK),
    ("36", "1010", "Savings", BANK),
    ("4", "1050", "Undeposited Funds", OTHER_ASSET),
    ("45", "1100", "Accounts Receivable (A/R)", RECEIVABLE),
    ("81", "1300", "Inventory asset", OTHER_ASSET),
    ("40", "1400", "Prepaid expenses", OTHER_ASSET),
    ("41", "1410", "Deferred cloud costs", OTHER_ASSET),
    ("37", "1500", "Vehicles", FIXED),
    ("38", "1510", "Office equipment", FIXED),
    ("39", "1590", "Accumulated depreciation", FIXED),
    ("33", "2000", "Accounts Payable (A/P)", PAYABLE),
    ("42", "2100", "Company Visa", CARD),
    ("89", "2200", "Washington State DOR payable", OTHER_LIABILITY),
    ("92", "2210", "Idaho Tax Commission payable", OTHER_LIABILITY),
    ("93", "2250", "Payroll liabilities", OTHER_LIABILITY),
    ("87", "2300", "Customer deposits", OTHER_LIABILITY),
    ("94", "2310", "Deferred revenue", OTHER_LIABILITY),
    ("44", "2700", "Van loan", LONG_TERM),
    ("2", "3000", "Retained earnings", EQUITY),
    ("34", "3100", "Opening balance equity", EQUITY),
    ("95", "3200", "Member draws", EQUITY),
    ("80", "4000", "Managed services", INCOME),
    ("82", "4010", "Professional services", INCOME),
    ("79", "4100", "Hardware sales", INCOME),
    ("83", "4200", "Cloud & license resale", INCOME),
    ("84", "4300", "Backup & disaster recovery", INCOME),
    ("85", "4400", "Projects", INCOME),
    ("86", "4500", "Reimbursed expenses", INCOME),
    ("91", "4600", "Security services", INCOME),
    ("96", "4900", "Discounts given", INCOME),
    ("88", "5000", "Cost of goods sold", COGS),
    ("97", "5100", "Hardware purchases", COGS),
    ("98", "5200", "Cloud & license costs", COGS),
    ("99", "5300", "Subcontractors", COGS),
    ("100", "5900", "Inventory shrinkage", COGS),
    ("7", "6000", "Advertising", EXPENSE),
    ("8", "6050", "Vehicle expenses", EXPENSE),
    ("9", "6100", "Bank charges", EXPENSE),
    ("10", "6150", "Insurance", EXPENSE),
    ("11", "6200", "Meals & entertainment", EXPENSE),
    ("12", "6250", "Mileage reimbursed", EXPENSE),
    ("13", "6300", "Office supplies", EXPENSE),
    ("14", "6400", "Rent", EXPENSE),
    ("15", "6500", "Salaries & wages", EXPENSE),
    ("16", "6600", "Software & subscriptions", EXPENSE),
    ("17", "6700", "Telephone & internet", EXPENSE),
    ("18", "6800", "Travel", EXPENSE),
    ("25", "7000", "Interest earned", OTHER_INCOME),
    ("26", "8000", "Depreciation", OTHER_EXPENSE),
    ("31", "", "Uncategorized Expense", EXPENSE),
]
RATES = [
    ("5", "Washington state", "6.5", "1"),
    ("6", "Seattle", "3.75", "1"),
    ("7", "Idaho", "6.0", "2"),
    ("8", "Oregon", "0", "3"),
]
CODES = [("3", "Seattle, WA", ["5", "6"]), ("4", "Idaho", ["7"]), ("5", "Portland (no tax)", ["8"])]
AGENCIES = [("1", "Washington State Department of Revenue"), ("2", "Idaho State Tax Commission"), ("3", "Oregon")]
TERMS: list[Json] = [
    {"Id": "1", "Name": "Due on receipt", "DueDays": 0},
    {"Id": "2", "Name": "Net 15", "DueDays": 15},
    {"Id": "3", "Name": "Net 30", "DueDays": 30},
    {"Id": "4", "Name": "Net 45", "DueDays": 45},
    {"Id": "5", "Name": "Net 10 EOM", "DayOfMonthDue": 10, "DueNextMonthDays": 31},
]
DEPARTMENTS, CLASSES = ["Portland", "Tacoma", "Boise"], ["Recurring", "Projects", "Break-fix"]
UK_RATES = [("15", "20.0% S", "20"), ("16", "5.0% R", "5"), ("17", "Exempt", "0")]


def empty_company(realm: str = "9341450000000001", name: str = "Harbor Point IT LLC", **switches: object) -> Company:
    """A company with chart and lists, but without customers, items (but one) and transactions."""
    company = Company(realm, name, Switches())
    company.switches.update(switches)
    for id_, number, account, kind in ACCOUNTS:
        numbered = {"AcctNum": number} if number else {}
        place(company, "Account", {"Id": id_, "Name": account, "AccountType": kind, **numbered})
    _taxes(company)
    for term in TERMS:
        place(company, "Term", term)
    for entity, listed in (
        ("Department", DEPARTMENTS),
        ("Class", CLASSES),
        ("PaymentMethod", ["Cash", "Check", "Visa"]),
    ):
        for position, name_ in enumerate(listed, 1):
            place(company, entity, {"Id": str(position), "Name": name_})
    place(company, "Item", {"Id": "1", "Name": "Services", "Type": "Service", "IncomeAccountRef": {"value": "82"}})
    return company


def place(company: Company, entity: str, body: Json) -> Json:
    """Put an object into a new file under an id of our choice, completed as the service would."""
    id_ = body.get("Id") or company.new_id(entity)
    stamp = body.get("MetaData") or {"CreateTime": company.now(), "LastUpdatedTime": company.now()}
    placed = {**body, "Id": id_, "SyncToken": "0", "MetaData": stamp}
    if entity not in documents.READ_ONLY:
        placed = documents.complete(company, entity, placed)
    company.put(entity, placed)
    return placed


def _taxes(company: Company) -> None:
    for id_, name in AGENCIES:
        place(company, "TaxAgency", {"Id": id_, "DisplayName": name, "TaxTrackedOnSales": True})
    for id_, name, percent, agency in RATES:
        _rate(company, id_, name, percent, agency)
    if company.switches.tax_mode == "non_us":
        for id_, name, percent in UK_RATES:
            _rate(company, id_, name, percent, "1")
            _rate(company, f"1{id_}", f"{name} (Purchases)", percent, "1")
            _code(company, id_, name, [id_], [f"1{id_}"])
        return
    for id_, name, rates in CODES:
        _code(company, id_, name, rates)
    for pseudo in ("TAX", "NON"):
        place(
            company,
            "TaxCode",
            {"Id": pseudo, "Name": pseudo, "Active": True, "Taxable": pseudo == "TAX", "TaxGroup": False},
        )


def _rate(company: Company, id_: str, name: str, percent: str, agency: str) -> None:
    value = Decimal(percent)
    rate = {"Id": id_, "Name": name, "RateValue": value, "AgencyRef": {"value": agency}, "Active": True}
    place(company, "TaxRate", {**rate, "SpecialTaxType": "NONE" if value else "ZERO_RATE"})


def _code(company: Company, id_: str, name: str, rates: list[str], bought: Sequence[str] = ()) -> None:
    """A code with its rates; outside the US it has others for what is bought."""
    code = {
        "Id": id_,
        "Name": name,
        "Description": name,
        "Active": True,
        "Hidden": False,
        "Taxable": True,
        "TaxGroup": True,
    }
    place(
        company,
        "TaxCode",
        {**code, **_rate_list("SalesTaxRateList", rates), **_rate_list("PurchaseTaxRateList", bought)},
    )


def _rate_list(name: str, rates: Sequence[str]) -> Json:
    details = [
        {"TaxRateRef": {"value": rate}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": position}
        for position, rate in enumerate(rates)
    ]
    return {name: {"TaxRateDetail": details}} if details else {}
