"""The first and the unusual invoices of the demo: one of each kind of trouble that a bookkeeper meets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.connectwise.model import Line, line, sale
from sandbox.demo_psa.invoicing import down_payment, expense, labor, seats
from sandbox.demo_psa.tables import CABLE, FIREWALL, LAPTOP, LONG_CABLE, OFFICE, SWITCH, UPS

# Customer, type, days before today, lines, and what is unusual about it.
Entry = tuple[str, str, int, list[Line], dict[str, Any]]

LONG_TEXT = "Configured and documented the new branch network step by step. " * 96
HOSTILE = '<script>alert("x")</script> & <b>bold</b>'


def _safe(price: str) -> Line:
    return line("RP", "4100", "Document safe, fire-proof", "1", price, taxable=True)


def _formula() -> Line:
    return line("R", "4010", '=HYPERLINK("http://x.example","Refund")', "1", "18.00")


def _stage(text: str, amount: str) -> list[Line]:
    return [line("R", "4400", text, "1", amount)]


PROGRESS = line("R", "4400", "Previously billed", "1", "-3000.00")

# Numbers 10394 to 10405; 10404 has been typed into QuickBooks by hand already.
FIRST: tuple[Entry, ...] = (
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
        [line("R", "4400", "Office move, phase 2", "1", "7850.00"), PROGRESS],
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
)

DEDUCTION = down_payment("Less down payment of invoice 10405", "-1250.00")
DISCOUNT = line("R", "4010", "Courtesy discount, labor", "1", "-25.00")

# One of each kind of trouble.
UNUSUAL: tuple[Entry, ...] = (
    (
        "North Fork Brewing",
        "Standard",
        3,
        [sale(SWITCH, "2"), sale(FIREWALL, "1"), labor(48231, "6.5"), DEDUCTION],
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
        [sale(LAPTOP, "3"), sale(UPS, "1"), labor(48250, "4.25"), DISCOUNT],
        {"purchase_order": "PO-2291"},
    ),
    (
        "Bayside Orthodontics",
        "Standard",
        12,
        [sale(CABLE, "37"), sale(LONG_CABLE, "11")],
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
)
