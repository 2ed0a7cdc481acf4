"""What a customer gets to see: the PDF of a sales form, and the link to pay an invoice."""

from __future__ import annotations

from sandbox.pdf import one_page
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.problems import Json


def pdf(company: Company, document: Json) -> bytes:
    """The form as the company prints it."""
    return one_page(f"{company.name}: {document.get('DocNumber') or document['Id']}, {document['TotalAmt']:.2f}")


def link(company: Company, invoice: Json) -> Json:
    """`InvoiceLink`: only with QuickBooks Payments, an address on the invoice, and a way to pay that it allows."""
    allowed = invoice.get("AllowOnlineCreditCardPayment") or invoice.get("AllowOnlineACHPayment")
    address = invoice.get("BillEmail", {}).get("Address")
    if not (company.switches.online_payments and allowed and address):
        return {}
    return {"InvoiceLink": f"https://connect.intuit.example/t/scs-v1-{company.realm}-{invoice['Id']}"}
