"""Harbor Point IT LLC: a lived-in company file to learn and to test on. The same at every start, but for the dates."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sandbox.quickbooks_online import documents, people
from sandbox.quickbooks_online.chart import empty_company, place
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.problems import Json

# Name, city, state, term id, tax code id. Some names differ a little from the PSA's, as they do in every real file.
CUSTOMERS = [
    ("Acme Dental", "Seattle", "WA", "3", "3"),
    ("Sandpiper Hospitality", "Seattle", "WA", "3", "3"),
    ("Meridian Surgery Ctr.", "Boise", "ID", "2", "4"),
    ("Columbia Gorge CU", "Portland", "OR", "3", "5"),
    ("Whitaker Family Trust", "Portland", "OR", "1", "5"),
    ("Red Barn Equipment, Inc.", "Boise", "ID", "4", "4"),
    ("Skyline Roofing", "Portland", "OR", "3", "5"),
    ("North Fork Brewing Co", "Tacoma", "WA", "5", "3"),
    ("Alder & Sons Plumbing", "Portland", "OR", "3", "5"),
    ("Bluewater Marine Supply", "Seattle", "WA", "2", "3"),
    ("Cascade Pediatrics", "Portland", "OR", "3", "5"),
    ("Evergreen Title", "Tacoma", "WA", "3", "3"),
    ("Fircrest Veterinary Clinic", "Tacoma", "WA", "3", "3"),
    ("Hawthorne Books", "Portland", "OR", "1", "5"),
    ("Juniper Law Group", "Boise", "ID", "3", "4"),
    ("Lakeshore Dental Lab", "Seattle", "WA", "3", "3"),
    ("Mount Tabor Montessori", "Portland", "OR", "3", "5"),
    ("Oak Street Bakery", "Portland", "OR", "2", "5"),
    ("Pine Hollow Storage", "Boise", "ID", "3", "4"),
    ("Quarry Rock Landscaping", "Tacoma", "WA", "3", "3"),
    ("Rainier Freight Brokers", "Seattle", "WA", "4", "3"),
    ("St. Helens Credit Bureau", "Portland", "OR", "3", "5"),
    ("Treasure Valley Optics", "Boise", "ID", "3", "4"),
    ("Willamette Wine Shippers", "Portland", "OR", "3", "5"),
    ("Zenith Architects", "Portland", "OR", "2", "5"),
]
VENDORS = [
    "Port Orchard Dental",  # took the name that a customer of the PSA has
    "Ingram Micro",
    "TD Synnex",
    "Pax8",
    "Amazon Business",
    "Comcast Business",
    "Harbor Properties",
    "Delta Subcontracting",
]
# Name, description, kind, income account, price, cost, taxable.
ITEMS = [
    ("Managed services", "Monthly managed services", "Service", "80", "0", "0", False),
    ("Labor", "Technician time", "Service", "82", "165", "0", False),
    ("Project labor", "Project work", "Service", "85", "185", "0", False),
    ("Expenses", "Reimbursed expenses", "Service", "86", "0", "0", False),
    ("Deposit", "Customer deposit", "Service", "87", "0", "0", False),
    ("SW-24P", "24 port switch", "Inventory", "79", "389", "262.40", True),
    ("FW-60F", "Firewall, 60F with one year", "Inventory", "79", "845", "611.75", True),
    ("LT-5450", "Laptop 14 inch, 16 GB", "Inventory", "79", "1249", "1010", True),
    ("DOCK-TB4", "Thunderbolt dock", "NonInventory", "79", "279", "198.50", True),
    ("MON-27", "Monitor, 27 inch", "NonInventory", "79", "329", "241", True),
    ("AP-U6P", "Wi-Fi access point", "NonInventory", "79", "219", "159", True),
    ("UPS-1500", "Battery backup, 1500 VA", "NonInventory", "79", "239", "171.20", True),
    ("CAB-C6", "Patch cable, Cat 6", "NonInventory", "79", "9.5", "3.15", True),
    ("M365-BP", "Microsoft 365 Business Premium", "NonInventory", "83", "26.4", "20.9", False),
    ("M365-BS", "Microsoft 365 Business Standard", "NonInventory", "83", "15", "11.85", False),
    ("HUNTRESS", "Managed endpoint detection", "NonInventory", "91", "6.5", "3.4", False),
    ("BACKUP-SRV", "Server backup, per server", "NonInventory", "84", "120", "64", False),
    ("BACKUP-WS", "Workstation backup", "NonInventory", "84", "14", "6.2", False),
    ("DOMAIN", "Domain registration", "NonInventory", "83", "24", "13.18", False),
    ("FREIGHT", "Freight", "Service", "79", "0", "0", False),
]
FIRST_NUMBER, LAST_NUMBER = 9900, 10050
TYPED_BY_HAND = ("10404", "Whitaker Family Trust", Decimal("437.30"))


def demo_company() -> Company:
    """The company of `crossfoot demo`: own invoice numbers, manual sales tax, Plus."""
    company = empty_company()
    company.switches.default_terms = "3"
    dice = random.Random(10050)
    with _as_of(company, company.clock() - timedelta(days=700)):
        _people(company)
        for item in ITEMS:
            _item(company, item)
    _history(company, dice)
    _typed_by_hand(company)
    return company


@contextmanager
def _as_of(company: Company, moment: datetime) -> Iterator[None]:
    clock = company.clock
    company.clock = lambda: moment
    try:
        yield
    finally:
        company.clock = clock


def _people(company: Company) -> None:
    for position, (name, city, state, term, code) in enumerate(CUSTOMERS, 1):
        place(company, "Customer", _customer(position, name, city, state) | _terms(term, code))
    gone = place(company, "Customer", {"DisplayName": "Umpqua Orchards"})
    people.edit(company, {"entity": "Customer", "id": gone["Id"], "operation": "inactivate"})
    for name in VENDORS:
        place(company, "Vendor", {"DisplayName": name, "CompanyName": name})


def _customer(position: int, name: str, city: str, state: str) -> Json:
    mailbox = "".join(filter(str.isalnum, name.lower()))
    address = {"Line1": f"{100 + position * 7} Harbor St", "City": city, "CountrySubDivisionCode": state}
    return {
        "Id": str(position),
        "DisplayName": name,
        "CompanyName": name,
        "PrimaryEmailAddr": {"Address": f"ap@{mailbox}.example"},
        "BillAddr": address,
        "ShipAddr": address,
    }


def _terms(term: str, code: str) -> Json:
    return {"SalesTermRef": {"value": term}, "DefaultTaxCodeRef": {"value": code}, "Taxable": code != "5"}


def _item(company: Company, row: tuple[str, str, str, str, str, str, bool]) -> None:
    """Place one row of `ITEMS`."""
    name, text, kind, income, price, cost, taxable = row
    item: Json = {
        "Name": name,
        "Sku": name,
        "Description": text,
        "Type": kind,
        "IncomeAccountRef": {"value": income},
        "UnitPrice": Decimal(price),
        "PurchaseCost": Decimal(cost),
        "Taxable": taxable,
    }
    if kind != "Service":
        item["ExpenseAccountRef"] = {"value": "88" if kind == "Inventory" else "97"}
    if kind == "Inventory":
        started = (datetime.now(UTC) - timedelta(days=690)).date().isoformat()
        item |= {"AssetAccountRef": {"value": "81"}, "QtyOnHand": Decimal(60), "InvStartDate": started}
    place(company, "Item", item)


def _history(company: Company, dice: random.Random) -> None:
    """Invoices of the last eight months, most of them paid."""
    count = LAST_NUMBER - FIRST_NUMBER + 1
    for position in range(count):
        issued = company.clock() - timedelta(days=240 - position * 220 // count)
        with _as_of(company, issued):
            invoice = _old_invoice(company, dice, str(FIRST_NUMBER + position))
        paid = issued + timedelta(days=dice.randint(9, 40))
        if paid < company.clock() and dice.random() < 0.93:
            with _as_of(company, paid):
                people.edit(company, {"entity": "Invoice", "id": invoice["Id"], "operation": "pay"})


def _old_invoice(company: Company, dice: random.Random, number: str) -> Json:
    customer = company.tables["Customer"][str(dice.randint(1, len(CUSTOMERS)))]
    items = [item for item in company.tables["Item"].values() if item["Type"] != "Inventory" and item["UnitPrice"]]
    lines = [_line(item, dice.randint(1, 12)) for item in dice.sample(items, dice.randint(1, 4))]
    if dice.random() < 0.5:
        amount = Decimal(dice.randint(40, 600)) * 5
        lines.insert(0, _flat(company, "Managed services", amount))
    body: Json = {"CustomerRef": {"value": customer["Id"]}, "DocNumber": number, "Line": lines}
    if customer["Taxable"]:
        body["TxnTaxDetail"] = {"TxnTaxCodeRef": {"value": customer["DefaultTaxCodeRef"]["value"]}}
    return documents.save(company, "Invoice", body)


def _line(item: Json, quantity: int) -> Json:
    detail = {"ItemRef": {"value": item["Id"]}, "Qty": quantity, "UnitPrice": item["UnitPrice"]}
    amount = item["UnitPrice"] * quantity
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": amount,
        "Description": item.get("Description", item["Name"]),
        "SalesItemLineDetail": detail,
    }


def _flat(company: Company, name: str, amount: Decimal) -> Json:
    holder = company.name_holder("Item", name)
    detail = {"ItemRef": {"value": holder[1] if holder else "1"}}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, "Description": name, "SalesItemLineDetail": detail}


def _typed_by_hand(company: Company) -> None:
    """Somebody could not wait and typed an invoice that is still unposted in the PSA."""
    number, name, total = TYPED_BY_HAND
    holder = company.name_holder("Customer", name)
    body: Json = {
        "CustomerRef": {"value": holder[1] if holder else ""},
        "DocNumber": number,
        "Line": [_flat(company, "Labor", total)],
    }
    with _as_of(company, company.clock() - timedelta(days=3)):
        documents.save(company, "Invoice", body)
