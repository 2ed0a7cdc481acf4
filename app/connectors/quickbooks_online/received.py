"""Payments that were received elsewhere, recorded as QuickBooks' Payment; and found again by their mark.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/payment#create-a-payment
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.protocols import ConnectionFailedError
from app.connectors.quickbooks_online import faults, queries, text
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.find import CLOCKS_DIFFER
from app.connectors.quickbooks_online.header import NOTE
from app.connectors.quickbooks_online.payments import PAYMENT, to_payment
from app.connectors.received_payments import ReceivedPayment, Recorded, RecordOutcome
from app.domain.marks import marks_in
from app.domain.outcomes import InDoubt
from app.domain.payments import LedgerPayment

#: What QuickBooks takes as a payment's reference number.
REFERENCE = 21


def body(new: ReceivedPayment, home: str) -> str:
    """A rate is never sent: QuickBooks takes its own of the day."""
    fields: dict[str, Any] = {
        "CustomerRef": {"value": new.party_id},
        "TxnDate": new.date.isoformat(),
        "TotalAmt": new.amount,
        "PaymentRefNum": text.fits(new.mark, REFERENCE),
        "PrivateNote": text.shorten(text.clean(new.note), NOTE),
    }
    if new.currency != home:
        fields["CurrencyRef"] = {"value": new.currency}
    if new.account:
        fields["DepositToAccountRef"] = {"value": new.account}
    if new.invoice:
        linked = [{"TxnId": new.invoice, "TxnType": "Invoice"}]
        fields["Line"] = [{"Amount": new.amount, "LinkedTxn": linked}]
    return dumps(fields)


def outcome(answer: Answer, request_id: str, home: str) -> RecordOutcome:
    """The payment as it stands, or what the answer means."""
    try:
        found = answer.json() if answer.ok else None
    except UnreadableAnswerError:
        found = {}
    if found is None or faults.faults_in(found):
        return faults.outcome_of_answer(answer, request_id)
    stored = found.get(PAYMENT) if isinstance(found, dict) else None
    try:
        return Recorded(to_payment(stored if isinstance(stored, Mapping) else {}, home))
    except ConnectionFailedError as error:
        technical = {"intuit_tid": faults.tid_of(answer), "request_id": request_id}
        return InDoubt(error.message, ended=True, technical=technical)


def marked(
    query: Callable[[str], Sequence[Mapping[str, Any]]], stem: str, party_id: str, since: dt.datetime, home: str
) -> list[LedgerPayment]:
    """Candidates come by customer and moment of creation; the marks in them are compared by us.

    One that somebody has voided counts: it was recorded, and what became of it is that person's decision.
    """
    made = f"MetaData.CreateTime >= {queries.moment(since - CLOCKS_DIFFER)}"
    rows = query(queries.select(PAYMENT, f"CustomerRef = {queries.quoted(party_id)}", made))
    return [to_payment(row, home) for row in rows if _carries(row, stem)]


def _carries(row: Mapping[str, Any], stem: str) -> bool:
    marks = marks_in(f"{row.get('PrivateNote') or ''} {row.get('PaymentRefNum') or ''}")
    return any(mark.startswith(stem) for mark in marks)
