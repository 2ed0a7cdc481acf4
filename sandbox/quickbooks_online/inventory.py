"""Quantities on hand, moved by what is sold, bought and adjusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set as AbstractSet
from decimal import Decimal

from sandbox.quickbooks_online import headers, numbers, problems, references
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.problems import Json
from sandbox.quickbooks_online.shape import required

_SIGN = {"Invoice": -1, "CreditMemo": 1, "Bill": 1, "Purchase": 1, "VendorCredit": -1, "InventoryAdjustment": 1}
_DETAILS = ("SalesItemLineDetail", "ItemBasedExpenseLineDetail", "ItemAdjustmentLineDetail")


def started(item: Json, txn_date: str) -> None:
    """Refuse (6270) a transaction before an inventory item's first day."""
    if item["Type"] == "Inventory" and txn_date < item["InvStartDate"]:
        raise problems.business("The transaction date is before the item's start date.", "TxnDate", 6270)


def moved(company: Company, entity: str, old: Json | None, new: Json | None) -> None:
    """Correct the quantities by the difference between the document as it was and as it is now."""
    change: defaultdict[str, Decimal] = defaultdict(Decimal)
    for document, sign in ((old, -1), (new, 1)):
        for line in (document or {}).get("Line", []):
            for item, quantity in _moves(line):
                change[item] += quantity * sign * _SIGN.get(entity, 0)
    for id_, quantity in change.items():
        item_now = company.find("Item", id_)
        if quantity and item_now and item_now["Type"] == "Inventory":
            company.put("Item", {**item_now, "QtyOnHand": item_now["QtyOnHand"] + quantity})


def _moves(line: Json) -> list[tuple[str, Decimal]]:
    details = [line[name] for name in _DETAILS if name in line]
    return [
        (detail["ItemRef"]["value"], detail.get("Qty", detail.get("QtyDiff", Decimal(0))))
        for detail in details
        if "ItemRef" in detail
    ]


def adjustment_completed(
    company: Company, entity: str, body: Json, old: Json | None, include: AbstractSet[str]
) -> Json:
    """An InventoryAdjustment as the vendor keeps it; quantities only, no costs."""
    required(body, "TxnDate", "AdjustAccountRef", "Line")
    if old is not None and old["TxnDate"] != body["TxnDate"]:
        raise problems.business("The date of an inventory adjustment can't be changed.", "TxnDate")
    headers.settle(company, body, None)
    references.settle(company, body, AdjustAccountRef="Account")
    numbers.assign(company, entity, body, old, include)
    for position, line in enumerate(body["Line"], 1):
        _adjusted(company, body, line)
        line.update(Id=str(position), LineNum=position)
    return body


def _adjusted(company: Company, body: Json, line: Json) -> None:
    detail = line.get("ItemAdjustmentLineDetail")
    if detail is None:
        raise problems.missing("Line.ItemAdjustmentLineDetail")
    item = references.target(company, "Item", detail.get("ItemRef"), "ItemRef")
    if item["Type"] != "Inventory":
        raise problems.business("Only inventory items can be adjusted.", "ItemRef")
    started(item, body["TxnDate"])
    if "QtyDiff" not in detail:
        raise problems.business("An inventory item needs a quantity.", "QtyDiff", 6520)
    line["DetailType"] = "ItemAdjustmentLineDetail"
    detail["ItemRef"] = references.to("Item", item)
