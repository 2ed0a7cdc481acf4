"""A document's lines as SalesItemLineDetail.

QuickBooks computes Qty × UnitPrice itself and refuses a line whose Amount differs (fault 6070), so the two are sent
only where they give the amount exactly; otherwise the amount goes alone and the description says the quantity.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.connectors.quickbooks_online import text
from app.connectors.quickbooks_online.categories import class_of_line
from app.domain.documents import Line
from app.domain.links import Links, Rules, item_key
from app.domain.money import cents
from app.domain.problems import Problem, Severity

DESCRIPTION = 4000
#: Decimals that quantity and unit price may have.
SEVEN = Decimal("0.0000001")
#: More digits than this before the point are refused.
LARGEST = Decimal("99999999999")


def to_lines(lines: Sequence[Line], links: Links, tax_codes: Sequence[str], rules: Rules) -> list[dict[str, Any]]:
    """All lines in order; ``tax_codes`` runs beside them, an empty one is left out."""
    return [_line(line, links, tax_code, rules) for line, tax_code in zip(lines, tax_codes, strict=True)]


def shortened(lines: Sequence[Line]) -> list[Problem]:
    """A warning for each description that had to be cut."""
    return [
        Problem(
            "text_shortened",
            f"The description of line {number} is longer than QuickBooks’ {DESCRIPTION:,} characters; it is cut.",
            "Nothing need be done; the whole text stays in the PSA.",
            Severity.WARNING,
            field=f"line {number}",
        )
        for number, line in enumerate(lines, 1)
        if text.length(_words(line)) > _room(line)
    ]


def priced(quantity: Decimal, amount: Decimal) -> tuple[Decimal, Decimal] | None:
    """Quantity and unit price that give the amount to the cent, or None. The amount decides the direction."""
    if not quantity or quantity != quantity.quantize(SEVEN) or abs(quantity) > LARGEST:
        return None
    if amount >= 0:
        quantity = abs(quantity)
    price = (amount / quantity).quantize(SEVEN, rounding=ROUND_HALF_UP)
    return (_short(quantity), _short(price)) if cents(quantity * price) == amount else None


def description_of(line: Line) -> str:
    """Within QuickBooks' length, with the quantity where it can't be sent as a number."""
    return text.shorten(_words(line), _room(line)) + _quantity_in_words(line)


def counted(line: Line) -> str:
    """Its text with the quantity behind it, for a line that carries none."""
    tail = "" if line.quantity in (0, 1) else f" (quantity {_short(line.quantity):f})"
    return text.shorten(_words(line), DESCRIPTION - len(tail)) + tail


def _line(line: Line, links: Links, tax_code: str, rules: Rules) -> dict[str, Any]:
    amount = cents(line.amount.amount)
    detail: dict[str, Any] = {"ItemRef": {"value": links[item_key(line, links, rules)].ledger_id}}
    if pair := priced(line.quantity, amount):
        detail["Qty"], detail["UnitPrice"] = pair
    detail |= class_of_line(line, links, rules)
    if tax_code:
        detail["TaxCodeRef"] = {"value": tax_code}
    body: dict[str, Any] = {"DetailType": "SalesItemLineDetail", "Amount": amount}
    if description := description_of(line):
        body["Description"] = description
    return {**body, "SalesItemLineDetail": detail}


def _words(line: Line) -> str:
    return text.clean(line.description) or text.clean(line.product.description if line.product else "")


def _room(line: Line) -> int:
    return DESCRIPTION - len(_quantity_in_words(line))


def _quantity_in_words(line: Line) -> str:
    """`` (quantity 3.5)`` where quantity and price can't be sent; nothing where they can, or where it says nothing."""
    if line.quantity in (0, 1) or priced(line.quantity, cents(line.amount.amount)):
        return ""
    return f" (quantity {_short(line.quantity):f})"


def _short(number: Decimal) -> Decimal:
    """Without zeros at the end: 3.50 → 3.5, 100 stays 100."""
    return Decimal(f"{number.normalize():f}")
