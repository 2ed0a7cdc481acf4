"""Whatever a bookkeeper does between two looks, what is told adds up to what the books show, to the cent.

One program of random work runs twice: within change data capture's thirty days, and beyond them, where deletions are
seen only by what the invoices name.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import redis

from app.connectors.quickbooks_online.connector import QuickBooksOnline
from app.domain.payments import Charge, LedgerPayment
from sandbox.quickbooks_online.problems import Refusal
from tests.connectors.quickbooks_online.stand import SandboxStand
from tests.connectors.quickbooks_online.test_payments import ACME, BOLT, Bookkeeper, ago

STEPS, LOOKS = 60, 7


@pytest.fixture
def books(redis_server: redis.Redis) -> Iterator[Bookkeeper]:
    running = SandboxStand(redis_server)
    yield Bookkeeper(running)
    running.stop()


class Work:
    """Random work on the invoices, credits and payments of two customers."""

    def __init__(self, books: Bookkeeper, seed: int) -> None:
        self.books = books
        self.dice = random.Random(seed)

    def step(self) -> None:
        """One thing that QuickBooks lets happen, or refuses."""
        deeds = [self.sell, self.sell, self.receive, self.receive, self.receive, self.link, self.change, self.unapply,
                 self.undo, self.undo, self.undo_sale, self.refund, self.bank]  # fmt: skip
        try:
            self.dice.choice(deeds)()
        except (Refusal, IndexError):
            return  # nothing of the kind there

    def rows(self, entity: str, customer: str = "") -> list[dict[str, Any]]:
        found = self.books.company.tables[entity].values()
        return [row for row in found if not customer or row["CustomerRef"]["value"] == customer]

    def some(self, entity: str, customer: str) -> dict[str, Decimal]:
        """Up to three open documents, each with all or a part of what is open."""
        open_ = [row for row in self.rows(entity, customer) if row["Balance"] > 0]
        chosen = self.dice.sample(open_, min(len(open_), self.dice.randint(1, 3)))
        return {row["Id"]: self.part(row["Balance"]) for row in chosen}

    def part(self, amount: Decimal) -> Decimal:
        cents = int(amount * 100)
        return amount if self.dice.random() < 0.5 else Decimal(self.dice.randint(1, cents)) / 100

    def sell(self) -> None:
        make = self.books.credit if self.dice.random() < 0.3 else self.books.invoice
        make(str(Decimal(self.dice.randint(100, 90_000)) / 100), self.dice.choice([ACME, BOLT]))

    def receive(self) -> None:
        customer = self.dice.choice([ACME, BOLT])
        invoices = self.some("Invoice", customer)
        credits_ = self.some("CreditMemo", customer) if self.dice.random() < 0.4 else {}
        due = max(sum(invoices.values()) - sum(credits_.values()), Decimal(0))
        more = Decimal(self.dice.choice([0, 0, 0, 5, 25]))
        self.books.receive(customer=customer, invoices=invoices, credits=credits_, amount=due + more)

    def link(self) -> None:
        customer = self.dice.choice([ACME, BOLT])
        credit = self.dice.choice([row for row in self.rows("CreditMemo", customer) if row["Balance"] > 0])
        left, pairs = self.part(credit["Balance"]), {}
        for ident, amount in self.some("Invoice", customer).items():
            pairs[ident] = min(amount, left)
            left -= pairs[ident]
        pairs = {ident: amount for ident, amount in pairs.items() if amount}
        self.books.apply_credits(invoices=pairs, credits={credit["Id"]: sum(pairs.values())})

    def payment(self) -> dict[str, Any]:
        return self.dice.choice(self.rows("Payment"))

    def change(self) -> None:
        payment = self.payment()
        amount = payment["TotalAmt"] + self.dice.choice([-1, 1, 10])
        self.books.change(payment=payment["Id"], amount=amount, date=f"2026-0{self.dice.randint(1, 9)}-11")

    def unapply(self) -> None:
        payment = self.payment()
        named = [line["LinkedTxn"][0]["TxnId"] for line in payment["Line"]]
        order = {"invoice": self.dice.choice(named)} if self.dice.random() < 0.5 else {}
        self.books.unapply(payment=payment["Id"], **order)

    def undo(self) -> None:
        deed = self.books.void if self.dice.random() < 0.5 else self.books.delete
        deed(payment=self.payment()["Id"])

    def undo_sale(self) -> None:
        entity, name = self.dice.choice([("Invoice", "invoice"), ("CreditMemo", "credit")])
        deed = self.books.void if entity == "Invoice" and self.dice.random() < 0.5 else self.books.delete
        deed(**{name: self.dice.choice(self.rows(entity))["Id"]})

    def refund(self) -> None:
        left = [row for row in self.rows("Payment") if row["UnappliedAmt"] > 0]
        self.books.refund(payment=self.dice.choice(left)["Id"])

    def bank(self) -> None:
        self.books.deposit(payments=[self.payment()["Id"]])


class Mirror:
    """What somebody knows who only listens: news, and what the changed documents name."""

    def __init__(self, ledger: QuickBooksOnline, since: dt.datetime) -> None:
        self.ledger = ledger
        self.since = since
        self.known: dict[str, LedgerPayment] = {}

    def look(self) -> None:
        news = self.ledger.payments_since(self.since)
        self.since = news.until
        self.known |= {payment.ledger_id: payment for payment in news.payments}
        assert news.linked == self.ledger.payments_of(news.invoices)
        strange = {ident for ident in news.invoices if set(news.linked[ident]) != self.naming(ident)}
        asked = {ident for document in strange for ident in {*news.linked[document], *self.naming(document)}}
        self.known |= {payment.ledger_id: payment for payment in self.ledger.payments(sorted(asked))}

    def naming(self, document: str) -> set[str]:
        return {
            payment.ledger_id
            for payment in self.known.values()
            if not payment.gone and any(line.ledger_id == document for line in payment.lines)
        }

    def applied(self, document: str, charge: Charge) -> Decimal:
        lines = [line for payment in self.known.values() if not payment.gone for line in payment.lines]
        return sum((line.amount for line in lines if (line.to, line.ledger_id) == (charge, document)), Decimal(0))


@pytest.mark.parametrize(("days", "seed"), [(20, 5), (60, 11)], ids=["captured", "queried"])
def test_what_is_told_adds_up_to_what_the_books_show(books: Bookkeeper, days: int, seed: int) -> None:
    moment = [ago(days=days)]
    books.company.clock = lambda: moment[0]
    ledger = books.stand.destination
    assert isinstance(ledger, QuickBooksOnline)
    work, mirror = Work(books, seed), Mirror(ledger, moment[0])
    looks = 0
    for number in range(STEPS):
        moment[0] += dt.timedelta(minutes=work.dice.randint(0, 90))
        work.step()
        if work.dice.random() < LOOKS / STEPS or number == STEPS - 1:
            mirror.look()
            looks += 1
            for entity, charge in (("Invoice", Charge.INVOICE), ("CreditMemo", Charge.CREDIT_MEMO)):
                for row in work.rows(entity):
                    assert mirror.applied(row["Id"], charge) == row["TotalAmt"] - row["Balance"], row["Id"]
    assert looks > 2
    assert len(work.rows("Payment")) > 2
    assert any(payment.gone for payment in mirror.known.values())
