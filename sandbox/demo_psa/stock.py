"""Vendors, warehouses, stock items, purchase orders and what moved in the stock."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.model import Company, Product
from sandbox.connectwise.purchases import (
    Adjustment,
    AdjustmentLine,
    OrderLine,
    PurchaseOrder,
    Receipt,
    ReceivedLine,
    Transfer,
    Warehouse,
)
from sandbox.demo_psa.tables import (
    BOISE,
    CABLE,
    INVENTORY,
    LAPTOP,
    NET_15,
    NET_30,
    OTHER,
    PORTLAND,
    SEATTLE,
    TACOMA,
)

if TYPE_CHECKING:
    from sandbox.connectwise.site import Site

MAIN, VAN = Warehouse(1, "Portland stock", PORTLAND), Warehouse(2, "Tacoma van", TACOMA)
VENDORS = (
    (301, "Ingram Micro", "V-1001", "INGRAM01", NET_30),
    (302, "TD SYNNEX Corp.", "V-1002", "SYNNEX01", NET_15),
    # Without a vendor number; only its name and account tell who it is.
    (303, "Puget Cable & Wire", "", "PUGET01", NET_30),
    (304, "Direct Ship Partners LLC", "V-1004", "", NET_30),
)


def _stock(number: int, identifier: str, text: str, *, price: str, cost: str, **more: Any) -> Product:
    accounts: dict[str, Any] = {"account": "4100", "inventory_account": "1300", "cogs_account": "5000"}
    return Product(number, identifier, text, INVENTORY, Decimal(price), Decimal(cost), **accounts, **more)


AP = _stock(801, "AP-U6", "Access point, Wi-Fi 6", price="189.00", cost="129.00")
SSD = _stock(802, "SSD-1TB", "SSD 1 TB, NVMe", price="119.00", cost="74.50", serialized=True)
DOCK = _stock(803, "DOCK-C", "USB-C dock", price="229.00", cost="158.25", category="Peripherals")
FIBER = _stock(804, "OM4-LC-3M", "Fiber patch LC-LC, 3 m", price="18.40", cost="6.8349", unit="Meter")
RECYCLING = Product(
    805, "ECO-FEE", "Recycling fee", OTHER, Decimal("4.00"), Decimal("4.00"), "4500", cogs_account="5100", taxable=False
)
GOODS = (AP, SSD, DOCK, FIBER, RECYCLING)

# Product, quantity, cost of one (or the product's).
Line = tuple[Product, str, str]


def fill_stock(site: Site) -> None:
    """Give the site its vendors, stock items, and everything in procurement that is unposted."""
    site.warehouses = {each.id: each for each in (MAIN, VAN)}
    site.products |= {each.id: each for each in GOODS}
    site.vendors = {each[0]: _vendor(*each) for each in VENDORS}
    _purchases(site)
    _movements(site)


def _vendor(number: int, name: str, vendor_number: str, account: str, term: int) -> Company:
    identifier = "".join(each for each in name if each.isalnum())
    return Company(
        id=number,
        identifier=identifier[:25],
        name=name,
        account_number=account,
        location_id=PORTLAND,
        term_id=term,
        tax_code_id=None,
        street=f"{number} Industrial Way",
        contact="Accounts Receivable",
        email=f"billing@{identifier.lower()[:20]}.example",
        vendor=True,
        vendor_number=vendor_number,
    )


def order(site: Site, number: int, vendor: int, days: int, lines: list[Line], **more: Any) -> PurchaseOrder:
    """A purchase order whose number is its id; `more` are further fields of PurchaseOrder."""
    found = site.vendors[vendor]
    taxable = more.get("tax_code") is not None
    made = PurchaseOrder(
        id=number,
        number=str(number),
        vendor=found,
        date=site.today - timedelta(days=days),
        location_id=more.pop("location_id", PORTLAND),
        warehouse=more.pop("warehouse", MAIN),
        term=site.terms[found.term_id],
        lines=tuple(
            OrderLine(number * 10 + index, index, product, Decimal(many), Decimal(cost or product.cost), taxable)
            for index, (product, many, cost) in enumerate(lines, 1)
        ),
        **more,
    )
    site.orders[made.id] = made
    return made


def receive(site: Site, bought: PurchaseOrder, slip: str, days: int, quantities: list[str], **more: Any) -> Receipt:
    """What came of each line with this packing slip, in the lines' order; "0" for nothing."""
    serials = more.pop("serials", "")
    lines = tuple(
        ReceivedLine(line, Decimal(many), serials if line.product.serialized else "")
        for line, many in zip(bought.lines, quantities, strict=True)
        if Decimal(many)
    )
    receipt = Receipt(bought, slip, site.today - timedelta(days=days), lines, **more)
    if receipt.freight:
        bought.freight, bought.freight_slip, bought.tax_freight = receipt.freight, slip, receipt.tax_freight
    return site.receive(receipt)


