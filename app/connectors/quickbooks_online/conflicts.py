"""QuickBooks books a sale by its item; the PSA has an account on every line. A setting decides where they differ."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.documents import Basis, Document
from app.domain.links import LinkKind, Links, Rules, item_source_id
from app.domain.problems import Problem, Severity


def problems(document: Document, links: Links, rules: Rules) -> list[Problem]:
    """``item_account_differs`` where the Book holds such a document."""
    return list(_conflicts(document, links, Severity.ERROR)) if rules["sales.account_conflict"] == "block" else []


def warnings(document: Document, links: Links, rules: Rules) -> list[Problem]:
    """The same where the Book posts it all the same."""
    return list(_conflicts(document, links, Severity.WARNING)) if rules["sales.account_conflict"] != "block" else []


def _conflicts(document: Document, links: Links, severity: Severity) -> Iterator[Problem]:
    for number, line in enumerate(document.lines, 1):
        if line.basis is not Basis.ITEM:
            continue
        item = links.get((LinkKind.ITEMS, item_source_id(line)))
        account = links.get((LinkKind.ACCOUNTS, line.account))
        if item and account and item.account_id and item.account_id != account.ledger_id:
            yield Problem(
                "item_account_differs",
                f"Line {number} belongs to “{account.name}” in the PSA; its item “{item.name}” books"
                " to another account.",
                "Change the item’s account in QuickBooks, link the line’s product to another item, or correct the GL"
                " mapping in the PSA.",
                severity,
                field=f"line {number}",
                subject=f"{LinkKind.ITEMS}:{item_source_id(line)}",
            )
