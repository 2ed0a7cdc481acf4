"""Harbor Point IT, a believable MSP with a day's work of unposted invoices, most of them ordinary and some not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.model import Line, line, sale
from sandbox.connectwise.site import Site
from sandbox.demo_psa.customers import fill_customers
from sandbox.demo_psa.generate import close_more
from sandbox.demo_psa.invoicing import bill, down_payment, expense, labor, seats
from sandbox.demo_psa.others import fill_others
from sandbox.demo_psa.tables import CABLE, FIREWALL, HUNTRESS, LAPTOP, OFFICE, SWITCH, UPS, fill_tables

if TYPE_CHECKING:
    from sandbox.connectwise.model import Invoice

# Customer, type, days before today, lines, and what is unusual about it.
Entry = tuple[str, str, int, list[Line], dict[str, Any]]

LONG_TEXT = "Configured and documented the new branch network step by step. " * 96
HOSTILE = '<script>alert("x")</script> & <b>bold</b>'


def demo_site(today: date | None = None) -> Site:
    """The site with its tables, customers and unposted documents; dates run back from `today`."""
    site = empty_site(today)
    fill_customers(site)
    by_name = {each.name: each for each in site.companies.values()}
    for name, kind, days, lines, more in (*_first(), *_unusual(), *_ordinary()):
        bill(site, by_name[name], kind=kind, day=site.today - timedelta(days=days), lines=lines, **more)
    _same_customer(site)
    fill_others(site)
    site.close_more = lambda count: close_more(site, count)
    return site


def empty_site(today: date | None = None) -> Site:
    """The site with its set-up tables and nothing to bill."""
    site = Site(today=today)
    fill_tables(site)
    site.close_more = lambda count: close_more(site, count)
    return site


def _first() -> list[Entry]:
    """Numbers 10394 to 10405; 10404 has been typed into QuickBooks by hand already."""
    progress = line("R", "4400", "Previously billed", "1", "-3000.00")
    return [
        ("Sandpiper Hospitality", "Standard", 9, [*seats(2, office=2), labor(48213, "1.75"), sale(CABLE, "12")], {}),
        ("Meridian Surgery Center", "DownPayment", 8, [down_payment("Down payment, server room", "500.00")], {}),
        ("Columbia Gorge Credit Union", "Agreement", 20, seats(3, office=1), {}),
        ("Whitaker Family Trust", "Standard", 18, [labor(48220, "0.75"), sale(CABLE, "6")], {}),
        ("Red Barn Equipment", "Agreement", 8, seats(5, office=5), {}),
        ("Skyline Roofing", "Agreement", 8, seats(3), {}),
        ("Nisqually Land Trust", "Agreement", 8, seats(12, office=12, edr=12), {}),
        ("Canyon Ridge Builders", "Agreement", 8, seats(5, office=1), {}),
        ("River City Plumbing", "Agreement", 20, seats(6, mfa=6), {}),
        (
            "Cedar Mill Family Law",
            "Progress",
            18,
            [line("R", "4400", "Office move, phase 2", "1", "7850.00"), progress],
            {},
        ),
        (
            "Whitaker Family Trust",
            "Standard",
            13,
            [line("R", "4010", "On-site visit", "1", "131.67"), _safe("288.33")],
            {},
        ),
        ("North Fork Brewing", "DownPayment", 8, [down_payment("Down payment, taproom network", "1250.00")], {}),
    ]


def _safe(price: str) -> Line:
    return line("RP", "4100", "Document safe, fire-proof", "1", price, taxable=True)


def _unusual() -> list[Entry]:
    """One of each kind of trouble."""
    deduction = down_payment("Less down payment of invoice 10405", "-1250.00")
    discount = line("R", "4010", "Courtesy discount, labor", "1", "-25.00")
    return [
        (
            "North Fork Brewing",
            "Standard",
            3,
            [sale(SWITCH, "2"), sale(FIREWALL, "1"), labor(48231, "6.5"), deduction],
            {},
        ),
        (
            "Ironwood Fabrication",
            "Standard",
            11,
            [labor(48240, "1"), sale(SWITCH, "-1", text="Returned: 24-port PoE switch")],
            {},
        ),
        ("Mount Tabor Montessori", "Standard", 15, [labor(48241, "2"), labor(48241, "-2")], {}),
        (
            "Port Orchard Dental",
            "Standard",
            10,
            [sale(LAPTOP, "3"), sale(UPS, "1"), labor(48250, "4.25"), discount],
            {"purchase_order": "PO-2291"},
        ),
        (
            "Bayside Orthodontics",
            "Standard",
            12,
            [sale(CABLE, "37"), sale(CABLE, "11", text="Patch cable Cat 6, 5 ft")],
            {},
        ),
        ("Rainier Oral Surgery", "CreditMemo", 6, [sale(UPS, "-1", text="Returned: UPS 1500 VA")], {}),
        (
            "Pacific Crest Wealth",
            "CreditMemo",
            5,
            [line("RA", "4000", "Credit for outage on the 3rd", "1", "-112.50")],
            {},
        ),
        ("Laurelhurst Dermatology", "CreditMemo", 7, [labor(48255, "-1.5"), sale(OFFICE, "-2")], {}),
        ("Umpqua Orchards", "Standard", 8, [labor(48260, "3"), sale(SWITCH, "1")], {"mapped": False}),
        ("Puget Sound Drywall", "Agreement", -9, seats(7, office=7), {}),
        (
            "Tidewater Seafood",
            "Standard",
            425,
            [labor(40112, "2.5"), expense("Ferry, vehicle and driver", "61.35")],
            {},
        ),
        ("O'Malley & Sons Towing", "Standard", 14, [line("R", "4010", HOSTILE, "1", "72.50"), _formula()], {}),
        ("Bertha’s “Blue Door” Bakery 🥐", "Standard", 16, [line("R", "4010", LONG_TEXT, "8", "145.00")], {}),
        (
            "Cascade Air: Hangar 4",
            "Standard",
            17,
            [line("R", "4010", "Cabling:\tbay 1\tbay 2\r\nlabelled “A–F” ✈", "2", "145.00")],
            {},
        ),
        ("Vista House Events", "Agreement", 25, seats(4, office=4), {}),
        ("Quarry Road Concrete", "Agreement", 19, seats(6, office=6), {}),
        ("Evergreen Eye Associates", "Progress", 22, _stage("Clinic network refresh, stage 1", "4200.00"), {}),
        (
            "Wenatchee Cold Storage",
            "Progress",
            4,
            [*_stage("Camera network, stage 2", "2950.00"), sale(SWITCH, "1")],
            {},
        ),
        (
            "Silver Falls Optometry",
            "Standard",
            13,
            [labor(48270, "0.333", "151.37"), labor(48271, "1.667", "151.37")],
            {},
        ),
        ("Walla Walla Seed Co.", "Standard", 21, [sale(UPS, "2"), labor(48272, "1.25")], {"drift": Decimal("0.01")}),
    ]


def _formula() -> Line:
    return line("R", "4010", '=HYPERLINK("http://x.example","Refund")', "1", "18.00")


def _stage(text: str, amount: str) -> list[Line]:
    return [line("R", "4400", text, "1", amount)]


def _ordinary() -> list[Entry]:
    """What a month end is mostly made of."""
    return [
        ("Acme Dental", "Agreement", 8, seats(9, office=9, backup=1), {}),
        ("Westside Endodontics", "Agreement", 8, seats(6, office=6, edr=6), {}),
        ("Fircrest Lutheran Church", "Agreement", 8, seats(4, office=8), {}),
        ("Falcon Freight Logistics", "Agreement", 8, seats(11, office=14, backup=1), {}),
        ("Vista House Events", "Standard", 9, [labor(48301, "1")], {}),
        ("Ironwood Fabrication", "Standard", 8, [labor(48302, "3.5"), sale(UPS, "1")], {}),
        ("Pacific Crest Wealth", "Agreement", 8, seats(8, office=8, mfa=8), {}),
        ("Puget Sound Drywall", "Standard", 26, [sale(CABLE, "20"), labor(48303, "1.5")], {}),
        (
            "Tidewater Seafood",
            "Standard",
            7,
            [labor(48304, "2"), labor(48305, "1.25"), expense("Mileage, 62 miles", "43.40")],
            {},
        ),
        ("Sellwood Chiropractic", "Agreement", 8, seats(5, office=5, backup=1), {}),
        ("Wenatchee Cold Storage", "Agreement", 8, seats(10, office=10, mfa=10), {}),
        ("Rose City Bail Bonds", "Agreement", 8, seats(4, office=4), {}),
        (
            "Laurelhurst Dermatology",
            "Miscellaneous",
            26,
            [line("R", "4010", "Notary scanner set-up", "1", "162.00")],
            {},
        ),
        ("Pearl District Lofts HOA", "Agreement", 20, seats(2, backup=1), {}),
        ("Bridgeport Machine Works", "Agreement", 8, seats(7, office=3), {}),
        ("Snake River Dairy", "Agreement", 20, seats(5, office=5, backup=1), {}),
        ("Hollis Insurance Group", "Agreement", 18, seats(7, office=7), {}),
        ("Walla Walla Seed Co.", "Agreement", 18, seats(3, office=3), {}),
        ("Evergreen Eye Associates", "Agreement", 8, seats(13, office=13, backup=1), {}),
        ("Mount Tabor Montessori", "Agreement", 8, seats(3, office=6), {}),
        ("Bayside Orthodontics", "Agreement", 8, seats(6, office=6, mfa=6), {}),
        ("Lewis & Hale Attorneys", "Standard", 27, [sale(LAPTOP, "2"), labor(48306, "3")], {}),
        ("Silver Falls Optometry", "Agreement", 8, seats(4, office=4), {}),
        ("Port Orchard Dental", "Agreement", 8, seats(6, office=6), {}),
        ("Madrona Childcare Centers", "Agreement", 8, seats(5, office=10, mfa=10), {}),
        ("Madrona Childcare Centers", "Miscellaneous", 30, [sale(CABLE, "4"), labor(48307, "0.5")], {}),
        ("Rainier Oral Surgery", "Agreement", 8, seats(8, office=8, backup=1), {}),
        ("Cascade Air: Hangar 4", "Agreement", 8, seats(5, office=5), {}),
        ("O'Malley & Sons Towing", "Agreement", 8, seats(3, office=3), {}),
        ("Quarry Road Concrete", "Standard", 23, [sale(FIREWALL, "1"), labor(48308, "2.25")], {}),
        ("Meridian Surgery Center", "Agreement", 8, seats(18, office=22, backup=2), {}),
        ("Columbia Gorge Credit Union", "Miscellaneous", 31, [expense("Courier, tape vault", "38.15")], {}),
        ("Canyon Ridge Builders", "Standard", 28, [sale(LAPTOP, "1"), sale(OFFICE, "1")], {}),
        ("Bridgeport Machine Works", "Standard", 33, [labor(48309, "5"), sale(UPS, "3")], {}),
        ("Red Barn Equipment", "CreditMemo", 4, [sale(HUNTRESS, "-5", text="Huntress billed twice")], {}),
        ("Skyline Roofing", "Miscellaneous", 35, [line("R", "4010", "Domain renewal, two years", "1", "58.00")], {}),
        ("Snake River Dairy", "Standard", 38, [labor(48310, "2.75"), sale(CABLE, "9")], {}),
        ("Hollis Insurance Group", "DownPayment", 2, [down_payment("Down payment, phone system", "2000.00")], {}),
    ]


def _same_customer(site: Site) -> list[Invoice]:
    """Five invoices of one customer on consecutive days."""
    acme = next(each for each in site.companies.values() if each.name == "Acme Dental")
    days = [site.today - timedelta(days=2 + index) for index in range(5)]
    hours = ["1", "1.25", "1.5", "1.75", "2"]
    return [
        bill(site, acme, kind="Standard", day=day, lines=[labor(48400 + index, hours[index])])
        for index, day in enumerate(days)
    ]
