"""What QuickBooks tells of payments, over real HTTP: by change data capture, by queries beyond it, and by id."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import redis

from app.connectors.payments import LedgerNews, TellsPayments
from app.connectors.quickbooks_online.connector import QuickBooksOnline
from app.domain.payments import Charge, LedgerPayment
from sandbox.quickbooks_online import bookkeeper, payments
from sandbox.quickbooks_online.documents import save
from tests.connectors.mangled import Reply, mangled
from tests.connectors.quickbooks_online.stand import SandboxStand

ACME, BOLT = "1", "2"
UTC = dt.UTC


class Bookkeeper:
    """Works in QuickBooks' own pages, through `/_edit`'s code; the clock is the test's."""

    def __init__(self, stand: SandboxStand) -> None:
        self.stand = stand
        self.company = stand.company

    def __getattr__(self, operation: str) -> Any:
        def act(**order: Any) -> dict[str, Any]:
            return bookkeeper.act(self.company, {"operation": operation, **order})

        return act

    def invoice(self, amount: str = "100.00", customer: str = ACME) -> str:
        return self._sale("Invoice", amount, customer)

    def credit(self, amount: str = "40.00", customer: str = ACME) -> str:
        return self._sale("CreditMemo", amount, customer)

    def _sale(self, entity: str, amount: str, customer: str) -> str:
        currency = self.company.tables["Customer"][customer]["CurrencyRef"]
        detail = {"ItemRef": {"value": "1"}, "TaxCodeRef": {"value": "NON"}}
        line = {"DetailType": "SalesItemLineDetail", "Amount": Decimal(amount), "SalesItemLineDetail": detail}
        with self.company.lock:
            body = {"CustomerRef": {"value": customer}, "CurrencyRef": currency, "Line": [line]}
            return str(save(self.company, entity, body)["Id"])

    def at(self, moment: dt.datetime) -> None:
        self.company.clock = lambda: moment


@pytest.fixture
def books(redis_server: redis.Redis) -> Iterator[Bookkeeper]:
    running = SandboxStand(redis_server)
    yield Bookkeeper(running)
    running.stop()


@pytest.fixture
def ledger(books: Bookkeeper) -> QuickBooksOnline:
    assert isinstance(books.stand.destination, QuickBooksOnline)
    return books.stand.destination


def ago(**time: float) -> dt.datetime:
    return dt.datetime.now(UTC) - dt.timedelta(**time)


def applied(payment: LedgerPayment) -> set[tuple[str, str, Decimal]]:
    return {(line.to, line.ledger_id, line.amount) for line in payment.lines}


def only(news: LedgerNews) -> LedgerPayment:
    (payment,) = news.payments
    return payment


def pays(ident: str, amount: str) -> tuple[str, str, Decimal]:
    return (Charge.INVOICE, ident, Decimal(amount))


def draws(ident: str, amount: str) -> tuple[str, str, Decimal]:
    return (Charge.CREDIT_MEMO, ident, Decimal(amount))


# what a payment says ─────────────────────────────────────────────────────────────────────────────────────────────


def test_quickbooks_tells_payments(ledger: QuickBooksOnline) -> None:
    assert isinstance(ledger, TellsPayments)


