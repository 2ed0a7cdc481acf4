"""The GLExport document: what an accounting package is given for unposted invoices, or for a posted batch again.

Signs: the header debits the receivable, so an invoice's total is positive and its lines negative; a credit memo
the other way round. All lines and the header add up to zero. `taxGroupRate` and `taxRate` are fractions,
`taxRatePercent` and the customer's rates percent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCIES
from sandbox.connectwise.expense_export import expense_documents, members_of
from sandbox.connectwise.expenses import Expense
from sandbox.connectwise.invoice_rows import attention, due_days, project_ref
from sandbox.connectwise.lines import ExportLine, export_lines
from sandbox.connectwise.model import LEVEL_NAMES, Company, Invoice, LevelTax, cents
from sandbox.connectwise.package import package_setup
from sandbox.connectwise.present import company_ref, midnight, site_ref, tax_ref, term_ref, without_null
from sandbox.connectwise.purchase_export import purchase, vendors_of
from sandbox.connectwise.purchases import Adjustment, Receipt, Transfer
from sandbox.connectwise.stock_export import adjustment, transfer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.connectwise.ledger import Posting
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

RECEIVABLE, TAX_PAYABLE = "1100", "2200"
CUSTOMER_TYPE: Row = {"id": 1, "name": "Client"}
NO_TAXES: Row = {f"taxable{number}Flag": False for number in ("", 2, 3, 4, 5)}


def gl_export(site: Site, postings: Sequence[Posting], summary: str, exports: dict[str, bool]) -> Row:
    """GLExport of these documents, of whatever kind."""
    invoices = [each for each in postings if isinstance(each, Invoice)]
    expenses = [each for each in postings if isinstance(each, Expense)]
    receipts = [each for each in postings if isinstance(each, Receipt)]
    customers = {each.id: each for each in _customers_of(invoices, expenses, receipts)}
    return {
        "exportSettings": {
            "exportInvoices": exports["invoices"],
            "exportExpenses": exports["expenses"],
            "exportInventory": exports["products"],
        },
        "vendors": [*members_of(expenses), *vendors_of(receipts)],
        "customers": [_customer(site, each) for each in customers.values()],
        "transactions": [_transaction(site, each, summary) for each in invoices],
        **expense_documents(site, expenses),
        "purchaseTransactions": [purchase(site, each) for each in receipts],
        "adjustmentTransactions": [adjustment(site, each) for each in postings if isinstance(each, Adjustment)],
        "inventoryTransfers": [transfer(site, each) for each in postings if isinstance(each, Transfer)],
    }


def _customers_of(invoices: list[Invoice], expenses: list[Expense], receipts: list[Receipt]) -> list[Company]:
    """The customers of the documents: billed, spent for, or sent to."""
    others = [each.company for each in expenses] + [each.order.customer for each in receipts]
    return [*(each.company for each in invoices), *(each for each in others if each)]


def _customer(site: Site, company: Company) -> Row:
    term = site.terms[company.term_id]
    code = site.tax_codes.get(company.tax_code_id or 0)
    row = {
        "company": {"id": company.id, "identifier": company.identifier},
        "companyType": CUSTOMER_TYPE,
        "contact": {"id": company.id + 4000, "name": company.contact},
        "site": site_ref(company),
        "accountNumber": company.account_number,
        "billingTerms": term_ref(term),
        "billingTermsXref": term.name,
        "dueDays": term.due_days,
        "taxable": code is not None,
        "taxCode": {"id": code.id, "name": code.identifier} if code else None,
        "currency": CURRENCIES[company.currency],
        "taxGroupRate": code.percent if code else 0.0,
        "taxAgencyXref": code.levels[0].agency if code else "",
        "taxLevels": [
            {"taxRate": each.rate, "taxCodeXref": each.xref, "agencyXref": each.agency, "taxLevel": each.level}
            for each in (code.levels if code else ())
        ],
    }
    by_level = {each.level: each for each in (code.levels if code else ())}
    for number, name in list(LEVEL_NAMES.items())[:5]:
        found = by_level.get(number)
        row[f"{name}TaxXref"] = found.xref if found else ""
        row[f"{name}TaxRate"] = found.rate if found else 0.0
        row[f"{name}TaxAgencyXref"] = found.agency if found else ""
    return without_null(row)


def _transaction(site: Site, invoice: Invoice, summary: str) -> Row:
    """One document: header, one line per `export_lines`, one ST line per tax level."""
    zeros = package_setup(site)["zeroDollarTaxAmountsFlag"]
    lines = export_lines(invoice, summary, internal=site.switches.internal_notes)
    row = {
        **_who_and_when(invoice),
        **_header_taxes(invoice),
        "memo": "",
        "accountNumber": RECEIVABLE if invoice.mapped else None,
        "glEntryIds": _header_records(invoice, lines),
        "total": invoice.total,
        "detail": [_detail(site, invoice, each) for each in lines]
        + [_tax_line(invoice, index, each) for index, each in enumerate(invoice.taxes) if each.amount or zeros],
    }
    return without_null(row)


def _header_records(invoice: Invoice, lines: list[ExportLine]) -> str | None:
    """The ids of the records that no detail line shows: the receivable's, and those of merged lines."""
    if not invoice.stamp or not invoice.mapped:
        return None
    on_details = {each.record for each in lines} | set(invoice.stamp.taxes)
    return ",".join(str(each) for each in sorted(invoice.stamp.ids) if each not in on_details)


