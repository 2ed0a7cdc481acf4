"""Tax as ordinary lines: on what is bought by an account, on what is sold by an item. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from app.domain.documents import SALES, Basis, Document, Line, Product
from app.domain.money import Money, total


def as_lines(document: Document, *, one: str = "") -> Document:
    """The document with its tax as lines of its own, and none in the header; each level a line, or all in ``one``.

    A line is booked to the account that the PSA books the tax to; on a purchase for which it names none, to that of
    what was bought.
    """
    if not document.tax.amount:
        return document
    lines = tuple(_line(document, *part) for part in _parts(document, one))
    untaxed = tuple(replace(line, taxable=False) for line in document.lines)
    return replace(document, lines=(*untaxed, *lines), tax=Money.zero(document.currency), tax_levels=(), tax_code=None)


def _parts(document: Document, one: str) -> list[tuple[str, Money, str]]:
    """Name, amount, account; a single one where the levels don't add up to the tax."""
    levels = [level for level in document.tax_levels if level.amount.amount]
    parts = [(level.name or "Tax", level.amount, level.account) for level in levels]
    if one or total([amount for _, amount, _ in parts], document.currency) != document.tax:
        return [(one or "Tax", document.tax, next((level.account for level in levels), ""))]
    return parts


def _line(document: Document, name: str, amount: Money, account: str) -> Line:
    if document.kind in SALES:
        product = Product(f"own:tax:{account}", f"Sales tax {account}".strip(), kind="Service")
        return Line(name, Decimal(1), amount, account, product=product, source="tax")
    return Line(name, Decimal(1), amount, account or _largest(document).account, basis=Basis.ACCOUNT, source="tax")


def _largest(document: Document) -> Line:
    return max(document.lines, key=lambda line: line.amount.amount)
