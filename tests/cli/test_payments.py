"""``payments sync``: what it prints, and its exit status."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from app.connectors.payments import NewPayment, PaymentOutcome
from app.connectors.protocols import Slot
from app.domain.payments import Applied, Charge, LedgerPayment
from tests.builders import a_document
from tests.cli.conftest import CommandLine
from tests.fake_payments import FakePayingBooks, FakePayingSource

SYNC = ("payments", "sync", "--book", "Demo MSP", "--json")


def a_payment(invoice: str, amount: str, *, unapplied: str = "0") -> LedgerPayment:
    money = Decimal(amount)
    lines = (Applied(Charge.INVOICE, invoice, money),)
    day = dt.date(2026, 11, 20)
    return LedgerPayment("900", "58", day, "USD", money + Decimal(unapplied), Decimal(unapplied), lines)


@pytest.fixture
def paying(crossfoot: CommandLine, request: pytest.FixtureRequest) -> CommandLine:
    """Two posted invoices in systems that know payments."""
    crossfoot.source = FakePayingSource(a_document("39005"), a_document("39006"))
    crossfoot.books = FakePayingBooks()
    crossfoot.__post_init__()
    ready: CommandLine = request.getfixturevalue("connected")
    made = ready("batch", "run", "--book", "1", "--kind", "invoices", "--all", "--accept", "--through", "2026-12-31")
    assert made.status == 0, made.err
    ready.work(1)
    return ready


def books_of(crossfoot: CommandLine) -> FakePayingBooks:
    assert isinstance(crossfoot.books, FakePayingBooks)
    return crossfoot.books


def first_ledger_id(crossfoot: CommandLine) -> str:
    shown = crossfoot("batch", "show", "1", "--json").json
    return str(shown["postings"][0]["ledger_id"])


def test_a_sync_is_submitted_worked_on_and_shown(paying: CommandLine) -> None:
    books_of(paying).receive(a_payment(first_ledger_id(paying), "14.00", unapplied="6"))
    told = paying(*SYNC)
    assert (told.status, told.json["batch"], told.json["status"]) == (0, 2, "queued")
    paying.work(2)
    shown = paying("batch", "show", "2", "--json").json
    assert (shown["kind"], shown["status"]) == ("payments", "completed_with_warnings")
    assert [section["key"] for section in shown["sections"]] == ["read", "check", "documents", "prove"]


def psa_of(crossfoot: CommandLine) -> FakePayingSource:
    assert isinstance(crossfoot.source, FakePayingSource)
    return crossfoot.source


def test_what_the_sums_agree_on_is_proved_without_its_list(paying: CommandLine) -> None:
    books_of(paying).receive(a_payment(first_ledger_id(paying), "14.00"))
    assert paying(*SYNC).status == 0
    paying.work(2)
    assert paying("batch", "show", "2", "--json").json["status"] == "completed"
    assert psa_of(paying).looks == 1, "Check's"


@pytest.mark.parametrize("sums", [{}, {"39005": Decimal(15), "39006": Decimal(15)}])
def test_where_no_sum_is_told_or_another_one_the_list_is_believed(
    paying: CommandLine, monkeypatch: pytest.MonkeyPatch, sums: dict[str, Decimal]
) -> None:
    monkeypatch.setattr(psa_of(paying), "paid_on", lambda _: sums)
    books_of(paying).receive(a_payment(first_ledger_id(paying), "14.00"))
    assert paying(*SYNC).status == 0
    paying.work(2)
    assert paying("batch", "show", "2", "--json").json["status"] == "completed"
    assert psa_of(paying).looks == 2


def test_what_somebody_took_off_while_the_sync_ran_is_told(
    paying: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    psa = psa_of(paying)
    add = psa.add_payment

    def taken_off(invoice: str, new: NewPayment, slot: Slot) -> PaymentOutcome:
        outcome = add(invoice, new, slot)
        psa.take_off(invoice, next(iter(psa.standing)))
        return outcome

    monkeypatch.setattr(psa, "add_payment", taken_off)
    books_of(paying).receive(a_payment(first_ledger_id(paying), "14.00"))
    paying(*SYNC)
    paying.work(2)
    shown = paying("batch", "show", "2", "--json").json
    assert shown["status"] == "completed_with_errors"
    assert [section["failed"] for section in shown["sections"] if section["key"] == "prove"] == [1]


def test_a_dry_run_prints_amounts_before_and_after(paying: CommandLine) -> None:
    books_of(paying).receive(a_payment(first_ledger_id(paying), "14.00"))
    told = paying(*SYNC, "--dry-run")
    assert told.status == 0
    assert told.json["changed"] == 1
    assert [(one["before"], one["planned"]) for one in told.json["invoices"]] == [("0.00", "14.00")]
    assert told.json["problems"] == []
    assert isinstance(paying.source, FakePayingSource)
    assert not paying.source.writes
    lines = paying("payments", "sync", "--book", "1", "--since", "2026-11-01", "--dry-run").out
    assert "14.00" in lines


def test_waiting_without_a_worker_is_2_and_starts_nothing(paying: CommandLine) -> None:
    assert paying(*SYNC, "--wait").status == 2
    assert len(paying("batch", "list", "--json").json["batches"]) == 1


def test_systems_that_know_no_payments_say_so(connected: CommandLine) -> None:
    told = connected(*SYNC, "--dry-run")
    assert told.status == 2
    assert told.json["failure"]["code"] == "cannot_start"
