"""Members, the time that they wrote down, and agreements."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.invoice_rows import agreement_ref
from sandbox.connectwise.present import code_ref, company_ref, location_ref, midnight, moment, term_ref, without_null
from sandbox.connectwise.unposted import member_ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.connectwise.model import Invoice, Line, Work
    from sandbox.connectwise.site import Site

Row = dict[str, Any]


def member_rows(site: Site) -> list[Row]:
    """Member, and the API member itself (license class A)."""
    rows = [
        {
            "id": each.id,
            "identifier": each.identifier,
            "firstName": each.first,
            "lastName": each.last,
            "licenseClass": each.license_class,
            "vendorNumber": each.vendor_number or None,
            "inactiveFlag": each.inactive,
            "primaryEmail": f"{each.identifier}@harborpoint.example",
            "officeEmail": f"{each.identifier}@harborpoint.example",
            "title": "Engineer",
            "defaultLocation": location_ref(site.locations[each.location_id]),
        }
        for each in site.staff.values()
    ]
    api = {"id": 199, "identifier": "crossfoot", "firstName": "Crossfoot", "lastName": "API", "licenseClass": "A"}
    return [*map(without_null, rows), {**api, "inactiveFlag": False}]


def _worked(site: Site) -> Iterator[tuple[Invoice, Line, Work]]:
    for invoice in site.invoices.values():
        if site.sees(invoice.location_id):
            yield from ((invoice, line, line.work) for line in invoice.lines if line.work)


def time_rows(site: Site) -> list[Row]:
    """TimeEntry: those that invoices are made of. A ticket's entry has its id once."""
    return list({row["id"]: row for row in (_entry(site, *each) for each in _worked(site))}.values())


def _entry(site: Site, invoice: Invoice, line: Line, work: Work) -> Row:
    start = datetime.combine(invoice.date - timedelta(days=3), time(16, 0), UTC)
    hours = abs(line.quantity)
    member = next((each for each in site.staff.values() if each.name == work.member), None)
    return without_null(
        {
            "id": work.time_entry_id,
            "company": company_ref(invoice.company),
            "companyType": "Client",
            "chargeToId": work.ticket,
            "chargeToType": "ServiceTicket",
            "member": member_ref(member) if member else {"name": work.member},
            "locationId": invoice.location_id,
            "location": location_ref(site.locations[invoice.location_id]),
            "businessUnitId": 10,
            "workType": {"id": 1 + (work.kind == "Remote"), "name": work.kind, "utilizationFlag": True},
            "workRole": {"id": 1, "name": work.role},
            "timeStart": moment(start),
            "timeEnd": moment(start + timedelta(hours=float(hours))),
            "hoursDeduct": 0.0,
            "actualHours": hours,
            "billableOption": "Billable",
            "notes": work.notes,
            "internalNotes": work.internal_notes or None,
            "addToDetailDescriptionFlag": True,
            "addToInternalAnalysisFlag": bool(work.internal_notes),
            "addToResolutionFlag": False,
            "hoursBilled": line.quantity,
            "invoiceHours": line.quantity,
            "hourlyRate": line.price,
            "enteredBy": member.identifier if member else None,
            "dateEntered": moment(start + timedelta(hours=4)),
            "status": "Billed",
            "ticket": {"id": work.ticket, "summary": work.summary},
            "invoice": {"id": invoice.id, "identifier": invoice.number},
            "invoiceReady": 1,
            "extendedInvoiceAmount": line.amount,
            "taxCode": code_ref(invoice.tax_code),
            "_info": {"lastUpdated": moment(start + timedelta(hours=4))},
        }
    )


def role_rows(site: Site) -> list[Row]:
    """WorkRole."""
    roles = dict.fromkeys(work.role for _, _, work in _worked(site))
    return [
        {"id": 1 + index, "name": each, "hourlyRate": 145.0, "inactiveFlag": False} for index, each in enumerate(roles)
    ]


def work_type_rows(_: Site) -> list[Row]:
    """WorkType."""
    names = ((1, "On-site"), (2, "Remote"))
    return [{"id": number, "name": name, "billTime": "Billable", "inactiveFlag": False} for number, name in names]


def agreement_rows(site: Site) -> list[Row]:
    """Agreement: one for each customer that gets agreement invoices."""
    invoices = [each for each in site.invoices.values() if each.type == "Agreement" or each.agreement]
    by_company = {each.company.id: each for each in invoices}
    return [_agreement(site, each) for each in by_company.values()]


def _agreement(site: Site, invoice: Invoice) -> Row:
    ref, company = agreement_ref(invoice) or {}, invoice.company
    return {
        "id": ref["id"],
        "name": ref["name"],
        "type": {"id": 1, "name": "Managed Services"},
        "company": company_ref(company),
        "location": location_ref(site.locations[company.location_id]),
        "startDate": midnight(invoice.date.replace(month=1, day=1)),
        "noEndingDateFlag": True,
        "cancelledFlag": False,
        "billingTerms": term_ref(site.terms[company.term_id]),
        "billToCompany": company_ref(company),
        "billingCycle": {"id": 2, "name": "Monthly"},
        "billAmount": max(invoice.subtotal, Decimal(0)),
        "agreementStatus": "Active",
    }


def addition_rows(agreement_id: int) -> list[Row]:
    """AgreementAddition: ten seats of which two are included, one thing that is not billed, one that ended."""
    seats = {"quantity": 10.0, "lessIncluded": 2.0, "unitPrice": 4.5, "billCustomer": "Billable"}
    kinds = (
        ("Endpoint protection", seats),
        ("Onboarding", {**seats, "billCustomer": "NoCharge"}),
        ("Old backup", {**seats, "cancelledDate": "2020-01-31T00:00:00Z"}),
    )
    return [
        {
            "id": agreement_id * 10 + place, "product": {"id": 900 + place, "identifier": name}, "description": name,
            "effectiveDate": "2020-01-01T00:00:00Z", "agreementId": agreement_id, **values,
        }
        for place, (name, values) in enumerate(kinds)
    ]  # fmt: skip
