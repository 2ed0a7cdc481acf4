"""Two weeks of expenses of four members: ordinary ones, and one of each kind that needs a decision."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.expenses import (
    NOT_REIMBURSABLE,
    PERSONAL,
    REIMBURSABLE,
    Expense,
    ExpenseReport,
    ExpenseType,
    Member,
    PaymentMethod,
    taxes_within,
)
from sandbox.connectwise.papers import Paper
from sandbox.demo_psa.tables import BOISE, PORTLAND, SEATTLE, TACOMA
from sandbox.pdf import one_page

if TYPE_CHECKING:
    from sandbox.connectwise.site import Site

ORTIZ, PATEL, LINDQVIST, GRANT = 150, 151, 152, 153
# Jonas Lindqvist has no vendor number: nothing tells which vendor of the books he is.
STAFF = (
    (ORTIZ, "mortiz", "Marta", "Ortiz", "E-ORTIZ", PORTLAND),
    (PATEL, "dpatel", "Dev", "Patel", "E-PATEL", TACOMA),
    (LINDQVIST, "jlindqvist", "Jonas", "Lindqvist", "", PORTLAND),
    (GRANT, "kgrant", "Keisha", "Grant", "E-GRANT", BOISE),
)
OWN, CARD, FUEL_CARD = 1, 2, 3
# Account 2110 is in no chart yet: the fuel card is new.
METHODS = (
    PaymentMethod(OWN, "Paid by employee", "2000"),
    PaymentMethod(CARD, "Company credit card", "2100", company=True),
    PaymentMethod(FUEL_CARD, "Fuel card", "2110", company=True),
)
MILEAGE, MEALS, PARKING, PARTS, TRAVEL = 1, 2, 3, 4, 5
TYPES = (
    ExpenseType(MILEAGE, "Mileage", "6250", "6250", mileage=True),
    ExpenseType(MEALS, "Meals", "6200", "6200"),
    ExpenseType(PARKING, "Parking", "6800", "6800"),
    ExpenseType(PARTS, "Parts and supplies", "5100", "6300"),
    ExpenseType(TRAVEL, "Travel", "6800", "6050"),
)
#: Id of the report, member, weeks before this one, status.
REPORTS = (
    (501, ORTIZ, 1, "ApprovedByTierTwo"),
    (502, ORTIZ, 2, "Billed"),
    (503, PATEL, 1, "ReadyToBill"),
    (504, LINDQVIST, 1, "ApprovedByTierTwo"),
    (505, GRANT, 1, "PendingApproval"),
    (506, GRANT, 2, "ApprovedByTierTwo"),
)

# Report, day of its week, type, method, classification, customer or none, amount, text, and what else there is to it.
Entry = tuple[int, int, int, int, str, str, str, str, dict[str, Any]]

# Its ticket bills expenses before they are approved.
DAIRY = {"leaks": True, "ticket": (48251, "Cold storage cameras")}

ENTRIES: tuple[Entry, ...] = (
    (
        501,
        0,
        MILEAGE,
        OWN,
        REIMBURSABLE,
        "Acme Dental",
        "43.40",
        "Mileage, 62 miles",
        {"billable": True, "ticket": (48213, "Replace failed POS switch")},
    ),
    (501, 1, PARKING, OWN, REIMBURSABLE, "Acme Dental", "18.00", "Parking, Pearl District", {"billable": True}),
    (501, 2, MEALS, OWN, REIMBURSABLE, "", "27.15", "Team lunch after the migration", {}),
    (
        501,
        3,
        TRAVEL,
        CARD,
        NOT_REIMBURSABLE,
        "Skyline Roofing",
        "212.60",
        "Flight PDX to BOI",
        {"billable": True, "project": (71, "Plant network")},
    ),
    (502, 2, PARTS, OWN, REIMBURSABLE, "North Fork Brewing", "61.98", "Wall mounts, two", {"billable": True}),
    (503, 0, MEALS, OWN, REIMBURSABLE, "Red Barn Equipment", "38.75", "Lunch with customer", {}),
    (503, 1, MILEAGE, OWN, REIMBURSABLE, "Red Barn Equipment", "58.80", "Mileage, 84 miles", {"billable": True}),
    (
        503,
        2,
        PARTS,
        OWN,
        REIMBURSABLE,
        "Bayside Orthodontics",
        "88.20",
        "Power supply",
        {"tax": SEATTLE, "billable": True},
    ),
    (503, 3, TRAVEL, FUEL_CARD, NOT_REIMBURSABLE, "", "54.37", "Fuel, van 2", {}),
    (504, 1, PARTS, CARD, NOT_REIMBURSABLE, "Ironwood Fabrication", "129.99", "Label printer", {"billable": True}),
    (504, 2, PARKING, OWN, REIMBURSABLE, "Ironwood Fabrication", "24.00", "Parking, two days", {}),
    (504, 4, MEALS, OWN, PERSONAL, "", "16.40", "Own dinner", {}),
    (505, 1, MILEAGE, OWN, REIMBURSABLE, "Snake River Dairy", "75.60", "Mileage, 108 miles", DAIRY),
    (505, 2, MEALS, OWN, REIMBURSABLE, "Snake River Dairy", "31.05", 'Breakfast <with> "Jo" & crew', DAIRY),
    (505, 3, PARKING, OWN, REIMBURSABLE, "Snake River Dairy", "9.00", "Parking", {}),
    (
        506,
        1,
        MEALS,
        OWN,
        REIMBURSABLE,
        "Canyon Ridge Builders",
        "22.50",
        "Expense of a type without account",
        {"mapped": False},
    ),
)


def fill_expenses(site: Site) -> None:
    """Give the site its members, reports and expenses; the ids of the latter run from 9001."""
    site.staff = {each[0]: Member(*each) for each in STAFF}
    site.payment_methods = {each.id: each for each in METHODS}
    site.expense_types = {each.id: each for each in TYPES}
    site.reports = {each[0]: _report(site, *each) for each in REPORTS}
    for index, entry in enumerate(ENTRIES):
        site.add_expense(_expense(site, 9001 + index, entry))
    for expense in site.expenses.values():
        if expense.classification == REIMBURSABLE and expense.type.id != MILEAGE:
            words = f"{expense.member.name}: {expense.text}, {expense.amount}"
            paper = Paper(expense.id - 8000, "Expense", expense.id, "receipt.pdf", one_page(words))
            site.papers[paper.id] = paper


def _report(site: Site, number: int, member: int, weeks: int, status: str) -> ExpenseReport:
    monday = site.today - timedelta(days=site.today.weekday() + 7 * weeks)
    return ExpenseReport(number, site.staff[member], monday, monday + timedelta(days=6), status)


def _expense(site: Site, number: int, entry: Entry) -> Expense:
    report_id, day, kind, method, classification, customer, amount, text, more = entry
    report = site.reports[report_id]
    company = next((each for each in site.companies.values() if each.name == customer), None)
    code = site.tax_codes.get(more.get("tax", 0))
    return Expense(
        id=number,
        report=report,
        type=site.expense_types[kind],
        payment=site.payment_methods[method],
        classification=classification,
        date=report.start + timedelta(days=day),
        amount=Decimal(amount),
        text=text,
        location_id=report.member.location_id,
        company=company,
        tax_code=code,
        taxes=taxes_within(Decimal(amount), code),
        **{name: value for name, value in more.items() if name != "tax"},
    )
