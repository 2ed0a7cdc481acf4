"""Builds invoices for the demo: the parts that an MSP bills, and the dates that follow from a billing term."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.model import Company, Invoice, Line, Term, Work, line, sale
from sandbox.demo_psa.tables import BACKUP, HUNTRESS, MFA, OFFICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.connectwise.site import Site

MEMBERS = ("Marta Ortiz", "Dev Patel", "Jonas Lindqvist", "Keisha Grant")
WORK = (
    ("Replace failed POS switch", "On-site; moved 11 drops to the new switch, tested card readers."),
    ("Outlook cannot search", "Rebuilt the search index, moved the OST off the synced folder."),
    ("New starter", "Account, licence, laptop; walked the user through MFA."),
    ("Printer on second floor offline", "Static address was taken by a phone; set a reservation."),
    ("Quarterly restore test", "Restored the file server to the appliance; report attached."),
)


def _evening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 12, 9, tzinfo=UTC)


def due(day: date, term: Term) -> date:
    """The due date; terms from the end of the month run from its last day."""
    start = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1) if term.end_of_month else day
    return start + timedelta(days=term.due_days)


def bill(site: Site, company: Company, *, kind: str, day: date, lines: Sequence[Line], **more: Any) -> Invoice:
    """A closed invoice with the next number; `more` are further fields of Invoice."""
    made = invoice(site, site.next_invoice(), company, kind=kind, day=day, lines=lines, **more)
    return site.add_invoice(made)


def invoice(
    site: Site, numbers: tuple[int, str], company: Company, *, kind: str, day: date, lines: Sequence[Line], **more: Any
) -> Invoice:
    """The same under an id and a number of one's own, not yet part of the site."""
    term = site.terms[more.pop("term_id", company.term_id)]
    return Invoice(
        id=numbers[0],
        number=numbers[1],
        type=kind,
        date=day,
        due_date=due(day, term),
        company=company,
        location_id=company.location_id,
        term=term,
        tax_code=site.tax_codes.get(company.tax_code_id or 0),
        lines=tuple(lines),
        closed=more.pop("closed", _evening(min(day, site.today - timedelta(days=1)))),
        **more,
    )


def seats(many: int, *, office: int = 0, backup: int = 0, edr: int = 0, mfa: int = 0) -> list[Line]:
    """A month of managed services for so many workstations, with subscriptions on top."""
    lines = [line("RA", "4000", "Managed workstation, monthly", str(many), "45.00")]
    additions = ((OFFICE, office), (BACKUP, backup), (HUNTRESS, edr), (MFA, mfa))
    return lines + [sale(product, str(count)) for product, count in additions if count]


def labor(ticket: int, hours: str, rate: str = "145.00", account: str = "4010") -> Line:
    """One time entry on a service ticket."""
    summary, notes = WORK[ticket % len(WORK)]
    work = Work(
        ticket,
        summary,
        MEMBERS[ticket % len(MEMBERS)],
        "Engineer",
        "Remote" if ticket % 2 else "On-site",
        notes,
        ticket * 3 + 1,
    )
    return line("R", account, f"Service Ticket #{ticket}: {summary}", hours, rate, work=work)


def expense(text: str, amount: str) -> Line:
    """A billable expense."""
    return line("RE", "4500", text, "1", amount)


def down_payment(text: str, amount: str) -> Line:
    """A payment in advance, or with a minus its deduction from a later invoice."""
    return line("RD", "2300", text, "1", amount)
