"""The set-up tables of Harbor Point IT: locations, terms, tax codes, product types and catalog."""

from __future__ import annotations

from decimal import Decimal

from sandbox.connectwise.model import Location, Product, ProductType, TaxCode, TaxLevel, Term
from sandbox.connectwise.site import Site

PORTLAND, TACOMA, BOISE = 2, 3, 4
ON_RECEIPT, NET_15, NET_30, NET_10_EOM, NET_21 = 1, 2, 3, 4, 5
SEATTLE, IDAHO, OREGON = 21, 22, 23

LOCATIONS = (Location(PORTLAND, "Portland"), Location(TACOMA, "Tacoma"), Location(BOISE, "Boise"))

TERMS = (
    Term(ON_RECEIPT, "Due on receipt", 0),
    Term(NET_15, "Net 15", 15),
    Term(NET_30, "Net 30", 30),
    Term(NET_10_EOM, "Net 10 EOM", 10, end_of_month=True),
    Term(NET_21, "Net 21", 21),
)

TAX_CODES = (
    TaxCode(
        SEATTLE,
        "WA-SEA",
        "Washington, Seattle",
        (
            TaxLevel(1, Decimal("6.5"), "WA", "WA-DOR", "Washington"),
            TaxLevel(3, Decimal("3.75"), "SEA", "WA-DOR", "Seattle"),
        ),
    ),
    TaxCode(IDAHO, "ID-6", "Idaho 6%", (TaxLevel(1, Decimal(6), "ID", "ID-STC", "Idaho"),)),
    TaxCode(OREGON, "OR-0", "Oregon, no sales tax", (TaxLevel(1, Decimal(0), "OR", "", "Oregon"),)),
)

SERVICE, HARDWARE, CLOUD, INVENTORY, OTHER = 1, 2, 3, 4, 5
PRODUCT_TYPES = (
    ProductType(SERVICE, "Service", "Service"),
    ProductType(HARDWARE, "Hardware", "NonInventoryPart"),
    ProductType(CLOUD, "Cloud subscription", "Service"),
    ProductType(INVENTORY, "Stock", "InventoryPart"),
    ProductType(OTHER, "Other charge", "OtherCharge"),
)


def _product(number: int, identifier: str, text: str, kind: int, account: str, *, price: str, cost: str) -> Product:
    """Hardware and security tools are taxable, subscriptions are not."""
    return Product(number, identifier, text, kind, Decimal(price), Decimal(cost), account, taxable=kind == HARDWARE)


SWITCH = _product(741, "SW-24P", "24-port PoE switch", HARDWARE, "4100", price="418.50", cost="310.00")
FIREWALL = _product(742, "FW-60F", "Firewall appliance, 60F", HARDWARE, "4100", price="695.00", cost="520.00")
LAPTOP = _product(743, "LT-5450", 'Laptop 14", i7, 32 GB', HARDWARE, "4100", price="1389.00", cost="1120.00")
OFFICE = _product(751, "M365-BP", "Microsoft 365 Business Premium", CLOUD, "4200", price="22.00", cost="17.60")
HUNTRESS = _product(761, "HUNTRESS", "Huntress managed EDR", CLOUD, "4600", price="4.25", cost="2.10")
BACKUP = _product(771, "SIRIS-S5", "Backup appliance, monthly", CLOUD, "4300", price="189.00", cost="129.00")
CABLE = _product(781, "CAT6-3FT", "Patch cable Cat 6, 3 ft", HARDWARE, "4100", price="5.2456", cost="2.10")
# A colon is no part of a name in the books.
LONG_CABLE = _product(783, "CAT6:5FT", "Patch cable Cat 6, 5 ft", HARDWARE, "4100", price="6.8349", cost="2.75")
UPS = _product(782, "UPS-1500", "UPS 1500 VA, rack", HARDWARE, "4100", price="329.95", cost="251.00")
MFA = _product(762, "DUO-MFA", "Multi-factor log-in, per user", CLOUD, "4200", price="3.00", cost="1.80")
PRODUCTS = (SWITCH, FIREWALL, LAPTOP, OFFICE, HUNTRESS, BACKUP, CABLE, LONG_CABLE, UPS, MFA)


def fill_tables(site: Site) -> None:
    """Give the site its set-up tables."""
    site.locations = {each.id: each for each in LOCATIONS}
    site.terms = {each.id: each for each in TERMS}
    site.tax_codes = {each.id: each for each in TAX_CODES}
    site.product_types = {each.id: each for each in PRODUCT_TYPES}
    site.products = {each.id: each for each in PRODUCTS}
