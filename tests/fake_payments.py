"""A ledger that tells payments and a PSA that takes them, in memory: fast enough for thousands.

Words for ``FakePayingSource.next``, one per write: ``lose_after`` (done, answer lost), ``lose_before`` (not done,
answer lost), ``throttle``, ``refuse``.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.connectors.payments import LedgerNews, NewPayment, PaymentOutcome, PaymentWritten
from app.connectors.protocols import Slot
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.payments import LedgerPayment, PsaPayment
from app.domain.problems import Problem
from tests.fake_books import FakeBooks
from tests.fakes import FakeSource

#: As QuickBooks' connector, which looks back a little by itself.
OVERLAP = dt.timedelta(minutes=5)


class FakePayingBooks(FakeBooks):
    """Payments by id, each with the moment of its last change. ``asked`` counts what was asked."""

    def __init__(self, *rest: Any, **more: Any) -> None:
        super().__init__(*rest, **more)
        self.received: dict[str, LedgerPayment] = {}
        self.asked = 0

    def receive(self, payment: LedgerPayment) -> None:
        """It is so from now on."""
        self.received[payment.ledger_id] = replace(payment, modified=dt.datetime.now(dt.UTC))

    def payments_since(self, since: dt.datetime) -> LedgerNews:
        self.asked += 1
        now = dt.datetime.now(dt.UTC)
        since -= OVERLAP
        news = [payment for payment in self.received.values() if payment.modified and payment.modified >= since]
        return LedgerNews(tuple(news), (), now, 1)

    def payments(self, ledger_ids: Sequence[str]) -> list[LedgerPayment]:
        self.asked += 1
        return [self.received[ident] for ident in ledger_ids if ident in self.received]

    def payments_of(self, invoices: Sequence[str]) -> dict[str, tuple[str, ...]]:
        self.asked += 1
        wanted, found = set(invoices), dict[str, list[str]]()
        for payment in self.received.values():
            if not payment.gone:
                for ident in {line.ledger_id for line in payment.lines} & wanted:
                    found.setdefault(ident, []).append(payment.ledger_id)
        return {invoice: tuple(found.get(invoice, ())) for invoice in invoices}


class FakePayingSource(FakeSource):
    """Entries by id on any invoice. ``writes`` tells what was carried out, ``looks`` counts looks at what stands."""

    def __init__(self, *rest: Any, **more: Any) -> None:
        super().__init__(*rest, **more)
        self.standing: dict[str, PsaPayment] = {}
        self.writes: list[tuple[str, str]] = []
        self.looks = 0
        self._by_invoice: dict[str, dict[str, PsaPayment]] = {}
        self._ids = itertools.count(1)

    def put(self, entry: PsaPayment) -> PsaPayment:
        self.standing[entry.payment_id] = entry
        self._by_invoice.setdefault(entry.invoice, {})[entry.payment_id] = entry
        return entry

    def type_in(self, invoice: str, amount: Decimal, date: dt.date) -> PsaPayment:
        """A person enters one."""
        return self.put(PsaPayment(str(next(self._ids)), invoice, amount, date))

    def take_off(self, invoice: str, ident: str) -> None:
        """A person removes one."""
        del self.standing[ident], self._by_invoice[invoice][ident]

    def forget(self) -> None:
        """Nothing stands on any invoice any more."""
        self.standing.clear()
        self._by_invoice.clear()
        self.next.clear()

    def payments_on(self, invoices: Sequence[str]) -> dict[str, tuple[PsaPayment, ...]]:
        self.looks += 1
        return {invoice: tuple(self._by_invoice.get(invoice, {}).values()) for invoice in invoices}

    def paid_on(self, invoices: Sequence[str]) -> dict[str, Decimal]:
        on = {invoice: self._by_invoice.get(invoice, {}).values() for invoice in invoices}
        return {invoice: sum((each.amount for each in rows), Decimal(0)) for invoice, rows in on.items()}

    def add_payment(self, invoice: str, new: NewPayment, slot: Slot) -> PaymentOutcome:
        def act() -> str:
            ident = str(next(self._ids))
            return self.put(PsaPayment(ident, invoice, new.amount, new.date, new.reference, new.credit)).payment_id

        return self._written("add", invoice, act, slot)

    def change_payment(self, invoice: str, payment_id: str, new: NewPayment, slot: Slot) -> PaymentOutcome:
        def act() -> str:
            old = self.standing[payment_id]
            self.put(replace(old, amount=new.amount, date=new.date, reference=new.reference))
            return payment_id

        return self._written("change", invoice, act, slot)

    def remove_payment(self, invoice: str, payment_id: str, slot: Slot) -> PaymentOutcome:
        def act() -> str:
            self.standing.pop(payment_id, None)
            self._by_invoice.get(invoice, {}).pop(payment_id, None)
            return ""

        return self._written("remove", invoice, act, slot)

    def set_paid(self, invoice: str, status: str, slot: Slot) -> PaymentOutcome:
        return self._written(f"status {status}", invoice, lambda: "", slot)

    def reopened(self, invoices: Sequence[str]) -> set[str]:
        return set()

    def _written(self, verb: str, invoice: str, act: Callable[[], str], slot: Slot) -> PaymentOutcome:
        word = self.next.popleft() if self.next else ""
        slot.release()
        if word == "throttle":
            return NotDone("The PSA is busy.", wait=0.01)
        if word == "refuse":
            return Refused(Problem("psa_refuses_amount", "The PSA does not take it.", "Look at the invoice."))
        if word == "lose_before":
            return InDoubt("The PSA did not answer in time.", ended=True)
        ident = act()
        self.writes.append((verb, invoice))
        return InDoubt("The PSA did not answer in time.", ended=True) if word == "lose_after" else PaymentWritten(ident)
