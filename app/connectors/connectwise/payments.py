"""Payments on invoices: ``/finance/invoices/{id}/payments`` (payments.TakesPayments).

Certain: the addresses, the fields, type ``P`` for money, amounts changed by PATCH. What is not, is read from answers:

- the type of an applied credit: that of credits which stand on invoices already, else ``C``, else ``P``;
- our mark: a payment has no reference of its own, so it goes into ``glBatchID`` ("max. 50"), the field for what an
  accounting package calls it. A site that drops it answers without, one that refuses it gets payments without;
- one payment an invoice (older sites): adding answers with the id of the one that was overwritten;
- an overpayment: refused, or cut to the balance, which the answered amount tells.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.connectors.connectwise import answers, overview, statuses, values
from app.connectors.connectwise.answers import PsaError
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.values import Row
from app.connectors.connectwise.writing import LATER, not_written, sent
from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.payments import NewPayment, PaymentOutcome, PaymentWritten
from app.connectors.protocols import ConnectionFailedError, Slot, Wait
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.payments import PsaPayment
from app.domain.problems import Problem

MONEY = "P"
MARK = "glBatchID"
#: Type codes of an applied credit, in the order in which they are tried where no credit stands anywhere yet.
CREDITS = ("C", MONEY)
#: Reading so many lists at once; the throttle decides how fast they go.
READERS = 8
#: From so many invoices on, those whose totals say that nothing stands on them are not asked one by one.
MANY = 25
LONGEST_REFERENCE = 50

UNSENDABLE = Problem(
    "payment_unsendable",
    "ConnectWise takes whole cents above zero, and references of up to 50 characters.",
    "Look at the payment in QuickBooks.",
)

INVOICE_GONE = Problem(
    "invoice_gone",
    "ConnectWise has no such invoice any more, or does not show it to the API member.",
    "Look for the invoice in ConnectWise; if it is there, check the API member’s Level.",
)
PAYMENT_GONE = Problem(
    "payment_gone",
    "The payment is no longer on the invoice in ConnectWise.",
    "Run the payment sync again: it reads what stands there now.",
)


@dataclass
class _Form:
    """How a payment is written: type codes yet to be tried, the present one first; and whether with our mark."""

    kinds: list[str]
    marks: bool

    def adapt(self, refused: Refused) -> bool:
        """Take another form where ConnectWise has refused this one, and there is one."""
        if self.marks and _is_about(refused, MARK):
            self.marks = False
            return True
        if len(self.kinds) > 1 and _is_about(refused, "type"):
            del self.kinds[0]
            return True
        return False


class Payments:
    """The payments of one site. May be used by several threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._credit_type = ""
        self._marks = True
        self._statuses: dict[str, str] | None = None
        self._closed: Mapping[str, bool] | None = None

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def on(self, invoices: Sequence[str]) -> dict[str, tuple[PsaPayment, ...]]:
        """What stands on each invoice; one that isn't there is missing. Raises ConnectionFailedError."""
        wanted = [invoice for invoice in dict.fromkeys(invoices) if values.is_number(invoice)]
        bare = self._bare(wanted) if len(wanted) >= MANY else set()
        found: dict[str, tuple[PsaPayment, ...]] = {invoice: () for invoice in wanted if invoice in bare}
        asked = [invoice for invoice in wanted if invoice not in bare]
        with ThreadPoolExecutor(READERS) as readers:
            lists = readers.map(self._of, asked)
            found.update((invoice, rows) for invoice, rows in zip(asked, lists, strict=True) if rows is not None)
        return found

    def _bare(self, invoices: Sequence[str]) -> set[str]:
        """Invoices whose own sums say that nothing is paid or credited and everything is open."""
        return {invoice for invoice, paid in self._sums(invoices).items() if paid == 0}

    def paid_on(self, invoices: Sequence[str]) -> dict[str, Decimal]:
        """What is paid and credited by the invoices' own sums; nothing for so few that their lists cost as much."""
        wanted = [invoice for invoice in dict.fromkeys(invoices) if values.is_number(invoice)]
        return self._sums(wanted) if len(wanted) >= MANY else {}

    def _sums(self, invoices: Sequence[str]) -> dict[str, Decimal]:
        """Payments and credits by invoice; without those whose sums aren't told in numbers, or don't add up."""
        fields = {"fields": "id,total,payments,credits,balance"}
        rows = self._client.rows_in("/finance/invoices", "id", invoices, fields)
        sums = ((values.identity(row), _sum(row)) for row in rows)
        return {invoice: paid for invoice, paid in sums if paid is not None}

    def _of(self, invoice: str) -> tuple[PsaPayment, ...] | None:
        path = f"/finance/invoices/{invoice}/payments"
        try:
            rows = self._client.pages(path)
        except PsaError as error:
            if error.code == "not_found" or (error.status == 403 and self._is_missing(invoice)):
                return None
            raise
        for row in rows:
            if values.part(row, "credit") and (kind := values.text(row, "type")):
                self._credit_type = kind[:20]
        return tuple(_payment(row, invoice, path) for row in rows)

    def _is_missing(self, invoice: str) -> bool:
        """Some sites answer 403 for a list below a record that isn't there."""
        try:
            self._client.read(f"/finance/invoices/{invoice}", {"fields": "id"})
        except PsaError as error:
            return error.code == "not_found"
        return False

    def reopened(self, invoices: Sequence[str]) -> set[str]:
        """Those that have an open status; one of which nothing is told is none. Raises ConnectionFailedError."""
        wanted = [invoice for invoice in dict.fromkeys(invoices) if values.is_number(invoice)]
        if self._closed is None:
            self._closed = overview.closed_statuses(self._client)
        found = set()
        for row in self._client.rows_in("/finance/invoices", "id", wanted, {"fields": "id,status"}):
            status = values.part(row, "status")
            if self._closed.get(values.identity(status), status.get("isClosed")) is False:
                found.add(values.identity(row))
        return found

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, invoice: str, new: NewPayment, slot: Slot) -> PaymentOutcome:
        """Enter a payment, or apply a credit. Never raises for ConnectWise's sake."""
        if not (values.is_number(invoice) and _sendable(new) and (not new.credit or values.is_number(new.credit))):
            return Refused(UNSENDABLE)
        kinds = [MONEY] if not new.credit else [self._credit_type] if self._credit_type else list(CREDITS)
        form = _Form(kinds, self._marks)
        outcome = self._formed(lambda granted: self._added(invoice, new, form, granted), form, slot)
        if new.credit and isinstance(outcome, Refused) and _is_about(outcome, "type"):
            return _no_credits(outcome)
        return outcome

    def change(self, invoice: str, payment: str, new: NewPayment, slot: Slot) -> PaymentOutcome:
        """Set amount, date and reference; the same a second time changes nothing."""
        if not (values.is_number(invoice) and values.is_number(payment) and _sendable(new)):
            return Refused(UNSENDABLE)
        form = _Form([], self._marks)
        return self._formed(lambda granted: self._changed(invoice, payment, new, form, granted), form, slot)

    def _formed(self, write: Callable[[Slot], PaymentOutcome], form: _Form, slot: Slot) -> PaymentOutcome:
        """Write in the form that ConnectWise takes: one that it refuses was not written, so another may be tried."""
        outcome = write(slot)
        while isinstance(outcome, Refused) and form.adapt(outcome):
            self._marks = self._marks and form.marks
            again = self._client.reserve()
            if isinstance(again, Wait):
                return NotDone(again.reason, again.seconds)
            try:
                outcome = write(again)
            finally:
                again.release()
        return outcome

    def _added(self, invoice: str, new: NewPayment, form: _Form, slot: Slot) -> PaymentOutcome:
        path = f"/finance/invoices/{invoice}/payments"
        body: dict[str, Any] = {
            "type": form.kinds[0],
            "amount": float(
                new.amount
            ),  # the shortest text of a double below 10^12 has exactly the digits of the cents
            "paymentDate": _midnight(new.date),
            "invoice": {"id": int(invoice)},
            **({MARK: new.reference} if form.marks else {}),
            **({"credit": {"id": int(new.credit)}} if new.credit else {}),
        }
        answer = sent(self._client, "POST", path, body, slot)
        outcome = _written(answer, new.amount) if isinstance(answer, Answer) and answer.ok else None
        if isinstance(outcome, PaymentWritten) and new.credit:
            self._credit_type = form.kinds[0]
        return outcome or self._not_written(answer, path, INVOICE_GONE)

    def _changed(self, invoice: str, payment: str, new: NewPayment, form: _Form, slot: Slot) -> PaymentOutcome:
        path = f"/finance/invoices/{invoice}/payments/{payment}"
        wanted = {"amount": f"{new.amount:.2f}", "paymentDate": _midnight(new.date)}
        wanted |= {MARK: new.reference} if form.marks else {}
        steps = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in wanted.items()]
        answer = sent(self._client, "PATCH", path, steps, slot)
        outcome = _written(answer, new.amount, payment) if isinstance(answer, Answer) and answer.ok else None
        return outcome or self._not_written(answer, path, PAYMENT_GONE)

    def remove(self, invoice: str, payment: str, slot: Slot) -> PaymentOutcome:
        """Take one off; what is gone already is what we wanted."""
        if not (values.is_number(invoice) and values.is_number(payment)):
            return Refused(UNSENDABLE)
        path = f"/finance/invoices/{invoice}/payments/{payment}"
        answer = sent(self._client, "DELETE", path, None, slot)
        if isinstance(answer, Answer) and (answer.ok or _is_gone(answer)):
            return PaymentWritten("")
        return self._not_written(answer, path, PAYMENT_GONE)

    def _not_written(self, answer: Answer | NotDone | InDoubt, path: str, gone: Problem) -> PaymentOutcome:
        if not isinstance(answer, Answer):
            return answer
        if _is_gone(answer):
            return Refused(gone)
        outcome = not_written(self._client, answer, path)
        return _refused(outcome) if isinstance(outcome, Refused) else outcome

    def set_paid(self, invoice: str, status: str, slot: Slot) -> PaymentOutcome:
        """Give the invoice a billing status, by id or name; twice changes nothing.

        An invoice has no field for the date on which it was paid; its payments have theirs. Whether a site stamps one
        by itself when an invoice is fully paid is not known.
        """
        try:
            known = self._numbered(status)
        except ConnectionFailedError as error:
            problem = Problem(error.code, error.message, error.remedy) if error.systemic else None
            return NotDone(error.message, LATER, problem)
        if not known or not values.is_number(invoice):
            return Refused(_no_status(status))
        outcome = statuses.write(self._client, invoice, known, slot)
        if isinstance(outcome, Refused):
            return Refused(_no_change_of_status(status, outcome.problem))
        return PaymentWritten("") if isinstance(outcome, Answer) else outcome

    def _numbered(self, status: str) -> str:
        """Id of a status that is named by id or name; empty where there is none. Raises ConnectionFailedError."""
        if values.is_number(status):
            return status
        if self._statuses is None:
            self._statuses = statuses.names(self._client)
        return self._statuses.get(status.strip().lower(), "")


