"""What people do in QuickBooks' own pages: edit, rename, inactivate, void, delete, take money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.quickbooks_online import documents, problems
from sandbox.quickbooks_online.company import ENTITIES, Company
from sandbox.quickbooks_online.problems import Json


def edit(company: Company, order: Json) -> Json:
    """Carry out `{"entity", "id", "changes"}` or `{"entity", "id", "operation"}`; answers the object as it is now.

    Operations: void, delete, inactivate, reactivate, rename (with `name`), pay (with `amount`, default the balance).
    """
    entity, id_ = str(order.get("entity", "")), str(order.get("id", ""))
    if entity not in ENTITIES:
        raise problems.bad_value(2000, "entity", entity)
    with company.lock:
        known = documents.read(company, entity, id_)
        operation = order.get("operation")
        if operation is None:
            return _change(company, entity, known, _exact(order.get("changes", {})))
        return _operate(company, entity, known, str(operation), order)


def _operate(company: Company, entity: str, known: Json, operation: str, order: Json) -> Json:
    if operation == "delete":
        return documents.delete(company, entity, known)
    if operation == "void":
        return documents.void(company, entity, known)
    if operation in {"inactivate", "reactivate"}:
        return _activity(company, entity, known, active=operation == "reactivate")
    if operation == "rename":
        key = "DisplayName" if "DisplayName" in known else "Name"
        return _change(company, entity, known, {key: order["name"]})
    if operation == "pay":
        return _pay(company, entity, known, order)
    raise problems.unsupported(operation)


def _change(company: Company, entity: str, known: Json, changes: Json) -> Json:
    if entity in documents.FULL_UPDATE_ONLY:
        changes = {key: value for key, value in known.items() if key not in changes} | changes
    sent = {**changes, "Id": known["Id"], "SyncToken": known["SyncToken"], "sparse": True}
    return documents.save(company, entity, sent)


def _activity(company: Company, entity: str, known: Json, *, active: bool) -> Json:
    if entity in documents.READ_ONLY:
        company.put(entity, {**known, "Active": active})
        return documents.read(company, entity, known["Id"])
    key = "DisplayName" if "DisplayName" in known else "Name"
    renamed = {key: known[key].removesuffix(" (deleted)")} if active else {}
    return _change(company, entity, known, {"Active": active, **renamed})


def _pay(company: Company, entity: str, known: Json, order: Json) -> Json:
    if entity != "Invoice":
        raise problems.unsupported("pay")
    amount = Decimal(str(order.get("amount", known["Balance"])))
    line = {"Amount": amount, "LinkedTxn": [{"TxnId": known["Id"], "TxnType": "Invoice"}]}
    payment: Json = {"CustomerRef": known["CustomerRef"], "TotalAmt": amount, "Line": [line]}
    return documents.save(company, "Payment", payment)


def _exact(value: Any) -> Any:
    """JSON numbers that were read as float, as exact as they were written."""
    if isinstance(value, dict):
        return {key: _exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner) for inner in value]
    return Decimal(str(value)) if isinstance(value, float) else value
