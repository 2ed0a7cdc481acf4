"""Receipts of purchase orders, adjustments and transfers of an export as documents. Pure.

A purchase is exported like an invoice: a positive header, and goods, freight and taxes against it. A return has all
signs the other way round and becomes a vendor credit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from app.connectors.connectwise import papers, parties, procurement, signs, values
from app.connectors.connectwise.values import Row
from app.connectors.protocols import Exported
from app.domain.documents import (
    Basis,
    Document,
    DocumentKind,
    Line,
    Party,
    PartyRole,
    Product,
    TaxLevel,
)
from app.domain.money import Money, cents, total
from app.domain.problems import Problem
from app.domain.shaping import ADJUSTMENT, PURCHASE, TRANSFER

FREIGHT = "PF"
#: Types of products (typeXref); an adjustment doesn't say them, but only what is in stock has an account for it.
STOCK, NOT_STOCK = "InventoryPart", "NonInventoryPart"


def gl_ids(purchase: Row) -> tuple[int, ...]:
    """Every GL record of a receipt: goods, freight and taxes."""
    rows = (*values.rows(purchase, "purchaseDetail"), *values.rows(purchase, "purchaseDetailTax"))
    return tuple(dict.fromkeys(number for row in rows for number in values.whole_numbers(row.get("id"))))


def exported_purchase(
    record: str, purchase: Row, listed: Row, vendor: Row, order: Row, default_currency: str
) -> Exported:
    """A receipt with its document, or the reasons why there is none.

    ``vendor`` is its company and ``order`` its purchase order, where they are readable.
    """
    ids, snapshot = gl_ids(purchase), {"purchase": dict(purchase)}
    problems = tuple(_problems(purchase, ids))
    if problems:
        return Exported(record, None, ids, problems, snapshot)
    try:
        document = _purchase(record, purchase, listed, vendor, default_currency)
    except ValueError as error:
        return Exported(record, None, ids, (_unreadable(error),), snapshot)
    in_full = order.get("closedFlag")  # ConnectWise closes an order with its last line
    return Exported(
        record, replace(document, in_full=in_full if isinstance(in_full, bool) else None), ids, (), snapshot
    )


def _problems(purchase: Row, ids: Sequence[int]) -> list[Problem]:
    details = values.rows(purchase, "purchaseDetail")
    freight = [row for row in details if _is_freight(row)]
    if not ids:
        return [NO_ENTRIES]
    if (cents(_amount_or_zero(purchase, "freightAmount")) and not freight) or any(
        not values.text(row, "accountNumber") for row in freight
    ):
        return [FREIGHT_UNMAPPED]
    if not values.identity(values.part(purchase, "company")):
        return [NO_VENDOR]
    return []


def _amount_or_zero(row: Row, name: str) -> Decimal:
    try:
        return values.amount(row, name)
    except ValueError:
        return Decimal(0)


NO_ENTRIES = Problem(
    "no_gl_entries",
    "ConnectWise made no GL entries for it, so there is nothing to post.",
    "Complete the GL mapping of its products (System ▸ Setup Tables ▸ GL Accounts), then reopen and close it.",
)
NO_VENDOR = Problem(
    "no_vendor",
    "The export names no vendor.",
    "Choose the order’s vendor in ConnectWise, then reopen and close it.",
    field="party",
)
FREIGHT_UNMAPPED = Problem(
    "freight_account_missing",
    "ConnectWise has no GL account for the freight of this order.",
    "Map “Purchase Order Freight” (System ▸ Setup Tables ▸ GL Accounts), then reopen and close the order.",
    field="freight",
)


def _unreadable(error: ValueError) -> Problem:
    return Problem("unreadable", f"The export can’t be read: {error}", "Correct it in ConnectWise’s procurement.")


def _is_freight(row: Row) -> bool:
    return values.text(row, "glTypeId").upper() == FREIGHT


def _purchase(record: str, purchase: Row, listed: Row, vendor: Row, default_currency: str) -> Document:
    details, taxes = values.rows(purchase, "purchaseDetail"), values.rows(purchase, "purchaseDetailTax")
    way = signs.direction(purchase, [*details, *taxes])
    code = values.currency(purchase, values.currency(listed, default_currency))
    amounts = signs.in_cents([values.amount(row, "total") * way.detail for row in (*details, *taxes)])
    received = _received(purchase)
    goods, levied = amounts[: len(details)], amounts[len(details) :]
    order = values.text(purchase, "documentNumber")
    return Document(
        kind=DocumentKind.BILL if way.kind is DocumentKind.INVOICE else DocumentKind.VENDOR_CREDIT,
        records=(record,),
        number=values.text(purchase, "vendorInvoiceNumber"),
        psa_number=order,
        psa_type=PURCHASE,
        party=_vendor(purchase, vendor),
        currency=code,
        date=received,
        due_date=None,
        terms=parties.reference(values.part(purchase, "billingTerms")),
        terms_due_days=values.days(purchase, "dueDays"),
        lines=tuple(_line(row, Money(amount, code), way.detail) for row, amount in zip(details, goods, strict=True)),
        tax=Money(sum(levied, Decimal(0)), code),
        tax_levels=tuple(
            _level(n, row, Money(amount, code)) for n, (row, amount) in enumerate(zip(taxes, levied, strict=True), 1)
        ),
        tax_code=parties.reference(values.part(purchase, "taxCode")),
        total=Money(cents(values.amount(purchase, "total") * way.header), code),
        memo=values.text(purchase, "memo"),
        po_number=order,
        packing_slip=values.text(purchase, "packingSlip"),
        header_account=values.account(values.text(purchase, "apAccountNumber")),
        header_class=values.text(purchase, "purchaseClass"),
        vendor_date=values.date(purchase, "vendorInvoiceDate"),
        ordered=values.date(purchase, "purchaseDate"),
        papers=papers.paper_of(papers.ORDER, values.identity(values.part(listed, "purchaseOrder"))),
        received=received,
    )


def _vendor(purchase: Row, company: Row) -> Party:
    shown = values.part(purchase, "company")
    return Party(
        source_id=values.identity(shown),
        name=values.text(company, "name") or values.text(shown, "name", "identifier"),
        account_number=values.text(purchase, "vendorNumber", "vendorAccountNumber"),
        phone=values.text(company, "phoneNumber"),
        role=PartyRole.VENDOR,
    )


def _line(row: Row, amount: Money, way: int) -> Line:
    product, quantity = _product(row), values.amount(row, "quantity") * way
    return Line(
        description=values.text(row, "memo", "itemDescription", "salesDescription", "description"),
        quantity=quantity or Decimal(1),
        amount=amount,
        account=values.account(values.text(row, "accountNumber")),
        product=product,
        taxable=bool(row.get("taxable")),
        gl_class=values.text(row, "glClass"),
        basis=Basis.ITEM if product else Basis.ACCOUNT,
        source="freight" if _is_freight(row) else "",
        unit=values.text(values.part(row, "unitOfMeasure"), "name"),
        serial_numbers=values.text(row, "serialNumbers"),
    )


def _product(row: Row) -> Product | None:
    item = values.part(row, "item")
    if not values.identity(item):
        return None
    return Product(
        source_id=values.identity(item),
        identifier=values.text(item, "identifier") or values.text(row, "glItemId"),
        description=values.text(row, "itemDescription", "salesDescription", "description"),
        kind=values.text(row, "itemTypeXref"),
        category=values.text(values.part(row, "subCategory"), "name"),
        serialized=bool(row.get("serializedFlag") or item.get("serializedFlag")),
        income_account=values.account(values.text(row, "productAccountNumber")),
        cost_account=values.account(values.text(row, "costAccountNumber")),
        inventory_account=values.account(values.text(row, "inventoryAccountNumber")),
    )


def _level(place: int, row: Row, amount: Money) -> TaxLevel:
    percent = values.maybe_amount(row, "taxRatePercent")
    name = values.text(row, "taxCodeXref", "taxAgencyXref", "itemDescription") or f"Level {place}"
    return TaxLevel(place, name, amount, percent, values.account(values.text(row, "accountNumber")))


# ── stock ────────────────────────────────────────────────────────────────────────────────────────────────────────


def exported_adjustment(record: str, adjustment: Row, listed: Sequence[Row], default_currency: str) -> Exported:
    """An adjustment; its GL records and the sign of its total stand in the unposted list only."""
    ids = tuple(number for row in listed for number in values.whole_numbers(row.get("id")))
    snapshot = {"adjustment": dict(adjustment)}
    try:
        document = _adjustment(record, adjustment, listed, default_currency)
    except ValueError as error:
        return Exported(record, None, ids, (_unreadable(error),), snapshot)
    missing = not document.header_account or any(not line.account for line in document.lines)
    if not ids or missing:
        return Exported(record, None, ids, (NO_ENTRIES,), snapshot)
    return Exported(record, document, ids, (), snapshot)


def _adjustment(record: str, adjustment: Row, listed: Sequence[Row], default_currency: str) -> Document:
    code = values.currency(listed[0], default_currency)
    details = values.rows(adjustment, "adjustmentDetail")
    listed_total = sum((values.amount(row, "total") for row in listed), Decimal(0))
    exported = sum((values.amount(row, "total") for row in details), Decimal(0))
    # Some sites write the change of the stock, others the ledger's side of it; the list always writes the stock's.
    way = -1 if exported and cents(exported) == -cents(listed_total) else 1
    lines = tuple(_adjusted(row, code, way) for row in details)
    document = _of_stock(
        DocumentKind.INVENTORY_ADJUSTMENT,
        record,
        procurement.number_of(record, listed[0]),
        values.text(adjustment, "adjustmentDescription") or "Inventory adjustment",
        _received(adjustment),
        lines,
        total([line.amount for line in lines], code),
    )
    return replace(
        document,
        psa_type=ADJUSTMENT,
        memo=values.text(adjustment, "memo"),
        header_account=values.account(values.text(adjustment, "accountNumber")),
        header_class=values.text(adjustment, "glClass"),
    )


def _adjusted(row: Row, code: str, way: int) -> Line:
    return Line(
        description=values.text(row, "description", "memo"),
        quantity=values.amount(row, "quantity") * way,
        amount=Money(cents(values.amount(row, "total") * way), code),
        account=values.account(values.text(row, "inventoryAccountNumber", "costAccountNumber", "productAccountNumber")),
        product=_product({**row, "itemTypeXref": STOCK if values.text(row, "inventoryAccountNumber") else NOT_STOCK}),
        gl_class=values.text(row, "glClass"),
    )


def exported_transfer(record: str, transfer: Row, listed: Sequence[Row], default_currency: str) -> Exported:
    """A transfer: out of one place's stock, into another's."""
    offset = values.part(transfer, "offset")
    numbers = [values.whole_numbers(row.get("id")) for row in (transfer, offset, *listed)]
    ids, snapshot = tuple(dict.fromkeys(n for some in numbers for n in some)), {"transfer": dict(transfer)}
    try:
        document = _transfer(record, transfer, offset, listed[0], default_currency)
    except ValueError as error:
        return Exported(record, None, ids, (_unreadable(error),), snapshot)
    return Exported(record, document, ids, (), snapshot)


def _transfer(record: str, transfer: Row, offset: Row, listed: Row, default_currency: str) -> Document:
    code = values.currency(transfer, default_currency)
    amount = cents(abs(values.amount(transfer, "total")))
    number, words = procurement.number_of(record, listed), values.text(transfer, "memo", "description")
    lines = tuple(
        Line(
            f"{values.text(transfer, 'itemDescription')} {values.amount(transfer, 'quantity').normalize():f}: {words}",
            Decimal(1),
            Money(amount * sign, code),
            values.account(values.text(row, "accountNumber")),
            gl_class=values.text(row, "glClass"),
            basis=Basis.ACCOUNT,
        )
        for row, sign in ((transfer, 1), (offset, -1))
    )
    document = _of_stock(
        DocumentKind.JOURNAL_ENTRY,
        record,
        number,
        words or "Inventory transfer",
        _received(transfer),
        lines,
        Money(cents(values.amount(listed, "total")), code),
    )
    return replace(document, psa_type=TRANSFER, memo=words)


def _of_stock(  # noqa: PLR0917 -- what differs between documents without party, terms and tax
    kind: DocumentKind, record: str, number: str, about: str, date: dt.date, lines: tuple[Line, ...], worth: Money
) -> Document:
    """A document that nobody is owed anything by: no party but words, no terms, no tax."""
    return Document(
        kind=kind,
        records=(record,),
        number=number,
        psa_number=number,
        psa_type="",
        party=Party("", about, role=PartyRole.VENDOR),
        currency=worth.currency,
        date=date,
        due_date=None,
        terms=None,
        terms_due_days=None,
        lines=lines,
        tax=Money.zero(worth.currency),
        tax_levels=(),
        tax_code=None,
        total=worth,
    )


def _received(exported: Row) -> dt.date:
    date = values.date(exported, "documentDate")
    if date is None:
        raise ValueError("documentDate is missing.")
    return date
