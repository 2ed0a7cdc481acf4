"""Products and services that are created for the PSA's: their type in QuickBooks and their accounts."""

from __future__ import annotations

import re
from typing import Any

from app.connectors.protocols import UntranslatableError
from app.connectors.quickbooks_online import text
from app.connectors.quickbooks_online.linked import not_linked
from app.domain.item_accounts import in_stock
from app.domain.links import Draft, LinkKind, Links, Need, Rules, above

#: The PSA's types of a product, without blanks and case, as QuickBooks' types.
TYPES = {"inventorypart": "Inventory", "noninventorypart": "NonInventory", "service": "Service"}
#: Without a product: labour, agreements, expenses.
_SERVICE = re.compile(r"service|labou?r|agreement|expense", re.IGNORECASE)


def new_item(draft: Draft, name: str, links: Links, rules: Rules) -> dict[str, Any]:
    """The body. Raises UntranslatableError with each account that is not linked.

    A category is an item that nothing is sold by; it has no accounts.
    """
    if draft.item_kind == "Category":
        return {"Name": name, "Type": "Category"}
    kind = item_type(draft, rules)
    accounts = {"IncomeAccountRef": draft.account, "ExpenseAccountRef": draft.cost_account}
    if kind == "Inventory":
        accounts["AssetAccountRef"] = draft.inventory_account
    refs = _accounts(accounts, links)
    if kind != "NonInventory" and not draft.account:
        refs["IncomeAccountRef"] = {"value": rules["inventory.income_account"]}
    body: dict[str, Any] = {"Name": name, "Type": kind, **_category(draft, links, rules)}
    if description := text.shorten(text.clean(draft.description), 4000):
        body["Description"] = description
        if "ExpenseAccountRef" in refs:
            body["PurchaseDesc"] = text.shorten(description, 1000)
    body |= refs
    if kind == "Inventory":
        body |= {"TrackQtyOnHand": True, "QtyOnHand": 0, "InvStartDate": draft.since}
    if rules.tax_mode in ("manual", "automated"):
        body["Taxable"] = draft.taxable
    return body


# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/item#create-a-category
def _category(draft: Draft, links: Links, rules: Rules) -> dict[str, Any]:
    under = [links.get((parent.kind, parent.source_id)) for parent in above(draft, rules)]
    return {"SubItem": True, "ParentRef": {"value": under[0].ledger_id}} if under and under[0] else {}


def item_type(draft: Draft, rules: Rules) -> str:
    """``Inventory``, ``NonInventory`` or ``Service``.

    Stock is kept only where the company can and the PSA names all three accounts; a type that can't be told is what
    the Book's setting says. What has no income account, for it was only bought so far, is no service: QuickBooks asks
    for one there.
    """
    income = draft.account or rules["inventory.income_account"]
    known = TYPES.get(re.sub(r"[\s_-]", "", draft.item_kind).casefold())
    if known == "Inventory":
        return known if in_stock(draft, rules) else "NonInventory"
    if known is None:
        known = "Service" if _SERVICE.search(draft.item_kind) else rules["inventory.other_charge_as"] or "Service"
    return known if income else "NonInventory"


def _accounts(named: dict[str, str], links: Links) -> dict[str, Any]:
    missing, refs = [], {}
    for member, account in named.items():
        entry = links.get((LinkKind.ACCOUNTS, account)) if account else None
        if entry:
            refs[member] = {"value": entry.ledger_id}
        elif account:
            missing.append(not_linked(Need(LinkKind.ACCOUNTS, account, account, "account")))
    if not missing and not refs:
        missing.append(not_linked(Need(LinkKind.ACCOUNTS, "", "", "account")))
    if missing:
        raise UntranslatableError(missing)
    return refs
