"""Queries and change data capture: what they see, what they may ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.quickbooks_online import preferences, problems
from sandbox.quickbooks_online.company import ENTITIES, LISTS, PACIFIC, Company
from sandbox.quickbooks_online.documents import presented
from sandbox.quickbooks_online.problems import Json, Refusal
from sandbox.quickbooks_online.query_text import LONGEST, Condition, Query, parse

# Attributes that the reference marks as filterable; everything else is 4001.
_ALWAYS = {"Id", "MetaData.CreateTime", "MetaData.LastUpdatedTime"}
_PERSON = {
    "DisplayName",
    "GivenName",
    "MiddleName",
    "FamilyName",
    "CompanyName",
    "PrintOnCheckName",
    "Active",
    "Balance",
}
_SALES = {"DocNumber", "TxnDate", "CustomerRef", "TotalAmt", "Balance", "DueDate", "DepartmentRef"}
_PURCHASE = {"DocNumber", "TxnDate", "VendorRef", "TotalAmt", "DepartmentRef"}
FILTERABLE: dict[str, set[str]] = {
    "Customer": _PERSON | {"FullyQualifiedName", "ParentRef", "Job", "Taxable"},
    "Vendor": _PERSON | {"AcctNum", "Vendor1099"},
    "Employee": _PERSON,
    "Item": {"Name", "Type", "Sku", "Active", "FullyQualifiedName", "ParentRef", "UnitPrice"},
    "Account": {"Name", "AccountType", "AccountSubType", "Classification", "AcctNum", "Active", "FullyQualifiedName"},
    "TaxCode": {"Name", "Active"},
    "TaxRate": {"Name", "Active"},
    "TaxAgency": {"DisplayName"},
    "Term": {"Name", "Active"},
    "Class": {"Name", "Active", "FullyQualifiedName"},
    "Department": {"Name", "Active", "FullyQualifiedName"},
    "PaymentMethod": {"Name", "Active"},
    "Invoice": _SALES,
    "CreditMemo": _SALES,
    "Payment": {"TxnDate", "CustomerRef", "TotalAmt", "UnappliedAmt", "PaymentRefNum"},
    "Bill": _PURCHASE | {"Balance", "DueDate"},
    "VendorCredit": _PURCHASE,
    "Purchase": {"DocNumber", "TxnDate", "TotalAmt", "PaymentType", "AccountRef"},
    "PurchaseOrder": _PURCHASE | {"POStatus"},
    "JournalEntry": {"DocNumber", "TxnDate"},
    "InventoryAdjustment": {"DocNumber", "TxnDate"},
    "Deposit": {"TxnDate", "TotalAmt"},
    "RefundReceipt": {"DocNumber", "TxnDate", "CustomerRef", "TotalAmt"},
    "Attachable": {"FileName", "AttachableRef.EntityRef.Type", "AttachableRef.EntityRef.value"},
    "CompanyInfo": {"CompanyName"},
    "Preferences": set(),
}
NO_CDC = {"Attachable", "TaxAgency", "TaxCode", "TaxRate", "InventoryAdjustment"}
CDC_DAYS = 30
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def answer(company: Company, text: str) -> Json:
    """`QueryResponse` of a statement."""
    query = parse(text)
    entity = _entity(query.entity)
    with company.lock:
        rows = _ordered(entity, query, _matching(company, entity, query))
        if query.count:
            return {"totalCount": len(rows)}
        page = rows[query.start - 1 : query.start - 1 + query.limit]
        if not page:
            return {}
        shown = [_columns(query, presented(company, entity, row)) for row in page]
    return {entity: shown, "startPosition": query.start, "maxResults": len(shown)}


def changes(company: Company, entities: str, since: str) -> Json:
    """`CDCResponse`: everything changed or deleted since a moment, at most 1000 objects, no pages.

    Raises:
        Refusal: for a moment more than 30 days ago or an entity that CDC doesn't offer.
    """
    moment = _moment(since)
    if company.clock() - moment > timedelta(days=CDC_DAYS):
        raise problems.business("changedSince is more than 30 days ago.", "changedSince", 2060)
    left, responses = LONGEST, []
    with company.lock:
        for name in entities.split(","):
            entity = _entity(name.strip())
            if entity in NO_CDC or entity not in ENTITIES:
                raise problems.unsupported(f"CDC of {entity}")
            found = _changed(company, entity, moment)[:left]
            left -= len(found) if company.switches.cdc_limit == "answer" else 0
            size = {"startPosition": 1, "maxResults": len(found), "totalCount": len(found)}
            responses.append({entity: found, **size} if found else {})
    return {"CDCResponse": [{"QueryResponse": responses}], "time": company.response_time()}


def _changed(company: Company, entity: str, moment: datetime) -> list[Json]:
    alive = [
        presented(company, entity, row)
        for row in company.visible(entity)
        if _moment(row["MetaData"]["LastUpdatedTime"]) >= moment
    ]
    gone = [
        {
            "domain": "QBO",
            "status": "Deleted",
            "Id": stone.id,
            "MetaData": {"LastUpdatedTime": company.stamp(stone.when)},
        }
        for stone in company.tombstones
        if stone.entity == entity and stone.when >= moment
    ]
    return alive + gone


def _entity(name: str) -> str:
    by_lower = {entity.lower(): entity for entity in FILTERABLE}
    if name.lower() not in by_lower:
        raise Refusal(4001, "Invalid query", f"QueryValidationError: invalid context declaration: {name}")
    return by_lower[name.lower()]


def _matching(company: Company, entity: str, query: Query) -> list[Json]:
    if entity in {"CompanyInfo", "Preferences"}:
        rows: Iterable[Json] = [preferences.special(company, entity)]
    else:
        rows = company.visible(entity)
    tests = [_test(entity, condition) for condition in query.conditions]
    if entity in LISTS and not any(condition.attribute.lower() == "active" for condition in query.conditions):
        tests.append(lambda row: row.get("Active", True) is not False)
    if any(condition.attribute.lower() == "balance" for condition in query.conditions):
        rows = [presented(company, entity, row) for row in rows]
    return [row for row in rows if all(test(row) for test in tests)]


def _attribute(entity: str, name: str) -> str:
    known = {attribute.lower(): attribute for attribute in FILTERABLE[entity] | _ALWAYS}
    if name.lower() not in known:
        detail = f"QueryValidationError: Property {name} not found for Entity {entity}"
        raise Refusal(4001, "Invalid query", detail)
    return known[name.lower()]


def _test(entity: str, condition: Condition) -> Callable[[Json], bool]:
    attribute = _attribute(entity, condition.attribute)
    if attribute == "Id" and condition.operator not in {"=", "IN"}:
        raise Refusal(4001, "Invalid query", "QueryValidationError: Operator not supported for property Id")
    if condition.operator == "LIKE":
        pattern = re.compile(".*".join(map(re.escape, condition.values[0].split("%"))), re.IGNORECASE | re.DOTALL)
        return lambda row: pattern.fullmatch(str(_value(row, attribute) or "")) is not None
    if condition.operator in {"=", "IN"}:
        return _equality(attribute, condition.values)
    return _comparison(attribute, condition.operator, condition.values[0])


def _equality(attribute: str, values: tuple[str, ...]) -> Callable[[Json], bool]:
    texts = {value.strip().lower() for value in values}
    keys = {_key(value) for value in values}

    def equal(row: Json) -> bool:
        value = _value(row, attribute)
        if value is None:
            return "" in texts
        return str(value).lower() in texts if not isinstance(value, (Decimal, datetime)) else _key(value) in keys

    return equal


def _comparison(attribute: str, operator: str, wanted: str) -> Callable[[Json], bool]:
    def compare(row: Json) -> bool:
        value = _value(row, attribute)
        if value is None:
            return False
        left, right = _comparable(value, wanted)
        result = {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}
        return bool(result[operator])

    return compare


def _comparable(value: Any, wanted: str) -> tuple[Any, Any]:
    if isinstance(value, datetime):
        return value, _moment(wanted)
    if isinstance(value, Decimal):
        return value, _decimal(wanted)
    return str(value).lower(), wanted.lower()


def _value(row: Json, attribute: str) -> Any:
    value: Any = row
    for part in attribute.split("."):
        value = value[0] if isinstance(value, list) and value else value
        value = value.get(part, value.get(part.lower())) if isinstance(value, dict) else None
    if isinstance(value, dict):
        return value.get("value")
    if attribute.startswith("MetaData.") and value is not None:
        return _moment(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


def _key(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if _NUMBER.fullmatch(value):
        return Decimal(value)
    return _moment(value) if re.match(r"\d{4}-\d\d-\d\dT", value) else value


def _decimal(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise Refusal(4001, "Invalid query", f"QueryValidationError: {text} is not a number")
    return Decimal(text)


def _moment(text: str) -> datetime:
    """A moment with its zone; without one in the text, the vendor's Pacific time is meant."""
    from_text = re.sub(r"Z$", "+00:00", text.replace(" ", "+"))
    try:
        moment = datetime.fromisoformat(from_text)
    except ValueError as error:
        raise problems.bad_value(2060, "date", text) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=PACIFIC)


def _ordered(entity: str, query: Query, rows: list[Json]) -> list[Json]:
    if not query.order:
        return sorted(rows, key=lambda row: _order_key(row, "Id"))
    for name, descending in reversed(query.order):
        attribute = _attribute(entity, name)
        rows = sorted(rows, key=lambda row: _order_key(row, attribute), reverse=descending)  # used at once
    return rows


def _order_key(row: Json, attribute: str) -> tuple[bool, Any]:
    value = _value(row, attribute)
    if attribute == "Id":
        return True, (not str(value).isdigit(), int(value) if str(value).isdigit() else 0, str(value))
    return (value is not None, value.lower() if isinstance(value, str) else value if value is not None else 0)


def _columns(query: Query, row: Json) -> Json:
    if not query.columns:
        return row
    wanted = {column.lower().split(".")[0] for column in query.columns} | {"id"}
    return {key: value for key, value in row.items() if key.lower() in wanted} | {"domain": "QBO", "sparse": True}
