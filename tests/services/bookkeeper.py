"""A bookkeeper with posted invoices: what people do in both systems, and payment syncs between them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import requests
from sqlmodel import col, select

from app.models.connections import Book
from app.models.payments import PaymentEntry
from app.models.postings import Posting, PostingRecord
from app.services.connections import books
from app.services.payments import payments, tally
from sandbox.quickbooks_online import documents as typed
from sandbox.quickbooks_online import people
from tests import engine
from tests.engine import Engine


class Bookkeeper:
    """Posted invoices, what a person does in both systems, and syncs."""

    def __init__(self, working: Engine, *numbers: str) -> None:
        self.engine = working
        batch = working.post(*numbers)
        open_ = [posting for posting in batch["postings"] if posting["state"] != "closed"]
        assert not open_, open_

    def settle(self, **values: str) -> None:
        with self.engine.database.session() as session:
            wanted = {f"payments.{name}": value for name, value in values.items()}
            books.set_settings(session, session.get_one(Book, self.engine.book_id), wanted, engine.BY)

    # ── QuickBooks ──

    def ledger_id(self, number: str) -> str:
        return self.engine.posting(number).ledger_id

    def total(self, number: str) -> Decimal:
        return self.engine.posting(number).total

    def pays(self, *lines: tuple[str, str], total: str | None = None, day: str = "2026-11-20", **more: Any) -> str:
        """Receive a payment; lines are (number, amount), of a credit memo with a minus. Answers its id."""
        rows, money = self._lines(lines), sum((Decimal(text) for _, text in lines), Decimal(0))
        company = self.engine.company
        first = company.find("Invoice", self.ledger_id(lines[0][0])) if lines else None
        body = {
            "CustomerRef": more.pop("customer", None) or (first or {})["CustomerRef"], "TxnDate": day,
            "TotalAmt": Decimal(total) if total else money, "Line": rows, **more,
        }  # fmt: skip
        with company.lock:
            saved: dict[str, Any] = typed.save(company, "Payment", body)
        return str(saved["Id"])

    def _lines(self, lines: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        rows = []
        for number, text in lines:
            amount = Decimal(text)
            linked = {"TxnId": self.ledger_id(number), "TxnType": "CreditMemo" if amount < 0 else "Invoice"}
            rows.append({"Amount": abs(amount), "LinkedTxn": [linked]})
        return rows

    def voids(self, payment: str) -> None:
        people.edit(self.engine.company, {"entity": "Payment", "id": payment, "operation": "void"})

    def deletes(self, payment: str) -> None:
        people.edit(self.engine.company, {"entity": "Payment", "id": payment, "operation": "delete"})

    def reapplies(self, payment: str, *lines: tuple[str, str], **more: Any) -> None:
        """Edit a payment: it is applied otherwise now."""
        company = self.engine.company
        with company.lock:
            known = typed.read(company, "Payment", payment)
            typed.save(company, "Payment", {**known, "Line": self._lines(lines), **more})

    def applied(self, number: str) -> Decimal:
        """What the books say is paid of an invoice, or used of a credit memo."""
        entity = "CreditMemo" if self.engine.posting(number).kind == "credit_memo" else "Invoice"
        document = self.engine.company.find(entity, self.ledger_id(number))
        assert document is not None
        return Decimal(document["TotalAmt"] - document["Balance"])

    # ── ConnectWise ──

    def record(self, number: str) -> int:
        with self.engine.database.reading() as session:
            query = select(PostingRecord.record).join(Posting, col(Posting.id) == PostingRecord.posting_id)
            return int(session.exec(query.where(Posting.number == number)).one())

    def in_psa(self, number: str) -> list[dict[str, Any]]:
        """What stands on the invoice in the PSA."""
        rows: list[dict[str, Any]] = requests.get(f"{self.engine.both.connectwise.url}/_payments", timeout=10).json()
        return [row for row in rows if row["number"] == number]

    def amounts(self, number: str) -> list[str]:
        return sorted(row["amount"] for row in self.in_psa(number))

    def types_in(self, number: str, amount: str, day: str = "2026-11-18") -> None:
        """Somebody enters a payment in the PSA."""
        self.by_hand("take_payment", invoice=number, amount=amount, date=day)

    def by_hand(self, action: str, **order: Any) -> None:
        """Somebody does something in the PSA's own pages."""
        order = {"action": action, **order}
        answer = requests.post(f"{self.engine.both.connectwise.url}/_edit", json=order, timeout=10)
        assert answer.ok, answer.text

    # ── the sync ──

    def submit(self, **options: Any) -> int:
        with self.engine.database.session() as session:
            book = session.get_one(Book, self.engine.book_id)
            return payments.submit(session, book, by=engine.BY, **options).id or 0

    def sync(self, **options: Any) -> dict[str, Any]:
        batch_id = self.submit(**options)
        self.engine.run(batch_id)
        return self.json(batch_id)

    def json(self, batch_id: int) -> dict[str, Any]:
        with self.engine.database.reading() as session:
            return tally.sync_json(session, self.engine.batch(batch_id))

    def codes(self, batch: dict[str, Any]) -> list[str]:
        return sorted(problem["code"] for problem in batch["problems"])

    def entry(self, number: str) -> PaymentEntry:
        """The only entry of money that is remembered of an invoice."""
        with self.engine.database.reading() as session:
            query = select(PaymentEntry).where(PaymentEntry.record == str(self.record(number)))
            return session.exec(query.where(PaymentEntry.what == "money", PaymentEntry.state != "gone")).one()
