"""`POST /batch`: up to 30 operations, one after the other, each with its own success or fault.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/batch
"""

from __future__ import annotations

import random
import time
from typing import Any

from sandbox.quickbooks_online import documents, problems, query
from sandbox.quickbooks_online.company import ENTITIES, Company
from sandbox.quickbooks_online.problems import Json, Refusal
from sandbox.quickbooks_online.request_ids import LONGEST_BID, Answers

MOST_ITEMS = 30
_OWN = {"bId", "operation", "optionsData", "Query"}


def items_of(body: Any) -> list[Json]:
    """The items of a batch request, checked as far as the whole request depends on them.

    Raises:
        Refusal: 2020 nothing to do or no bId, 1040 too many, 2130 a bId too long, 2600 a bId twice.
    """
    items = body.get("BatchItemRequest") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items:
        raise problems.missing("BatchItemRequest")
    if len(items) > MOST_ITEMS:
        detail = f"Maximum batch size is {MOST_ITEMS}; {len(items)} items were sent."
        raise Refusal(1040, "Batch size exceeded", detail, "BatchItemRequest")
    names = [item.get("bId") for item in items]
    if not all(names):
        raise problems.missing("bId")
    if any(len(str(name)) > LONGEST_BID for name in names):
        raise Refusal(2130, "Invalid request id format", f"bId has at most {LONGEST_BID} characters", "bId")
    if len(set(names)) < len(names):
        raise Refusal(2600, "Conflicting elements", "Each bId may stand only once in a batch", "bId")
    return items


def entities_of(items: list[Json]) -> list[str]:
    """Which kinds of objects a batch touches."""
    return sorted({key for item in items for key in item if key not in _OWN})


def run(company: Company, items: list[Json], previous: Answers | None, outdated: Any) -> Answers:
    """The answer of each item, in order; an answer of `previous` that still holds is taken over."""
    kept = {answer["bId"]: answer for answer in previous or [] if not outdated(answer)}
    return [kept.get(item["bId"]) or _answer(company, item) for item in items]


def response(company: Company, answers: Answers) -> Json:
    """`{"BatchItemResponse": […]}`, shuffled where the switch says so."""
    shown = list(answers)
    if company.switches.shuffle_batch:
        random.shuffle(shown)
    return {"BatchItemResponse": shown, "time": company.response_time()}


def _answer(company: Company, item: Json) -> Json:
    time.sleep(company.switches.item_ms / 1000)
    company.count("batch items")
    try:
        return {**_done(company, item), "bId": item["bId"]}
    except Refusal as refusal:
        company.count("refused items")
        return {"Fault": refusal.fault(), "bId": item["bId"]}


def _done(company: Company, item: Json) -> Json:
    if "Query" in item:
        return {"QueryResponse": query.answer(company, item["Query"])}
    named = [key for key in item if key not in _OWN]
    if len(named) != 1 or named[0] not in ENTITIES:
        raise Refusal(2000, "Unknown object", f"A batch item names one kind of object, not {named}")
    entity, options = named[0], set(str(item.get("optionsData", "")).split(","))
    operation = str(item.get("operation", "")).lower()
    company.count(f"batch {operation} {entity}")
    return {entity: _operate(company, entity, operation, item[entity], options)}


def _operate(company: Company, entity: str, operation: str, body: Json, options: set[str]) -> Json:
    documents.misfortune(company, operation, entity)
    if operation == "delete":
        return documents.delete(company, entity, body)
    if operation == "void" or (operation == "update" and "void" in options):
        return documents.void(company, entity, body)
    if operation == "update" and not body.get("Id"):
        raise problems.missing("Id")
    if operation not in {"create", "update"}:
        raise Refusal(2170, "Invalid enumeration", f"operation {operation!r} is unknown", "operation")
    return documents.save(company, entity, body, options)