def document_type(invoice: Invoice) -> str:
    """CREDIT MEMO follows the invoice's type, not the sign of its total."""
    return "CREDIT MEMO" if invoice.type == "CreditMemo" else "INVOICE"


def _who_and_when(invoice: Invoice) -> Row:
    company = invoice.company
    return {
        "id": invoice.id,
        "glClass": invoice.gl_class,
        "glTypeId": "AR",
        "documentDate": midnight(invoice.date),
        "documentNumber": invoice.number,
        "documentType": document_type(invoice),
        "description": "Accounts Receivable" if invoice.mapped else "",
        "attention": attention(invoice),
        "salesTerritory": invoice.territory,
        "salesRepId": invoice.sales_rep[0] or None,
        "salesRepName": invoice.sales_rep[1] or None,
        "project": project_ref(invoice),
        "company": company_ref(company),
        "companyType": CUSTOMER_TYPE,
        "companyAccountNumber": company.account_number,
        "site": site_ref(company),
        "billingTerms": term_ref(invoice.term),
        "billingTermsXref": invoice.term.name,
        "dueDays": due_days(invoice),
        "dueDate": midnight(invoice.due_date),
        "emailDeliveryFlag": bool(company.email),
        "printDeliveryFlag": False,
        "agreementPrePaymentFlag": invoice.prepayment,
        "billingType": invoice.type,
        "customerPO": invoice.purchase_order or None,
        "purchaseOrder": {"name": invoice.purchase_order} if invoice.purchase_order else None,
        "currency": CURRENCIES[invoice.currency],
        "shipToCompany": company_ref(company),
        "shipToCompanyAccountNumber": company.account_number,
        "shipToCompanyType": CUSTOMER_TYPE,
        "shipToTaxId": "",
        "shipSite": site_ref(company),
    }


def _header_taxes(invoice: Invoice) -> Row:
    """The taxes a second time; whoever reads both header and ST lines counts them double."""
    base = sum((each.amount for each in invoice.lines if each.taxable), Decimal(0))
    by_level = {each.level.level: each for each in invoice.taxes}
    row: Row = {
        "taxable": invoice.tax_code is not None,
        "taxableTotal": base,
        "taxCode": tax_ref(invoice),
        "taxGroupRate": invoice.tax_code.percent / 100 if invoice.tax_code else 0.0,
        "piggyBackFlag": False,
        "taxAccountNumber": TAX_PAYABLE,
        "salesTax": invoice.tax,
        "taxAgencyXref": invoice.taxes[0].level.agency if invoice.taxes else "",
        "taxId": "",
        "taxDpAppliedFlag": invoice.tax_on_down_payment,
        "useAvalaraFlag": invoice.avalara,
        "sendAvalaraTaxFlag": invoice.avalara_tax is not None,
        "taxLevels": [_tax_level(each) for each in invoice.taxes],
    }
    for number, name in ((1, "state"), (2, "county"), (3, "city")):
        row[f"{name}Tax"] = by_level[number].amount if number in by_level else 0.0
    for number, name in ((1, "state"), (2, "county")):
        row[f"{name}TaxXref"] = by_level[number].level.xref if number in by_level else ""
    for number in range(1, 6):
        row[f"taxableAmount{number}"] = by_level[number].taxable if number in by_level else 0.0
    return row


def _tax_level(tax: LevelTax) -> Row:
    return {
        "taxAmount": tax.amount,
        "taxableAmount": tax.taxable,
        "taxCodeXref": tax.level.xref,
        "taxLevel": tax.level.level,
    }


