"""QuickBooks books by the item; the PSA has an account on every line. A setting decides where they differ."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.documents import SALES, Document, DocumentKind, Line
from app.domain.item_accounts import conflicts, straight
from app.domain.links import LinkKind, Links, Rules, item_key, item_source_id
from app.domain.problems import Problem, Severity


def problems(document: Document, links: Links, rules: Rules) -> list[Problem]:
    """``item_account_differs`` where the Book holds such a document."""
    return list(_conflicts(document, links, rules, Severity.ERROR)) if _blocks(rules) else []


def warnings(document: Document, links: Links, rules: Rules) -> list[Problem]:
    """The same where the Book posts it all the same."""
    return [] if _blocks(rules) else list(_conflicts(document, links, rules, Severity.WARNING))


def _blocks(rules: Rules) -> bool:
    """Where the item is to be changed, it must have been before anything is sent."""
    return rules["sales.account_conflict"] in ("block", "update")


def _conflicts(document: Document, links: Links, rules: Rules, severity: Severity) -> Iterator[Problem]:
    change = rules["sales.account_conflict"] == "update"
    for number, item, account in conflicts(document, links):
        line = document.lines[number - 1]
        if _served(document, line, links, rules):
            continue
        yield Problem(
            "item_account_differs",
            f"Line {number} belongs to “{account.name}” in the PSA; its item “{item.name}” books to another account.",
            f"Submit or retry with accepting: then the item is changed to “{account.name}” in QuickBooks."
            if change and (document.kind in SALES or not item.asset_account_id)
            else "Change the item’s account in QuickBooks, link the line’s product to another item, or correct the GL"
            " mapping in the PSA.",
            severity,
            field=f"line {number}",
            subject=f"{LinkKind.ITEMS}:{item_source_id(line)}",
        )


def _served(document: Document, line: Line, links: Links, rules: Rules) -> bool:
    """A variant of the item earns to the account; what is bought goes straight to it."""
    if document.kind in SALES:
        return item_key(line, links, rules)[1] != item_source_id(line)
    return document.kind is not DocumentKind.INVENTORY_ADJUSTMENT and straight(line, links, rules)
