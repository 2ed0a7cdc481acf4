"""`/procurement`: catalog, purchase orders with their lines, adjustments, warehouses; vendors stand under companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCIES
from sandbox.connectwise.present import code_ref, company_ref, location_ref, midnight, site_ref, term_ref, without_null
from sandbox.connectwise.purchases import Adjustment, Receipt
from sandbox.connectwise.unposted import evening, freight_tax

if TYPE_CHECKING:
    from sandbox.connectwise.model import Product
    from sandbox.connectwise.purchases import OrderLine, PurchaseOrder, Warehouse
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

CLASSES = {"InventoryPart": "Inventory", "NonInventoryPart": "NonInventory"}


def order_rows(site: Site) -> list[Row]:
    """PurchaseOrder."""
    came: dict[int, list[Receipt]] = {}
    for each in site.goods:
        if isinstance(each, Receipt):
            came.setdefault(each.order.id, []).append(each)
    orders = [each for each in site.orders.values() if site.sees(each.location_id)]
    return [_order(site, each, came.get(each.id, [])) for each in orders]


def _receipts(site: Site, order: PurchaseOrder) -> list[Receipt]:
    return [each for each in site.goods if isinstance(each, Receipt) and each.order is order]


def _order(site: Site, order: PurchaseOrder, receipts: list[Receipt]) -> Row:
    ordered = sum((each.quantity * each.cost for each in order.lines), start=order.freight * 0)
    tax = sum((each.tax for each in receipts), start=order.freight * 0)
    closed = max((each.date for each in receipts), default=None) if order.closed else None
    row = {
        "id": order.id,
        "businessUnitId": 10,
        "closedFlag": order.closed,
        "customerCompany": company_ref(order.customer) if order.customer else None,
        "dateClosed": evening(closed) if closed else None,
        "dropShipCustomerFlag": order.drop_ship,
        "enteredBy": "kgrant",
        "freightCost": order.freight,
        "freightPackingSlip": order.freight_slip,
        "freightTaxTotal": sum(freight_tax(each) for each in receipts),
        "locationId": order.location_id,
        "location": location_ref(site.locations[order.location_id]),
        "poDate": midnight(order.date),
        "poNumber": order.number,
        "salesTax": tax,
        "status": {"id": 3, "name": "Closed"} if order.closed else {"id": 2, "name": "Sent to vendor"},
        "subTotal": ordered,
        "taxCode": code_ref(order.tax_code),
        "taxFreightFlag": order.tax_freight,
        "taxPoFlag": order.tax_code is not None,
        "terms": term_ref(order.term),
        "total": ordered + tax + order.freight,
        "trackingNumber": order.tracking or None,
        "vendorCompany": company_ref(order.vendor),
        "vendorContact": {"id": order.vendor.id + 4000, "name": order.vendor.contact},
        "vendorInvoiceDate": midnight(order.vendor_invoice_date) if order.vendor_invoice_date else None,
        "vendorInvoiceNumber": order.vendor_invoice or None,
        "vendorSite": site_ref(order.vendor),
        "warehouse": _warehouse_ref(order.warehouse),
        "currency": CURRENCIES[order.currency],
        "_info": {"lastUpdated": evening(order.date), "updatedBy": "kgrant"},
    }
    return without_null(row)


def _warehouse_ref(warehouse: Warehouse) -> Row:
    return {"id": warehouse.id, "name": warehouse.name, "lockedFlag": False}


def line_rows(site: Site, order: PurchaseOrder) -> list[Row]:
    """PurchaseOrderLineItem. `batchedFlag` and `unbatchedRecId` tell where its last receipt stands."""
    receipts = _receipts(site, order)
    return [_line(order, each, receipts) for each in order.lines]


def _line(order: PurchaseOrder, line: OrderLine, receipts: list[Receipt]) -> Row:
    mine = [each for each in receipts if any(part.line is line for part in each.lines)]
    last = mine[-1] if mine else None
    row = {
        "id": line.id,
        "backorderedFlag": False,
        "canceledFlag": False,
        "closedFlag": line.closed,
        "description": line.product.description,
        "lineNumber": line.number,
        "packingSlip": line.packing_slip or None,
        "product": {"id": line.product.id, "identifier": line.product.identifier},
        "purchaseOrderId": order.id,
        "purchaseOrderNumber": order.number,
        "quantity": line.quantity,
        "receivedQuantity": line.received,
        "serialNumbers": line.serials or None,
        "tax": 0.0,
        "unitCost": line.cost,
        "extCost": line.quantity * line.cost,
        "unitOfMeasure": {"id": 1, "name": line.product.unit},
        "warehouse": _warehouse_ref(order.warehouse),
        "warehouseBin": order.warehouse.bin,
        "dateReceived": evening(last.date) if last else None,
        "receivedStatus": _received(line),
        "batchedFlag": bool(last and last.batch_id),
        "unbatchedRecId": last.unbatched_batch_id if last and not last.batch_id else None,
    }
    return without_null(row)


def _received(line: OrderLine) -> str:
    if line.closed:
        return "FullyReceived"
    return "PartiallyReceiveCloneRest" if line.received else "Waiting"


def adjustment_rows(site: Site) -> list[Row]:
    """ProcurementAdjustment with its details; closed once it is here at all."""
    return [_adjustment(each) for each in _adjustments(site)]


def _adjustments(site: Site) -> list[Adjustment]:
    return [each for each in site.goods if isinstance(each, Adjustment) and site.sees(each.location_id)]


def _adjustment(adjustment: Adjustment) -> Row:
    return {
        "id": adjustment.id,
        "identifier": f"ADJ-{adjustment.id}",
        "type": {"id": sum(map(ord, adjustment.type)) % 97, "identifier": adjustment.type},
        "reason": adjustment.reason,
        "closedFlag": True,
        "closedBy": "kgrant",
        "closedDate": evening(adjustment.date),
        "adjustmentDetails": adjustment_details(adjustment),
    }


def adjustment_details(adjustment: Adjustment) -> list[Row]:
    """AdjustmentDetail."""
    return [
        {
            "id": adjustment.id * 10 + index,
            "catalogItem": {"id": each.product.id, "identifier": each.product.identifier},
            "description": each.product.description,
            "quantityOnHand": 20,
            "unitCost": each.cost,
            "warehouse": _warehouse_ref(adjustment.warehouse),
            "warehouseBin": adjustment.warehouse.bin,
            "quantityAdjusted": each.quantity,
            "adjustment": {"id": adjustment.id, "name": f"ADJ-{adjustment.id}"},
        }
        for index, each in enumerate(adjustment.lines)
    ]


def adjustment_type_rows(site: Site) -> list[Row]:
    """AdjustmentType."""
    names = dict.fromkeys(each.type for each in _adjustments(site))
    return [
        {"id": sum(map(ord, name)) % 97, "identifier": name, "name": name, "auditTrailFlag": True} for name in names
    ]


def warehouse_rows(site: Site) -> list[Row]:
    """Warehouse."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "location": location_ref(site.locations[each.location_id]),
            "locationXref": each.name,
            "locationDefaultFlag": True,
            "overallDefaultFlag": each.id == 1,
            "inactiveFlag": False,
            "lockedFlag": False,
        }
        for each in site.warehouses.values()
    ]


def catalog_rows(site: Site) -> list[Row]:
    """CatalogItem."""
    return [_catalog_item(site, each) for each in site.products.values()]


def _catalog_item(site: Site, product: Product) -> Row:
    kind = site.product_types[product.type_id]
    return {
        "id": product.id,
        "identifier": product.identifier,
        "description": product.description,
        "inactiveFlag": False,
        "subcategory": {"id": 3, "name": product.category},
        "type": {"id": kind.id, "name": kind.name},
        "productClass": CLASSES.get(kind.type_xref, "Service"),
        "serializedFlag": product.serialized,
        "serializedCostFlag": False,
        "unitOfMeasure": {"id": 1, "name": product.unit},
        "price": product.price,
        "cost": product.cost,
        "taxableFlag": product.taxable,
        "customerDescription": product.description,
        "category": {"id": 2, "name": product.category},
    }


def type_rows(site: Site) -> list[Row]:
    """ProductType."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "inactiveFlag": False,
            "typeXref": each.type_xref,
            "defaultFlag": each.id == 1,
        }
        for each in site.product_types.values()
    ]
