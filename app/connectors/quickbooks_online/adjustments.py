"""Inventory adjustments in QuickBooks' form: quantities only, their worth is QuickBooks' own reckoning.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/inventoryadjustment
"""

from __future__ import annotations

from typing import Any

from app.connectors.quickbooks_online import conflicts, header, lines, text
from app.connectors.quickbooks_online.given import Given
from app.domain.documents import Document, Line
from app.domain.links import LinkKind, Links, item_source_id
from app.domain.problems import Problem


def note(given: Given) -> str:
    """The private note."""
    document, mark = given.document, given.mark
    return header.note_of(document, mark)


def fields(given: Given) -> dict[str, Any]:
    """The account that the change is booked to, and each item's change."""
    document, links = given.document, given.links
    account = links[(LinkKind.ACCOUNTS, document.header_account)].ledger_id
    return {
        "AdjustAccountRef": {"value": account},
        "Line": [_line(line, links) for line in document.lines if line.quantity],
    }


def problems(given: Given) -> list[Problem]:
    """What QuickBooks would refuse."""
    document, links, rules = given.document, given.links, given.rules
    found = []
    if rules.extra.get("inventory_adjustments") == "off":
        found.append(
            Problem(
                "not_in_plan",
                "This QuickBooks company has no inventory adjustments.",
                "Let them become journal entries under Settings ▸ Inventory, then read the record again.",
                field="kind",
            )
        )
    if not document.header_account:
        found.append(
            Problem(
                "gl_account_missing",
                "The adjustment names no account that its worth is booked to.",
                "Map the adjustment type under Setup, GL Accounts in the PSA, then read it again.",
                field="adjustment account",
            )
        )
    if not any(line.quantity for line in document.lines):
        found.append(Problem("no_lines", "The adjustment changes nothing.", "Look at it in the PSA.", field="lines"))
    return [*found, *_problems_of_lines(document, links), *conflicts.problems(document, links, rules)]


def warnings(given: Given) -> list[Problem]:
    """What is posted all the same."""
    return [
        *lines.shortened(given.document.lines), *conflicts.warnings(given.document, given.links, given.rules),
    ]  # fmt: skip


def _problems_of_lines(document: Document, links: Links) -> list[Problem]:
    found = []
    for number, line in enumerate(document.lines, 1):
        item = links.get((LinkKind.ITEMS, item_source_id(line)))
        if item and item.detail not in ("", "Inventory"):
            found.append(
                Problem(
                    "item_without_stock",
                    f"Line {number}: “{item.name}” is no inventory item in QuickBooks, so its quantity can’t change.",
                    "Link the product to an inventory item, or let adjustments become journal entries.",
                    field=f"line {number}",
                    subject=f"{LinkKind.ITEMS}:{item_source_id(line)}",
                )
            )
        if line.quantity != line.quantity.quantize(lines.SEVEN):
            found.append(
                Problem(
                    "value_not_taken",
                    f"Line {number}: a quantity may have seven decimals, not as many as {line.quantity}.",
                    "Correct the quantity in the PSA.",
                    field=f"line {number}",
                )
            )
    return found


def _line(line: Line, links: Links) -> dict[str, Any]:
    detail = {"ItemRef": {"value": links[(LinkKind.ITEMS, item_source_id(line))].ledger_id}, "QtyDiff": line.quantity}
    body: dict[str, Any] = {"DetailType": "ItemAdjustmentLineDetail"}
    if description := text.shorten(text.clean(line.description), lines.DESCRIPTION):
        body["Description"] = description
    return {**body, "ItemAdjustmentLineDetail": detail}
