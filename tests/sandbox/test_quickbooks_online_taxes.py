"""Sales tax of the QuickBooks stand-in: by hand, automated, and outside the US."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.quickbooks_online.chart import empty_company
from tests.sandbox.qbo import Books, books_of, invoice, line


@pytest.fixture
def books() -> Iterator[Books]:
    with books_of() as running:
        yield running


def taxed(books: Books, detail: dict[str, Any], *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return books.create("Invoice", invoice(books.customer(), *lines, TxnTaxDetail=detail, **more))


def shares(document: dict[str, Any]) -> list[float]:
    return [row["Amount"] for row in document["TxnTaxDetail"]["TaxLine"]]


def test_by_hand_the_group_of_the_transaction_taxes_the_taxable_lines(books: Books) -> None:
    made = taxed(books, {"TxnTaxCodeRef": {"value": "3"}}, line(100), line(50, tax="NON"))
    assert shares(made) == [6.5, 3.75]
    assert (made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (10.25, 160.25)
    assert made["TxnTaxDetail"]["TaxLine"][0]["TaxLineDetail"]["NetAmountTaxable"] == 100


def test_by_hand_an_explicit_tax_is_kept_and_shared_out_over_the_rates(books: Books) -> None:
    made = taxed(books, {"TxnTaxCodeRef": {"value": "3"}, "TotalTax": 10.27})
    assert shares(made) == [6.51, 3.76]
    assert made["TotalAmt"] == 110.27


def test_by_hand_without_a_group_there_is_no_tax(books: Books) -> None:
    assert taxed(books, {"TotalTax": 5})["TotalAmt"] == 100


def test_by_hand_an_unknown_group_is_refused(books: Books) -> None:
    body = invoice(books.customer(), TxnTaxDetail={"TxnTaxCodeRef": {"value": "77"}})
    assert books.refusal("invoice", body) == "2500"
    body["TxnTaxDetail"] = {"TxnTaxCodeRef": {"value": "TAX"}}
    assert books.refusal("invoice", body) == "6160"


def test_automated_tax_replaces_the_code_but_keeps_an_explicit_amount(books: Books) -> None:
    books.company.switches.update({"tax_mode": "us_ast", "ast_tax_code": "4"})
    made = taxed(books, {"TxnTaxCodeRef": {"value": "3"}, "TotalTax": 9.99})
    assert made["TxnTaxDetail"]["TxnTaxCodeRef"]["value"] == "4"
    assert (shares(made), made["TotalAmt"]) == ([9.99], 109.99)


def test_automated_tax_computes_where_nothing_was_sent(books: Books) -> None:
    books.company.switches.update({"tax_mode": "us_ast", "ast_tax_code": "4"})
    assert books.create("Invoice", invoice(books.customer()))["TotalAmt"] == 106


def test_without_sales_tax_the_detail_is_ignored(books: Books) -> None:
    books.company.switches.using_sales_tax = False
    made = taxed(books, {"TxnTaxCodeRef": {"value": "3"}, "TotalTax": 9})
    assert made["TxnTaxDetail"] == {"TotalTax": 0}
    assert made["TotalAmt"] == 100


def test_new_lines_in_an_update_are_taxed_afresh(books: Books) -> None:
    made = taxed(books, {"TxnTaxCodeRef": {"value": "4"}, "TotalTax": 5.99})
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Line": [line(200)]}
    assert books.create("Invoice", change)["TotalAmt"] == 212


def test_preferences_tell_the_tax_model(books: Books) -> None:
    manual = books.get("preferences").json()["Preferences"]["TaxPrefs"]
    books.company.switches.tax_mode = "us_ast"
    automated = books.get("preferences").json()["Preferences"]["TaxPrefs"]
    assert "PartnerTaxEnabled" not in manual
    assert automated["PartnerTaxEnabled"] is True


def test_elsewhere_each_line_needs_a_code_and_tax_is_rounded_by_line() -> None:
    with books_of(empty_company(country="GB", home_currency="GBP", tax_mode="non_us")) as books:
        customer = books.customer()
        lines = [line(4.12, tax="15") for _ in range(3)]
        assert books.refusal("invoice", invoice(customer, *lines)) == "2020"
        made = books.create("Invoice", invoice(customer, *lines, GlobalTaxCalculation="TaxExcluded"))
        assert made["TxnTaxDetail"]["TotalTax"] == 2.46
        bare = line(1)
        del bare["SalesItemLineDetail"]["TaxCodeRef"]
        assert books.refusal("invoice", invoice(customer, bare, GlobalTaxCalculation="TaxExcluded")) == "6000"


def test_elsewhere_an_override_must_name_every_rate() -> None:
    with books_of(empty_company(country="GB", home_currency="GBP", tax_mode="non_us")) as books:
        lines = [line(100, tax="15"), line(100, tax="16")]
        body = invoice(books.customer(), *lines, GlobalTaxCalculation="TaxExcluded")
        one = {"Amount": 20.01, "DetailType": "TaxLineDetail", "TaxLineDetail": {"TaxRateRef": {"value": "15"}}}
        other = {"Amount": 5, "DetailType": "TaxLineDetail", "TaxLineDetail": {"TaxRateRef": {"value": "16"}}}
        assert books.refusal("invoice", {**body, "TxnTaxDetail": {"TotalTax": 25.01, "TaxLine": [one]}}) == "6000"
        made = books.create("Invoice", {**body, "TxnTaxDetail": {"TotalTax": 25.01, "TaxLine": [one, other]}})
        assert made["TotalAmt"] == 225.01
