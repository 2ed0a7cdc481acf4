"""Bodies that create entries of QuickBooks' lists; valid names for them; and what their answers mean."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.protocols import Created, CreationOutcome, NameTaken, UntranslatableError
from app.connectors.quickbooks_online import faults, lists, text
from app.connectors.quickbooks_online.addresses import physical_address
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.new_items import new_item
from app.domain.documents import Party
from app.domain.links import Draft, LinkKind, Links, Rules, above
from app.domain.outcomes import InDoubt, Refused
from app.domain.problems import Problem

#: The entity's name in bodies and answers, and (in lower case) in addresses.
ENTITIES = {
    LinkKind.CUSTOMERS: "Customer",
    LinkKind.VENDORS: "Vendor",
    LinkKind.ITEMS: "Item",
    LinkKind.TERMS: "Term",
    LinkKind.CLASSES: "Class",
    LinkKind.LOCATIONS: "Department",
}
NAME_LIMITS = {LinkKind.CUSTOMERS: 500, LinkKind.VENDORS: 500, LinkKind.ITEMS: 100, LinkKind.TERMS: 31}
#: Lists whose names are paths, ``East:Portland``: at most five levels of 100 characters.
PATHS, LEVELS = (LinkKind.CLASSES, LinkKind.LOCATIONS), 5
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")


def valid_name(kind: LinkKind, name: str) -> str:
    """Colon, tab and newline out, trimmed, cut to QuickBooks' limit; a class's or location's colons part its levels."""
    if kind in PATHS:
        levels = [level for part in name.split(":") if (level := text.name(part, 100))]
        return ":".join(levels[:LEVELS]) or "Unnamed"
    return text.name(name, NAME_LIMITS.get(kind, 100)) or "Unnamed"


def draft_body(draft: Draft, name: str, links: Links, rules: Rules) -> str:
    """The exact body. Raises UntranslatableError where an item's account is not linked."""
    if draft.kind in (LinkKind.CUSTOMERS, LinkKind.VENDORS):
        return dumps(_person(draft, name, links, rules))
    if draft.kind is LinkKind.ITEMS:
        return dumps(new_item(draft, name, links, rules))
    if draft.kind in PATHS:
        return dumps(_level(draft, name, links, rules))
    return dumps({"Name": name, "Type": "STANDARD", "DueDays": min(max(draft.due_days or 0, 0), 999)})


def outcome(kind: LinkKind, answer: Answer, request_id: str) -> CreationOutcome:
    """What became of a creation."""
    try:
        body = answer.json() if answer.ok else None
    except UnreadableAnswerError:
        body = {}
    if not isinstance(body, dict) or faults.faults_in(body):
        refused = faults.outcome_of_answer(answer, request_id)
        taken = isinstance(refused, Refused) and any(fault.code == "6240" for fault in faults.faults_of(answer))
        return NameTaken(refused.problem) if isinstance(refused, Refused) and taken else refused
    row = body.get(ENTITIES[kind])
    with suppress(ValueError):
        if isinstance(row, dict):
            return Created(lists.to_entry(kind, row))
    technical = {"intuit_tid": faults.tid_of(answer), "request_id": request_id}
    return InDoubt("QuickBooks’ answer has another form than expected.", ended=True, technical=technical)


def _person(draft: Draft, name: str, links: Links, rules: Rules) -> dict[str, Any]:
    """A customer or vendor; its currency is fixed for good, so it is the document's."""
    body: dict[str, Any] = {"DisplayName": name, **_below(draft, links)}
    if rules.multi_currency and draft.currency:
        body["CurrencyRef"] = {"value": draft.currency}
    return {**body, **(_contact(draft.party) if draft.party else {})}


def _below(draft: Draft, links: Links) -> dict[str, Any]:
    """What a sub-customer stands under. Raises UntranslatableError: only the child is ever created."""
    if not draft.parent:
        return {}
    under = links.get((draft.kind, f"name:{draft.parent}"))
    if under is None:
        raise UntranslatableError(
            [
                Problem(
                    "parent_not_found",
                    f"“{draft.parent}:{draft.name}” is a sub-customer; QuickBooks has no active customer"
                    f" “{draft.parent}”.",
                    f"Create “{draft.parent}” in QuickBooks, or link the customer to one that is there.",
                    field="party",
                    subject=f"{draft.kind}:{draft.source_id}",
                )
            ]
        )
    return {"Job": True, "ParentRef": {"value": under.ledger_id}}


def _contact(party: Party) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if company := text.fits(text.one_line(party.name), 100):
        body["CompanyName"] = company
    if address := physical_address(party.billing_address):
        body["BillAddr"] = address
    email = party.email.strip()
    if _EMAIL.fullmatch(email) and text.length(email) <= 100:
        body["PrimaryEmailAddr"] = {"Address": email}
    if phone := text.fits(text.one_line(party.phone), 30):
        body["PrimaryPhone"] = {"FreeFormNumber": phone}
    return body


def _level(draft: Draft, name: str, links: Links, rules: Rules) -> dict[str, Any]:
    """A class or location under its parent where that is linked, else on the first level under its whole path."""
    parent = next(iter(above(draft, rules)[-1:]), None)
    leaf = name.rpartition(":")[2]
    under = links.get((draft.kind, parent.source_id)) if parent else None
    if under is None:
        return {"Name": text.name(name, 100)}
    sub = {"SubClass": True} if draft.kind is LinkKind.CLASSES else {}
    return {"Name": leaf, **sub, "ParentRef": {"value": under.ledger_id}}
