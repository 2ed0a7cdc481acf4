"""Changes of a document's header, and voiding: which kinds QuickBooks lets, the bodies, and what its answers mean."""

from __future__ import annotations

from typing import Any

from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.ledger_changes import Changed, ChangeOutcome, Changes
from app.connectors.protocols import RemovalOutcome, Removed
from app.connectors.quickbooks_online import faults, text
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.header import NOTE, doc_number
from app.connectors.quickbooks_online.members import amount_of
from app.connectors.quickbooks_online.receipts import ENTITIES, is_voided, to_receipt
from app.domain.documents import DocumentKind
from app.domain.outcomes import InDoubt, NotDone, Receipt, Refused
from app.domain.problems import Problem

#: A sparse update leaves everything else as it is; the others know full updates only, or have other rules for dates.
CHANGEABLE = (DocumentKind.INVOICE, DocumentKind.BILL, DocumentKind.PURCHASE, DocumentKind.PURCHASE_ORDER)
#: Credit memos, bills, orders, entries and adjustments can only be deleted.
VOIDABLE = (DocumentKind.INVOICE,)
_PARTY = {DocumentKind.INVOICE: "CustomerRef", DocumentKind.BILL: "VendorRef", DocumentKind.PURCHASE_ORDER: "VendorRef"}

EDITED = Problem(
    "edited_since",
    "The document was edited in QuickBooks in the meantime, so it is not changed.",
    "Look at it in QuickBooks, then decide.",
)


def update_body(kind: DocumentKind, receipt: Receipt, changes: Changes) -> str:
    """A sparse update of the version that was read. Raises ValueError for kinds that can't be changed so."""
    if kind not in CHANGEABLE:
        raise ValueError(f"A {kind} can’t be changed in part.")
    body: dict[str, Any] = {"Id": receipt.ledger_id, "SyncToken": receipt.version, "sparse": True}
    if kind in _PARTY and receipt.party_id:
        body[_PARTY[kind]] = {"value": receipt.party_id}
    given = {
        "DocNumber": None if changes.number is None else doc_number(changes.number),
        "TxnDate": changes.date,
        "DueDate": changes.due_date,
        "PrivateNote": None if changes.note is None else text.shorten(text.clean(changes.note), NOTE),
    }
    return dumps({**body, **{name: value for name, value in given.items() if value is not None}})


def void_body(receipt: Receipt) -> str:
    """The version that was read."""
    return dumps({"Id": receipt.ledger_id, "SyncToken": receipt.version, "sparse": True})


def changed(kind: DocumentKind, answer: Answer, request_id: str, home_currency: str) -> ChangeOutcome:
    """The document as it stands now, or why it was not changed."""
    stored = _stored(kind, answer)
    if stored is None:
        return _not_changed(answer, request_id)
    try:
        return Changed(to_receipt(stored, home_currency))
    except ValueError:
        return _unclear(request_id)


def voided(kind: DocumentKind, answer: Answer, request_id: str) -> RemovalOutcome:
    """Removed where QuickBooks shows it voided, or it is gone altogether."""
    stored = _stored(kind, answer)
    if stored is None:
        if any(fault.code == "610" for fault in faults.faults_of(answer)):
            return Removed()
        return _not_changed(answer, request_id)
    try:
        amount_of(stored.get("TotalAmt"))
        return Removed() if is_voided(stored) else _unclear(request_id)
    except ValueError:
        return _unclear(request_id)


def _stored(kind: DocumentKind, answer: Answer) -> dict[str, Any] | None:
    """The object of a good answer; empty where the answer can't be read, None where it is a refusal."""
    try:
        body = answer.json() if answer.ok else None
    except UnreadableAnswerError:
        return {}
    if not isinstance(body, dict) or faults.faults_in(body):
        return None
    stored = body.get(ENTITIES[kind])
    return stored if isinstance(stored, dict) else {}


def _not_changed(answer: Answer, request_id: str) -> Refused | NotDone | InDoubt:
    if any(fault.code == "5010" for fault in faults.faults_of(answer)):
        return Refused(EDITED)
    return faults.outcome_of_answer(answer, request_id)


def _unclear(request_id: str) -> InDoubt:
    return InDoubt("QuickBooks’ answer can’t be read.", ended=True, technical={"request_id": request_id})
