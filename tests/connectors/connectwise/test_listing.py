"""Rows of the unposted list as records."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from app.connectors.connectwise import listing
from app.connectors.protocols import UnpostedRecord

ROW: dict[str, Any] = {
    "id": 700101,
    "billingLogId": 5101,
    "locationId": 11,
    "location": {"id": 11, "name": "Downtown"},
    "company": {"id": 302, "identifier": "Branch", "name": "Lantern Branch"},
    "billToCompany": {"id": 301, "identifier": "LanternBakery", "name": "Lantern Bakery, Inc."},
    "invoiceNumber": "20611",
    "invoiceDate": "2026-03-09T00:00:00Z",
    "invoiceType": "Standard",
    "description": "Accounts Receivable",
    "billingTerms": {"id": 2, "name": "Net 30"},
    "dueDays": "30",
    "dueDate": "2026-04-08T00:00:00Z",
    "currency": {"currencyCode": "CAD"},
    "total": Decimal("481.5"),
    "taxCode": {"id": 5, "name": "FL-7"},
    "salesTaxAmount": Decimal("31.5"),
    "dateClosed": "2026-03-10T09:39:56Z",
}


def read(**changes: Any) -> UnpostedRecord:
    row = {key: value for key, value in {**ROW, **changes}.items() if value is not None}
    (record,) = listing.records([row], "USD")
    return record


def test_a_record_is_named_by_its_invoice_and_billed_to_who_pays() -> None:
    record = read()

    assert (record.record, record.number, record.psa_type) == ("5101", "20611", "Standard")
    assert (record.party_id, record.party) == ("301", "Lantern Bakery, Inc.")
    assert (record.date, record.due_date) == (dt.date(2026, 3, 9), dt.date(2026, 4, 8))
    assert (record.total, record.tax, record.currency) == (Decimal("481.50"), Decimal("31.50"), "CAD")
    assert (record.location_id, record.location, record.terms_id, record.tax_code) == ("11", "Downtown", "2", "FL-7")
    assert record.problems == ()


def test_an_invoice_that_is_listed_per_gl_entry_is_one_record() -> None:
    assert len(listing.records([ROW, {**ROW, "id": 700102}], "USD")) == 1


@pytest.mark.parametrize("total", ["-107.00", "107.00"])
def test_a_credit_memo_is_a_credit_whichever_sign_it_carries(total: str) -> None:
    record = read(invoiceType="CreditMemo", total=Decimal(total), salesTaxAmount=Decimal(total))

    assert (record.total, record.tax) == (Decimal("-107.00"), Decimal("-107.00"))


def test_a_record_without_a_currency_has_the_connections_own() -> None:
    assert read(currency=None).currency == "USD"


def test_without_an_account_number_of_the_company_nothing_is_wrong() -> None:
    assert read(accountNumber=None).problems == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"description": ""}, "no_gl_entries"),
        ({"description": None}, "no_gl_entries"),
        ({"billingLogId": None}, "no_invoice_id"),
        ({"invoiceDate": None}, "unreadable"),
        ({"invoiceDate": "soon"}, "unreadable"),
        ({"total": "many"}, "unreadable"),
    ],
)
def test_what_is_wrong_with_a_row_is_a_problem_of_its_record(changes: dict[str, Any], code: str) -> None:
    assert [problem.code for problem in read(**changes).problems] == [code]


@pytest.mark.parametrize(
    "changes",
    [
        {"total": Decimal("481.51")},
        {"dateClosed": "2026-03-11T09:39:56Z"},
        {"invoiceNumber": "20612"},
        {"billingTerms": {"id": 3, "name": "Net 10"}},
        {"billToCompany": {"id": 303, "name": "Other"}},
    ],
)
def test_a_change_shows_in_the_fingerprint(changes: dict[str, Any]) -> None:
    assert read(**changes).fingerprint != read().fingerprint
