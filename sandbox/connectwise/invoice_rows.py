"""An invoice as the API shows it: in the unposted list, and among the invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCIES
from sandbox.connectwise.payments import totals
from sandbox.connectwise.present import (
    STATUSES,
    company_ref,
    level_fields,
    location_ref,
    midnight,
    moment,
    site_ref,
    tax_ref,
    term_ref,
    without_null,
)

if TYPE_CHECKING:
    from sandbox.connectwise.model import Invoice
    from sandbox.connectwise.site import Site

Row = dict[str, Any]


def attention(invoice: Invoice) -> str:
    """Whom it is meant for: the customer's contact unless another was typed in."""
    return invoice.company.contact if invoice.attention is None else invoice.attention


def due_days(invoice: Invoice) -> int:
    """The term's, unless the invoice departs from it."""
    return invoice.term.due_days if invoice.due_days is None else invoice.due_days


def project_ref(invoice: Invoice) -> Row | None:
    """ProjectReference."""
    return {"id": invoice.project[0], "name": invoice.project[1]} if invoice.project else None


def agreement_ref(invoice: Invoice) -> Row | None:
    """AgreementReference of an invoice; agreement invoices always have one."""
    if invoice.type != "Agreement" and not invoice.agreement:
        return None
    name = invoice.agreement or f"{invoice.company.name} Managed Services"
    return {"id": 600 + invoice.company.id, "name": name, "type": "Managed Services", "chargeFirmFlag": False}


def _status(invoice: Invoice) -> Row:
    """BillingStatusReference."""
    number = invoice.closed_status if invoice.closed else invoice.open_status
    name = next(each["name"] for each in STATUSES if each["id"] == number)
    return {"id": number, "name": name, "isClosed": invoice.closed is not None}


def _named(site: Site, invoice: Invoice) -> Row:
    """The territory: one that was set, or the location."""
    location = site.locations[invoice.location_id]
    return {"id": location.id, "name": invoice.territory or location.name}


def unposted_invoice(site: Site, invoice: Invoice) -> Row:
    """UnpostedInvoice. Its `id` is a GL record's, its `billingLogId` the invoice's."""
    company = company_ref(invoice.company)
    kinds = {each.gl_type for each in invoice.lines}
    row = {
        "id": invoice.stamp.receivable[0] if invoice.stamp else invoice.id,
        "billingLogId": invoice.id,
        "locationId": invoice.location_id,
        "location": location_ref(site.locations[invoice.location_id]),
        "departmentId": 10,
        "department": {"id": 10, "identifier": "Services", "name": "Services"},
        "company": company,
        "accountNumber": invoice.company.account_number or None,
        "billToCompany": company,
        "billToSite": site_ref(invoice.company),
        "shipToCompany": company,
        "shipToSite": site_ref(invoice.company),
        "invoiceNumber": invoice.number,
        "invoiceDate": midnight(invoice.date),
        "invoiceType": invoice.type,
        "description": "Accounts Receivable" if invoice.mapped else "",
        "billingTerms": term_ref(invoice.term),
        "dueDays": str(due_days(invoice)),
        "dueDate": midnight(invoice.due_date),
        "currency": CURRENCIES[invoice.currency],
        "subTotal": invoice.subtotal,
        "total": invoice.total,
        "hasTime": "R" in kinds,
        "hasExpenses": "RE" in kinds,
        "hasProducts": "RP" in kinds,
        "invoiceTaxableFlag": invoice.tax_code is not None,
        "taxCode": tax_ref(invoice),
        "avalaraTaxFlag": invoice.avalara,
        "itemTaxableFlag": any(each.taxable for each in invoice.lines),
        "salesTaxAmount": invoice.tax,
        "createdBy": invoice.closed_by,
        "dateClosed": moment(invoice.closed),
    }
    return without_null({**row, **level_fields(invoice.taxes)})


def invoice_row(site: Site, invoice: Invoice) -> Row:
    """Invoice, with `glBatch` once it is batched."""
    company = invoice.company
    ref = company_ref(company)
    row = {
        "id": invoice.id,
        "invoiceNumber": invoice.number,
        "type": invoice.type,
        "status": _status(invoice),
        "company": ref,
        "billToCompany": ref,
        "shipToCompany": ref,
        "accountNumber": company.account_number or None,
        "applyToType": "Agreement" if invoice.type == "Agreement" else "All",
        "attention": attention(invoice),
        "billingSite": site_ref(company),
        "billingSiteAddressLine1": company.street,
        "billingSiteCity": company.city,
        "billingSiteState": company.state,
        "billingSiteZip": company.zip,
        "billingSiteCountry": "United States",
        "billingTerms": term_ref(invoice.term),
        "reference": "",
        "customerPO": invoice.purchase_order,
        "date": midnight(invoice.date),
        "dueDate": midnight(invoice.due_date),
        "locationId": invoice.location_id,
        "location": location_ref(site.locations[invoice.location_id]),
        "departmentId": 10,
        "territory": _named(site, invoice),
        "topComment": invoice.top_comment or None,
        "downpaymentPreviouslyTaxedFlag": invoice.tax_on_down_payment,
        "agreement": agreement_ref(invoice),
        "project": project_ref(invoice),
        "taxableFlag": invoice.tax_code is not None,
        "taxCode": tax_ref(invoice),
        "currency": CURRENCIES[invoice.currency],
        "subtotal": invoice.subtotal,
        "total": invoice.total,
        "salesTax": invoice.tax,
        **totals(site, invoice),
        "closedBy": invoice.closed_by if invoice.closed else None,
        "specialInvoiceFlag": False,
        "glBatch": _batch_ref(site, invoice.batch_id),
        "unbatchedBatch": _batch_ref(site, invoice.unbatched_batch_id) if not invoice.posted else None,
        "customFields": _custom_fields(invoice),
        "_info": {"lastUpdated": moment(invoice.updated), "updatedBy": invoice.closed_by},
    }  # fmt: skip
    return without_null(row)


def _custom_fields(invoice: Invoice) -> list[Row]:
    return [
        {"id": number, "caption": caption, "type": "Text", "entryMethod": "EntryField", "numberOfDecimals": 0,
         **({} if value is None else {"value": value})}
        for number, (caption, value) in enumerate(invoice.custom, 1)
    ]  # fmt: skip


def _batch_ref(site: Site, batch_id: int | None) -> Row | None:
    batch = site.batches.get(batch_id or 0)
    return {"id": batch.id, "name": batch.identifier} if batch else None
