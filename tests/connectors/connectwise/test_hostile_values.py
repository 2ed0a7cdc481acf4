"""Whatever ConnectWise lists or exports, each record becomes a document that can be stored, or one sentence."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.connectwise import listing, translate, values
from app.connectors.connectwise.translate import Beside
from app.connectors.http import parse_json
from app.connectors.protocols import Exported, UnpostedRecord
from app.domain import codec
from app.domain.money import cents
from tests.connectors.connectwise.test_translate import a_transaction, read, translated
from tests.hostile import AMOUNTS, CURRENCIES, DATES, MEMOS, NAMES, as_json, assert_said, assert_storable, put, spoiled

EXPORTS = [read(case) for case in ("standard_with_two_tax_levels", "credit_memo_with_all_signs_alike")]
ROW = {
    "id": 88001, "billingLogId": 39005, "invoiceNumber": "10482", "invoiceType": "Standard", "description": "Sales",
    "invoiceDate": "2026-03-17T00:00:00Z", "dueDate": "2026-04-16T00:00:00Z", "dateClosed": "2026-03-17T10:00:00Z",
    "total": Decimal("214.00"), "salesTaxAmount": Decimal("14.00"), "locationId": 2,
    "billToCompany": {"id": 301, "identifier": "Acme", "name": "Acme Dental"}, "location": {"id": 2, "name": "North"},
    "billingTerms": {"id": 4, "name": "Net 30"}, "taxCode": {"id": 21, "name": "WA"},
    "currency": {"id": 7, "currencyCode": "USD"},
}  # fmt: skip


def exported(data: dict[str, Any]) -> Exported:
    """The export as it comes over the wire."""
    data = parse_json(as_json(data))
    beside = Beside(
        *(data[name] if isinstance(data[name], dict) else {} for name in ("customer", "company", "invoice"))
    )
    return translate.to_exported("39005", data["transaction"], beside, "USD")


def listed(row: dict[str, Any]) -> UnpostedRecord:
    [record] = listing.records([parse_json(as_json(row))], "USD")
    return record


def is_sound(export: Exported) -> bool:
    """Either a document that every part of the program can carry, or problems that a person can read."""
    assert_said(*export.problems)
    assert export.document or export.problems
    assert_storable(json.dumps(codec.to_json(dict(export.snapshot)), ensure_ascii=False))
    assert all(0 < number < 10**18 for number in export.gl_ids)
    if document := export.document:
        assert re.fullmatch("[A-Z]{3}", document.currency)
        assert {
            money.currency for money in (document.total, document.tax, *(line.amount for line in document.lines))
        } == {document.currency}
        assert cents(document.total.amount) < 10**12
        stored = json.dumps(codec.to_json(document), ensure_ascii=False)
        assert_storable(stored)
        return codec.from_json(type(document), json.loads(stored)) == document
    return True


def is_legible(record: UnpostedRecord) -> bool:
    assert_said(*record.problems)
    assert re.fullmatch("[A-Z]{3}", record.currency)
    assert_storable(json.dumps(dataclasses.asdict(record), default=str, ensure_ascii=False))
    return record.total == cents(record.total)


# ── listed ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_leaves_a_record_and_a_document(name: str) -> None:
    data = a_transaction(company={"id": 301, "identifier": name, "name": name}, documentNumber=name)

    assert is_sound(exported({**data, "company": {}, "customer": {}, "invoice": {}}))
    assert is_legible(listed({**ROW, "billToCompany": {"id": 301, "name": name}, "invoiceNumber": name}))


@pytest.mark.parametrize("memo", MEMOS, ids=lambda memo: ascii(memo)[:30])
def test_any_memo_leaves_a_document(memo: str) -> None:
    data = put(a_transaction(memo=memo, customerPO=memo), ("transaction", "detail", 0, "memo"), memo)

    export = exported(data)
    assert is_sound(export)
    assert export.document


@pytest.mark.parametrize("amount", AMOUNTS, ids=lambda amount: ascii(amount)[:30])
@pytest.mark.parametrize("place", [("total",), ("detail", 0, "total"), ("detail", 0, "quantity"), ("salesTax",)])
def test_any_amount_is_a_document_or_a_sentence(amount: Any, place: tuple[Any, ...]) -> None:
    assert is_sound(exported(put(a_transaction(), ("transaction", *place), amount)))
    assert is_legible(listed({**ROW, "total": amount}))
    assert is_legible(listed({**ROW, "salesTaxAmount": amount}))


@pytest.mark.parametrize("date", DATES, ids=lambda date: ascii(date)[:30])
@pytest.mark.parametrize("field", ["documentDate", "dueDate", "dueDays"])
def test_any_date_is_a_document_or_a_sentence(date: Any, field: str) -> None:
    assert is_sound(exported(a_transaction(**{field: date})))
    assert is_legible(listed({**ROW, "invoiceDate": date, "dueDate": date}))


@pytest.mark.parametrize("currency", CURRENCIES, ids=ascii)
def test_any_currency_is_a_code_or_a_sentence(currency: Any) -> None:
    assert is_sound(exported(a_transaction(currency=currency)))
    assert is_legible(listed({**ROW, "currency": currency}))


# ── what is made of them ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("currency", "code"),
    [
        (None, "USD"),
        ({}, "USD"),
        ("eur", "EUR"),
        ({"currencyCode": "cad"}, "CAD"),
        ({"currencyIdentifier": "GBP"}, "GBP"),
    ],
)
def test_a_currency_is_read_as_object_or_code_in_any_case(currency: Any, code: str) -> None:
    document = exported({**a_transaction(currency=currency), "customer": {}}).document

    assert document
    assert document.currency == listed({**ROW, "currency": currency}).currency == code


@pytest.mark.parametrize("currency", ["Dollars", "US$", "€", {"currencyCode": "Dollars"}])
def test_an_unknown_currency_is_never_taken_for_dollars(currency: Any) -> None:
    export = exported(a_transaction(currency=currency))

    assert export.document is None
    assert "currency" in export.problems[0].message
    assert [problem.field for problem in listed({**ROW, "currency": currency}).problems] == ["currency"]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-17T23:59:59+14:00", dt.date(2026, 3, 17)),
        ("2026-03-17T00:30:00-12:00", dt.date(2026, 3, 17)),
        ("2999-12-31T00:00:00Z", dt.date(2999, 12, 31)),
        ("3/7/2026 5:21:58 AM", dt.date(2026, 3, 7)),
    ],
)
def test_a_date_is_the_day_as_written_in_whatever_zone(written: str, day: dt.date) -> None:
    assert values.date({"documentDate": written}, "documentDate") == day


@pytest.mark.parametrize(("written", "amount"), [("1e3", "1000"), ("-0", "0"), (Decimal("-0.00"), "0")])
def test_amounts_with_exponents_and_minus_zeros_are_plain_amounts(written: Any, amount: str) -> None:
    record = listed({**ROW, "total": written})

    assert not record.problems
    assert f"{record.total:f}" == f"{Decimal(amount):.2f}"


@pytest.mark.parametrize("amount", ["1E+40", "1e999", 10**40, "NaN", "12,50", "²", True, [1]])
def test_an_amount_that_is_none_holds_its_record_only(amount: Any) -> None:
    rows = listing.records([{**ROW, "total": amount}, {**ROW, "billingLogId": 39006}], "USD")

    assert [len(row.problems) for row in rows] == [1, 0]


# ── generated ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.sampled_from(EXPORTS).flatmap(spoiled))
def test_an_export_with_anything_anywhere_is_a_document_or_a_sentence(data: dict[str, Any]) -> None:
    for name in ("customer", "company", "invoice", "transaction"):
        if not isinstance(data.get(name), dict):
            return
    assert is_sound(exported(data))


@given(spoiled(ROW))
def test_a_listed_row_with_anything_anywhere_is_a_record(row: dict[str, Any]) -> None:
    assert is_legible(listed(row))


def test_the_golden_exports_are_still_sound() -> None:
    for data in EXPORTS:
        assert translated(data).document
