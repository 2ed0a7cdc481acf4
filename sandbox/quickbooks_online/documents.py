"""Create, read, update, void and delete: the life of every object, whichever way the request came."""

from __future__ import annotations

import copy
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

from sandbox.faults import REFUSE
from sandbox.quickbooks_online import (
    fields,
    headers,
    inventory,
    names,
    orders,
    payments,
    plans,
    problems,
    purchases,
    sales,
    shape,
)
from sandbox.quickbooks_online.company import BANKING, LISTS, PURCHASES, SALES, TRANSACTIONS, Company
from sandbox.quickbooks_online.money import ZERO, cents
from sandbox.quickbooks_online.problems import Json

Completer = Callable[[Company, str, Json, Json | None, AbstractSet[str]], Json]

NOTHING: AbstractSet[str] = frozenset()
READ_ONLY = {"TaxCode", "TaxRate", "Attachable", *BANKING}
VOIDABLE = {"Invoice", "Payment"}
# The reference documents only full updates for these: `sparse` changes nothing.
FULL_UPDATE_ONLY = {"CreditMemo", "VendorCredit", "Class", "Department", "Term", "PaymentMethod", "TaxAgency"}
_SERVERS = {"Id", "SyncToken", "MetaData", "domain", "sparse", "status"}
_OPENING = {"Balance", "BalanceWithJobs", "OpenBalanceDate"}

COMPLETERS: dict[str, Completer] = {
    **dict.fromkeys(SALES, sales.completed),
    **dict.fromkeys(PURCHASES, purchases.completed),
    "JournalEntry": purchases.journal_completed,
    "InventoryAdjustment": inventory.adjustment_completed,
    "Payment": payments.completed,
}


def read(company: Company, entity: str, id_: str) -> Json:
    """One object by its id, or 610."""
    with company.lock:
        found = company.find(entity, id_)
        if found is None:
            raise problems.not_found()
        return presented(company, entity, found)


def save(company: Company, entity: str, sent: Any, include: AbstractSet[str] = NOTHING) -> Json:
    """Create, or update if the body has an Id; answers the whole object."""
    if entity in READ_ONLY:
        raise problems.unsupported(f"create/update of {entity}")
    body = shape.checked(entity, sent)
    with company.lock:
        saved = _update(company, entity, body, include) if body.get("Id") else _create(company, entity, body, include)
        return presented(company, entity, saved)


def delete(company: Company, entity: str, sent: Any) -> Json:
    """Remove a transaction for good; answers `{"status": "Deleted", "Id": …}`."""
    if entity not in TRANSACTIONS:
        raise problems.unsupported(f"delete of {entity}")
    with company.lock:
        old = _current(company, entity, sent)
        headers.open_books(company, old["TxnDate"])
        if entity == "Bill" and old["Balance"] != old["TotalAmt"]:
            raise problems.business("A bill with payments can't be deleted.", code=800)
        _let_go(company, entity, old)
        inventory.moved(company, entity, old, None)
        company.remove(entity, old["Id"])
        orders.linked(company, entity, old, None)
    return {"domain": "QBO", "status": "Deleted", "Id": old["Id"]}


def void(company: Company, entity: str, sent: Any) -> Json:
    """Zero a transaction but keep it, with "Voided" at the head of its private note."""
    if entity not in VOIDABLE:
        raise problems.unsupported(f"void of {entity}")
    with company.lock:
        old = _current(company, entity, sent)
        headers.open_books(company, old["TxnDate"])
        _let_go(company, entity, old)
        inventory.moved(company, entity, old, None)
        new = payments.touched(company, {**(company.find(entity, old["Id"]) or old), **_voided(entity, old)})
        company.put(entity, new)
        return presented(company, entity, new)


def presented(company: Company, entity: str, obj: Json) -> Json:
    """The object as an answer shows it."""
    shown = {**obj, "domain": "QBO", "sparse": False}
    if entity in {"Customer", "Vendor"}:
        shown["Balance"] = company.balances[obj["Id"]]
    if entity == "Customer":
        shown["BalanceWithJobs"] = shown["Balance"]
    return shown


def misfortune(company: Company, operation: str, entity: str) -> None:
    """Refuse what a `refuse` rule orders; its path may name the operation (create, update, delete, void)."""
    rule = company.faults.take("POST", f"{operation}/{entity}", [entity], kinds=REFUSE)
    if rule is not None:
        kind = "SystemFault" if rule.code >= 10000 else "ValidationFault"
        raise problems.Refusal(rule.code, "Ordered by a fault rule", rule.detail, kind=kind)


