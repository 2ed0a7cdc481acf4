"""The accounts of items: one is sold only with an income account, bought only with a cost account.

An item that was created from a purchase has no income account until a sale needs one, and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.documents import SALES, Basis, Document, DocumentKind, Line
from app.domain.links import (
    Draft,
    Entry,
    LinkKind,
    Links,
    Rules,
    books_elsewhere,
    cost_account,
    item_key,
    item_source_id,
)
from app.domain.problems import Problem, Severity

BOUGHT = (DocumentKind.BILL, DocumentKind.VENDOR_CREDIT, DocumentKind.PURCHASE, DocumentKind.PURCHASE_ORDER)
#: Fields of EntryData, in words, with what an item is not without them.
INCOME, COST = "account", "cost_account"
WORDS = {INCOME: "income account", COST: "expense account"}
USES = {INCOME: "sold", COST: "bought"}
#: (An item's ledger id, field) → the account that is on its way there.
Coming = Mapping[tuple[str, str], Entry]


@dataclass(frozen=True, slots=True)
class ItemChange:
    """``item`` is to book to ``account`` from now on; ``field`` says which of its accounts that is.

    ``source_id`` is the PSA's id that the item is linked to.
    """

    item: Entry
    account: Entry
    field: str = INCOME
    source_id: str = ""

    @property
    def before(self) -> str:
        """The ledger's id of the account that it has now; empty where it has none."""
        return of(self.item, self.field)


@dataclass(frozen=True, slots=True)
class Lack:
    """A line whose item has no account for what the document does with it; ``account`` is what the PSA says."""

    number: int
    source_id: str
    item: Entry
    field: str
    account: str


def of(item: Entry, field: str) -> str:
    """The ledger's id of one of an item's accounts."""
    return item.account_id if field == INCOME else item.cost_account_id


def in_stock(draft: Draft, rules: Rules) -> bool:
    """Whether the ledger will keep a new item in stock: it can, and the PSA does and names all three accounts."""
    income = draft.account or rules["inventory.income_account"]
    whole = income and draft.cost_account and draft.inventory_account and draft.since
    kind = re.sub(r"[\s_-]", "", draft.item_kind).casefold()
    return bool(whole) and kind == "inventorypart" and rules.extra.get("inventory") == "on"


def bought_elsewhere(line: Line, links: Links) -> bool:
    """Whether what is bought or counted by the line's item is booked to another account than the PSA says."""
    item = links.get((LinkKind.ITEMS, item_source_id(line)))
    account = links.get((LinkKind.ACCOUNTS, line.account))
    own = (item.asset_account_id or item.cost_account_id) if item and line.basis is Basis.ITEM else ""
    return bool(own and account and own != account.ledger_id)


def straight(line: Line, links: Links, rules: Rules) -> bool:
    """Whether a line that is bought goes to the PSA's account and not through its item, which books elsewhere.

    So it is where the Book wants other items for other accounts, and where it books costs beside sales: expensed when
    bought, they would be booked twice. What the ledger keeps in stock goes through its item, or it is not counted.
    """
    wanted = rules["sales.account_conflict"] == "variant" or rules["inventory.cogs"] == "journal_entry"
    item = links.get((LinkKind.ITEMS, item_source_id(line)))
    stock = item is not None and (item.asset_account_id != "" or item.detail == "Inventory")
    return wanted and not stock and bought_elsewhere(line, links)


def conflicts(document: Document, links: Links) -> list[tuple[int, Entry, Entry]]:
    """Lines whose item books to another account than the PSA says: their number, the item, and that account."""
    elsewhere = books_elsewhere if document.kind in SALES else bought_elsewhere
    return [
        (number, links[LinkKind.ITEMS, item_source_id(line)], links[LinkKind.ACCOUNTS, line.account])
        for number, line in enumerate(document.lines, 1)
        if elsewhere(line, links)
    ]


def lacks(document: Document, links: Links, rules: Rules) -> list[Lack]:
    """Every line whose item can't be used by the document.

    An item without any account is one of which the ledger tells nothing; it is left to the ledger.
    """
    field = INCOME if document.kind in SALES else COST if document.kind in BOUGHT else ""
    found = []
    for number, line in enumerate(document.lines, 1):
        if not field or line.basis is not Basis.ITEM:
            continue
        key = item_key(line, links, rules) if field == INCOME else (LinkKind.ITEMS, item_source_id(line))
        item = links.get(key)
        if item and item.active and (item.account_id or item.cost_account_id) and not of(item, field):
            account = line.account if field == INCOME else cost_account(document, line)
            found.append(Lack(number, key[1], item, field, account))
    return found


# ── what is said of them ─────────────────────────────────────────────────────────────────────────────────────────


def added(lack: Lack, account: Entry) -> Problem:
    """An item gets the account that it lacks."""
    return Problem(
        "item_account_to_add",
        f"Item “{lack.item.name}” of line {lack.number} has no {WORDS[lack.field]} in QuickBooks yet; it gets"
        f" “{account.name}”, as the PSA says.",
        "Nothing that is booked already changes. Link the product to another item if that is not wanted.",
        Severity.INFO,
        field=f"line {lack.number}",
        subject=f"{LinkKind.ITEMS}:{lack.source_id}",
    )


def changed(number: int, item: Entry, before: str, account: Entry) -> Problem:
    """An item is to book to another account; ``before`` is the name of the one that it has."""
    old = f"from “{before}” " if before else ""
    return Problem(
        "item_account_to_change",
        f"Item “{item.name}” of line {number} is changed in QuickBooks {old}to “{account.name}”, as the PSA says.",
        "It counts for what is posted from then on. Link the product to another item if that is not wanted.",
        Severity.INFO,
        field=f"line {number}",
        subject=f"{LinkKind.ITEMS}:{item.ledger_id}",
    )


def for_two_accounts(item: str, one: str, other: str) -> Problem:
    """The same product on two accounts: changing the item to and fro would book one of them wrongly."""
    return Problem(
        "item_for_two_accounts",
        f"Item “{item}” is wanted for “{other}”, but for “{one}” too.",
        "Let one of them be an item of its own (Settings ▸ Sales), or correct the GL mapping in the PSA.",
        Severity.ERROR,
        field="account",
        subject=f"{LinkKind.ITEMS}:{item}",
    )
