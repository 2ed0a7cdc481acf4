"""A fault of our own with one row: it keeps no other row from its turn, is counted, and ends with a problem."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest
from sqlmodel import Session, select, update

from app.connectors.ledger_changes import ChangeOutcome, Changes
from app.connectors.protocols import Slot
from app.connectors.received_payments import ReceivedPayment, RecordOutcome
from app.connectors.source_abilities import VendorInvoice
from app.database import Database
from app.domain.documents import DocumentKind
from app.domain.outcomes import Receipt
from app.domain.payments import LedgerPayment
from app.domain.problems import Problem, Severity
from app.domain.soundness import ORDERED
from app.domain.states import RecordKind, SectionKey
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.pay_links import Checkout
from app.models.postings import Posting, PostingProblem
from app.services.batches import batches
from app.services.paying import pay_problems, pay_recording
from app.services.posting import amending, billing, failures, posting_problems
from tests.fake_books import FakeBooks
from tests.fakes import FakeConnectors, FakeSource
from tests.routes.world import WAITS, World, documents


class Knowing(FakeSource):
    """Every vendor's invoice has come."""

    def vendor_invoices(self, orders: Sequence[str]) -> dict[str, VendorInvoice]:
        return {order: VendorInvoice("V-7") for order in orders}


class Faulty(FakeBooks):
    """Its answers about payments, and about bills, are nothing that we had thought of."""

    voidable: Collection[DocumentKind] = ()

    def read(self, kind: DocumentKind, ledger_id: str) -> Receipt | None:
        raise KeyError("Bill")

    def update(self, kind: DocumentKind, receipt: Receipt, new: Changes, request_id: str, slot: Slot) -> ChangeOutcome:
        raise AssertionError("nothing is written in these tests")

    def payments_marked(self, stem: str, party_id: str, since: dt.datetime) -> list[LedgerPayment]:
        raise KeyError("TxnDate")

    def payment_body(self, payment: ReceivedPayment) -> str:
        raise AssertionError("nothing is written in these tests")

    def record_payment(self, body: str, request_id: str, slot: Slot) -> RecordOutcome:
        raise AssertionError("nothing is written in these tests")


@pytest.fixture
def world(database: Database) -> World:
    """Two invoices, posted."""
    made = World(database, FakeConnectors())
    with database.session() as session:
        book, wanted = session.exec(select(Book)).one(), ["39005", "39006"]
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=wanted, by="a", name="n", accept=True)
    made.work()
    made.vendors.books["9341"] = Faulty("Demo MSP", "9341")
    return made


def _codes(session: Session) -> list[str]:
    return sorted(session.exec(select(PostingProblem.code)))


@pytest.mark.parametrize(("sends", "severity"), [(0, "error"), (1, "doubt")])
def test_an_online_payment_that_meets_a_fault_of_ours_again_and_again_is_a_persons(
    database: Database, world: World, sends: int, severity: str
) -> None:
    with database.session() as session:
        for posting in session.exec(select(Posting)).all():
            session.add(Checkout(
                book_id=1, posting_id=posting.id or 0, name=posting.number, state="in_doubt" if sends else "paid",
                invoice="1", party_id="1", amount=Decimal(1), currency="USD", expires_at=utcnow(), paid_at=utcnow(),
                sends=sends, look_at=utcnow(),
            ))  # fmt: skip
        session.commit()
    for turn in range(failures.MOST_FAULTS):
        with database.session() as session:
            assert _codes(session) == []
            session.exec(update(Checkout).values(look_at=utcnow() - pay_recording.LEASE))
            session.commit()
        pay_recording.work(database, world.vendors, 1, WAITS)
        with database.reading() as session:
            assert {pay_problems.faults(row) for row in session.exec(select(Checkout))} == {turn + 1}
    with database.reading() as session:
        assert set(session.exec(select(Checkout.state))) == {"stuck"}
        assert _codes(session) == ["online_payment_fault"] * 2
        assert set(session.exec(select(PostingProblem.severity))) == {severity}


def test_a_bill_that_meets_a_fault_of_ours_again_and_again_is_told_and_left_alone(
    database: Database, world: World
) -> None:
    world.vendors.sources["https://psa.example"] = Knowing(*documents())
    waiting = Problem(amending.WAITING, "Its vendor’s invoice has not come.", "", Severity.INFO)
    with database.session() as session:
        for posting in session.exec(select(Posting)).all():
            posting.document = {**(posting.document or {}), "psa_number": posting.number}
            posting_problems.add(session, posting, SectionKey.DOCUMENTS, waiting)
        session.commit()
    for _ in range(failures.MOST_FAULTS):
        with database.reading() as session:
            assert _codes(session) == [amending.WAITING] * 2
        assert amending.work(database, world.vendors, 1) == 0
    with database.reading() as session:
        assert _codes(session) == ["bill_not_amended"] * 2
        assert all("(KeyError) 6 times" in text for text in session.exec(select(PostingProblem.message)))


class Odd(FakeSource):
    """What has come is no vendor's invoice."""

    def vendor_invoices(self, orders: Sequence[str]) -> dict[str, VendorInvoice]:
        return {order: cast("VendorInvoice", SimpleNamespace(number="V-7")) for order in orders}


def test_an_order_that_meets_a_fault_of_ours_again_and_again_is_told_and_keeps_no_other_one_back(
    database: Database, world: World
) -> None:
    world.vendors.sources["https://psa.example"] = Odd(*documents())
    waiting = Problem(ORDERED, "The vendor’s invoice has not come.", "", Severity.INFO)
    with database.session() as session:
        for posting in session.exec(select(Posting)).all():
            posting.document = {**(posting.document or {}), "psa_number": posting.number}
            posting.kind = DocumentKind.PURCHASE_ORDER
            posting_problems.add(session, posting, SectionKey.DOCUMENTS, waiting)
        session.commit()
    for _ in range(failures.MOST_FAULTS):
        with database.reading() as session:
            assert _codes(session) == [ORDERED] * 2
        assert billing.work(database, world.vendors, 1) == []
    with database.reading() as session:
        assert _codes(session) == ["bill_not_made"] * 2
        assert all("(AttributeError) 6 times" in text for text in session.exec(select(PostingProblem.message)))
