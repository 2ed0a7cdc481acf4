"""Who a document is for, and where: from the export, completed by the invoice and the company where they are readable.

An export names the customer by id and short name only; the full name is on the company, the addresses are on the
invoice.
"""

from __future__ import annotations

from app.connectors.connectwise import values
from app.connectors.connectwise.values import Row
from app.domain.documents import Address, Party, Reference


def reference(row: Row) -> Reference | None:
    """What a reference of the export points to; None where it points to nothing."""
    ident = values.identity(row)
    return Reference(ident, values.text(row, "name", "identifier")) if ident else None


def party(transaction: Row, customer: Row, company: Row, invoice: Row) -> Party:
    """The customer; an empty ``source_id`` where the export names none."""
    shown = values.part(transaction, "company") or values.part(customer, "company")
    return Party(
        source_id=values.identity(shown),
        name=(
            values.text(company, "name")
            or values.text(shown, "name")
            or values.text(_same(shown, values.part(customer, "company")), "name")
            or values.text(_same(shown, values.part(invoice, "billToCompany")), "name")
            or values.text(_same(shown, values.part(invoice, "company")), "name")
            or values.text(shown, "identifier")
        ),
        account_number=values.text(transaction, "companyAccountNumber") or values.text(customer, "accountNumber"),
        email=values.text(company, "invoiceToEmailAddress"),
        phone=values.text(company, "phoneNumber"),
        billing_address=_on_invoice(invoice, "billing") or on_company(company),
    )


def ship_to(invoice: Row) -> Address:
    """Where the goods go; empty where the invoice doesn't say."""
    return _on_invoice(invoice, "shipping") or Address()


def _same(shown: Row, other: Row) -> Row:
    return other if values.identity(other) == values.identity(shown) else {}


def _on_invoice(invoice: Row, site: str) -> Address | None:
    start = f"{site}Site"
    lines = tuple(filter(None, (values.text(invoice, f"{start}AddressLine{number}") for number in (1, 2))))
    city, region = values.text(invoice, f"{start}City"), values.text(invoice, f"{start}State")
    postal_code, country = values.text(invoice, f"{start}Zip"), values.text(invoice, f"{start}Country")
    return Address(lines, city, region, postal_code, country) if lines or city or postal_code else None


def on_company(company: Row) -> Address:
    """The company's own address."""
    lines = tuple(filter(None, (values.text(company, f"addressLine{number}") for number in (1, 2))))
    return Address(
        lines,
        values.text(company, "city"),
        values.text(company, "state"),
        values.text(company, "zip"),
        values.text(values.part(company, "country"), "name"),
    )
