"""Rows as the API shows them: references, the unposted list, invoices, companies. Null fields are left out."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCY
from sandbox.connectwise.model import LEVEL_NAMES, Company, Invoice, Location, Term

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.connectwise.model import LevelTax, TaxCode
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

STATUSES: list[Row] = [
    {
        "id": 1,
        "name": "New",
        "sortOrder": 1,
        "defaultFlag": True,
        "closedFlag": False,
        "inactiveFlag": False,
        "sentFlag": False,
    },
    {
        "id": 6,
        "name": "Sent",
        "sortOrder": 2,
        "defaultFlag": False,
        "closedFlag": False,
        "inactiveFlag": False,
        "sentFlag": True,
    },
    {
        "id": 13,
        "name": "Closed",
        "sortOrder": 3,
        "defaultFlag": False,
        "closedFlag": True,
        "inactiveFlag": False,
        "sentFlag": False,
    },
    {
        "id": 14,
        "name": "Paid",
        "sortOrder": 4,
        "defaultFlag": False,
        "closedFlag": True,
        "inactiveFlag": False,
        "sentFlag": False,
    },
]


def midnight(day: date) -> str:
    """A date as the API writes it; the zone means nothing."""
    return f"{day.isoformat()}T00:00:00Z"


def moment(when: datetime | None) -> str | None:
    """A real moment, to the second, in UTC."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else None


def without_null(row: Row) -> Row:
    """The row without what is null."""
    return {key: value for key, value in row.items() if value is not None}


def company_ref(company: Company) -> Row:
    """CompanyReference."""
    return {"id": company.id, "identifier": company.identifier, "name": company.name}


def site_ref(company: Company) -> Row:
    """SiteReference of the company's only site."""
    return {"id": company.id + 1000, "name": "Main"}


def term_ref(term: Term) -> Row:
    """BillingTermsReference."""
    return {"id": term.id, "name": term.name}


def location_ref(location: Location) -> Row:
    """Location and owner level references share their shape."""
    return {"id": location.id, "name": location.name}


def code_ref(code: TaxCode | None) -> Row | None:
    """TaxCodeReference; its name is the tax code's identifier."""
    return {"id": code.id, "name": code.identifier} if code else None


def tax_ref(invoice: Invoice) -> Row | None:
    """The invoice's TaxCodeReference."""
    return code_ref(invoice.tax_code)


def level_fields(taxes: Iterable[LevelTax]) -> Row:
    """stateTaxFlag, stateTaxAmount, stateTaxXref … for every level; the xref only where the level exists."""
    by_level = {each.level.level: each for each in taxes}
    row: Row = {}
    for number, name in LEVEL_NAMES.items():
        found = by_level.get(number)
        row[f"{name}TaxFlag"] = bool(found and found.taxable)
        row[f"{name}TaxXref"] = found.level.xref if found else None
        row[f"{name}TaxAmount"] = found.amount if found else 0.0
    return row


def contact_row(company: Company) -> Row:
    """The company's one contact: its phone, and its e-mail where it has one."""
    mail = {"id": company.id + 7000, "type": {"id": 1, "name": "Email"}, "value": company.contact_email,
            "defaultFlag": True, "communicationType": "Email"}  # fmt: skip
    phone = {"id": company.id + 8000, "type": {"id": 2, "name": "Direct"}, "value": "5035550100", "defaultFlag": True,
             "communicationType": "Phone"}  # fmt: skip
    return {
        "id": company.id + 4000,
        "firstName": company.contact,
        "company": company_ref(company),
        "communicationItems": [phone, mail] if company.contact_email else [phone],
    }


def _status(company: Company) -> Row:
    if company.status:
        return {"id": 3, "name": company.status}
    return {"id": 1, "name": "Active"} if company.active else {"id": 2, "name": "Inactive"}


def company_row(site: Site, company: Company) -> Row:
    """Company, as far as an accounting package needs it."""
    code = site.tax_codes.get(company.tax_code_id or 0)
    row = {
        **company_ref(company),
        "status": _status(company),
        "addressLine1": company.street,
        "city": company.city,
        "state": company.state,
        "zip": company.zip,
        "country": {"id": 1, "name": "United States"},
        "phoneNumber": f"503555{company.id:04d}"[:10],
        "territory": location_ref(site.locations[company.location_id]),
        "accountNumber": company.account_number or None,
        "defaultContact": {"id": company.id + 4000, "name": company.contact},
        "taxCode": code_ref(code),
        "billingTerms": term_ref(site.terms[company.term_id]),
        "billToCompany": company_ref(company),
        "billingSite": site_ref(company),
        "billingContact": {"id": company.id + 4000, "name": company.contact},
        "invoiceToEmailAddress": company.email or None,
        "deletedFlag": False,
        "currency": CURRENCY,
        "vendorIdentifier": company.vendor_number or None,
        "isVendorFlag": company.vendor,
        "types": [{"id": 5, "name": "Vendor"} if company.vendor else {"id": 1, "name": "Client"}],
        "site": site_ref(company),
        "_info": without_null({"lastUpdated": moment(company.updated)}),
    }
    return without_null(row)