def _create(company: Company, entity: str, body: Json, include: AbstractSet[str]) -> Json:
    plans.included(company, entity, body)
    now = company.now()
    new = {key: value for key, value in body.items() if key not in _dropped(entity)}
    new.update(Id=company.new_id(entity), SyncToken="0", MetaData={"CreateTime": now, "LastUpdatedTime": now})
    stored = complete(company, entity, new, None, include)
    _store(company, entity, None, stored)
    if entity in SALES and company.switches.auto_apply_credit:
        _apply_credits(company, entity, stored)
    return company.tables[entity][stored["Id"]]


def _update(company: Company, entity: str, body: Json, include: AbstractSet[str]) -> Json:
    old = _current(company, entity, body)
    if "TxnDate" in old:
        headers.open_books(company, old["TxnDate"])
    sparse = bool(body.get("sparse")) and entity not in FULL_UPDATE_ONLY
    changes = {key: value for key, value in body.items() if key not in _dropped(entity)}
    kept = old if sparse else {key: old[key] for key in _servers(entity) if key in old}
    merged = copy.deepcopy({**kept, **changes})
    if sparse and "Line" in changes and "TxnTaxDetail" not in changes and "TxnTaxDetail" in merged:
        merged["TxnTaxDetail"] = {
            key: merged["TxnTaxDetail"][key] for key in ("TxnTaxCodeRef",) if key in merged["TxnTaxDetail"]
        }
    stored = payments.touched(company, complete(company, entity, merged, old, include))
    _store(company, entity, old, stored)
    return company.tables[entity][stored["Id"]]


def complete(
    company: Company, entity: str, body: Json, old: Json | None = None, include: AbstractSet[str] = NOTHING
) -> Json:
    """The object as the vendor keeps it, or a Refusal; nothing is stored."""
    if entity in LISTS:
        return names.completed(company, entity, body, old)
    done = COMPLETERS[entity](company, entity, body, old, include)
    if company.switches.multi_currency and "TotalAmt" in done:
        done["HomeTotalAmt"] = cents(done["TotalAmt"] * done.get("ExchangeRate", 1))
    return done


def _store(company: Company, entity: str, old: Json | None, new: Json) -> None:
    if entity == "Payment" and old is not None:
        payments.unlink(company, old)
    inventory.moved(company, entity, old, new)
    company.put(entity, new)
    orders.linked(company, entity, old, new)
    if entity == "Payment":
        payments.link(company, new)


def _apply_credits(company: Company, entity: str, document: Json) -> None:
    payment = payments.automatic(company, entity, document)
    if payment is not None:
        _create(company, "Payment", payment, set())


def _current(company: Company, entity: str, sent: Any) -> Json:
    """The stored object that a request means, if the request has seen its newest version."""
    if not isinstance(sent, dict) or not sent.get("Id"):
        raise problems.missing("Id")
    old = company.find(entity, sent["Id"])
    if old is None:
        raise problems.not_found()
    if "SyncToken" not in sent:
        raise problems.missing("SyncToken")
    if str(sent["SyncToken"]) != old["SyncToken"]:
        raise problems.stale()
    return old


def _let_go(company: Company, entity: str, old: Json) -> None:
    if entity == "Payment":
        payments.unlink(company, old)
    elif entity in (*SALES, "Deposit"):
        payments.release(company, entity, old)


def _voided(entity: str, old: Json) -> Json:
    note = old.get("PrivateNote", "")
    changes: Json = {"TotalAmt": ZERO, "PrivateNote": f"Voided - {note}" if note else "Voided"}
    if entity == "Payment":
        return {**changes, "UnappliedAmt": ZERO, "Line": []}
    lines = [_zeroed(line) for line in old["Line"]]
    return {**changes, "Balance": ZERO, "TxnTaxDetail": {"TotalTax": ZERO}, "LinkedTxn": [], "Line": lines}


def _zeroed(line: Json) -> Json:
    zeroed = {**line, "Amount": ZERO}
    detail = line.get("SalesItemLineDetail")
    if detail is not None:
        zeroed["SalesItemLineDetail"] = detail | ({"Qty": ZERO} if "Qty" in detail else {})
    return zeroed


def _dropped(entity: str) -> set[str]:
    """What a request may carry but the server decides."""
    keep = {"CurrencyRef"} if entity in {"Customer", "Vendor"} else set()
    return (_SERVERS | (fields.read_only(entity) - keep) | (_OPENING if entity in LISTS else set())) - keep


def _servers(entity: str) -> set[str]:
    return (_SERVERS | fields.read_only(entity)) - {"TotalAmt", "Balance"} | {"LinkedTxn", "CurrencyRef"}
