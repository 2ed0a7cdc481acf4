"""Documents of purchases, entries and stock, and the company whose lists they are linked to."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from app.domain.documents import Basis, Document, DocumentKind, Line, Party, PartyRole, Product, Reference, TaxLevel
from app.domain.links import Entry, LinkKind, Links, Rules
from app.domain.money import Money, total
from sandbox.quickbooks_online.chart import place
from tests.builders import THE_DAY, money
from tests.connectors.quickbooks_online.stand import LINKS, SandboxStand

DISTRIBUTOR = Party("301", "Northwind Distribution", role=PartyRole.VENDOR)
MEMBER = Party("member:12", "Sam Rivera", role=PartyRole.VENDOR)
NOBODY = Party("", "")
SWITCH = Product("601", "SW-24", "Switch", "InventoryPart", income_account="4000", cost_account="5000")
FOR_ACME = Reference("77", "Acme Dental")
BUYING: dict[tuple[LinkKind, str], Entry] = {
    (LinkKind.VENDORS, "301"): Entry(LinkKind.VENDORS, "11", "Northwind Distribution", holder="vendor"),
    (LinkKind.VENDORS, "member:12"): Entry(LinkKind.VENDORS, "12", "Sam Rivera", holder="vendor"),
    (LinkKind.ITEMS, "601"): Entry(LinkKind.ITEMS, "9", "SW-24", detail="Inventory", account_id="79"),
    (LinkKind.ACCOUNTS, "1300"): Entry(LinkKind.ACCOUNTS, "81", "Inventory asset", detail="Other Current Asset"),
    (LinkKind.ACCOUNTS, "2000"): Entry(LinkKind.ACCOUNTS, "33", "Accounts Payable (A/P)", detail="Accounts Payable"),
    (LinkKind.ACCOUNTS, "1100"): Entry(LinkKind.ACCOUNTS, "45", "Accounts Receivable", detail="Accounts Receivable"),
    (LinkKind.ACCOUNTS, "2100"): Entry(LinkKind.ACCOUNTS, "42", "Company Visa", detail="Credit Card"),
    (LinkKind.ACCOUNTS, "1000"): Entry(LinkKind.ACCOUNTS, "35", "Checking", detail="Bank"),
    (LinkKind.ACCOUNTS, "5000"): Entry(LinkKind.ACCOUNTS, "88", "Cost of goods sold", detail="Cost of Goods Sold"),
    (LinkKind.ACCOUNTS, "5900"): Entry(LinkKind.ACCOUNTS, "100", "Inventory shrinkage", detail="Cost of Goods Sold"),
    (LinkKind.ACCOUNTS, "6800"): Entry(LinkKind.ACCOUNTS, "18", "Travel", detail="Expense"),
    (LinkKind.ACCOUNTS, "5200"): Entry(LinkKind.ACCOUNTS, "98", "Freight", detail="Cost of Goods Sold"),
    (LinkKind.CLASSES, "Projects"): Entry(LinkKind.CLASSES, "2", "Projects"),
    (LinkKind.LOCATIONS, "class:Tacoma"): Entry(LinkKind.LOCATIONS, "2", "Tacoma"),
}
ALL_LINKS: Links = {**LINKS, **BUYING}
RULES = Rules(
    tax_mode="automated",
    settings={"categories.classes": "yes", "categories.locations": "class", "purchases.customer": "yes"},
    extra={"classes": "line", "locations": "on", "inventory_adjustments": "on"},
)


def a_cost(amount: str, account: str = "6800", text: str = "Taxi", **rest: object) -> Line:
    given = {"basis": Basis.ACCOUNT, "gl_class": "Projects", **rest}
    return Line(text, Decimal(1), money(amount), account, **given)  # type: ignore[arg-type]  # the test's own keywords


def goods(amount: str, quantity: str = "1") -> Line:
    return Line("Switch, 24 ports", Decimal(quantity), money(amount), "1300", product=SWITCH)


def a_document_of(kind: DocumentKind, *lines: Line, record: str = "39005", **changes: object) -> Document:
    """Crossfoots, whatever its lines."""
    amount = total([line.amount for line in lines], "USD")
    document = Document(
        kind, (record,), f"V-{record}", "Purchase", DISTRIBUTOR, "USD", THE_DAY, THE_DAY + dt.timedelta(days=30),
        Reference("4", "Net 30 days"), 30, lines, money("0.00"), (), None, amount,
        psa_number=f"PO-{record}", header_account="2000", header_class="Tacoma",
    )  # fmt: skip
    return dataclasses.replace(document, **changes)  # type: ignore[arg-type]  # the test's own keywords


def documents(record: str = "39005") -> dict[str, Document]:
    """One of each kind, by the name of its golden file."""
    travel = a_cost("42.50", customer=FOR_ACME, billable=True)
    paid = {"party": MEMBER, "due_date": None, "terms": None, "header_account": "", "number": f"EXP-{record}"}
    kinds = DocumentKind
    return {
        "bill": a_document_of(kinds.BILL, goods("119.97", "3"), a_cost("12.01", "5200", "Freight"), record=record),
        "bill_waiting": a_document_of(kinds.BILL, goods("119.97", "3"), record=record, number="", po_number="7001"),
        "bill_of_member": a_document_of(kinds.BILL, travel, record=record, party=MEMBER, number=f"EXP-{record}"),
        "vendor_credit": a_document_of(kinds.VENDOR_CREDIT, goods("39.99"), record=record),
        "purchase_by_card": a_document_of(kinds.PURCHASE, travel, record=record, paid_from="2100", **paid),
        "purchase_from_bank": a_document_of(kinds.PURCHASE, a_cost("0.01"), record=record, paid_from="1000", **paid),
        "purchase_order": a_document_of(kinds.PURCHASE_ORDER, goods("1234.56", "7"), record=record),
        "journal_entry": a_document_of(
            kinds.JOURNAL_ENTRY,
            a_cost("33.33", "5900", "Lost"), a_cost("66.67", "5000", "Sold"), a_cost("-100.00", "1300", "Out of stock"),
            record=record, party=NOBODY, header_account="",
        ),
        "inventory_adjustment": a_document_of(
            kinds.INVENTORY_ADJUSTMENT, goods("-79.98", "-2"), record=record, party=NOBODY, header_account="5900"
        ),
    }  # fmt: skip


def with_tax(document: Document) -> Document:
    """The same with a tax of 20 % on everything, as outside the US."""
    tax = Money((document.subtotal.amount * Decimal("0.2")).quantize(Decimal("0.01")), "USD")
    level = TaxLevel(1, "VAT", tax, Decimal(20))
    lines = tuple(dataclasses.replace(line, taxable=True) for line in document.lines)
    code, whole = Reference("20", "VAT 20 %"), Money(document.subtotal.amount + tax.amount, "USD")
    return dataclasses.replace(document, lines=lines, tax=tax, tax_levels=(level,), tax_code=code, total=whole)


def furnish(stand: SandboxStand) -> None:
    """Vendors and an inventory item, under the ids that the links name."""
    accounts = {"IncomeAccountRef": "79", "ExpenseAccountRef": "88", "AssetAccountRef": "81"}
    stock = {"TrackQtyOnHand": True, "QtyOnHand": 10, "InvStartDate": "2026-01-01"}
    refs = {name: {"value": ident} for name, ident in accounts.items()}
    with stand.company.lock:
        place(stand.company, "Vendor", {"Id": "11", "DisplayName": DISTRIBUTOR.name})
        place(stand.company, "Vendor", {"Id": "12", "DisplayName": MEMBER.name})
        place(stand.company, "Item", {"Id": "9", "Name": "SW-24", "Type": "Inventory", **stock, **refs})
    stand.links, stand.rules = ALL_LINKS, RULES
