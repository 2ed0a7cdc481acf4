"""Set-up tables, companies, catalog and system: what an accounting package reads once and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify

from sandbox.connectwise import expense_tables, fields, procurement_tables, work_tables
from sandbox.connectwise.accounting import the_site
from sandbox.connectwise.currencies import CURRENCIES
from sandbox.connectwise.errors import not_found
from sandbox.connectwise.gl_accounts import MAPPED_TYPES, gl_accounts
from sandbox.connectwise.listing import count_of, one, page_of
from sandbox.connectwise.package import PACKAGE, package_setup
from sandbox.connectwise.present import STATUSES, company_row, contact_row, location_ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.connectwise.model import TaxCode, TaxLevel
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

tables = Blueprint("tables", __name__)

NUMBERS = ("One", "Two", "Three", "Four", "Five", "Six")


def _locations(site: Site) -> list[Row]:
    rows: list[Row] = [
        {
            "id": 1,
            "ownerLevelId": 1,
            "structureLevel": {"id": 1, "name": "Corporate"},
            "name": site.name,
            "locationFlag": False,
        }
    ]
    for each in site.locations.values():
        level = {"id": 2, "name": "Location"}
        rows.append({**location_ref(each), "ownerLevelId": each.id, "structureLevel": level, "locationFlag": True})
    return rows


def _companies(site: Site) -> list[Row]:
    everybody = [*site.companies.values(), *site.vendors.values()]
    return [company_row(site, each) for each in everybody]


def _contacts(site: Site) -> list[Row]:
    return [contact_row(each) for each in [*site.companies.values(), *site.vendors.values()]]


def _terms(site: Site) -> list[Row]:
    terms = site.terms.values()
    return [
        {
            "id": each.id,
            "name": each.name,
            "defaultFlag": each.due_days == 30,
            "dueDays": each.due_days,
            "termsXref": each.name,
        }
        for each in terms
    ]


def _tax_code(code: TaxCode) -> Row:
    row: Row = {
        "id": code.id,
        "identifier": code.identifier,
        "description": code.description,
        "invoiceCaption": "Sales Tax",
        "defaultFlag": False,
        "taxCodeXref": code.levels[0].xref,
        "agencyXref": code.levels[0].agency,
    }
    for each in code.levels:
        row[f"level{NUMBERS[each.level - 1]}Rate"] = each.rate
        row[f"level{NUMBERS[each.level - 1]}RateType"] = "Percent"
    return row


def _tax_level(code: TaxCode, level: TaxLevel) -> Row:
    return {
        "id": code.id * 10 + level.level,
        "taxLevel": level.level,
        "taxRate": level.rate,
        "rateType": "Percent",
        "caption": level.caption,
        "taxCodeXref": level.xref,
        "agencyXref": level.agency,
        "taxServicesFlag": True,
        "taxExpensesFlag": True,
        "taxProductsFlag": True,
    }


CAPTIONS: list[Row] = [{"id": 1, "segment1": "Account", "segment1type": "Account"}]

TABLES: dict[str, tuple[Callable[[Site], list[Row]], frozenset[str]]] = {
    "finance/accountingPackages": (lambda _: [PACKAGE], fields.PACKAGE),
    "finance/accountingPackageSetup": (lambda site: [package_setup(site)], fields.PACKAGE_SETUP),
    "finance/glAccounts": (gl_accounts, fields.GL_ACCOUNT),
    "finance/glAccounts/mappedTypes": (lambda _: MAPPED_TYPES, fields.MAPPED_TYPE),
    "finance/glCaptions": (lambda _: CAPTIONS, fields.GL_CAPTION),
    "finance/billingTerms": (_terms, fields.BILLING_TERM),
    "finance/billingStatuses": (lambda _: STATUSES, fields.BILLING_STATUS),
    "finance/taxCodes": (lambda site: [_tax_code(each) for each in site.tax_codes.values()], fields.TAX_CODE),
    "company/companies": (_companies, fields.COMPANY),
    "company/contacts": (_contacts, fields.CONTACT),
    "system/locations": (_locations, fields.LOCATION),
    "finance/agreements": (work_tables.agreement_rows, fields.AGREEMENT),
    "finance/currencies": (lambda _: list(CURRENCIES.values()), fields.CURRENCY),
    "system/members": (work_tables.member_rows, fields.MEMBER),
    "time/entries": (work_tables.time_rows, fields.TIME_ENTRY),
    "time/workRoles": (work_tables.role_rows, fields.WORK_ROLE),
    "time/workTypes": (work_tables.work_type_rows, fields.WORK_TYPE),
    "expense/reports": (expense_tables.report_rows, fields.EXPENSE_REPORT),
    "expense/entries": (expense_tables.entry_rows, fields.EXPENSE_ENTRY),
    "expense/types": (expense_tables.type_rows, fields.EXPENSE_TYPE),
    "expense/paymentTypes": (expense_tables.payment_rows, fields.PAYMENT_TYPE),
    "expense/classifications": (expense_tables.classification_rows, fields.CLASSIFICATION),
    "procurement/catalog": (procurement_tables.catalog_rows, fields.CATALOG_ITEM),
    "procurement/types": (procurement_tables.type_rows, fields.PRODUCT_TYPE),
    "procurement/purchaseorders": (procurement_tables.order_rows, fields.PURCHASE_ORDER),
    "procurement/adjustments": (procurement_tables.adjustment_rows, fields.ADJUSTMENT),
    "procurement/adjustments/types": (procurement_tables.adjustment_type_rows, fields.ADJUSTMENT_TYPE),
    "procurement/warehouses": (procurement_tables.warehouse_rows, fields.WAREHOUSE),
}


def _rows(name: str) -> tuple[list[Row], frozenset[str]]:
    site = the_site()
    make, known = TABLES[name]
    with site.lock:
        return make(site), known


def _table(name: str) -> Response:
    return page_of(*_rows(name))


def _count(name: str) -> Response:
    return count_of(*_rows(name))


def _one(name: str, record_id: int) -> Response:
    rows, known = _rows(name)
    found = next((each for each in rows if each["id"] == record_id), None)
    if found is None:
        raise not_found(name.rsplit("/", 1)[-1], record_id)
    return one(found, known)


for _name in TABLES:
    _fixed = {"name": _name}
    tables.add_url_rule(f"/{_name}", "table", _table, defaults=_fixed)
    tables.add_url_rule(f"/{_name}/count", "count", _count, defaults=_fixed)
    tables.add_url_rule(f"/{_name}/<int:record_id>", "one", _one, defaults=_fixed)


@tables.get("/procurement/purchaseorders/<int:order_id>/lineitems")
def order_lines(order_id: int) -> Response:
    """The lines of a purchase order, with what has come of each."""
    return page_of(_lines_of(order_id), fields.ORDER_LINE)


@tables.get("/procurement/purchaseorders/<int:order_id>/lineitems/count")
def count_order_lines(order_id: int) -> Response:
    """How many there are."""
    return count_of(_lines_of(order_id), fields.ORDER_LINE)


def _lines_of(order_id: int) -> list[Row]:
    site = the_site()
    with site.lock:
        order = site.orders.get(order_id)
        if order is None or not site.sees(order.location_id):
            raise not_found("PurchaseOrder", order_id)
        return procurement_tables.line_rows(site, order)


@tables.get("/procurement/adjustments/<int:adjustment_id>/details")
def adjustment_details(adjustment_id: int) -> Response:
    """The lines of an adjustment."""
    rows, _ = _rows("procurement/adjustments")
    found = next((each for each in rows if each["id"] == adjustment_id), None)
    if found is None:
        raise not_found("ProcurementAdjustment", adjustment_id)
    return page_of(found["adjustmentDetails"], fields.ADJUSTMENT_DETAIL)


@tables.get("/finance/agreements/<int:agreement_id>/additions")
def additions(agreement_id: int) -> Response:
    """What is billed beside an agreement's own amount."""
    rows, _ = _rows("finance/agreements")
    if all(each["id"] != agreement_id for each in rows):
        raise not_found("Agreement", agreement_id)
    return page_of(work_tables.addition_rows(agreement_id), fields.ADDITION)


@tables.get("/finance/taxCodes/<int:code_id>/taxCodeLevels")
def tax_code_levels(code_id: int) -> Response:
    """The levels of a tax code, with their rates."""
    code = the_site().tax_codes.get(code_id)
    if code is None:
        raise not_found("TaxCode", code_id)
    return page_of([_tax_level(code, each) for each in code.levels], fields.TAX_CODE_LEVEL)


@tables.get("/system/info")
def system_info() -> Response:
    """Version and licences; GLInterface says that the accounting interface is licensed."""
    bits = [
        {"name": name, "activeFlag": name != "SpamStats"}
        for name in ("EmailConnector", "GLInterface", "Agreement", "SpamStats")
    ]
    info = {
        "version": f"{the_site().codebase.rstrip('/').replace('_', '.')}.10333",
        "isCloud": False,
        "serverTimeZone": "Pacific Standard Time",
        "licenseBits": bits,
        "cloudRegion": "NA",
        "maxWorkFlowRecordsAllowed": 1000,
    }
    return jsonify(info)
