"""A ConnectWise export as domain documents: pure, and total (what can't be read becomes a problem of its record)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from app.connectors.connectwise import parties, signs, taxes, values, work
from app.connectors.connectwise.signs import Direction
from app.connectors.connectwise.values import Row
from app.connectors.protocols import Exported
from app.domain.documents import Document, Line, Named, Product, Reference
from app.domain.money import Money, cents
from app.domain.problems import Problem

#: Blocks and keys that say nothing about the document and would only fill the proof.
NOISE = {"_info"}
#: GL type of deferred revenue: down payments.
DEFERRED = "RD"


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside a transaction: its customer block, company, invoice; empty where it can't be read.

    ``work`` holds time entries by id, for a Detailed export.
    """

    customer: Row = field(default_factory=dict)
    company: Row = field(default_factory=dict)
    invoice: Row = field(default_factory=dict)
    work: dict[str, Row] = field(default_factory=dict)


def to_exported(record: str, transaction: Row, beside: Beside, default_currency: str) -> Exported:
    """One transaction of an export, with its document or the reasons why there is none."""
    ids = gl_ids(transaction)
    snapshot = {"transaction": _trimmed(transaction), "customer": _trimmed(beside.customer)}
    if not ids or _lacks_entries(transaction):
        return Exported(record, None, ids, (no_gl_entries(),), snapshot)
    try:
        document = to_document(record, transaction, beside, default_currency)
    except ValueError as error:
        problem = Problem("unreadable", f"The export can’t be read: {error}", "Correct the invoice in ConnectWise.")
        return Exported(record, None, ids, (problem,), snapshot)
    return Exported(record, document, ids, _problems(document), snapshot)


def no_gl_entries() -> Problem:
    """ConnectWise has nothing to export for a closed invoice."""
    return Problem(
        "no_gl_entries",
        "The invoice was closed in ConnectWise without a GL mapping, so there is nothing to post.",
        "Fix the mapping (System ▸ Setup Tables ▸ GL Accounts), then reopen and close the invoice.",
    )


def gl_ids(transaction: Row) -> tuple[int, ...]:
    """Every GL record that belongs to the document: those of the header, and one or more per detail, taxes too."""
    found = values.whole_numbers(transaction.get("glEntryIds"))
    for detail in values.rows(transaction, "detail"):
        found += values.whole_numbers(detail.get("id"))
    return tuple(dict.fromkeys(found))


def to_document(record: str, transaction: Row, beside: Beside, default_currency: str) -> Document:
    """The document of one transaction. Raises ValueError for what can't be read."""
    details = values.rows(transaction, "detail")
    way = signs.direction(transaction, details)
    code = values.currency(transaction, values.currency(beside.customer, default_currency))
    sold, taxed = _settled(details, way)
    total = cents(values.amount(transaction, "total") * way.header)
    tax = sum((amount for _, amount in taxed), Decimal(0))
    if not taxed:
        tax = taxes.header_tax(transaction, way, total, sum((amount for _, amount in sold), Decimal(0)))
    return Document(
        kind=way.kind,
        records=(record,),
        number=values.text(transaction, "documentNumber"),
        psa_type=values.text(transaction, "billingType"),
        party=parties.party(transaction, beside.customer, beside.company, beside.invoice),
        currency=code,
        date=_document_date(transaction),
        due_date=values.date(transaction, "dueDate"),
        terms=parties.reference(values.part(transaction, "billingTerms")),
        terms_due_days=values.days(transaction, "dueDays"),
        lines=_lines(transaction, sold, way, code, beside.work),
        tax=Money(tax, code),
        tax_levels=tuple(taxes.levels(taxed, transaction, beside.customer, code)),
        tax_code=_tax_code(transaction, beside.customer, taxed=tax != 0),
        total=Money(total, code),
        memo=values.text(transaction, "memo"),
        po_number=_po_number(transaction, beside.invoice),
        location=parties.reference(values.part(beside.invoice, "location")),
        ship_to=parties.ship_to(beside.invoice),
        header_account=values.account(values.text(transaction, "accountNumber")),
        header_class=values.text(transaction, "glClass"),
        tax_by="avalara" if transaction.get("useAvalaraFlag") or transaction.get("sendAvalaraTaxFlag") else "psa",
        attention=values.text(transaction, "attention"),
        sales_rep=values.text(transaction, "salesRepName", "salesRepId"),
        territory=values.text(transaction, "salesTerritory"),
        project=values.text(values.part(transaction, "project"), "name"),
        agreement=values.text(values.part(beside.invoice, "agreement"), "name"),
        fields=_custom_fields(beside.invoice),
    )


def _custom_fields(invoice: Row) -> tuple[Named, ...]:
    """Those with a caption and a value; a box that is not ticked says so, an empty text says nothing."""
    ticks = {"True": "Yes", "False": "No"}
    found = [(values.text(row, "caption"), values.text(row, "value")) for row in values.rows(invoice, "customFields")]
    return tuple(Named(name, ticks.get(said, said)) for name, said in found if name and said)


Settled = list[tuple[Row, Decimal]]