def _bill(site: Site, number: str, days: int) -> dict[str, Any]:
    return {"vendor_invoice": number, "vendor_invoice_date": site.today - timedelta(days=days)}


def _purchases(site: Site) -> None:
    plain = order(site, 1088, 301, 14, [(AP, "10", ""), (DOCK, "2", "")], **_bill(site, "IM-55810", 6))
    receive(site, plain, "PS20114", 5, ["10", "2"], freight=Decimal("48.50"))
    # Two packing slips of one order, and one invoice of the vendor for both.
    parts = order(site, 1089, 301, 20, [(SSD, "8", ""), (CABLE, "100", "1.85")], **_bill(site, "IM-55722", 12))
    receive(site, parts, "PS20098", 12, ["5", "60"], serials="SN-7001,SN-7002,SN-7003,SN-7004,SN-7005")
    receive(site, parts, "PS20121", 4, ["3", "40"], serials="SN-7006,SN-7007,SN-7008")
    # Received before the vendor has sent its invoice.
    early = order(site, 1090, 302, 9, [(DOCK, "4", "151.00")])
    receive(site, early, "PS20131", 3, ["4"])
    taxed = order(site, 1091, 302, 11, [(FIBER, "37", ""), (RECYCLING, "1", "")], **_taxed(site, "TS-9913"))
    receive(site, taxed, "PS20133", 7, ["37", "1"], freight=Decimal("12.00"), tax_freight=True)
    # Freight whose account is not mapped.
    bare = order(site, 1092, 303, 8, [(CABLE, "250", "1.79")], **_bill(site, "4471", 5))
    receive(site, bare, "PS20140", 5, ["250"], freight=Decimal("36.00"), freight_account="")
    customer = next(each for each in site.companies.values() if each.name == "Ironwood Fabrication")
    dropped = order(
        site, 1093, 304, 6, [(LAPTOP, "2", "")], customer=customer, drop_ship=True, **_bill(site, "DSP-2026-118", 2)
    )
    receive(site, dropped, "DROP1", 2, ["2"])
    # Part of the order is still to come.
    waiting = order(site, 1094, 302, 5, [(AP, "6", ""), (SSD, "4", "71.00")], **_bill(site, "TS-9940", 1))
    receive(site, waiting, "PS20151", 1, ["4", "0"])
    order(site, 1095, 301, 1, [(AP, "12", "")])


def _taxed(site: Site, number: str) -> dict[str, Any]:
    return {"tax_code": site.tax_codes[SEATTLE], "location_id": TACOMA, "warehouse": VAN, **_bill(site, number, 7)}


def _movements(site: Site) -> None:
    day = site.today - timedelta(days=10)
    found = (AdjustmentLine(CABLE, 12, Decimal("1.85")), AdjustmentLine(AP, 1, Decimal("129.00")))
    lost = (AdjustmentLine(DOCK, -1, Decimal("158.25")),)
    site.adjust(Adjustment(31, "Yearly count, found", "Count", day, PORTLAND, MAIN, found))
    site.adjust(Adjustment(32, "Damaged in the van", "Damage", day, TACOMA, VAN, lost, account="5900"))
    unmapped = (AdjustmentLine(FIBER, -3, Decimal("6.8349")),)
    site.adjust(Adjustment(33, "Given away at the fair", "Marketing", day, BOISE, MAIN, unmapped, account=""))
    site.transfer(Transfer(12, day, AP, 2, Decimal("129.00"), MAIN, VAN))
