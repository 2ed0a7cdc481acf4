"""Makes invoices by the dozen: for load tests, and when the demo's PSA closes new ones."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.connectwise.model import Product, line, sale
from sandbox.demo_psa.customers import add_customer
from sandbox.demo_psa.invoicing import bill, invoice, labor, seats
from sandbox.demo_psa.tables import BOISE, CABLE, HARDWARE, NET_15, NET_30, OFFICE, ON_RECEIPT, PORTLAND, SWITCH, TACOMA

if TYPE_CHECKING:
    from sandbox.connectwise.model import Company, Invoice, Line
    from sandbox.connectwise.site import Site

FIRST = ("Cedar", "Summit", "Harbor", "Juniper", "Granite", "Willow", "Beacon", "Prairie", "Osprey", "Lantern")
SECOND = ("Dental", "Logistics", "Law", "Bakery", "Machine Works", "Clinic", "Realty", "Orchards", "Printing", "Marine")


def generate(
    site: Site, invoices: int, customers: int = 50, lines: int = 4, seed: int = 7, products: int = 0
) -> list[Invoice]:
    """So many unposted Standard invoices with so many lines each, over so many new customers; the same every time.

    ``products`` new catalogue items are sold in turn, one on each invoice, beside the ordinary ones. What the PSA
    closes later (`site.close_more`) are more of the same, for the same customers.
    """
    companies = [_company(site, index) for index in range(customers)]
    catalogue = [_product(site, index) for index in range(products)]
    site.close_more = lambda count: _spread(site, companies, catalogue, count=count, lines=lines, seed=seed)
    return list(site.close_more(invoices))


def _spread(
    site: Site, companies: list[Company], catalogue: list[Product], *, count: int, lines: int, seed: int
) -> list[Invoice]:
    number, text = site.next_invoice()
    rng = random.Random(seed + number)
    made = []
    for index in range(count):
        company = companies[index % len(companies)]
        day = site.today - timedelta(days=1 + index % 39)
        numbers = (number + 3 * index, str(int(text) + index))
        special = [sale(catalogue[index % len(catalogue)], "1")] if catalogue else []
        items = [*special, *(_line(rng) for _ in range(lines - len(special)))]
        made.append(site.add_invoice(invoice(site, numbers, company, kind="Standard", day=day, lines=items)))
    return made


def close_more(site: Site, count: int) -> list[Invoice]:
    """New invoices of customers that are there, dated yesterday and closed now; other ones with each call."""
    companies = [each for each in site.companies.values() if each.account_number]
    if not companies:
        raise ValueError("this site has no customers to bill")
    made = []
    for _ in range(count):
        rng = random.Random(len(site.invoices))
        company = rng.choice(companies)
        kind = rng.choice(("Agreement", "Standard", "Standard"))
        items = seats(rng.randint(2, 9), office=rng.randint(1, 9)) if kind == "Agreement" else [_line(rng), _line(rng)]
        day = site.today - timedelta(days=1)
        made.append(bill(site, company, kind=kind, day=day, lines=items, closed=datetime.now(UTC)))
    return made


def _company(site: Site, index: int) -> Company:
    number = max(site.companies, default=400) + 1
    round_number = index // (len(FIRST) * len(SECOND))
    name = f"{FIRST[index % 10]} {SECOND[index // 10 % 10]}" + (f" {round_number + 1}" if round_number else "")
    location = (PORTLAND, TACOMA, BOISE)[index % 3]
    return add_customer(site, number, name, location, (ON_RECEIPT, NET_15, NET_30)[index % 3])


def _product(site: Site, index: int) -> Product:
    """Catalogue items that the books have not seen, all of an ordinary account."""
    number = max(site.products, default=0) + 1
    price, cost = Decimal(20 + index), Decimal(10 + index)
    text = f"Rack accessory {index + 1}"
    made = Product(number, f"RACK-{index + 1:03}", text, HARDWARE, price, cost, SWITCH.account)
    site.products[number] = made
    return made


def _line(rng: random.Random) -> Line:
    """One of the ordinary things; only accounts and items that the demo's books know."""
    kind = rng.randrange(5)
    if kind == 0:
        return labor(50000 + rng.randrange(9000), f"{rng.randint(1, 24) / 4}")
    if kind == 1:
        return sale(OFFICE, str(rng.randint(1, 30)))
    if kind == 2:
        return sale(SWITCH, str(rng.randint(1, 3)))
    if kind == 3:
        return sale(CABLE, str(rng.randint(1, 40)))
    return line("RA", "4000", "Managed workstation, monthly", str(rng.randint(1, 40)), "45.00")
