"""Purchase orders and their bills: a bill that names an order closes it; when it goes, the order is open again."""

from __future__ import annotations

from sandbox.quickbooks_online import payments, problems
from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.problems import Json

ORDER = "PurchaseOrder"


def check(company: Company, bill: Json, old: Json | None) -> None:
    """Refuse a bill of an order that is not there (610), another vendor's (620), or closed (6000)."""
    before = set() if old is None else set(_orders(old))
    for id_ in _orders(bill):
        order = company.find(ORDER, id_)
        if order is None:
            raise problems.bad_reference(ORDER, id_, "LinkedTxn")
        if order["VendorRef"]["value"] != bill["VendorRef"]["value"]:
            raise problems.business("The linked transaction belongs to another vendor.", "LinkedTxn", 620)
        if order["POStatus"] == "Closed" and id_ not in before:
            raise problems.business("The purchase order is closed.", "LinkedTxn")
        _check_lines(bill, order)


def _check_lines(bill: Json, order: Json) -> None:
    known = {line["Id"] for line in order["Line"]}
    for line in bill["Line"]:
        for linked in line.get("LinkedTxn", []):
            if linked.get("TxnId") == order["Id"] and linked.get("TxnLineId") not in known:
                raise problems.bad_reference(f"{ORDER} line", str(linked.get("TxnLineId")), "Line.LinkedTxn")


def linked(company: Company, entity: str, old: Json | None, new: Json | None) -> None:
    """After a bill was stored or removed: its orders are closed by it, those that it no longer names are open again."""
    if entity != "Bill":
        return
    before, now = set(_orders(old or {})), set(_orders(new or {}))
    mine = {"TxnId": (new or old or {})["Id"], "TxnType": "Bill"}
    for id_ in before ^ now:
        order = company.find(ORDER, id_)
        if order is None:
            continue
        others = [each for each in order.get("LinkedTxn", []) if each != mine]
        bills = [*others, mine] if id_ in now else others
        changed = {**order, "LinkedTxn": bills, "POStatus": "Closed" if bills else "Open"}
        company.put(ORDER, payments.touched(company, changed))


def _orders(bill: Json) -> list[str]:
    return [linked["TxnId"] for linked in bill.get("LinkedTxn", []) if linked.get("TxnType") == ORDER]
