"""The accounts of items: one is sold only with an income account, bought only with a cost account.

An item that was created from a purchase has no income account until a sale needs one, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.documents import SALES, Basis, Document, DocumentKind
from app.domain.links import Entry, LinkKind, Links, Rules, cost_account, item_key, item_source_id

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
