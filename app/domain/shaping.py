"""From the PSA's document to the one that a Book wants: its settings applied, before any ledger is asked. Pure.

A source exports what the PSA says and nothing else; what becomes of it here (a bill or an expense, its date, its tax as
a line) is the Book's choice. The ledger's connector translates what comes out, and knows no PSA.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from app.domain import hooks, line_text, tax_lines
from app.domain.documents import SALES, Basis, Document, DocumentKind, Line, Product
from app.domain.links import Rules
from app.domain.money import total

#: The PSA's words for what an inventory record is.
PURCHASE, ADJUSTMENT, TRANSFER = "Purchase", "Adjustment", "Transfer"
#: The PSA's type of a product that is kept in stock.
STOCK = "InventoryPart"
#: The PSA's words for whose money an expense was.
REIMBURSABLE, NON_REIMBURSABLE = "Reimbursable", "NonReimbursable"


def shaped(document: Document, rules: Rules) -> Document:
    """The document as the Book's settings and its modules want it."""
    return hooks.built(_by_settings(document, rules), rules)


def _by_settings(document: Document, rules: Rules) -> Document:
    document = _parted(document, rules["company.account_delimiter"])
    if document.kind in SALES:
        worded = line_text.worded(_exempted(_with_items(_classed(document, rules), rules), rules), rules)
        return _prefixed(worded, rules["sales.number_prefix"])
    step = _STEPS.get(document.psa_type)
    found = step(document, rules) if step else document
    if found.kind not in _PAYABLES:
        return found
    found = replace(found, lines=tuple(_worded(line, rules) for line in found.lines))
    return _tax_as_lines(found, rules)


def _worded(line: Line, rules: Rules) -> Line:
    """With unit and serial numbers behind the text, where the Book wants them."""
    text = line.description
    if line.unit and rules["purchases.unit_of_measure"] == "yes":
        text = f"{text} ({line.unit})"
    if line.serial_numbers and rules["purchases.serial_numbers"] == "yes":
        text = f"{text} S/N: {line.serial_numbers}".strip()
    return replace(line, description=text) if text != line.description else line


def _parted(document: Document, delimiter: str) -> Document:
    """Account strings that carry their class behind a delimiter: ``4000/East``."""
    if not delimiter:
        return document
    account, found = _split(document.header_account, document.header_class, delimiter)
    lines = []
    for line in document.lines:
        own, own_class = _split(line.account, line.gl_class, delimiter)
        lines.append(replace(line, account=own, gl_class=own_class))
    return replace(document, lines=tuple(lines), header_account=account, header_class=found)


def _split(account: str, gl_class: str, delimiter: str) -> tuple[str, str]:
    head, _, tail = account.partition(delimiter)
    return (head.strip(), gl_class or tail.strip()) if tail.strip() else (account, gl_class)


# ── sales ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _prefixed(document: Document, prefix: str) -> Document:
    """With the Book's prefix before the number; texts, pages and the note keep the PSA's."""
    if not prefix or not document.number:
        return document
    return replace(document, number=f"{prefix}{document.number}", psa_number=document.own_number)


def renumbered(document: Document, number: str, before: str = "") -> Document:
    """With what a person has put behind a sale's number, as in ``10404-2``, in the place of what it had ``before``.

    As it is where ``number`` does not go on from the document's own.
    """
    own = document.own_number
    if document.kind not in SALES or not own or not number.startswith(f"{own}-"):
        return document
    base = document.number.removesuffix(before.removeprefix(own)) if before.startswith(f"{own}-") else document.number
    return replace(document, number=base + number.removeprefix(own), psa_number=own)


def _with_items(document: Document, rules: Rules) -> Document:
    """Lines without a product get the item that the Book names for what they are."""
    return replace(document, lines=tuple(_with_item(line, rules) for line in document.lines))


def _classed(document: Document, rules: Rules) -> Document:
    """Lines in the class that the Book takes from the document’s head."""
    source = rules["categories.class_source"] or "account"
    if rules["categories.classes"] != "yes" or source == "account":
        return document
    named = document.category(source)
    return replace(document, lines=tuple(replace(line, gl_class=named) for line in document.lines))


def _exempted(document: Document, rules: Rules) -> Document:
    """Products that the Book never taxes. A line without tax must not take its share of the others' tax."""
    names = {name.strip().casefold() for name in rules["taxes.exempt_items"].split(",")} - {""}
    if not names or rules.tax_mode != "per_line":
        return document
    exempt = [line.product is not None and line.product.identifier.casefold() in names for line in document.lines]
    rest = [line.taxable for line, flag in zip(document.lines, exempt, strict=True) if not flag]
    if not any(exempt) or (document.tax.amount and not any(rest)):
        return document
    lines = (
        replace(line, taxable=line.taxable and not flag) for line, flag in zip(document.lines, exempt, strict=True)
    )
    return replace(document, lines=tuple(lines))