def _sum(row: Row) -> Decimal | None:
    """What stands on an invoice by its own sums; None where they are no amounts, or leave another balance."""
    try:
        paid, credited, total, balance = (
            values.maybe_amount(row, name) for name in ("payments", "credits", "total", "balance")
        )
    except ValueError:
        return None
    if paid is None or credited is None or total is None or balance != total - paid - credited:
        return None
    return None if min(paid, credited) < 0 else paid + credited  # two that cancel out are not nothing


def _payment(row: Row, invoice: str, path: str) -> PsaPayment:
    """One row. Raises UnreadableAnswerError: a list of which a part is not understood must not be compared with."""
    credit = values.part(row, "credit")
    ident, memo = values.identity(row), values.identity(credit)
    try:
        amount, day = values.maybe_amount(row, "amount"), values.date(row, "paymentDate")
    except ValueError:
        amount, day = None, None
    if not ident or amount is None or (credit and not memo):
        raise UnreadableAnswerError(
            f"ConnectWise’s answer to {path} has another form than expected.",
            "Look at the payments of this invoice in ConnectWise.",
            code="unreadable_answer",
        )
    return PsaPayment(ident, invoice, amount, day, values.text(row, MARK)[:LONGEST_REFERENCE], memo)


def _sendable(new: NewPayment) -> bool:
    cents = new.amount * 100
    return new.amount > 0 and cents == cents.to_integral_value() and len(new.reference) <= LONGEST_REFERENCE


