"""Billing statuses of invoices: reading one, and setting one. Closing an invoice stamps it with today's GL mapping.

Setting a status is idempotent, so a lost answer is settled by reading the invoice.
"""

from __future__ import annotations

from app.connectors.connectwise import answers, values
from app.connectors.connectwise.client import Client
from app.connectors.http import NoAnswerError, NotSentError
from app.connectors.protocols import SLOT_SECONDS, ClosedInPsa, CloseOutcome, ConnectionFailedError, Slot
from app.connectors.source_abilities import StatusInPsa
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem

#: Words in the name of an open status that is meant for this; else the first open one is taken.
MEANT = ("reload", "gl", "reopen")


def read(client: Client, record: str) -> StatusInPsa:
    """An invoice's status now, and the open one that it may get. Raises ConnectionFailedError."""
    invoice = client.read(f"/finance/invoices/{int(record)}").json()
    own = values.identity(values.part(invoice if isinstance(invoice, dict) else {}, "status"))
    known = {values.identity(row): row for row in client.pages("/finance/billingStatuses")}
    open_ones = [row for row in known.values() if not row.get("closedFlag") and not row.get("inactiveFlag")]
    named = [row for row in open_ones if any(word in values.text(row, "name").lower().split() for word in MEANT)]
    chosen = next(iter([*named, *open_ones]), None)
    if own not in known or chosen is None:
        raise ConnectionFailedError(
            "ConnectWise’s billing statuses can’t be read.", "Let the API member’s role inquire Table Setup.",
            code="statuses",
        )  # fmt: skip
    return StatusInPsa(own, closed=bool(known[own].get("closedFlag")), open_as=values.identity(chosen))


def write(client: Client, record: str, status: str, slot: Slot) -> CloseOutcome:
    """Give an invoice a status. Never raises for ConnectWise's sake."""
    if slot.age > SLOT_SECONDS:
        return NotDone("late")
    path = f"/finance/invoices/{int(record)}"
    body = [{"op": "replace", "path": "status", "value": {"id": int(status)}}]
    try:
        answer = client.write("PATCH", path, body)
    except NotSentError as error:
        return NotDone(
            error.message, 15.0, Problem(error.code, error.message, error.remedy) if error.systemic else None
        )
    except NoAnswerError as error:
        return InDoubt(error.message)
    if answer.ok:
        return ClosedInPsa()
    failed = answers.failure(answer, path)
    problem = Problem(failed.code, failed.message, failed.remedy, technical={"status": answer.status})
    if answer.status == 429:
        return NotDone(failed.message, failed.wait)
    if answer.status in {401, 403}:
        return NotDone(failed.message, systemic=problem)
    return InDoubt(failed.message) if answer.status >= 500 or answer.status == 408 else Refused(problem)
