"""Adjustments and transfers of stock in the export.

An adjustment names its type as `glTypeID` and none of its GL records; those are in the unposted list only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCY
from sandbox.connectwise.present import midnight, without_null
from sandbox.connectwise.purchase_export import american, item_fields, location_class

if TYPE_CHECKING:
    from sandbox.connectwise.purchases import Adjustment, AdjustmentLine, Transfer
    from sandbox.connectwise.site import Site

Row = dict[str, Any]


def adjustment(site: Site, adjusted: Adjustment) -> Row:
    """GLExportAdjustmentTransaction."""
    row = {
        "id": adjusted.product_id if site.switches.adjustment_id == "unposted_product_id" else str(adjusted.id),
        "documentType": "GENERAL JOURNAL",
        "documentDate": midnight(adjusted.date),
        "glTypeID": "IA",
        "accountNumber": adjusted.account or None,
        "memo": adjusted.reason,
        "glClass": location_class(site, adjusted.location_id),
        "adjustmentDescription": adjusted.type,
        "adjustmentDetail": [_adjusted(site, adjusted, each) for each in adjusted.lines],
    }
    return without_null(row)


def _adjusted(site: Site, adjusted: Adjustment, line: AdjustmentLine) -> Row:
    sign = 1 if site.switches.adjustment_signs == "stock" else -1
    product = line.product
    return {
        "glClass": location_class(site, adjusted.location_id),
        "description": product.description,
        "memo": adjusted.reason,
        "item": {"id": product.id, "identifier": product.identifier, "serializedFlag": product.serialized},
        "quantity": sign * line.quantity,
        "total": sign * line.amount,
        "cost": line.cost,
        "costAccountNumber": product.cogs_account,
        "inventoryAccountNumber": product.inventory_account,
        "accountNumber": adjusted.account,
        "productAccountNumber": product.account,
    }


def transfer(site: Site, moved: Transfer) -> Row:
    """GLExportInventoryTransfer with its offset; its id is text, the offset's a number."""
    product = moved.product
    return {
        "id": str(moved.records[0]),
        "documentType": "GENERAL JOURNAL",
        "documentDate": american(moved.date),
        "accountNumber": product.inventory_account,
        "glClass": location_class(site, moved.target.location_id),
        "glTypeId": "IT",
        "description": "Inventory Transfer",
        "salesCode": "",
        "memo": f"{moved.source.name} to {moved.target.name}",
        "transferId": moved.id,
        **item_fields(site, product),
        "currency": CURRENCY,
        "taxable": False,
        "quantity": moved.quantity,
        "cost": moved.cost,
        "total": moved.total,
        "serialNumbers": "",
        "bin": moved.target.bin,
        "warehouse": {"id": moved.target.id, "name": moved.target.name, "lockedFlag": False},
        "transferFromBin": moved.source.bin,
        "transferFromLocationXref": moved.source.name,
        "transferToBin": moved.target.bin,
        "transferToLocationXref": moved.target.name,
        "taxNote": "",
        "offset": _offset(site, moved),
    }


def _offset(site: Site, moved: Transfer) -> Row:
    return {
        "id": moved.records[1],
        "documentType": "GENERAL JOURNAL",
        "documentDate": american(moved.date),
        "accountNumber": moved.product.inventory_account,
        "glClass": location_class(site, moved.source.location_id),
        "total": -moved.total,
        "memo": f"{moved.source.name} to {moved.target.name}",
        "description": "Inventory Transfer",
        "glTypeId": "IT",
    }
