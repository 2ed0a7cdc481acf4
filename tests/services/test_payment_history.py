"""A generated bookkeeper against both systems in memory: whatever happened, the last sync leaves nothing wrong."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlmodel import col, delete, select, update

from app.database import Database
from app.domain.payments import Applied, Charge, LedgerPayment
from app.models.batches import Batch
from app.models.connections import Book
from app.models.payments import AppliedLine, LedgerPaymentRow, PaymentEntry, PaymentMark, PaymentTarget
from app.models.postings import Posting, PostingRecord
from app.services.connections import books
from app.services.payments import payments, reading, tally
from app.services.posting import running
from app.settings import Waits
from tests import template
from tests.engine import KEY
from tests.fake_payments import FakePayingBooks, FakePayingSource
from tests.fakes import FakeConnectors, some_tokens
from tests.rows import a_book, a_source
from tests.services.payment_history import Entry, Histories, Move, Player

DAY = dt.date(2026, 11, 20)
CUSTOMERS: tuple[tuple[dict[str, Decimal], dict[str, Decimal]], ...] = (
    ({"101": Decimal("500.00"), "102": Decimal("75.10"), "103": Decimal("1000.01")}, {"191": Decimal("90.00")}),
    ({"104": Decimal("12.34")}, {}),
    ({"105": Decimal("300.00"), "106": Decimal("299.99")}, {"192": Decimal("40.00"), "193": Decimal("33.33")}),
)
#: A few in the suite; tests/campaign plays many more, against both stand-ins.
EXAMPLES = int(os.environ.get("CROSSFOOT_HISTORIES", "3"))
WAITS = Waits(running=0.02, between=0.01, lease=30)


class InMemory:
    """Posted invoices and credit memos; a document's ledger id is its number with an L, its record with a 3."""

    customers = CUSTOMERS

    def __init__(self, database: Database) -> None:
        self.database = database
        self.books, self.psa = FakePayingBooks(), FakePayingSource()
        self.connectors = FakeConnectors({"https://psa.example": self.psa}, {"9341": self.books})
        self._ids = itertools.count(900)
        with database.session() as session:
            source = a_source()
            session.add(source)
            session.flush()
            book = a_book(tokens=some_tokens(), source_id=source.id)
            session.add(book)
            session.flush()
            self.book_id = book.id or 0
            batch = Batch(book_id=self.book_id, source_id=source.id or 0, kind="invoices", name="posted", by="a@x.test")
            session.add(batch)
            session.flush()
            self._post(session, batch, source.id or 0)
            session.commit()

    def _post(self, session: Any, batch: Batch, source_id: int) -> None:
        for invoices, memos in CUSTOMERS:
            for number, total in {**invoices, **memos}.items():
                kind = "credit_memo" if number in memos else "invoice"
                day = DAY - dt.timedelta(days=int(number) % 7)
                posting = Posting(
                    batch_id=batch.id or 0, book_id=self.book_id, kind=kind, state="closed", number=number,
                    party="Acme", date=day, currency="USD", total=total, cents=int(total * 100),
                    ledger_id=f"{number}0", posted_at=dt.datetime.now(dt.UTC),
                )  # fmt: skip
                session.add(posting)
                session.flush()
                session.add(
                    PostingRecord(
                        posting_id=posting.id or 0, source_id=source_id, kind="invoices", record=self.record(number),
                        fingerprint="f",
                    )
                )  # fmt: skip

    def begin_anew(self) -> None:
        """Everything but the documents is forgotten, in all three places."""
        self.books.received.clear()
        self.psa.forget()
        with self.database.session() as session:
            for table in (AppliedLine, LedgerPaymentRow, PaymentEntry, PaymentTarget, PaymentMark):
                session.exec(delete(table))
            session.commit()

    def learn(self, number: str, **values: Any) -> None:
        """What is known of a posting from now on."""
        with self.database.session() as session:
            session.exec(update(Posting).where(col(Posting.number) == number).values(**values))
            session.commit()

    def read_until(self) -> dt.datetime:
        """How far the books have been read."""
        with self.database.reading() as session:
            known = payments.until(session, self.book_id)
        assert known is not None
        return known

    def is_anything_new(self) -> bool:
        """What AutoSync asks before it makes a batch."""
        return reading.is_anything_new(self.database, self.books, self.book_id)

    # ── World ──

    def pay(self, lines: Sequence[tuple[str, Decimal]], more: Decimal) -> str:
        ident = str(next(self._ids))
        self.books.receive(self._payment(ident, lines, max(Decimal(0), sum(a for _, a in lines) + more)))
        return ident

    def _payment(self, ident: str, lines: Sequence[tuple[str, Decimal]], total: Decimal) -> LedgerPayment:
        applied = tuple(
            Applied(Charge.INVOICE if amount > 0 else Charge.CREDIT_MEMO, f"{number}0", abs(amount))
            for number, amount in lines
        )
        rest = total - sum(amount for _, amount in lines)
        return LedgerPayment(ident, "58", DAY, "USD", total, rest, applied, version=str(next(self._ids)))

    def apply(self, payment: str, lines: Sequence[tuple[str, Decimal]], total: Decimal) -> None:
        self.books.receive(self._payment(payment, lines, total))

    def void(self, payment: str) -> None:
        self.books.receive(LedgerPayment(payment, "", DAY, "USD", Decimal(0), Decimal(0), (), version="v", gone=True))

    delete = void

    def type_in(self, invoice: str, amount: Decimal) -> str:
        return self.psa.type_in(self.record(invoice), amount, DAY).payment_id

    def take_off(self, invoice: str, ident: str) -> None:
        self.psa.take_off(self.record(invoice), ident)

    def lose(self, word: str) -> None:
        self.psa.next.append(word)

    def settle(self, **values: str) -> None:
        with self.database.session() as session:
            wanted = {f"payments.{name}": value for name, value in values.items()}
            books.set_settings(session, session.get_one(Book, self.book_id), wanted, "a@x.test")

    def sync(self, **options: Any) -> dict[str, Any]:
        with self.database.session() as session:
            made = payments.submit(session, session.get_one(Book, self.book_id), by="a@x.test", **options)
        for _ in range(50):
            running.run(self.database, self.connectors, made.id or 0, WAITS)
            with self.database.reading() as session:
                batch = session.get_one(Batch, made.id)
                if batch.ended_at is not None:
                    return tally.sync_json(session, batch)
        raise AssertionError("the batch does not end")

    def entries(self, invoice: str) -> list[Entry]:
        found = self.psa.payments_on([self.record(invoice)])[self.record(invoice)]
        return [Entry(each.payment_id, each.amount, each.reference, each.credit) for each in found]

    def counted(self, invoice: str) -> set[str]:
        with self.database.reading() as session:
            query = select(PaymentEntry.psa_id).where(
                PaymentEntry.record == self.record(invoice), col(PaymentEntry.by_hand), PaymentEntry.state == "done"
            )
            return set(session.exec(query))

    def record(self, number: str) -> str:
        return f"3{number}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InMemory]:
    database = template.migrated(tmp_path_factory.mktemp("history") / "crossfoot.db", KEY)
    yield InMemory(database)
    database.dispose()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=Histories)