def _settled(details: Sequence[Row], way: Direction) -> tuple[Settled, Settled]:
    """Lines and tax lines, each with its amount in the document's direction, rounded together."""
    lines = [detail for detail in details if not taxes.is_tax(detail)]
    tax_lines = [detail for detail in details if taxes.is_tax(detail)]
    amounts = signs.in_cents([values.amount(detail, "total") * way.detail for detail in (*lines, *tax_lines)])
    both = list(zip((*lines, *tax_lines), amounts, strict=True))
    return both[: len(lines)], both[len(lines) :]


def _lines(transaction: Row, sold: Settled, way: Direction, currency: str, entries: dict[str, Row]) -> tuple[Line, ...]:
    """``entries``: time entries by id."""
    prepaid = bool(transaction.get("agreementPrePaymentFlag"))
    return tuple(
        replace(_line(detail, amount, way, currency, prepaid=prepaid), work=work.of(detail, entries))
        for detail, amount in sold
    )


def _line(detail: Row, amount: Decimal, way: Direction, currency: str, *, prepaid: bool) -> Line:
    quantity = values.amount(detail, "quantity") * way.detail
    return Line(
        description=values.text(detail, "memo", "salesDescription", "itemDescription", "description"),
        quantity=quantity or Decimal(1),  # a price is the amount divided by it
        amount=Money(amount, currency),
        account=values.account(values.text(detail, "accountNumber")),
        product=_product(detail),
        taxable=_is_taxable(detail),
        gl_class=values.text(detail, "glClass"),
        source=_source(detail, prepaid=prepaid),
        unit=values.text(values.part(detail, "unitOfMeasure"), "name"),
        serial_numbers=values.text(detail, "serialNumbers"),
        cost=_cost(detail, way, currency),
    )


def _source(detail: Row, *, prepaid: bool) -> str:
    """What a line is beside its account: a down payment or its deduction (RD), or an agreement that is prepaid."""
    if values.text(detail, "glTypeId").upper() == DEFERRED:
        return "down_payment"
    return "prepayment" if prepaid and not values.part(detail, "item") else ""


def _cost(detail: Row, way: Direction, currency: str) -> Money | None:
    """What the goods of the line cost us, where the export has an account for it; in the line's own direction."""
    if not values.text(detail, "costAccountNumber"):
        return None
    each = values.maybe_amount(detail, "itemCost")
    whole = values.amount(detail, "cost") if each is None else each * values.amount(detail, "quantity")
    cost = cents(abs(whole))
    return Money(-cost if values.amount(detail, "total") * way.detail < 0 else cost, currency) if cost else None


def _product(detail: Row) -> Product | None:
    item = values.part(detail, "item")
    if not values.identity(item):
        return None
    identifier = values.text(item, "identifier") or values.text(detail, "glItemId")
    description = values.text(detail, "itemDescription", "salesDescription")
    return Product(
        source_id=values.identity(item),
        identifier=identifier,
        description=description,
        kind=values.text(detail, "itemTypeXref"),
        category=values.text(values.part(detail, "subCategory"), "name"),
        serialized=bool(detail.get("serializedFlag") or item.get("serializedFlag")),
        cost_account=values.account(values.text(detail, "costAccountNumber", "cogsXref")),
        inventory_account=values.account(values.text(detail, "inventoryAccountNumber", "inventoryXref")),
    )


def _is_taxable(detail: Row) -> bool:
    """Whether any level taxes the line. ``itemTaxableFlag`` is the catalog's word and says nothing about the sale."""
    flags = [detail.get(f"taxable{level}Flag") for level in ("", 2, 3, 4, 5)]
    return any(flags) or any(level.get("taxableFlag") for level in values.rows(detail, "taxLevels"))


def _document_date(transaction: Row) -> dt.date:
    date = values.date(transaction, "documentDate")
    if date is None:
        raise ValueError("documentDate is missing.")
    return date


def _tax_code(transaction: Row, customer: Row, *, taxed: bool) -> Reference | None:
    """The document's own; some exports name it on the customer only, where it says nothing about an untaxed one."""
    return parties.reference(values.part(transaction, "taxCode")) or (
        parties.reference(values.part(customer, "taxCode")) if taxed else None
    )


def _po_number(transaction: Row, invoice: Row) -> str:
    order = values.part(transaction, "purchaseOrder")
    return values.text(transaction, "customerPO") or values.text(order, "name") or values.text(invoice, "customerPO")


def _lacks_entries(transaction: Row) -> bool:
    """A line with neither GL record nor account: the mapping was missing when the invoice was closed."""
    lines = [detail for detail in values.rows(transaction, "detail") if not taxes.is_tax(detail)]
    return any(not values.whole_numbers(line.get("id")) and not values.text(line, "accountNumber") for line in lines)


def _problems(document: Document) -> tuple[Problem, ...]:
    if document.party.source_id:
        return ()
    return (
        Problem(
            "no_customer",
            "The export names no company for this invoice.",
            "Open the invoice in ConnectWise, choose its company, then reopen and close it.",
            field="party",
        ),
    )


def _trimmed(value: Any) -> Any:
    """Without the links and stamps that ConnectWise repeats in every reference."""
    if isinstance(value, Mapping):
        return {key: _trimmed(item) for key, item in value.items() if key not in NOISE}
    return [_trimmed(item) for item in value] if isinstance(value, list) else value