def _midnight(day: dt.date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _written(answer: Answer, asked: Decimal, payment: str = "") -> PaymentOutcome:
    """From a good answer. One that can't be read leaves it open what stands there now."""
    try:
        row = answer.json()
        stands = values.maybe_amount(row, "amount") if isinstance(row, Mapping) else None
    except (UnreadableAnswerError, ValueError):
        row, stands = None, None
    ident = values.identity(row) if isinstance(row, Mapping) else ""
    if not ident or (payment and ident != payment):
        return InDoubt("ConnectWise’s answer can’t be read.", ended=True)
    return PaymentWritten(ident, None if stands is None or stands == asked else stands)


def _is_gone(answer: Answer) -> bool:
    return answer.status == 404 and "NotFound" in answers.error_codes(answer)


def _is_about(outcome: Refused, field: str) -> bool:
    """Whether this field of the request is one that ConnectWise names."""
    return field.lower() in (name.lower() for name in outcome.problem.technical.get("fields", ()))


def _refused(refused: Refused) -> Refused:
    """In ConnectWise's own words, with what a person may do about it."""
    words = refused.problem.technical.get("answer", "")
    if _is_about(refused, "amount"):
        problem = Problem(
            "psa_refuses_amount",
            f"ConnectWise does not take the amount: {words}",
            "Compare what is paid on the invoice in ConnectWise; a payment that was entered there may be in the way.",
        )
    else:
        problem = Problem(
            "psa_refuses_payment",
            f"ConnectWise does not take the payment: {words}",
            "Look at the invoice in ConnectWise, and try there what the payment sync wanted to do.",
        )
    return Refused(replace(problem, technical=refused.problem.technical))


def _no_credits(refused: Refused) -> Refused:
    return Refused(
        Problem(
            "psa_takes_no_credits",
            "ConnectWise does not let a credit be applied from outside.",
            "Apply the credit memo to the invoice in ConnectWise: the invoice ▸ Payments.",
            technical=refused.problem.technical,
        )
    )


def _no_status(status: str) -> Problem:
    return Problem(
        "unknown_status",
        f"ConnectWise has no billing status “{status[:60]}”.",
        "Enter one of those under System ▸ Setup Tables ▸ Invoice Status (Billing Status).",
    )


def _no_change_of_status(status: str, said: Problem) -> Problem:
    return Problem(
        "status_refused",
        f"ConnectWise does not let the invoice have the status “{status[:60]}”: {said.technical.get('answer', '')}",
        "Set it by hand in ConnectWise, or choose another status for paid invoices in the company’s settings.",
        technical=said.technical,
    )