def _with_item(line: Line, rules: Rules) -> Line:
    if line.product is not None:
        return line
    name, ident = _OWN_ITEMS.get(line.source, ("", ""))
    if name and (item := rules[name]):
        return replace(line, product=Product(ident, item, kind="Service"))
    if item := _work_item(line, rules["sales.service_item_source"]):
        return replace(line, product=Product(f"work:{item}", item, kind="Service"))
    return line


def _work_item(line: Line, source: str) -> str:
    """The work role, the type or both of a line's time entries; empty where they differ, or where it is not asked."""
    if source not in ("work_role", "work_type", "work_role_type") or not line.work:
        return ""
    wanted = {"work_role": ("work_role",), "work_type": ("work_type",)}.get(source, ("work_role", "work_type"))
    names = {"-".join(part for name in wanted if (part := getattr(work, name))) for work in line.work}
    return names.pop() if len(names) == 1 else ""


#: Which setting names the item of a line that is no labour, and what it is linked by.
_OWN_ITEMS = {
    "down_payment": ("sales.down_payment_item", "own:down_payment"),
    "prepayment": ("sales.prepayment_item", "own:prepayment"),
}


# ── purchases and stock ──────────────────────────────────────────────────────────────────────────────────────────


def _reimbursable(document: Document, rules: Rules) -> Document:
    """Owed to the member, or paid at once from the account that the PSA or the setting names.

    What a member owes us stays a vendor credit, unless the account is a card: that can take it back.
    """
    if rules["purchases.reimbursable_as"] != "purchase":
        return document
    refund = document.kind is DocumentKind.VENDOR_CREDIT
    if refund and rules.extra.get(f"account_type:{rules['purchases.paid_from']}") != "Credit Card":
        return document
    return replace(document, kind=DocumentKind.PURCHASE, due_date=None, terms=None, refund=refund)


def _purchase(document: Document, rules: Rules) -> Document:
    dated = {"vendor_invoice": document.vendor_date, "purchase": document.ordered}.get(rules["inventory.date_source"])
    kind = document.kind
    if kind is DocumentKind.BILL and not document.number and rules["inventory.purchase_as"] == "purchase_order":
        kind = DocumentKind.PURCHASE_ORDER
    number = document.psa_number if kind is DocumentKind.PURCHASE_ORDER else document.number
    return replace(document, kind=kind, number=number, date=dated or document.date)


def _adjustment(document: Document, rules: Rules) -> Document:
    """The ledger's own kind of adjustment where it has one, else its value: stock against the adjustment's account."""
    asked = rules["inventory.adjustments_as"] != "journal_entry" and rules.extra.get("inventory_adjustments") == "on"
    own = asked and all(line.product and line.product.kind == STOCK for line in document.lines)
    own = own and all(line.quantity or not line.amount.amount for line in document.lines)  # a worth alone has no other
    if own or document.kind is not DocumentKind.INVENTORY_ADJUSTMENT:
        return document
    stock = tuple(replace(line, basis=Basis.ACCOUNT, product=None, quantity=Decimal(1)) for line in document.lines)
    against = Line(
        description=document.memo or "Inventory adjustment",
        quantity=Decimal(1),
        amount=-total([line.amount for line in stock], document.currency),
        account=document.header_account,
        gl_class=document.header_class,
        basis=Basis.ACCOUNT,
    )
    return replace(document, kind=DocumentKind.JOURNAL_ENTRY, lines=(*stock, against))


def _transfer(document: Document, rules: Rules) -> Document:
    """One warehouse: nothing to post. Between locations, classes or accounts: out of one, into the other."""
    classes = {line.gl_class for line in document.lines} if rules["categories.classes"] == "yes" else set()
    apart = len(classes) > 1 or len({line.account for line in document.lines}) > 1
    if rules["inventory.transfers_as"] == "journal_entry" and (
        apart or rules["categories.locations"] not in ("", "no")
    ):
        return document
    return replace(document, lines=())


def _tax_as_lines(document: Document, rules: Rules) -> Document:
    """US ledgers have no tax on what is bought: there it is a line of its own, booked to the tax's account."""
    return document if rules.tax_mode == "per_line" else tax_lines.as_lines(document)


#: What a record will likely be, before its export is read.
LIKELY = {
    NON_REIMBURSABLE: DocumentKind.PURCHASE,
    ADJUSTMENT: DocumentKind.INVENTORY_ADJUSTMENT,
    TRANSFER: DocumentKind.JOURNAL_ENTRY,
}
_PAYABLES = (DocumentKind.BILL, DocumentKind.VENDOR_CREDIT, DocumentKind.PURCHASE, DocumentKind.PURCHASE_ORDER)
_STEPS: Mapping[str, Callable[[Document, Rules], Document]] = {
    REIMBURSABLE: _reimbursable,
    PURCHASE: _purchase,
    ADJUSTMENT: _adjustment,
    TRANSFER: _transfer,
}
