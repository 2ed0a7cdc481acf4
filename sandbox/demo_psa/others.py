"""A few unposted expenses and purchases of Harbor Point IT."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.present import CURRENCY, company_ref, midnight
from sandbox.demo_psa.tables import PORTLAND, TACOMA

if TYPE_CHECKING:
    from sandbox.connectwise.site import Site

# Member or identifier, kind, text, total, location, days before today.
Entry = tuple[str, str, str, float, int, int]

EXPENSES: tuple[Entry, ...] = (
    ("Marta Ortiz", "Mileage", "Mileage, 62 miles", 43.40, PORTLAND, 6),
    ("Dev Patel", "Meals", "Lunch with customer", 38.75, TACOMA, 9),
    ("Keisha Grant", "Parking", "Parking, Pearl District", 24.00, PORTLAND, 12),
)
PURCHASES: tuple[Entry, ...] = (
    ("1088-PS20114-purchase", "Purchase", "PO 1088", 1861.00, PORTLAND, 5),
    ("1091-PS20131-purchase", "Purchase", "PO 1091", 520.00, TACOMA, 10),
    ("31-adjustment", "Adjustment", "Count of 3 November", -12.60, PORTLAND, 14),
)


def fill_others(site: Site) -> None:
    """Give the site its expenses and purchases."""
    for number, expense in enumerate(EXPENSES):
        site.add_expense(_expense(site, number, expense))
    for purchase in PURCHASES:
        site.add_procurement(_purchase(site, purchase))


def _expense(site: Site, number: int, expense: Entry) -> dict[str, Any]:
    member, kind, text, total, location, days = expense
    company = next(iter(site.companies.values()))
    return {
        "locationId": location,
        "departmentId": 10,
        "company": company_ref(company),
        "accountNumber": "6100",
        "creditAccount": "2100",
        "expenseDetailId": 9001 + number,
        "expenseType": {"id": number + 1, "name": kind},
        "classification": "Reimbursable",
        "glType": "EE",
        "member": {"id": 150 + number, "identifier": member.split(" ", 1)[0].lower(), "name": member},
        "dateExpense": midnight(site.today - timedelta(days=days)),
        "chargeDescription": text,
        "inPolicy": True,
        "currency": CURRENCY,
        "total": total,
        "billableAmount": total,
        "nonBillableAmount": 0.0,
    }


def _purchase(site: Site, purchase: Entry) -> dict[str, Any]:
    identifier, kind, text, total, location, days = purchase
    return {
        "description": text,
        "unpostedProductId": identifier,
        "locationId": location,
        "departmentId": 10,
        "procurementType": kind,
        "purchaseDate": midnight(site.today - timedelta(days=days)),
        "currency": CURRENCY,
        "total": total,
        "taxTotal": 0.0,
    }
