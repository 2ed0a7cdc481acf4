"""Purchases in the export: one document for each purchase order and packing slip.

Signs are those of invoices: the header is positive, goods, freight and taxes are negative, and together they are zero.
Dates of lines are written as Americans write them, those of headers as everywhere else.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCIES
from sandbox.connectwise.model import LEVEL_NAMES, Company, Product, cents
from sandbox.connectwise.present import code_ref, company_ref, midnight, site_ref, term_ref, without_null

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.connectwise.model import LevelTax
    from sandbox.connectwise.purchases import PurchaseOrder, Receipt, ReceivedLine
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

PAYABLE, TAX_ACCOUNT = "2000", "2200"
VENDOR_TYPE: Row = {"id": 5, "name": "Vendor"}
SCHEDULES: Row = {"uomScheduleXref": "DEFAULT", "priceLevelXref": "DEFAULT", "locationXref": "DEFAULT"}


def american(day: date) -> str:
    """A moment of this day as purchase lines write it."""
    return f"{day.month}/{day.day}/{day.year} 5:21:58 AM"


def vendors_of(receipts: Iterable[Receipt]) -> list[Row]:
    """GLExportVendor rows of the vendors."""
    found = {each.order.vendor.id: each.order for each in receipts}
    return [_vendor(each) for each in found.values()]


def _vendor(order: PurchaseOrder) -> Row:
    vendor = order.vendor
    row = {
        "vendor": _short(vendor),
        "vendorNumber": vendor.vendor_number,
        "company": _short(vendor),
        "contact": _contact(vendor),
        "accountNumber": vendor.account_number,
        "billingTerms": term_ref(order.term),
        "dueDays": order.term.due_days,
        "site": site_ref(vendor),
        "taxCode": code_ref(order.tax_code),
    }
    return without_null(row)


def _short(company: Company) -> Row:
    return {"id": company.id, "identifier": company.identifier}


def _contact(company: Company) -> Row:
    return {"id": company.id + 4000, "name": company.contact}


def location_class(site: Site, location_id: int) -> str:
    """The class segment of an account, where the site has one."""
    return site.locations[location_id].name if site.switches.gl_classes else ""


def purchase(site: Site, receipt: Receipt) -> Row:
    """GLExportPurchaseTransaction."""
    row = {
        **_header(site, receipt),
        **_header_taxes(receipt),
        **_ship_to(receipt.order),
        "purchaseDetail": _details(site, receipt),
        "purchaseDetailTax": [_tax(site, receipt, index, each) for index, each in enumerate(receipt.taxes)],
    }
    return without_null(row)


def _header(site: Site, receipt: Receipt) -> Row:
    order = receipt.order
    blank = receipt.date if site.switches.blank_invoice_date == "receipt" else None
    invoiced = order.vendor_invoice_date or blank
    return {
        "id": f"PO #{order.number}, Packing Slip: {receipt.packing_slip}",
        "documentDate": midnight(receipt.date),
        "documentNumber": order.number,
        "description": "Purchase",
        "memo": "",
        "apAccountNumber": PAYABLE,
        "purchaseDate": midnight(order.date),
        "company": company_ref(order.vendor),
        "companyType": VENDOR_TYPE,
        "contact": _contact(order.vendor),
        "site": site_ref(order.vendor),
        "purchaseClass": location_class(site, receipt.location_id),
        "freightAmount": receipt.freight,
        "freightPackingSlip": order.freight_slip or receipt.packing_slip,
        "packingSlip": receipt.packing_slip,
        "dropshipFlag": order.drop_ship,
        "currency": CURRENCIES[order.currency],
        "total": receipt.total,
        "billingTerms": term_ref(order.term),
        "billingTermsXref": order.term.name,
        "dueDays": order.term.due_days,
        "vendorNumber": order.vendor.vendor_number,
        "vendorAccountNumber": order.vendor.account_number,
        "vendorInvoiceDate": midnight(invoiced) if invoiced else None,
        "vendorInvoiceNumber": order.vendor_invoice,
    }


def _header_taxes(receipt: Receipt) -> Row:
    code = receipt.order.tax_code
    levels = {each.level: each for each in code.levels} if code else {}
    return {
        "taxAgencyXref": code.levels[0].agency if code else "",
        **{f"{LEVEL_NAMES[n]}TaxXref": levels[n].xref if n in levels else "" for n in (1, 2, 3)},
        "taxCode": code_ref(code),
        "taxGroupRate": code.percent / 100 if code else 0.0,
        "useAvalaraTaxFlag": False,
        "purchaseHeaderTaxGroup": code.identifier if code else "",
        "purchaseHeaderTaxableFlag": code is not None,
        "purchaseHeaderFreightTaxableFlag": receipt.tax_freight,
        "taxLevels": [{"taxCodeXref": each.xref, "taxLevel": each.level} for each in levels.values()],
    }


def _ship_to(order: PurchaseOrder) -> Row:
    customer = order.customer
    if customer is None:
        return {"shipToCompanyAccountNumber": "", "shipToTaxGroup": ""}
    return {
        "shipToCompany": company_ref(customer),
        "shipToCompanyAccountNumber": customer.account_number,
        "shipToCompanyType": {"id": 1, "name": "Client"},
        "shipToContact": _contact(customer),
        "shipToSite": site_ref(customer),
        "shipToTaxGroup": "",
    }


def _details(site: Site, receipt: Receipt) -> list[Row]:
    rows = [_line(site, receipt, *pair) for pair in zip(receipt.records, receipt.lines, strict=True)]
    bare = not receipt.freight_account and site.switches.unmapped_freight == "absent"
    return rows if receipt.freight_record is None or bare else [*rows, _freight(site, receipt)]


def item_fields(site: Site, product: Product) -> Row:
    """What an item is and which accounts it has, as purchases, adjustments and transfers tell it."""
    return {
        "glItemId": product.identifier,
        "item": {"id": product.id, "identifier": product.identifier, "serializedFlag": product.serialized},
        "itemDescription": product.description,
        "salesDescription": product.description,
        "itemPrice": cents(product.price),
        "itemCost": product.cost,
        "unitOfMeasure": {"id": 1, "name": product.unit},
        "subCategory": {"id": 3, "name": product.category},
        "serializedFlag": product.serialized,
        "itemTypeXref": site.product_types[product.type_id].type_xref,
        "inventoryXref": product.inventory_account,
        "cogsXref": product.cogs_account,
        "costAccountNumber": product.cogs_account,
        "inventoryAccountNumber": product.inventory_account,
        **SCHEDULES,
    }


def _vendor_keys(order: PurchaseOrder) -> Row:
    return {"vendorNumber": order.vendor.vendor_number, "vendorAccountNumber": order.vendor.account_number}


def _line(site: Site, receipt: Receipt, record: int, received: ReceivedLine) -> Row:
    line, order = received.line, receipt.order
    return {
        "id": record,
        "documentDate": american(receipt.date),
        "glClass": location_class(site, receipt.location_id),
        "glTypeId": "RP",
        "salesCode": "",
        "description": "Purchase",
        "cost": received.amount,
        "memo": line.product.description,
        "taxNote": "",
        **_vendor_keys(order),
        "accountNumber": line.product.inventory_account or line.product.cogs_account or line.product.account,
        **item_fields(site, line.product),
        "itemCost": line.cost,
        "taxable": line.taxable,
        "quantity": -received.quantity,
        "total": -received.amount,
        "currency": CURRENCIES[order.currency],
        "serialNumbers": received.serials,
        "dropShippedFlag": order.drop_ship,
        "lineNumber": line.number,
        "warehouseBin": order.warehouse.bin,
        "warehouseSite": {"id": order.warehouse.id, "name": order.warehouse.name},
        **_line_tax(order, taxable=line.taxable),
    }


def _line_tax(order: PurchaseOrder, *, taxable: bool) -> Row:
    code = order.tax_code if taxable else None
    row = {
        "purchaseHeaderTaxGroup": order.tax_code.identifier if order.tax_code else "",
        "taxCode": code_ref(code),
        "taxCodeXref": code.levels[0].xref if code else "",
        "taxRate": code.percent / 100 if code else 0.0,
        "taxAgencyXref": code.levels[0].agency if code else "",
    }
    return without_null(row)


def _freight(site: Site, receipt: Receipt) -> Row:
    """A PF line among the goods; without an account where *Purchase Order Freight* is not mapped."""
    row = {
        "id": receipt.freight_record,
        "documentDate": american(receipt.date),
        "glClass": location_class(site, receipt.location_id),
        "glTypeId": "PF",
        "glItemId": "",
        "salesCode": "",
        "description": "Purchase Order Freight" if receipt.freight_account else "",
        "cost": receipt.freight,
        "memo": "Freight",
        "taxNote": "",
        **_vendor_keys(receipt.order),
        "accountNumber": receipt.freight_account or None,
        "itemDescription": "Freight",
        "taxable": receipt.tax_freight,
        "quantity": -1.0,
        "total": -receipt.freight,
        "currency": CURRENCIES[receipt.order.currency],
        "lineNumber": 0,
        **_line_tax(receipt.order, taxable=receipt.tax_freight),
    }
    return without_null(row)


def _tax(site: Site, receipt: Receipt, index: int, tax: LevelTax) -> Row:
    """A PT line of `purchaseDetailTax`: the rate is a fraction and a percentage once more."""
    return {
        "id": receipt.tax_records[index],
        "documentDate": american(receipt.date),
        "accountNumber": TAX_ACCOUNT,
        "glClass": location_class(site, receipt.location_id),
        "cost": Decimal(0),
        "salesCode": "",
        "glTypeId": "PT",
        "glItemId": "",
        "memo": "Sales Tax",
        **_vendor_keys(receipt.order),
        "taxableFlag": False,
        "itemDescription": f"Level {tax.level.level} Purchase Tax",
        "quantity": 0.0,
        "total": -tax.amount,
        "currency": CURRENCIES[receipt.order.currency],
        "taxRate": tax.level.rate / 100,
        "taxRatePercent": tax.level.rate,
        "taxAgencyXref": tax.level.agency,
        "taxNote": "AUTOSTAX",
        "purchaseHeaderTaxGroup": receipt.order.tax_code.identifier if receipt.order.tax_code else "",
    }
