"""The query language and change data capture of the QuickBooks stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.qbo import Books, books_of, invoice


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    """Three customers with seven invoices, for reading only."""
    with books_of() as running:
        for name in ("Adam's Candy", "Beta & Co", "beta blockers"):
            running.customer(name)
        for position in range(7):
            running.create("Invoice", invoice("1", DocNumber=f"D-{position}", TxnDate=f"2026-11-{position + 10:02}"))
        yield running


def names(books: Books, where: str) -> list[str]:
    return [row["DisplayName"] for row in books.query(f"select * from Customer where {where}").get("Customer", [])]


def numbers(books: Books, rest: str) -> list[str]:
    return [row["DocNumber"] for row in books.query(f"SELECT * FROM Invoice {rest}").get("Invoice", [])]


def test_values_are_compared_without_regard_to_case_and_quotes_are_escaped(books: Books) -> None:
    assert names(books, r"DisplayName = 'ADAM\'S candy'") == ["Adam's Candy"]
    assert names(books, "displayname = 'Beta & Co'") == ["Beta & Co"]


def test_like_knows_the_percent_sign_only(books: Books) -> None:
    assert names(books, "DisplayName LIKE 'beta%'") == ["Beta & Co", "beta blockers"]
    assert names(books, "DisplayName LIKE '%and%'") == ["Adam's Candy"]


def test_conditions_are_joined_by_and_and_lists_stand_in_brackets(books: Books) -> None:
    rest = "WHERE DocNumber IN ('d-1', 'D-5', 'D-6') AND TxnDate < '2026-11-16' AND CustomerRef = '1'"
    assert numbers(books, rest) == ["D-1", "D-5"]
    assert numbers(books, "WHERE TotalAmt >= '100.00' AND Balance > 99 AND DocNumber = 'D-2'") == ["D-2"]


def test_pages_and_order_stand_in_either_order(books: Books) -> None:
    assert numbers(books, "ORDERBY DocNumber DESC MAXRESULTS 2 STARTPOSITION 2") == ["D-5", "D-4"]
    assert numbers(books, "ORDER BY TxnDate ASC STARTPOSITION 6 MAXRESULTS 10") == ["D-5", "D-6"]


def test_counts_and_empty_results_have_their_own_shapes(books: Books) -> None:
    assert books.query("select count(*) from Invoice where TxnDate >= '2026-11-14'") == {"totalCount": 3}
    assert books.query("select * from Invoice where DocNumber = 'none'") == {}


def test_an_answer_says_where_it_starts_and_how_many_it_has(books: Books) -> None:
    answer = books.query("select * from Invoice startposition 3 maxresults 2")
    assert (answer["startPosition"], answer["maxResults"], len(answer["Invoice"])) == (3, 2, 2)


def test_moments_compare_across_offsets(books: Books) -> None:
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    assert len(numbers(books, f"WHERE MetaData.CreateTime >= '{hour_ago}'")) == 7
    assert numbers(books, f"WHERE MetaData.LastUpdatedTime < '{hour_ago}'") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select * from Invoice where PrivateNote = 'x'", "4001"),
        ("select * from Custmoer", "4001"),
        ("select * from Invoice maxresults 1001", "4001"),
        ("select * from Invoice startposition 0", "4001"),
        ("select * from Invoice where Id > '3'", "4001"),
        ("select * from Invoice where Id = '3' or Id = '4'", "4000"),
        ("select * from Invoice where DocNumber != '3'", "4000"),
        ("select * from Invoice where DocNumber = 'it's'", "4000"),
        ("select from Invoice", "4000"),
        ("update Invoice", "4000"),
    ],
)
def test_what_the_language_lacks_is_refused(books: Books, text: str, code: str) -> None:
    assert books.query_refusal(text) == code


def test_a_statement_may_be_posted(books: Books) -> None:
    headers = {"Content-Type": "application/text"}
    sent = books.session.post(f"{books.base}/query", data="select count(*) from Invoice", headers=headers, timeout=5)
    assert sent.json()["QueryResponse"] == {"totalCount": 7}


def test_company_and_preferences_can_be_queried(books: Books) -> None:
    assert books.query("select * from CompanyInfo")["CompanyInfo"][0]["Country"] == "US"
    assert books.query("select * from Preferences")["Preferences"][0]["SalesFormsPrefs"]["CustomTxnNumbers"] is True


def test_columns_can_be_chosen(books: Books) -> None:
    row = books.query("select Id, DocNumber from Invoice maxresults 1")["Invoice"][0]
    assert set(row) == {"Id", "DocNumber", "domain", "sparse"}


def test_inactive_names_come_only_when_asked_for() -> None:
    with books_of() as books:
        books.customer("Here")
        gone = books.customer("Gone")
        books.control("_edit", {"entity": "Customer", "id": gone, "operation": "inactivate"})
        assert names(books, "Id IN ('1', '2')") == ["Here"]
        assert names(books, "Active IN (true, false)") == ["Here", "Gone (deleted)"]
        assert names(books, "Active = false") == ["Gone (deleted)"]


def test_a_query_lags_behind_a_create_but_reading_by_id_does_not() -> None:
    with books_of() as books:
        customer = books.customer()
        books.company.switches.query_lag = 60
        made = books.create("Invoice", invoice(customer, DocNumber="1"))
        assert numbers(books, "WHERE DocNumber = '1'") == []
        assert books.get(f"invoice/{made['Id']}").status_code == 200


def test_cdc_tells_changes_and_deletions() -> None:
    with books_of() as books:
        since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="seconds")
        customer = books.customer()
        kept, gone = (books.create("Invoice", invoice(customer)) for _ in range(2))
        books.create("Invoice", {"Id": gone["Id"], "SyncToken": "0"}, operation="delete")
        answer = books.get("cdc", entities="Invoice,Payment", changedSince=since).json()
        invoices, payments = answer["CDCResponse"][0]["QueryResponse"]
        assert [(row["Id"], row.get("status")) for row in invoices["Invoice"]] == [
            (kept["Id"], None),
            (gone["Id"], "Deleted"),
        ]
        assert payments == {}
        old = (datetime.now(UTC) - timedelta(days=31)).isoformat(timespec="seconds")
        assert books.get("cdc", entities="Invoice", changedSince=old).status_code == 400