def test_after_the_last_sync_the_psa_shows_what_the_books_hold(world: InMemory, history: list[Move]) -> None:
    world.begin_anew()
    player = Player(world)
    player.play(history)
    assert player.finish() == []


@pytest.mark.parametrize(("days", "attempt"), [(0, 1), (3, 0)], ids=["while in doubt", "before Crossfoot"])
def test_what_paid_an_invoice_before_it_was_known_to_be_ours_comes_with_the_next_sync(
    world: InMemory, days: int, attempt: int
) -> None:
    world.begin_anew()
    world.learn("104", state="in_doubt", ledger_id="")
    payment = world.books.received[world.pay([("104", Decimal("5.00"))], Decimal(0))]
    then = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    world.books.received[payment.ledger_id] = replace(payment, modified=then)
    world.sync()
    assert world.entries("104") == []
    world.learn("104", state="closed", ledger_id="1040", posted_at=dt.datetime.now(dt.UTC), attempt=attempt)
    assert world.is_anything_new()
    assert world.sync()["written"] == 1
    assert [entry.amount for entry in world.entries("104")] == [Decimal("5.00")]
    assert not world.is_anything_new()


def test_a_look_that_finds_nothing_new_is_where_the_next_one_begins(world: InMemory) -> None:
    world.begin_anew()
    assert not world.is_anything_new()
    with world.database.reading() as session:
        assert payments.until(session, world.book_id) is None, "the first sync is a person's"
    world.sync()
    before = world.read_until()
    assert not world.is_anything_new()
    assert world.read_until() > before
    world.pay([("104", Decimal("5.00"))], Decimal(0))
    after = world.read_until()
    assert world.is_anything_new()
    assert world.read_until() == after, "what is new waits for a sync"


def test_a_rule_that_changes_draws_no_credit_memo_twice(world: InMemory) -> None:
    world.begin_anew()
    world.settle(rule="oldest")
    lines = [("105", "50"), ("106", "60"), ("192", "-40"), ("193", "-33.33")]
    world.pay([(number, Decimal(amount)) for number, amount in lines], Decimal(0))
    world.sync()
    before = world.entries("105")
    world.settle(rule="largest")
    world.pay([("105", Decimal("10.00"))], Decimal(0))  # of the other invoice nothing is told any more
    world.sync()
    drawn = {memo: Decimal(0) for memo in ("3192", "3193")}
    for entry in (each for number in ("105", "106") for each in world.entries(number) if each.credit):
        drawn[entry.credit] += entry.amount
    assert drawn == {"3192": Decimal("40.00"), "3193": Decimal("33.33")}
    assert {e.amount for e in world.entries("105")} != {e.amount for e in before}, "the rule makes a difference here"
    world.settle(rule="oldest")


def test_an_invoice_that_the_books_have_a_cent_lower_is_paid_in_full_with_that(world: InMemory) -> None:
    world.begin_anew()
    world.settle(paid_status="Paid", form="invoice")
    world.learn("104", ledger_cents=12_33)  # another tax, which a person has kept
    world.pay([("104", Decimal("12.32"))], Decimal(0))
    world.sync()
    world.psa.writes.clear()
    world.pay([("104", Decimal("0.01"))], Decimal(0))
    world.sync()
    world.settle(paid_status="")
    assert world.psa.writes == [("change", "3104"), ("status Paid", "3104")]
