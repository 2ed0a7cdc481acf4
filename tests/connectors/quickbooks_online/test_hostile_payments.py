"""Whatever arrives in the place of QuickBooks' answers about payments is understood, or nothing is concluded."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.connectors.protocols import ConnectionFailedError
from app.connectors.quickbooks_online import payments
from app.connectors.quickbooks_online.connector import QuickBooksOnline
from app.domain.payments import LedgerPayment
from tests.connectors.mangled import Change, Reply, always, mangled
from tests.connectors.quickbooks_online.test_payments import Bookkeeper, ago, books, ledger, many
from tests.hostile import ANSWERS, anything, as_json, assert_said, places, put

__all__ = ["books", "ledger"]  # fixtures

PAYMENT: dict[str, Any] = {
    "Id": "145", "SyncToken": "3", "TxnDate": "2026-11-22", "TotalAmt": 70, "UnappliedAmt": Decimal("9.50"),
    "CustomerRef": {"value": "1", "name": "Acme"}, "CurrencyRef": {"value": "USD"}, "PaymentRefNum": "4711",
    "PaymentMethodRef": {"value": "2", "name": "Check"}, "PrivateNote": "thanks",
    "MetaData": {"CreateTime": "2026-11-22T10:00:00-08:00", "LastUpdatedTime": "2026-11-22T10:00:00-08:00"},
    "Line": [{"Amount": Decimal("60.50"), "LinkedTxn": [{"TxnId": "95", "TxnType": "Invoice"}]},
             {"Amount": 5, "LinkedTxn": [{"TxnId": "96", "TxnType": "CreditMemo"}]},
             {"Amount": 5, "LinkedTxn": [{"TxnId": "97", "TxnType": "Invoice"}]}],
}  # fmt: skip


def read(row: Any) -> LedgerPayment | None:
    """Read and checked; None where it was refused in a sentence."""
    try:
        found = payments.to_payment(json.loads(as_json(row), parse_float=Decimal), "USD")
    except ConnectionFailedError as error:
        assert_said(error)
        return None
    assert 0 < len(found.ledger_id) <= 60
    assert len(found.version) <= 40
    assert all(line.ledger_id and line.amount for line in found.lines)
    return found


def test_a_payment_is_read() -> None:
    found = read(PAYMENT)
    assert found
    assert (found.reference, found.method, found.version) == ("4711", "Check", "3")
    assert found.modified == dt.datetime(2026, 11, 22, 18, tzinfo=dt.UTC)
    assert (found.total, found.unapplied, len(found.lines)) == (Decimal(70), Decimal("9.50"), 3)


MEANT = places(PAYMENT)
#: What may be anything without changing what is paid.
FREE = {"SyncToken", "PaymentRefNum", "PaymentMethodRef", "PrivateNote", "MetaData"}


@given(st.sampled_from(MEANT), anything)
@example(("Line", 1), {"currencyCode": "usd"})
def test_anything_in_any_place_is_the_same_payment_or_a_refusal_or_another_value_there(
    place: tuple[Any, ...], item: Any
) -> None:
    found = read(put(PAYMENT, place, item))
    if found is None:
        assert place[0] not in FREE
        return
    if place[0] == "Line" and len(place) < 4:
        assert len(found.lines) == 3 or not item  # an empty list, null or a zero is what stands there


def test_lines_that_name_one_document_twice_are_one_and_those_that_name_two_are_none() -> None:
    one = {"Amount": 10, "LinkedTxn": [{"TxnId": "95", "TxnType": "Invoice"}]}
    both = {"Amount": 10, "LinkedTxn": [*one["LinkedTxn"], {"TxnId": "97", "TxnType": "Invoice"}]}  # type: ignore[misc]  # any JSON
    found = read({**PAYMENT, "Line": [one, one, both, {"Amount": 7}]})
    assert found
    assert [(str(line.to), line.ledger_id, line.amount) for line in found.lines] == [
        ("invoice", "95", Decimal(20)),
        ("other", "95", Decimal(10)),
    ]


@pytest.mark.parametrize("ask", ["since", "long_since", "payments", "payments_of"])
def test_no_answer_of_another_form_passes_for_nothing_new(
    books: Bookkeeper, ledger: QuickBooksOnline, ask: str
) -> None:
    invoice = books.invoice()
    made = books.receive(invoices={invoice: None})["Id"]
    deeds: dict[str, Callable[[], object]] = {
        "since": lambda: ledger.payments_since(ago(hours=1)),
        "long_since": lambda: ledger.payments_since(ago(days=60)),
        "payments": lambda: ledger.payments([made]),
        "payments_of": lambda: ledger.payments_of([invoice]),
    }
    for name, (text, kind) in ANSWERS.items():
        with (
            mangled(books.stand.running.server, always(text, kind)),
            pytest.raises(ConnectionFailedError) as caught,
        ):
            deeds[ask]()
        assert caught.value.remedy, name


def changed(true: Reply, change: Callable[[dict[str, Any]], None]) -> Reply:
    body = json.loads(true.text)
    change(body)
    return true.saying(json.dumps(body))


def changing(change: Callable[[dict[str, Any]], None]) -> Change:
    return lambda _method, _path, true: changed(true, change)


def test_an_answer_about_fewer_kinds_than_asked_is_not_believed(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    books.receive(invoices={books.invoice(): None})

    def shorter(body: dict[str, Any]) -> None:
        body["CDCResponse"][0]["QueryResponse"].pop()

    def faulty(body: dict[str, Any]) -> None:
        body["CDCResponse"][0]["QueryResponse"][0] = {"Fault": {"Error": [{"code": "10000"}]}}

    for change in (shorter, faulty):
        with mangled(books.stand.running.server, changing(change)), pytest.raises(ConnectionFailedError):
            ledger.payments_since(ago(hours=1))


def test_an_answer_that_counts_more_than_it_holds_is_completed_by_queries(
    books: Bookkeeper, ledger: QuickBooksOnline
) -> None:
    made = {books.receive(invoices={books.invoice(): None})["Id"] for _ in range(3)}

    def cut(_method: str, path: str, true: Reply) -> Reply:
        def drop(body: dict[str, Any]) -> None:
            for told in body["CDCResponse"][0]["QueryResponse"]:
                if "Payment" in told:
                    told["Payment"].pop()

        return changed(true, drop) if path.endswith("/cdc") else true

    with mangled(books.stand.running.server, cut):
        assert {payment.ledger_id for payment in ledger.payments_since(ago(hours=1)).payments} == made


def test_rows_in_any_order_are_all_read(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    idents = many(books, 2_300, apart=20)
    dice = random.Random(7)

    def shuffled(_method: str, path: str, true: Reply) -> Reply:
        def shuffle(body: dict[str, Any]) -> None:
            for told in body.get("QueryResponse", {}).values():
                if isinstance(told, list):
                    dice.shuffle(told)

        return changed(true, shuffle) if path.endswith("/query") else true

    with mangled(books.stand.running.server, shuffled):
        found = ledger.payments_since(ago(days=2)).payments
    assert sorted(payment.ledger_id for payment in found) == sorted(idents)


def test_a_page_that_comes_again_and_again_ends_in_one_sentence(books: Bookkeeper, ledger: QuickBooksOnline) -> None:
    many(books, 1_100)
    first: list[str] = []

    def stuck(_method: str, path: str, true: Reply) -> Reply:
        if not path.endswith("/query") or '"Payment"' not in true.text:
            return true
        first.append(true.text)
        return true.saying(first[0])

    with mangled(books.stand.running.server, stuck), pytest.raises(ConnectionFailedError):
        ledger.payments_since(ago(days=2))


def test_a_deletion_that_comes_before_the_object_it_ends_stays_a_deletion(
    books: Bookkeeper, ledger: QuickBooksOnline
) -> None:
    made = books.receive(invoices={books.invoice(): None})["Id"]
    row = dict(books.company.tables["Payment"][made])
    books.delete(payment=made)

    def both(_method: str, path: str, true: Reply) -> Reply:
        def add(body: dict[str, Any]) -> None:
            told = body["CDCResponse"][0]["QueryResponse"][0]["Payment"]
            old = json.loads(json.dumps(row, default=float))
            told[:] = [*told, old]

        return changed(true, add) if path.endswith("/cdc") else true

    with mangled(books.stand.running.server, both):
        (payment,) = ledger.payments_since(ago(hours=1)).payments
    assert payment.gone
