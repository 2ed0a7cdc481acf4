"""Whatever is to be posted: translated it adds up, and the ledger holds it to the cent, in every currency and tax mode.

The stand-in's own books are asked, without HTTP between; `HYPOTHESIS_PROFILE=campaign` tries thousands.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.connectors.http import parse_json
from app.connectors.quickbooks_online.receipts import ENTITIES, to_receipt
from app.connectors.quickbooks_online.shares import split
from app.connectors.quickbooks_online.translate import to_quickbooks
from app.domain.documents import (
    SALES,
    Basis,
    Document,
    DocumentKind,
    Line,
    Party,
    PartyRole,
    Product,
    Reference,
    TaxLevel,
)
from app.domain.links import Entry, LinkKind, Links, Rules
from app.domain.money import Money, cents, total
from app.domain.shaping import shaped
from sandbox.quickbooks_online.chart import empty_company, place
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.documents import save
from tests.connectors.quickbooks_online.cast import THE_MARK

K = DocumentKind
MODES = {"manual": "us_manual", "automated": "us_ast", "per_line": "non_us", "off": "us_manual", "two_rates": "non_us"}
CURRENCIES = ("USD", "CAD", "EUR", "JPY")
RATES = {"USD": None, "CAD": Decimal("0.7312"), "EUR": Decimal("1.0845"), "JPY": Decimal("0.00665")}
SOLD, BOUGHT = ("4000", "4100"), ("5100", "6800")
ACCOUNTS = {"4000": "79", "4100": "82", "5100": "97", "6800": "18", "2100": "42", "1300": "81", "5000": "88"}
TYPES = {"42": "Credit Card", "81": "Other Current Asset", "88": "Cost of Goods Sold"}
WITHOUT_PARTY = (K.JOURNAL_ENTRY, K.INVENTORY_ADJUSTMENT, K.PURCHASE)
STOCK = Product("601", "SW-24", "Switch", "InventoryPart")
#: Code, its rates, and what it charges.
CODES = {
    "manual": ("3", "5=6.5 6=3.75", "10.25"),
    "per_line": ("15", "15=20 p:115=20", "20"),
    "two_rates": ("40", "41=5 42=9.975 p:43=5 p:44=9.975", "14.975"),
}


@cache
def company(mode: str) -> Company:
    """One for each tax mode; what was posted before does not matter."""
    made = empty_company(tax_mode=MODES[mode], multi_currency=True, using_sales_tax=mode != "off")
    made.switches.update({"duplicate_numbers": "allowed", "duplicate_bill_numbers": "allowed"})
    made.switches.update({"warn_duplicate_journal_number": False})
    for place_, code in enumerate(CURRENCIES):
        for entity, first in (("Customer", 500), ("Vendor", 600)):
            place(
                made,
                entity,
                {"Id": str(first + place_), "DisplayName": f"{entity} {code}", "CurrencyRef": {"value": code}},
            )
        owed = {"Name": f"Payable {code}", "AccountType": "Accounts Payable", "CurrencyRef": {"value": code}}
        place(made, "Account", {"Id": str(700 + place_), **owed})
    refs = {
        "IncomeAccountRef": {"value": "79"},
        "ExpenseAccountRef": {"value": "88"},
        "AssetAccountRef": {"value": "81"},
    }
    stock = {"TrackQtyOnHand": True, "QtyOnHand": 10, "InvStartDate": "2020-01-01"}
    if mode == "two_rates":
        _two_rates(made)
    place(made, "Item", {"Id": "900", "Name": "SW-24", "Type": "Inventory", **stock, **refs})
    place(made, "Item", {"Id": "901", "Name": "Hours", "Type": "Service", "IncomeAccountRef": {"value": "82"},
                         "ExpenseAccountRef": {"value": "97"}})  # fmt: skip
    return made


def _two_rates(made: Company) -> None:
    """A code of two authorities' rates, as in Quebec; what is bought has its own."""
    for ident, percent in (("41", "5"), ("42", "9.975"), ("43", "5"), ("44", "9.975")):
        rate = {"Name": f"Rate {ident}", "RateValue": Decimal(percent), "AgencyRef": {"value": "1"}, "Active": True}
        place(made, "TaxRate", {"Id": ident, **rate, "SpecialTaxType": "NONE"})
    lists = {
        name: {"TaxRateDetail": [{"TaxRateRef": {"value": ident}, "TaxTypeApplicable": "TaxOnAmount"} for ident in own]}
        for name, own in (("SalesTaxRateList", ("41", "42")), ("PurchaseTaxRateList", ("43", "44")))
    }
    place(made, "TaxCode", {"Id": "40", "Name": "GST/QST", "Active": True, "Taxable": True, "TaxGroup": True, **lists})


