"""COGS entries: what the goods of an invoice cost, as a journal entry of its own beside it. Pure.

Cost of goods against stock, a pair of lines for each line of the sale; of goods that come back, the other way round. A
ledger that keeps an item in stock books its cost by itself: such lines are left out here, or it would be booked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from app.domain.documents import SALES, Basis, Document, DocumentKind, Line, Party, Product
from app.domain.links import Rules
from app.domain.money import Money, total
from app.domain.problems import Problem, Severity

#: ``Document.psa_type`` of an entry that stands beside another document.
COGS = "Cogs"
SETTING = "inventory.cogs"


def wanted(rules: Rules) -> bool:
    """Whether the Book books the cost of what is sold."""
    return rules[SETTING] == "journal_entry"


def entry(document: Document, rules: Rules) -> Document | None:
    """The entry beside an invoice or a credit memo; None where the Book wants none or nothing in it has a cost."""
    if not wanted(rules) or document.kind not in SALES or document.currency != rules.home_currency:
        return None  # in whose currency the PSA says a cost is not known: soundness says so
    lines = tuple(half for line in document.lines for half in _pair(line, document))
    if not lines:
        return None
    return Document(
        kind=DocumentKind.JOURNAL_ENTRY,
        records=document.records,
        number=f"COGS {document.own_number}",
        psa_number=document.own_number,
        psa_type=COGS,
        party=Party("", document.party.name),
        currency=document.currency,
        date=document.date,
        due_date=None,
        terms=None,
        terms_due_days=None,
        lines=lines,
        tax=Money.zero(document.currency),
        tax_levels=(),
        tax_code=None,
        total=_debits(lines, document.currency),
        header_class=document.header_class,
        location=document.location,
        territory=document.territory,
        sales_rep=document.sales_rep,
        project=document.project,
        agreement=document.agreement,
        rate=document.rate,
    )


def without_stock(document: Document, keeps_stock: Callable[[Product], bool]) -> tuple[Document, list[str]]:
    """The entry without what the ledger books by itself, and the names of those products."""
    stocked = {p.source_id: p.identifier for line in document.lines if (p := line.product) and keeps_stock(p)}
    if not stocked:
        return document, []
    lines = tuple(line for line in document.lines if not (line.product and line.product.source_id in stocked))
    return replace(document, lines=lines, total=_debits(lines, document.currency)), sorted(stocked.values())


def by_ledger(names: list[str]) -> Problem:
    """Said of what was left out."""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return Problem(
        "cogs_by_quickbooks",
        f"QuickBooks keeps {shown} in stock and books the cost by itself; it is not in this entry.",
        "Nothing need be done: booked here too, it would be there twice.",
        Severity.INFO,
        field="cost",
    )


def _pair(line: Line, document: Document) -> Iterator[Line]:
    """Debit and credit of one line's cost: a sale takes goods out of stock, a credit memo brings them back."""
    if line.cost is None or line.product is None:
        return
    cost = line.cost if document.kind is DocumentKind.INVOICE else -line.cost
    count = f"{abs(line.quantity).normalize():f}"
    text = f"{line.product.identifier} × {count}"
    given = {
        "description": text, "quantity": Decimal(1), "product": line.product, "gl_class": line.gl_class,
        "basis": Basis.ACCOUNT, "source": "cogs",
    }  # fmt: skip
    yield Line(amount=cost, account=line.product.cost_account, **given)  # type: ignore[arg-type]  # both halves alike
    yield Line(amount=-cost, account=line.product.inventory_account, **given)  # type: ignore[arg-type]  # as above


def _debits(lines: tuple[Line, ...], currency: str) -> Money:
    return total([line.amount for line in lines if line.amount.amount > 0], currency)
