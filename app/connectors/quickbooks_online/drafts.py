"""Bodies that create customers, items and terms; valid names for them; and what their answers mean."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.protocols import Created, CreationOutcome, NameTaken, UntranslatableError
from app.connectors.quickbooks_online import faults, lists, text
from app.connectors.quickbooks_online.addresses import physical_address
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.linked import not_linked
from app.domain.documents import Party
from app.domain.links import Draft, LinkKind, Links, Need, Rules
from app.domain.outcomes import InDoubt, Refused

#: The entity's name in bodies and answers, and (in lower case) in addresses.
ENTITIES = {LinkKind.CUSTOMERS: "Customer", LinkKind.ITEMS: "Item", LinkKind.TERMS: "Term"}
NAME_LIMITS = {LinkKind.CUSTOMERS: 500, LinkKind.ITEMS: 100, LinkKind.TERMS: 31}
_SERVICE = re.compile(r"service|labou?r|other charge|agreement|expense", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")


def valid_name(kind: LinkKind, name: str) -> str:
    """Colon, tab and newline out, trimmed, cut to QuickBooks' limit."""
    return text.name(name, NAME_LIMITS.get(kind, 100)) or "Unnamed"


def draft_body(draft: Draft, name: str, links: Links, rules: Rules) -> str:
    """The exact body. Raises UntranslatableError where an item's income account is not linked."""
    if draft.kind is LinkKind.CUSTOMERS:
        return dumps(_customer(draft.party, name))
    if draft.kind is LinkKind.ITEMS:
        return dumps(_item(draft, name, links, rules))
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


def _customer(party: Party | None, name: str) -> dict[str, Any]:
    body: dict[str, Any] = {"DisplayName": name}
    if party is None:
        return body
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


def _item(draft: Draft, name: str, links: Links, rules: Rules) -> dict[str, Any]:
    account = links.get((LinkKind.ACCOUNTS, draft.account))
    if account is None:
        raise UntranslatableError([not_linked(Need(LinkKind.ACCOUNTS, draft.account, draft.account, "account"))])
    # A part that the PSA keeps in stock is created without stock: keeping stock in step is another job than posting.
    body: dict[str, Any] = {"Name": name, "Type": "Service" if _SERVICE.search(draft.item_kind) else "NonInventory"}
    if description := text.shorten(text.clean(draft.description), 4000):
        body["Description"] = description
    body["IncomeAccountRef"] = {"value": account.ledger_id}
    if rules.tax_mode in ("manual", "automated"):
        body["Taxable"] = draft.taxable
    return body