def per_line(mode: str) -> bool:
    return MODES[mode] == "non_us"


def links(mode: str, currency: str) -> Links:
    number = CURRENCIES.index(currency)
    found: dict[tuple[LinkKind, str], Entry] = {
        (LinkKind.CUSTOMERS, "77"): Entry(LinkKind.CUSTOMERS, str(500 + number), "C"),
        (LinkKind.VENDORS, "301"): Entry(LinkKind.VENDORS, str(600 + number), "V"),
        (LinkKind.ITEMS, "601"): Entry(LinkKind.ITEMS, "900", "SW-24", detail="Inventory"),
        **{(LinkKind.ITEMS, f"account:{a}"): Entry(LinkKind.ITEMS, "901", "Hours") for a in (*SOLD, *BOUGHT)},
        **{
            (LinkKind.ACCOUNTS, a): Entry(LinkKind.ACCOUNTS, i, a, detail=TYPES.get(i, "")) for a, i in ACCOUNTS.items()
        },
    }
    if mode in CODES:
        ident, parts, rate = CODES[mode]
        found[LinkKind.TAX_CODES, "21"] = Entry(LinkKind.TAX_CODES, ident, "Tax", rate=rate, parts=parts)
    return found


def rules(mode: str) -> Rules:
    untaxed = {"untaxed_code": "17", "untaxed_parts": "17=0 p:117=0"} if per_line(mode) else {}
    payable = {f"payable_account:{code}": str(700 + number) for number, code in enumerate(CURRENCIES)}
    extra = {"inventory_adjustments": "on", **payable, **untaxed}
    return Rules(tax_mode="per_line" if per_line(mode) else mode, multi_currency=True, home_currency="USD", extra=extra)


amounts = st.decimals(Decimal("0.01"), Decimal(99999), places=2)
quantities = st.decimals(Decimal("0.01"), Decimal(1000), places=2)


@st.composite
def documents(draw: st.DrawFn, mode: str) -> Document:
    """Of every kind that QuickBooks takes, as the PSA might say it: tax of any amount, divided in any way."""
    kind = draw(st.sampled_from(list(K)))
    currency = draw(st.sampled_from(CURRENCIES))
    if kind in WITHOUT_PARTY:  # nobody's currency but the company's own
        currency = "USD"
    lines = draw(st.lists(_line(kind, currency), min_size=1, max_size=6))
    if kind is K.JOURNAL_ENTRY:
        lines = [line for half in lines for line in (half, _against(half))]
    subtotal = total([line.amount for line in lines], currency)
    assume(kind in (K.JOURNAL_ENTRY, K.INVENTORY_ADJUSTMENT) or subtotal.amount > 0)
    taxed = mode != "off" and any(line.taxable for line in lines)
    tax = draw(st.decimals(Decimal("0.01"), Decimal(5000), places=2)) if taxed and draw(st.booleans()) else Decimal(0)
    tax = Decimal(0) if kind in (K.JOURNAL_ENTRY, K.INVENTORY_ADJUSTMENT) else tax
    money = Money(tax, currency)
    return Document(
        kind, ("39005",), draw(st.text("0123456789-AZ", min_size=1, max_size=18)), "Standard", _party(kind), currency,
        dt.date(2026, 11, 20), None, None, None, tuple(lines), money, _levels(money, mode),
        Reference("21", "Tax") if tax else None, Money(subtotal.amount + tax, currency),
        paid_from="2100" if kind is K.PURCHASE else "", refund=kind is K.PURCHASE and draw(st.booleans()),
        header_account="5000" if kind is K.INVENTORY_ADJUSTMENT else "", rate=RATES[currency],
    )  # fmt: skip


