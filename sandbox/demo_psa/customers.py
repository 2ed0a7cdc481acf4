"""The customers of Harbor Point IT. Their location decides where they are taxed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sandbox.connectwise.model import Company
from sandbox.connectwise.site import Site
from sandbox.demo_psa.tables import (
    BOISE,
    IDAHO,
    NET_10_EOM,
    NET_15,
    NET_21,
    NET_30,
    ON_RECEIPT,
    OREGON,
    PORTLAND,
    SEATTLE,
    TACOMA,
)

NAMES: tuple[tuple[str, int, int], ...] = (
    ("Acme Dental", PORTLAND, NET_30),
    ("Sandpiper Hospitality", TACOMA, NET_30),
    ("Meridian Surgery Center", PORTLAND, NET_10_EOM),
    ("Columbia Gorge Credit Union", PORTLAND, NET_15),
    ("Whitaker Family Trust", BOISE, ON_RECEIPT),
    ("Red Barn Equipment", TACOMA, NET_10_EOM),
    ("Skyline Roofing", PORTLAND, NET_30),
    ("Nisqually Land Trust", TACOMA, NET_10_EOM),
    ("Canyon Ridge Builders", BOISE, ON_RECEIPT),
    ("River City Plumbing", PORTLAND, NET_30),
    ("Westside Endodontics", TACOMA, NET_30),
    ("North Fork Brewing", PORTLAND, NET_30),
    ("Fircrest Lutheran Church", TACOMA, ON_RECEIPT),
    ("Falcon Freight Logistics", BOISE, NET_10_EOM),
    ("Umpqua Orchards", PORTLAND, NET_10_EOM),
    ("Vista House Events", PORTLAND, NET_15),
    ("Ironwood Fabrication", PORTLAND, NET_30),
    ("Rainier Oral Surgery", TACOMA, NET_10_EOM),
    ("Pacific Crest Wealth", PORTLAND, NET_30),
    ("Puget Sound Drywall", TACOMA, NET_30),
    ("Port Orchard Dental", TACOMA, NET_30),
    ("Madrona Childcare Centers", TACOMA, NET_15),
    ("Tidewater Seafood", PORTLAND, NET_30),
    ("Sellwood Chiropractic", PORTLAND, NET_30),
    ("Wenatchee Cold Storage", TACOMA, NET_30),
    ("Rose City Bail Bonds", PORTLAND, NET_30),
    ("Laurelhurst Dermatology", PORTLAND, NET_10_EOM),
    ("Pearl District Lofts HOA", PORTLAND, NET_30),
    ("Bridgeport Machine Works", BOISE, NET_30),
    ("Snake River Dairy", BOISE, NET_15),
    ("Hollis Insurance Group", PORTLAND, NET_10_EOM),
    ("Cedar Mill Family Law", BOISE, NET_10_EOM),
    ("Walla Walla Seed Co.", TACOMA, NET_10_EOM),
    ("Evergreen Eye Associates", PORTLAND, NET_30),
    ("Mount Tabor Montessori", PORTLAND, ON_RECEIPT),
    ("Bayside Orthodontics", TACOMA, NET_30),
    ("Lewis & Hale Attorneys", PORTLAND, NET_30),
    ("Silver Falls Optometry", PORTLAND, NET_30),
    ("Quarry Road Concrete", BOISE, NET_21),
    ("O'Malley & Sons Towing", PORTLAND, NET_30),
    ("Bertha’s “Blue Door” Bakery 🥐", PORTLAND, NET_15),
    ("Cascade Air: Hangar 4", TACOMA, NET_30),
)
WITHOUT_ACCOUNT = "Vista House Events"
TAXED_AT_ZERO = {"Acme Dental", "Ironwood Fabrication", "Hollis Insurance Group"}
PLACES = {PORTLAND: ("Portland", "OR", "97204"), TACOMA: ("Tacoma", "WA", "98402"), BOISE: ("Boise", "ID", "83702")}
STREETS = ("Dock St", "Alder Way", "Commerce Ave", "Pine Ct", "Harbor Blvd", "Grove Rd")
PEOPLE = (
    "Ana Reyes",
    "Tom Becker",
    "Priya Natarajan",
    "Lou Castellano",
    "Grace Okafor",
    "Wes Halvorsen",
    "Mei-Ling Chu",
)


def fill_customers(site: Site) -> None:
    """Give the site its customers, ids 401 and up."""
    for index, (name, location, term) in enumerate(NAMES):
        add_customer(site, 401 + index, name, location, term)


def add_customer(site: Site, number: int, name: str, location: int, term: int) -> Company:
    """One customer whose address, contact and tax code follow from its number and location."""
    city, state, postcode = PLACES[location]
    plain = re.sub(r"[^A-Za-z0-9]", "", name)
    company = Company(
        id=number,
        identifier=plain[:25],
        name=name,
        account_number="" if name == WITHOUT_ACCOUNT else f"{plain[:6].upper()}{number % 100:02d}",
        location_id=location,
        term_id=term,
        tax_code_id=_tax_code(name, location),
        city=city,
        state=state,
        zip=postcode,
        street=f"{100 + number * 7 % 900} {STREETS[number % len(STREETS)]}",
        contact=PEOPLE[number % len(PEOPLE)],
        email=f"ap@{plain[:20].lower()}.example" if number % 6 else "",
        updated=datetime(2026, 1, 5, 17, 30, tzinfo=UTC),
    )
    site.companies[company.id] = company
    return company


def _tax_code(name: str, location: int) -> int | None:
    """Oregon has no sales tax; a few customers carry its zero code all the same."""
    if location == PORTLAND:
        return OREGON if name in TAXED_AT_ZERO else None
    return SEATTLE if location == TACOMA else IDAHO
