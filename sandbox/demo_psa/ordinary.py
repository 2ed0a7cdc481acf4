"""The ordinary invoices of the demo: what a month end is mostly made of."""

from __future__ import annotations

from sandbox.connectwise.model import line, sale
from sandbox.demo_psa.invoicing import down_payment, expense, labor, seats
from sandbox.demo_psa.tables import CABLE, FIREWALL, HUNTRESS, LAPTOP, OFFICE, UPS
from sandbox.demo_psa.unusual import Entry

# What a month end is mostly made of.
ORDINARY: tuple[Entry, ...] = (
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
)