def _detail(site: Site, invoice: Invoice, line: ExportLine) -> Row:
    first, rate = line.first, invoice.tax_code.percent if invoice.tax_code and line.first.taxable else Decimal(0)
    price = first.price if len(line.parts) == 1 else line.amount / (line.quantity or 1)
    row = {
        "id": line.record,
        "documentDate": midnight(invoice.date),
        "documentType": document_type(invoice),
        "accountNumber": first.account if invoice.mapped else None,
        "glClass": invoice.gl_class,
        "glTypeId": first.gl_type,
        "invoiceSummaryOption": "0",
        "salesCode": "",
        "memo": line.memo,
        "description": line.description if invoice.mapped else "",
        "quantity": -line.quantity,
        "total": -line.amount,
        "currency": CURRENCIES[invoice.currency],
        "timeEntry": {"id": line.time_entry} if line.time_entry else None,
        "productAccountNumber": first.account if invoice.mapped else "",
        "taxCode": tax_ref(invoice) if first.taxable else None,
        "taxCodeXref": invoice.taxes[0].level.xref if invoice.taxes and first.taxable else "",
        "taxAgencyXref": invoice.taxes[0].level.agency if invoice.taxes and first.taxable else "",
        "taxNote": "",
        "taxRate": rate / 100,
        "taxRatePercent": rate,
        **_taxable_flags(invoice, first.taxable),
        "itemTaxableFlag": first.taxable,
        "itemPrice": cents(price),
        **_item(site, line),
        "taxLevels": [{"taxableFlag": first.taxable, "taxLevel": each.level.level} for each in invoice.taxes],
    }
    return without_null(row)


def _taxable_flags(invoice: Invoice, taxable: bool) -> Row:
    levels = {each.level.level for each in invoice.taxes} if taxable else set()
    return {f"taxable{number if number > 1 else ''}Flag": number in levels for number in range(1, 6)}


def _item(site: Site, line: ExportLine) -> Row:
    product = line.first.product
    if product is None:
        return {
            "glItemId": "",
            "itemDescription": line.first.text if len(line.parts) == 1 else "",
            "itemTypeXref": "Service",
        }
    return {
        "glItemId": product.identifier,
        "item": {"id": product.id, "identifier": product.identifier, "serializedFlag": product.serialized},
        "product": {"id": product.id + 70000, "description": product.description},
        "itemCost": product.cost,
        "cost": product.cost,
        "itemDescription": product.description,
        "salesDescription": line.first.text,
        "unitOfMeasure": {"id": 1, "name": product.unit},
        "subCategory": {"id": 3, "name": product.category},
        "serializedFlag": product.serialized,
        "serialNumbers": line.first.serials,
        "dropShippedFlag": line.first.drop_shipped,
        "itemTypeXref": site.product_types[product.type_id].type_xref,
        "inventoryXref": product.inventory_account,
        "cogsXref": product.cogs_account,
        **_costs(site, line),
    }


def _costs(site: Site, line: ExportLine) -> Row:
    """The accounts of the cost, where the box for them is ticked; for what is drop-shipped there is another box."""
    boxes = package_setup(site)
    box = "includeCogsDropShipFlag" if line.first.drop_shipped else "includeCogsEntriesFlag"
    product = line.first.product
    if product is None or not boxes["includeCogsEntriesFlag"] or not boxes[box]:
        return {}
    return {"inventoryAccountNumber": product.inventory_account, "costAccountNumber": product.cogs_account}


def _tax_line(invoice: Invoice, index: int, tax: LevelTax) -> Row:
    """An ST line; a level without tax still has one, of zero."""
    row = {
        "id": invoice.stamp.taxes[index] if invoice.stamp and invoice.mapped else None,
        "documentDate": midnight(invoice.date),
        "documentType": document_type(invoice),
        "accountNumber": TAX_PAYABLE,
        "glClass": invoice.gl_class,
        "glTypeId": "ST",
        "glItemId": "",
        "memo": "Sales Tax",
        "description": f"Level {tax.level.level} Sales Tax",
        "quantity": 0.0,
        "total": -tax.amount,
        "currency": CURRENCIES[invoice.currency],
        "taxCodeXref": tax.level.xref,
        "taxAgencyXref": tax.level.agency,
        "taxNote": "AUTOSTAX",
        "taxRate": tax.level.rate / 100,
        "taxRatePercent": tax.level.rate,
        **NO_TAXES,
        "itemTaxableFlag": False,
        "itemPrice": 0.0,
    }
    return without_null(row)
