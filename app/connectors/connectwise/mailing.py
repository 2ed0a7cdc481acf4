"""What a mail to a customer needs: the invoice's PDF, and where the customer wants it."""

from __future__ import annotations

from collections.abc import Sequence

from app.connectors.connectwise import values
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.values import Row
from app.connectors.files import LARGEST_PDF, pdf_of


def pdf(client: Client, record: str) -> bytes:
    """An invoice as ConnectWise prints it (``/finance/invoices/{id}/pdf``). Raises ConnectionFailedError."""
    return pdf_of(client.read(f"/finance/invoices/{int(record)}/pdf", largest=LARGEST_PDF), "ConnectWise")


def addresses(client: Client, parties: Sequence[str]) -> dict[str, str]:
    """By company: its “invoice to” address, else that of its billing contact. Raises ConnectionFailedError."""
    companies = client.rows_in("/company/companies", "id", [one for one in parties if values.is_number(one)])
    found = {values.identity(row): values.text(row, "invoiceToEmailAddress") for row in companies}
    contacts = {
        values.identity(row): values.identity(values.part(row, "billingContact"))
        for row in companies
        if not values.text(row, "invoiceToEmailAddress")
    }
    wanted = sorted({contact for contact in contacts.values() if contact})
    rows = client.optional_rows("/company/contacts", "id", wanted) if wanted else []
    of_contact = {values.identity(row): _of_contact(row) for row in rows}
    found |= {company: of_contact.get(contact, "") for company, contact in contacts.items()}
    return {company: address for company, address in found.items() if address}


def _of_contact(row: Row) -> str:
    """The contact's default e-mail, else its first."""
    items = row.get("communicationItems")
    mails = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    mails = [one for one in mails if values.text(one, "communicationType") == "Email" and values.text(one, "value")]
    chosen = next((one for one in mails if one.get("defaultFlag")), mails[0] if mails else None)
    return values.text(chosen, "value") if chosen else ""
