"""Set-up tables, companies, catalog and system: what an accounting package reads once and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify

from sandbox.connectwise import fields
from sandbox.connectwise.accounting import the_site
from sandbox.connectwise.errors import not_found
from sandbox.connectwise.listing import count_of, one, page_of
from sandbox.connectwise.package import PACKAGE, package_setup
from sandbox.connectwise.present import STATUSES, company_row, location_ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.connectwise.model import Product, TaxCode, TaxLevel
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

tables = Blueprint("tables", __name__)

NUMBERS = ("One", "Two", "Three", "Four", "Five", "Six")
MAPPED_TYPES: list[Row] = [
    {
        "id": 1,
        "name": "Accounts Receivable",
        "table": "Company",
        "recIdField": "Company_RecID",
        "glType": "AR",
        "sortOrder": 1,
    },
    {
        "id": 2,
        "name": "Service Revenue",
        "table": "Work_Type",
        "recIdField": "Work_Type_RecID",
        "glType": "R",
        "sortOrder": 2,
    },
    {
        "id": 3,
        "name": "Agreement Revenue",
        "table": "AGR_Type",
        "recIdField": "AGR_Type_RecID",
        "glType": "RA",
        "sortOrder": 3,
    },
    {
        "id": 4,
        "name": "Expense Revenue",
        "table": "Expense_Type",
        "recIdField": "Expense_Type_RecID",
        "glType": "RE",
        "sortOrder": 4,
    },
    {
        "id": 5,
        "name": "Product Revenue",
        "table": "IV_SubCategory",
        "recIdField": "IV_SubCategory_RecID",
        "glType": "RP",
        "sortOrder": 5,
    },
    {
        "id": 6,
        "name": "Deferred Revenue",
        "table": "Company",
        "recIdField": "Company_RecID",
        "glType": "RD",
        "sortOrder": 6,
    },
    {"id": 7, "name": "Sales Tax", "table": "Tax_Code", "recIdField": "Tax_Code_RecID", "glType": "ST", "sortOrder": 7},
]
ACCOUNTS = (
    ("AR", "1100"),
    ("R", "4010"),
    ("RA", "4000"),
    ("RE", "4500"),
    ("RP", "4100"),
    ("RP", "4200"),
    ("RP", "4300"),
)
MORE_ACCOUNTS = (("R", "4400"), ("RP", "4600"), ("RD", "2300"), ("ST", "2200"))


def _accounts() -> list[Row]:
    by_type = {each["glType"]: each for each in MAPPED_TYPES}
    return [
        {
            "id": index + 1,
            "glType": kind,
            "mappedType": {"id": by_type[kind]["id"], "name": by_type[kind]["name"]},
            "segment1": account,
        }
        for index, (kind, account) in enumerate((*ACCOUNTS, *MORE_ACCOUNTS))
    ]


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


def _catalog_item(site: Site, product: Product) -> Row:
    kind = site.product_types[product.type_id]
    return {
        "id": product.id,
        "identifier": product.identifier,
        "description": product.description,
        "inactiveFlag": False,
        "subcategory": {"id": 3, "name": "General"},
        "type": {"id": kind.id, "name": kind.name},
        "productClass": "NonInventory" if kind.type_xref == "NonInventoryPart" else "Service",
        "serializedFlag": False,
        "price": product.price,
        "cost": product.cost,
        "taxableFlag": product.taxable,
        "customerDescription": product.description,
        "category": {"id": 2, "name": "General"},
    }


def _types(site: Site) -> list[Row]:
    kinds = site.product_types.values()
    return [
        {
            "id": each.id,
            "name": each.name,
            "inactiveFlag": False,
            "typeXref": each.type_xref,
            "defaultFlag": each.id == 1,
        }
        for each in kinds
    ]


CAPTIONS: list[Row] = [{"id": 1, "segment1": "Account", "segment1type": "Account"}]

TABLES: dict[str, tuple[Callable[[Site], list[Row]], frozenset[str]]] = {
    "finance/accountingPackages": (lambda _: [PACKAGE], fields.PACKAGE),
    "finance/accountingPackageSetup": (lambda site: [package_setup(site)], fields.PACKAGE_SETUP),
    "finance/glAccounts": (lambda _: _accounts(), fields.GL_ACCOUNT),
    "finance/glAccounts/mappedTypes": (lambda _: MAPPED_TYPES, fields.MAPPED_TYPE),
    "finance/glCaptions": (lambda _: CAPTIONS, fields.GL_CAPTION),
    "finance/billingTerms": (_terms, fields.BILLING_TERM),
    "finance/billingStatuses": (lambda _: STATUSES, fields.BILLING_STATUS),
    "finance/taxCodes": (lambda site: [_tax_code(each) for each in site.tax_codes.values()], fields.TAX_CODE),
    "company/companies": (_companies, fields.COMPANY),
    "system/locations": (_locations, fields.LOCATION),
    "procurement/catalog": (
        lambda site: [_catalog_item(site, each) for each in site.products.values()],
        fields.CATALOG_ITEM,
    ),
    "procurement/types": (_types, fields.PRODUCT_TYPE),
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
