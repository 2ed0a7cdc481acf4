"""Writing calls: composed to the byte, and their answers matched by our own item ids, never by order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.connectors.http import Answer, UnreadableAnswerError, parse_json
from app.connectors.protocols import Body, OutgoingCall
from app.connectors.quickbooks_online import faults
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.receipts import ENTITIES, to_receipt
from app.connectors.quickbooks_online.settings import MAX_BATCH, REQUEST_ID_LENGTH
from app.domain.documents import DocumentKind
from app.domain.outcomes import InDoubt, Outcome, Posted


def compose(bodies: Sequence[Body], request_id: str) -> OutgoingCall:
    """A single create for one document, a batch for several. Raises ValueError for what QuickBooks would not take."""
    if not 1 <= len(bodies) <= MAX_BATCH:
        raise ValueError(f"A call holds 1 to {MAX_BATCH} documents, not {len(bodies)}.")
    if not 1 <= len(request_id) <= REQUEST_ID_LENGTH:
        raise ValueError(f"A request id has 1 to {REQUEST_ID_LENGTH} characters.")
    kinds = tuple(body.kind for body in bodies)
    item_ids = tuple(str(number) for number in range(1, len(bodies) + 1))
    if len(bodies) == 1:
        return OutgoingCall(request_id, ENTITIES[kinds[0]].lower(), bodies[0].text, item_ids, kinds)
    items = ",".join(_item(item_id, body) for item_id, body in zip(item_ids, bodies, strict=True))
    return OutgoingCall(request_id, "batch", f'{{"BatchItemRequest":[{items}]}}', item_ids, kinds)


def member(body: str, place: int) -> dict[str, Any] | None:
    """One document of a composed call; None where the place holds none."""
    fields = parse_json(body)
    items = fields.get("BatchItemRequest")
    if items is None:
        return dict(fields)
    wanted = items[place] if place < len(items) else {}
    return next((dict(value) for value in wanted.values() if isinstance(value, dict)), None)


def outcomes(call: OutgoingCall, answer: Answer, home_currency: str) -> list[Outcome]:
    """One outcome per member, in the call's order."""
    try:
        body = answer.json() if answer.ok else None
    except UnreadableAnswerError:
        return [_unclear("QuickBooks’ answer can’t be read.", call, answer)] * len(call.item_ids)
    if not isinstance(body, dict) or faults.faults_in(body):
        return [faults.outcome_of_answer(answer, call.request_id)] * len(call.item_ids)
    items = {call.item_ids[0]: [body]} if call.target != "batch" else _by_item_id(body)
    return [
        _outcome(items.get(item_id, []), kind, call, answer, home_currency)
        for item_id, kind in zip(call.item_ids, call.kinds, strict=True)
    ]


def _item(item_id: str, body: Body) -> str:
    return f'{{"bId":{dumps(item_id)},"operation":"create","{ENTITIES[body.kind]}":{body.text}}}'


def _by_item_id(body: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    items = body.get("BatchItemResponse")
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            found.setdefault(str(item.get("bId")), []).append(item)
    return found


def _outcome(
    items: Sequence[dict[str, Any]], kind: DocumentKind, call: OutgoingCall, answer: Answer, home_currency: str
) -> Outcome:
    if len(items) != 1:
        said = "QuickBooks’ answer leaves this document out." if not items else "QuickBooks answered twice."
        return _unclear(said, call, answer)
    if found := faults.faults_in(items[0]):
        return faults.outcome_of(found, faults.tid_of(answer), call.request_id)
    stored = items[0].get(ENTITIES[kind])
    try:
        return Posted(to_receipt(stored, home_currency)) if isinstance(stored, dict) else _odd(call, answer)
    except ValueError:
        return _odd(call, answer)


def _odd(call: OutgoingCall, answer: Answer) -> InDoubt:
    return _unclear("QuickBooks’ answer has another form than expected.", call, answer)


def _unclear(reason: str, call: OutgoingCall, answer: Answer) -> InDoubt:
    """An answer has come, so QuickBooks has ended its work; what it did is not known."""
    technical = {"status": answer.status, "intuit_tid": faults.tid_of(answer), "request_id": call.request_id}
    return InDoubt(reason, ended=True, technical=technical)