@st.composite
def _line(draw: st.DrawFn, kind: DocumentKind, currency: str) -> Line:
    amount = draw(amounts)
    taxable = draw(st.booleans())
    if kind is K.INVENTORY_ADJUSTMENT:
        up = draw(st.sampled_from((1, -1)))
        return Line("Count", draw(quantities) * up, Money(amount * up, currency), "1300", STOCK)
    if kind is K.JOURNAL_ENTRY:
        return Line("Cost", Decimal(1), Money(amount, currency), "5000", basis=Basis.ACCOUNT)
    sale = kind in SALES
    if sale and draw(st.integers(0, 4)) == 0:  # a deduction
        return Line("Less", Decimal(1), Money(-(amount % 100), currency), "4000")
    basis = Basis.ITEM if sale or draw(st.booleans()) else Basis.ACCOUNT
    account = draw(st.sampled_from(SOLD if sale else BOUGHT))
    return Line("Work", draw(quantities), Money(amount, currency), account, taxable=taxable, basis=basis)


def _against(line: Line) -> Line:
    return dataclasses.replace(line, amount=-line.amount, account="1300")


def _party(kind: DocumentKind) -> Party:
    if kind in SALES:
        return Party("77", "C")
    return Party("", "") if kind in WITHOUT_PARTY else Party("301", "V", role=PartyRole.VENDOR)


def _levels(tax: Money, mode: str) -> tuple[TaxLevel, ...]:
    """Two levels; a single one where the code has one rate. In the PSA's own order, which need not be the ledger's."""
    rates = {"per_line": [Decimal(20)], "two_rates": [Decimal("9.975"), Decimal(5)]}.get(
        mode, [Decimal("6.5"), Decimal("3.75")]
    )
    shares = split(tax.amount, rates) if tax.amount else []
    if mode == "two_rates" and shares:  # divided as no rule would
        shares = [tax.amount - (part := cents(tax.amount / 3)), part]
    return tuple(
        TaxLevel(n, "T", Money(share, tax.currency), rate)
        for n, (share, rate) in enumerate(zip(shares, rates, strict=False), 1)
    )


def assert_adds_up(body: Mapping[str, Any], document: Document) -> None:
    """The body itself, before any ledger sees it."""
    lines = [line["Amount"] for line in body["Line"] if "Amount" in line]
    tax = body.get("TxnTaxDetail", {})
    if document.kind is K.JOURNAL_ENTRY:
        sides = {"Debit": Decimal(0), "Credit": Decimal(0)}
        for line in body["Line"]:
            sides[line["JournalEntryLineDetail"]["PostingType"]] += line["Amount"]
        assert sides["Debit"] == sides["Credit"] == document.ledger_total.amount
    elif document.kind is not K.INVENTORY_ADJUSTMENT:
        assert sum(lines, Decimal(0)) + tax.get("TotalTax", 0) == document.total.amount
    if "TaxLine" in tax:
        assert len({line["TaxLineDetail"]["TaxRateRef"]["value"] for line in tax["TaxLine"]}) == len(tax["TaxLine"])
        assert sum((line["Amount"] for line in tax["TaxLine"]), Decimal(0)) == tax["TotalTax"]
        told = {line["TaxLineDetail"]["TaxPercent"]: line["Amount"] for line in tax["TaxLine"] if line["Amount"]}
        levels = [level for level in document.tax_levels if level.amount.amount]
        assert told == {level.rate: level.amount.amount for level in levels}, "each authority gets what the PSA says"


@pytest.mark.parametrize("mode", MODES)
@given(data=st.data())
def test_any_document_adds_up_translated_and_the_ledger_agrees_to_the_cent(mode: str, data: st.DataObject) -> None:
    document = shaped(data.draw(documents(mode)), rules(mode))
    document = _without_tax_on_what_is_bought(document, mode)
    body = parse_json(to_quickbooks(document, THE_MARK, links(mode, document.currency), rules(mode)).text)
    assert isinstance(body, dict)
    assert_adds_up(body, document)
    books = company(mode)
    with books.lock:
        held = to_receipt(save(books, ENTITIES[document.kind], body), "USD")
    assert held.total == document.ledger_total
    assert str(THE_MARK) in held.note
    if document.kind in SALES:
        assert held.tax == document.tax
    if held.home_total is not None and document.kind is not K.JOURNAL_ENTRY:
        assert held.home_total == cents(document.total.amount * (document.rate or 1))


def _without_tax_on_what_is_bought(document: Document, mode: str) -> Document:
    """As the PSA's purchases are shaped for the US: there tax is a line of its own."""
    if per_line(mode) or document.kind in SALES or not document.tax.amount:
        return document
    line = Line("Tax", Decimal(1), document.tax, "5100", basis=Basis.ACCOUNT, source="tax")
    zero = Money.zero(document.currency)
    return dataclasses.replace(document, lines=(*document.lines, line), tax=zero, tax_levels=(), tax_code=None)