def test_one_payment_over_several_invoices_with_money_left(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    first, second = books.invoice("100.00"), books.invoice("60.00")
    books.receive(invoices={first: "100.00", second: "25.50"}, amount="150.00", date="2026-11-20", reference="4711")
    payment = only(ledger.payments_since(ago(hours=1)))
    assert applied(payment) == {pays(first, "100.00"), pays(second, "25.50")}
    assert (payment.total, payment.unapplied) == (Decimal(150), Decimal("24.50"))
    assert (payment.date, payment.reference, payment.party_id) == (dt.date(2026, 11, 20), "4711", ACME)
    assert (payment.currency, payment.gone) == ("USD", False)


def test_several_credit_memos_in_one_payment_beside_money(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    invoice, first, second = books.invoice("100.00"), books.credit("30.00"), books.credit("20.00")
    books.receive(invoices={invoice: "100.00"}, credits={first: "30.00", second: "20.00"})
    payment = only(ledger.payments_since(ago(hours=1)))
    assert applied(payment) == {pays(invoice, "100.00"), draws(first, "30.00"), draws(second, "20.00")}
    assert (payment.total, payment.unapplied) == (Decimal(50), Decimal(0))


def test_one_credit_memo_over_several_invoices_by_a_payment_of_zero(
    books: Bookkeeper, ledger: QuickBooksOnline
) -> None:
    first, second, credit = books.invoice("30.00"), books.invoice("20.00"), books.credit("40.00")
    books.apply_credits(invoices={first: "30.00", second: "10.00"}, credits={credit: "40.00"})
    payment = only(ledger.payments_since(ago(hours=1)))
    assert applied(payment) == {pays(first, "30.00"), pays(second, "10.00"), draws(credit, "40.00")}
    assert (payment.total, payment.gone) == (Decimal(0), False)


def test_a_payment_of_zero_is_not_taken_for_voided_because_of_its_note(
    books: Bookkeeper, ledger: QuickBooksOnline
) -> None:
    invoice, credit = books.invoice("30.00"), books.credit("40.00")
    made = books.apply_credits(invoices={invoice: "30.00"}, credits={credit: "30.00"})
    books.change(payment=made["Id"], note="Voided cheque of last week, credit instead")
    assert not only(ledger.payments_since(ago(hours=1))).gone


def test_a_deposit_from_the_bank_pays_an_invoice(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    invoice, deposit = books.invoice("100.00"), books.deposit_money(customer=ACME, amount="100.00")["Id"]
    books.apply_credits(invoices={invoice: "100.00"}, deposits={deposit: "100.00"})
    payment = only(ledger.payments_since(ago(hours=1)))
    assert applied(payment) == {pays(invoice, "100.00"), (Charge.DEPOSIT, deposit, Decimal(100))}


def test_money_that_goes_back_by_cheque_is_no_invoices(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    invoice = books.invoice("100.00")
    made = books.receive(invoices={invoice: "100.00"}, amount="120.00")
    books.refund(payment=made["Id"])
    payment = only(ledger.payments_since(ago(hours=1)))
    assert pays(invoice, "100.00") in applied(payment)
    assert [line.to for line in payment.lines] == [Charge.INVOICE, Charge.OTHER]
    assert payment.unapplied == 0


def test_a_deposited_payment_says_the_same_as_before(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    invoice = books.invoice("100.00")
    made = books.receive(invoices={invoice: None})
    books.deposit(payments=[made["Id"]])
    assert applied(only(ledger.payments_since(ago(hours=1)))) == {pays(invoice, "100.00")}


def test_a_payment_in_another_currency_keeps_it(redis_server: redis.Redis) -> None:
    stand = SandboxStand(redis_server, multi_currency=True)
    books = Bookkeeper(stand)
    try:
        with books.company.lock:
            body = {"DisplayName": "Ottawa Optics", "CurrencyRef": {"value": "CAD"}}
            customer = save(books.company, "Customer", body)["Id"]
        invoice = books.invoice("100.00", customer)
        books.receive(invoices={invoice: None})
        assert isinstance(stand.destination, QuickBooksOnline)
        assert only(stand.destination.payments_since(ago(hours=1))).currency == "CAD"
    finally:
        stand.stop()


# what happened to it ─────────────────────────────────────────────────────────────────────────────────────────────


def test_voiding_deleting_and_unapplying_are_told_with_the_invoices_they_touch(
    books: Bookkeeper, ledger: QuickBooksOnline
) -> None:
    invoices = [books.invoice() for _ in range(3)]
    voided, deleted, freed = (books.receive(invoices={invoice: None})["Id"] for invoice in invoices)
    books.void(payment=voided)
    books.delete(payment=deleted)
    books.unapply(payment=freed)
    news = ledger.payments_since(ago(hours=1))
    found = {payment.ledger_id: payment for payment in news.payments}
    assert {ident for ident, payment in found.items() if payment.gone} == {voided, deleted}
    assert (found[freed].lines, found[freed].unapplied) == ((), Decimal(100))
    assert set(news.invoices) == set(invoices)
    assert ledger.payments_of(invoices) == dict.fromkeys(invoices, ())


def test_unapplying_a_credit_ends_its_payment(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    invoice, credit = books.invoice("30.00"), books.credit("40.00")
    made = books.apply_credits(invoices={invoice: "30.00"}, credits={credit: "30.00"})
    books.unapply(payment=made["Id"])
    news = ledger.payments_since(ago(hours=1))
    assert only(news).gone
    assert set(news.invoices) == {invoice, credit}


def test_an_invoice_that_is_voided_or_deleted_lets_its_payments_go(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    voided, deleted = books.invoice("100.00"), books.invoice("50.00")
    made = books.receive(invoices={voided: None, deleted: None})
    books.void(invoice=voided)
    books.delete(invoice=deleted)
    news = ledger.payments_since(ago(hours=1))
    assert (only(news).ledger_id, only(news).lines, only(news).unapplied) == (made["Id"], (), Decimal(150))
    assert set(news.invoices) == {voided, deleted}
    assert ledger.payments_of([voided, deleted]) == {voided: (), deleted: ()}


def test_a_back_dated_payment_that_was_entered_now_is_news(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    books.receive(invoices={books.invoice(): None}, date="2025-01-31")
    assert only(ledger.payments_since(ago(hours=1))).date == dt.date(2025, 1, 31)


def test_nothing_new_costs_one_call_and_the_next_look_begins_before_this_one(
    books: Bookkeeper, ledger: QuickBooksOnline
) -> None:
    before = dt.datetime.now(UTC)
    books.company.counts.clear()
    news = ledger.payments_since(ago(minutes=1))
    assert (news.payments, news.invoices, news.calls) == ((), (), 1)
    assert sum(books.company.counts.values()) == 1
    assert before - dt.timedelta(seconds=1) <= news.until <= dt.datetime.now(UTC)


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_that_goes_otherwise_than_ours_loses_nothing(
    books: Bookkeeper, ledger: QuickBooksOnline, minutes: int
) -> None:
    books.company.clock = lambda: dt.datetime.now(UTC) + dt.timedelta(minutes=minutes)
    first = ledger.payments_since(ago(hours=1))
    books.receive(invoices={books.invoice(): None})
    assert only(ledger.payments_since(first.until))


@pytest.mark.parametrize("days", [1, 60])
def test_what_pays_the_changed_documents_is_told_at_once(
    books: Bookkeeper, ledger: QuickBooksOnline, days: int
) -> None:
    first, second, third, credit = books.invoice(), books.invoice(), books.invoice(), books.credit()
    books.receive(invoices={first: "60.00", second: "40.00"})
    books.apply_credits(invoices={first: "40.00"}, credits={credit: "40.00"})
    books.unapply(payment=books.receive(invoices={third: None})["Id"])
    news = ledger.payments_since(ago(days=days))
    assert news.linked == ledger.payments_of([first, second, third, credit])
    assert set(news.linked) == set(news.invoices)
    books.delete(invoice=third)
    assert ledger.payments_since(ago(days=1)).linked[third] == ()


# beyond change data capture ──────────────────────────────────────────────────────────────────────────────────────


def test_after_more_than_thirty_days_queries_tell_the_same(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    books.at(ago(days=45))
    old, other = books.invoice(), books.invoice()
    books.receive(invoices={old: None})
    books.company.clock = lambda: dt.datetime.now(UTC)
    gone = books.receive(invoices={other: None})["Id"]
    books.delete(payment=gone)
    news = ledger.payments_since(ago(days=50))
    assert {payment.ledger_id: payment.gone for payment in news.payments}[gone]  # told by what captures the last days
    assert set(news.invoices) == {old, other}
    assert len(news.payments) == 2
    assert news.calls == 4


def test_a_deletion_that_no_call_tells_shows_in_what_its_invoice_names(
    books: Bookkeeper, ledger: QuickBooksOnline
) -> None:
    books.at(ago(days=45))
    invoice = books.invoice()
    gone = books.receive(invoices={invoice: None})["Id"]
    assert ledger.payments_of([invoice]) == {invoice: (gone,)}
    books.at(ago(days=40))
    books.delete(payment=gone)
    books.company.clock = lambda: dt.datetime.now(UTC)
    news = ledger.payments_since(ago(days=50))
    assert news.payments == ()
    assert news.invoices == (invoice,)
    assert ledger.payments_of([invoice]) == {invoice: ()}
    assert ledger.payments([gone])[0].gone


def many(books: Bookkeeper, count: int, *, apart: float = 0) -> list[str]:
    """Payments that stand in the table as if each had come so many seconds after the other, long ago."""
    invoice = books.invoice("1.00")
    like = books.receive(invoices={invoice: None})
    idents = [str(100_000 + number) for number in range(count)]
    start = ago(days=1)
    with books.company.lock:
        for number, ident in enumerate(idents):
            stamp = books.company.stamp(start + dt.timedelta(seconds=apart * number))
            meta = {"CreateTime": stamp, "LastUpdatedTime": stamp}
            row = {**books.company.tables["Payment"][like["Id"]], "Id": ident, "MetaData": meta}
            books.company.tables["Payment"][ident] = row
    return [like["Id"], *idents]


@pytest.mark.parametrize(("apart", "limit"), [(0, "entity"), (0.25, "answer"), (30, "answer")])
def test_beyond_a_thousand_nothing_is_lost_or_doubled_at_a_border(
    books: Bookkeeper, ledger: QuickBooksOnline, apart: float, limit: str
) -> None:
    books.company.switches.cdc_limit = limit
    idents = many(books, 2_300, apart=apart)
    news = ledger.payments_since(ago(days=2))
    assert sorted(payment.ledger_id for payment in news.payments) == sorted(idents)
    assert news.calls <= 8


@pytest.mark.parametrize("apart", [0, 30])
def test_what_changes_while_pages_are_read_pushes_nothing_over_a_border(
    books: Bookkeeper, ledger: QuickBooksOnline, apart: float
) -> None:
    idents = many(books, 2_300, apart=apart)
    asked: list[str] = []

    def edited(_method: str, path: str, true: Reply) -> Reply:
        if path.endswith("/query") and '"Payment"' in true.text:
            asked.append(path)
            for ident in idents[1 + len(asked) * 10 : 1 + len(asked) * 10 + 10]:
                row = books.company.tables["Payment"][ident]
                books.company.put("Payment", payments.touched(books.company, row))
        return true

    with mangled(books.stand.running.server, edited):
        news = ledger.payments_since(ago(days=2))
    assert len(asked) >= 3
    assert {payment.ledger_id for payment in news.payments} == set(idents)
    assert len(news.payments) == len(idents)


def test_many_changed_invoices_do_not_hide_a_deleted_payment(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    invoice = books.invoice()
    gone = books.receive(invoices={invoice: None})["Id"]
    books.delete(payment=gone)
    row = books.company.tables["Invoice"][invoice]
    with books.company.lock:
        books.company.tables["Invoice"].update({str(n): {**row, "Id": str(n)} for n in range(50_000, 51_200)})
    news = ledger.payments_since(ago(hours=1))
    assert [payment.ledger_id for payment in news.payments if payment.gone] == [gone]
    assert len(news.invoices) == 1_201


# by id ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_payments_are_read_in_bulk_and_in_the_order_asked(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    idents = many(books, 250)
    books.company.counts.clear()
    found = ledger.payments([*reversed(idents), "999", idents[0]])
    assert [payment.ledger_id for payment in found] == [*reversed(idents), "999"]
    assert [payment.ledger_id for payment in found if payment.gone] == ["999"]
    assert books.company.counts["query"] == 3


def test_a_payment_that_queries_do_not_show_yet_is_not_taken_for_gone(
    books: Bookkeeper, ledger: QuickBooksOnline
) -> None:
    books.company.switches.query_lag = 60
    invoice = books.invoice()
    made = books.receive(invoices={invoice: None})["Id"]
    assert not ledger.payments([made])[0].gone
    assert ledger.payments_of([invoice]) == {invoice: (made,)}


def test_invoices_and_credit_memos_name_their_payments(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    first, second, credit = books.invoice("30.00"), books.invoice("20.00"), books.credit("40.00")
    money = books.receive(invoices={first: "10.00"})["Id"]
    zero = books.apply_credits(invoices={first: "20.00", second: "20.00"}, credits={credit: "40.00"})["Id"]
    found = ledger.payments_of([credit, first, second])
    assert found == {credit: (zero,), first: (money, zero), second: (zero,)}
    assert ledger.payments_of([]) == {}
    assert ledger.payments([]) == []
