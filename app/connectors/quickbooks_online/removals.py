"""What the answer to a deletion means."""

from __future__ import annotations

from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.protocols import RemovalOutcome, Removed
from app.connectors.quickbooks_online import faults
from app.domain.outcomes import InDoubt


def removal(answer: Answer, request_id: str) -> RemovalOutcome:
    """Deleted, or gone already (610); anything unclear is in doubt: the caller reads the document by its id."""
    try:
        body = answer.json() if answer.ok else None
    except UnreadableAnswerError:
        return InDoubt("QuickBooks’ answer can’t be read.", ended=True, technical={"request_id": request_id})
    if isinstance(body, dict) and not faults.faults_in(body):
        return Removed()
    if any(fault.code == "610" for fault in faults.faults_of(answer)):
        return Removed()
    return faults.outcome_of_answer(answer, request_id)
