"""What the answer to a deletion means."""

from __future__ import annotations

from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.protocols import RemovalOutcome, Removed
from app.connectors.quickbooks_online import faults
from app.connectors.quickbooks_online.members import Members, part
from app.domain.outcomes import InDoubt


def removal(answer: Answer, request_id: str) -> RemovalOutcome:
    """Deleted, or gone already (610); anything unclear is in doubt: the caller reads the document by its id."""
    try:
        body = answer.json() if answer.ok else None
    except UnreadableAnswerError:
        return _unclear(request_id)
    if isinstance(body, dict) and not faults.faults_in(body):
        return Removed() if _says_deleted(body) else _unclear(request_id)
    if any(fault.code == "610" for fault in faults.faults_of(answer)):
        return Removed()
    return faults.outcome_of_answer(answer, request_id)


def _says_deleted(body: Members) -> bool:
    """``{"Invoice": {"status": "Deleted", "Id": "145"}}``: the only form in which QuickBooks says so."""
    return any(part(body, name).get("status") == "Deleted" for name in body)


def _unclear(request_id: str) -> InDoubt:
    return InDoubt("QuickBooks’ answer can’t be read.", ended=True, technical={"request_id": request_id})
