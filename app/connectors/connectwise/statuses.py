"""Billing statuses of invoices: reading one, and setting one. Closing an invoice stamps it with today's GL mapping.

Setting a status is idempotent, so a lost answer is settled by reading the invoice.
"""

from __future__ import annotations

from app.connectors.connectwise import values
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.writing import not_written, sent
from app.connectors.http import Answer
from app.connectors.protocols import ConnectionFailedError, Slot
from app.connectors.source_abilities import StatusInPsa
from app.domain.outcomes import InDoubt, NotDone, Refused

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


def names(client: Client) -> dict[str, str]:
    """Ids of all billing statuses by their names in lower case. Raises ConnectionFailedError."""
    rows = client.pages("/finance/billingStatuses")
    return {values.text(row, "name").lower(): values.identity(row) for row in rows}


def write(client: Client, record: str, status: str, slot: Slot) -> Answer | NotDone | InDoubt | Refused:
    """Give an invoice a status: the good answer, or what became of it. Never raises for ConnectWise's sake."""
    path = f"/finance/invoices/{int(record)}"
    body = [{"op": "replace", "path": "status", "value": {"id": int(status)}}]
    answer = sent(client, "PATCH", path, body, slot)
    return answer if not isinstance(answer, Answer) or answer.ok else not_written(client, answer, path)
