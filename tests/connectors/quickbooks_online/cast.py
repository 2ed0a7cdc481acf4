"""The documents of the golden files: one per type of PSA invoice and per thing that may go wrong with it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from app.domain.documents import Address, Document, DocumentKind, Line, Product, Reference, TaxLevel
from app.domain.marks import Mark
from app.domain.states import RecordKind
from tests.builders import a_document, money

SEATTLE = Reference("21", "Seattle, WA")
NET_30 = Reference("4", "Net 30 days")
FIREWALL = Product("501", "FW-60F", "Firewall", "Inventory Part")
SHIP_TO = Address(("Acme Dental", "12 Pike St"), "Seattle", "WA", "98101", "US")
LEVELS = (TaxLevel(1, "WA", money("13.00"), Decimal("6.5")), TaxLevel(2, "Seattle", money("7.50"), Decimal("3.75")))
THE_MARK = Mark(RecordKind.INVOICES, "39005", 1)


def a_line(
    amount: str,
    description: str = "Managed services",
    quantity: str = "1",
    *,
    taxable: bool = True,
    product: bool = False,
) -> Line:
    item, account = (FIREWALL, "4000") if product else (None, "4100")
    return Line(description, Decimal(quantity), money(amount), account, product=item, taxable=taxable)


def an_invoice(*lines: Line, tax: str = "20.50", **changes: object) -> Document:
    """A standard invoice: 200.00 and the tax of both levels, with terms, purchase order and memo."""
    document = a_document(lines=lines or (a_line("200.00"),), tax=tax, terms=NET_30, tax_code=SEATTLE)
    levels = LEVELS if Decimal(tax) else ()
    given = {"tax_levels": levels, "po_number": "PO-77", "memo": "November", "ship_to": SHIP_TO, **changes}
    return dataclasses.replace(document, **given)  # type: ignore[arg-type]  # the test's own keywords


def a_credit_memo(*lines: Line, **changes: object) -> Document:
    """Amounts are positive: the customer gets them back."""
    changes = {"kind": DocumentKind.CREDIT_MEMO, "psa_type": "CreditMemo", "due_date": None, **changes}
    return an_invoice(*(lines or (a_line("200.00", quantity="-1"),)), **changes)  # type: ignore[arg-type]  # as above


DOCUMENTS = {
    "standard": an_invoice(),
    "agreement": an_invoice(
        a_line("125.50", "Silver agreement", "5"),
        a_line("74.50", "Extra hours", "0.75", taxable=False),
        psa_type="Agreement",
    ),
    "progress": an_invoice(a_line("200.00", "Project phase 2 of 4, 25 %"), psa_type="Progress", po_number="", memo=""),
    "miscellaneous": an_invoice(
        a_line("845.00", "Firewall with one year", product=True),
        a_line("100.00", "Cabling", "3", taxable=False),
        psa_type="Miscellaneous",
    ),
    "down_payment": an_invoice(
        a_line("500.00", "Down payment", taxable=False), psa_type="DownPayment", tax="0.00", tax_code=None
    ),
    "down_payment_deducted": an_invoice(
        a_line("1200.00", "Project"), a_line("-500.00", "Less down payment 10412", taxable=False)
    ),
    "credit_memo": a_credit_memo(),
    "credit_from_negative_total": a_credit_memo(
        a_line("300.00", "Returned firewall", "-1", product=True),
        a_line("-20.00", "Restocking fee"),
        psa_type="Standard",
    ),
    "untaxed": an_invoice(a_line("99.00", taxable=False), tax="0.00", tax_code=None),
    "tax_without_a_taxable_line": an_invoice(a_line("200.00", taxable=False)),
    "quantity_that_gives_no_exact_price": an_invoice(a_line("0.05", "Bandwidth, per megabyte", "123456789.123")),
    "penny_rounding": an_invoice(a_line("33.33", "A third", "3"), a_line("66.67", "Two thirds", "7"), tax="10.25"),
    "hostile_text": an_invoice(
        a_line("200.00", "=HYPERLINK(“x”)\t<b>bold</b> \u0007bell 🙂\r\nsecond: line" + " x" * 2100),
        number="INV-2026-0000000000-10482",
        memo="O’Brien's memo \\ with 'quotes' \x00 and\ttabs",
    ),
    "later_due": an_invoice(due_date=dt.date(2027, 2, 28), terms=None, terms_due_days=None),
}
