"""What the QuickBooks stand-in makes of documents, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.qbo import Books, books_of, invoice, line


@pytest.fixture
def books() -> Iterator[Books]:
    with books_of() as running:
        yield running


def test_an_invoice_comes_back_with_ids_subtotal_due_date_and_totals(books: Books) -> None:
    customer = books.customer(SalesTermRef={"value": "3"}, PrimaryEmailAddr={"Address": "ap@acme.example"})
    created = books.create("Invoice", invoice(customer, line(100), TxnDate="2026-11-20", DocNumber="10482"))
    assert created["SyncToken"] == "0"
    assert [row["DetailType"] for row in created["Line"]] == ["SalesItemLineDetail", "SubTotalLineDetail"]
    assert (created["Line"][0]["Id"], created["Line"][0]["LineNum"]) == ("1", 1)
    assert (created["DueDate"], created["TotalAmt"], created["Balance"]) == ("2026-12-20", 100, 100)
    assert created["BillEmail"] == {"Address": "ap@acme.example"}
    assert created["CustomerRef"]["name"] == "Acme Dental"
    assert created["MetaData"]["CreateTime"][-6:] in {"-07:00", "-08:00"}


def test_a_date_driven_term_falls_due_on_its_day_of_the_next_month(books: Books) -> None:
    created = books.create(
        "Invoice", invoice(books.customer(), TxnDate="2026-11-20", SalesTermRef={"value": "5"}, DocNumber="1")
    )
    assert created["DueDate"] == "2026-12-10"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Memo1": "x"}, "2010"),
        ({"CustomerRef": None}, "2020"),
        ({"Line": []}, "2020"),
        ({"DocNumber": "1" * 22}, "2050"),
        ({"PrivateNote": "x" * 4001}, "2050"),
        ({"CustomField": [{"DefinitionId": "1", "StringValue": "x" * 32}]}, "2050"),
        ({"CustomField": [{"DefinitionId": "9", "StringValue": "x"}]}, "3000"),
        ({"CustomerRef": {"value": "404"}}, "2500"),
        ({"TxnDate": "20.11.2026"}, "2060"),
        ({"SalesTermRef": {"value": "99"}}, "2500"),
        ({"BillEmail": {"Address": "nobody"}}, "2210"),
        ({"EmailStatus": "NeedToSend"}, "6420"),
        ({"PrintStatus": "Maybe"}, "2170"),
        ({"BillAddr": {"Line9": "x"}}, "2010"),
        ({"CurrencyRef": {"value": "EUR"}}, "6000"),
        ({"Line": [line(100, item="404")]}, "2500"),
        ({"Line": [line(100, Qty=3, UnitPrice=33)]}, "6070"),
        ({"Line": [line(100, tax="3")]}, "6100"),
        ({"Line": [line(-100)]}, "6000"),
        ({"Line": [{"Amount": 1}]}, "2020"),
        ({"Line": [line(100) | {"Description": "x" * 4001}]}, "2050"),
    ],
)
def test_an_invoice_that_the_vendor_would_refuse_is_refused(books: Books, change: dict[str, Any], code: str) -> None:
    body = {**invoice(books.customer(), DocNumber="1"), **change}
    assert books.refusal("invoice", body) == code
    assert books.count() == 0


def test_an_amount_is_quantity_times_price_rounded_half_up(books: Books) -> None:
    created = books.create("Invoice", invoice(books.customer(), line(0.35, Qty=0.5, UnitPrice=0.69)))
    assert created["TotalAmt"] == 0.35


def test_a_reference_to_something_inactive_is_610(books: Books) -> None:
    customer = books.customer()
    books.control("_edit", {"entity": "Customer", "id": customer, "operation": "inactivate"})
    assert books.refusal("invoice", invoice(customer)) == "610"


def test_an_update_needs_the_newest_sync_token(books: Books) -> None:
    created = books.create("Invoice", invoice(books.customer()))
    change = {"Id": created["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "one"}
    assert books.create("Invoice", change)["SyncToken"] == "1"
    assert books.refusal("invoice", change) == "5010"


def test_a_sparse_update_keeps_what_it_does_not_name(books: Books) -> None:
    created = books.create("Invoice", invoice(books.customer(), PrivateNote="kept", DocNumber="7"))
    changed = books.create("Invoice", {"Id": created["Id"], "SyncToken": "0", "sparse": True, "TxnDate": "2026-01-02"})
    assert (changed["PrivateNote"], changed["DocNumber"], changed["TxnDate"]) == ("kept", "7", "2026-01-02")
    assert changed["Line"][0]["Id"] == created["Line"][0]["Id"]


def test_a_full_update_empties_what_it_does_not_name(books: Books) -> None:
    customer = books.customer(Notes="gone soon")
    changed = books.create("Customer", {"Id": customer, "SyncToken": "0", "DisplayName": "Acme"})
    assert "Notes" not in changed


def test_lines_in_an_update_replace_all_lines(books: Books) -> None:
    created = books.create("Invoice", invoice(books.customer(), line(10), line(20)))
    kept = created["Line"][1]
    changed = books.create("Invoice", {"Id": created["Id"], "SyncToken": "0", "sparse": True, "Line": [kept, line(5)]})
    assert [row.get("Id") for row in changed["Line"]] == ["2", "3", None]
    assert changed["TotalAmt"] == 25


def test_a_deleted_invoice_is_gone_and_answers_as_the_vendor_does(books: Books) -> None:
    created = books.create("Invoice", invoice(books.customer()))
    gone = books.create("Invoice", {"Id": created["Id"], "SyncToken": "0"}, operation="delete")
    assert gone == {"domain": "QBO", "status": "Deleted", "Id": created["Id"]}
    assert books.get(f"invoice/{created['Id']}").json()["Fault"]["Error"][0]["code"] == "610"


def test_a_voided_invoice_stays_with_zeros(books: Books) -> None:
    created = books.create("Invoice", invoice(books.customer(), line(50, Qty=1, UnitPrice=50), PrivateNote="PSA 1"))
    voided = books.create("Invoice", {"Id": created["Id"], "SyncToken": "0"}, operation="void")
    assert (voided["TotalAmt"], voided["Balance"], voided["Line"][0]["Amount"]) == (0, 0, 0)
    assert voided["PrivateNote"].startswith("Voided")


def test_a_credit_memo_has_no_void(books: Books) -> None:
    memo = books.create("CreditMemo", invoice(books.customer()))
    assert memo["RemainingCredit"] == 100
    assert books.refusal("creditmemo", {"Id": memo["Id"], "SyncToken": "0"}, operation="void") == "500"


def test_nothing_is_posted_into_closed_books(books: Books) -> None:
    books.company.switches.book_close_date = "2026-10-31"
    customer = books.customer()
    assert books.refusal("invoice", invoice(customer, TxnDate="2026-10-31")) == "6210"
    assert books.post("invoice", invoice(customer, TxnDate="2026-11-01")).status_code == 200


@pytest.mark.parametrize("taken_by", ["Customer", "Vendor", "Employee"])
def test_customers_vendors_and_employees_share_their_names(books: Books, taken_by: str) -> None:
    holder = {"DisplayName": "ACME dental", "GivenName": "A", "FamilyName": "D"}
    books.create(taken_by, holder)
    assert books.refusal("customer", {"DisplayName": "Acme Dental "}) == "6240"


def test_an_inactive_name_is_kept_with_a_suffix_and_frees_the_name(books: Books) -> None:
    customer = books.customer("Umpqua")
    gone = books.create("Customer", {"Id": customer, "SyncToken": "0", "sparse": True, "Active": False})
    assert gone["DisplayName"] == "Umpqua (deleted)"
    assert books.refusal("customer", {"DisplayName": "Umpqua (deleted)"}) == "6240"
    assert books.customer("Umpqua") != customer


@pytest.mark.parametrize("name", ["A:B", "A\tB", "A\nB"])
def test_a_name_with_a_colon_tab_or_line_break_is_refused(books: Books, name: str) -> None:
    assert books.refusal("customer", {"DisplayName": name}) == "2040"
    assert books.refusal("item", {"Name": name, "Type": "Service", "IncomeAccountRef": {"value": "80"}}) == "2040"


def test_a_service_and_a_sale_need_an_income_account_as_the_switches_say(books: Books) -> None:
    bought = {"Name": "Freight", "Type": "Service", "ExpenseAccountRef": {"value": "88"}}
    assert books.refusal("item", bought) == "2020"
    books.company.switches.service_items = "either_account"
    sold = invoice(books.customer(), line(item=str(books.create("Item", bought)["Id"])))
    assert books.refusal("invoice", sold) == "6430"
    books.company.switches.sold_without_account = "booked"
    assert books.create("Invoice", sold)["Line"][0]["SalesItemLineDetail"]["ItemAccountRef"]["value"] == "82"


def test_a_customer_with_an_open_balance_cannot_be_made_inactive(books: Books) -> None:
    customer = books.customer()
    books.create("Invoice", invoice(customer))
    change = {"Id": customer, "SyncToken": "0", "sparse": True, "Active": False}
    assert books.refusal("customer", change) == "6220"


def test_own_numbers_are_kept_and_a_second_one_is_refused(books: Books) -> None:
    customer = books.customer()
    assert books.create("Invoice", invoice(customer, DocNumber="A-1"))["DocNumber"] == "A-1"
    assert books.refusal("invoice", invoice(customer, DocNumber="a-1")) == "6140"
    books.create("Invoice", invoice(customer, DocNumber="A-1"), include="allowduplicatedocnum")
    books.company.switches.duplicate_numbers = "allowed"
    books.create("Invoice", invoice(customer, DocNumber="A-1"))
    assert books.count() == 3


def test_with_own_numbers_a_missing_one_stays_missing(books: Books) -> None:
    assert "DocNumber" not in books.create("Invoice", invoice(books.customer()))


def test_without_own_numbers_the_vendor_counts_on_and_takes_any_number(books: Books) -> None:
    books.company.switches.custom_txn_numbers = False
    customer = books.customer()
    books.create("Invoice", invoice(customer, DocNumber="INV-9"))
    assert books.create("Invoice", invoice(customer))["DocNumber"] == "INV-10"
    assert books.create("Invoice", invoice(customer, DocNumber="INV-9"))["DocNumber"] == "INV-9"


def test_classes_and_locations_are_dropped_where_they_are_not_tracked(books: Books) -> None:
    body = invoice(books.customer(), line(1, ClassRef={"value": "1"}), DepartmentRef={"value": "2"})
    tracked = books.create("Invoice", body)
    books.company.switches.update({"track_classes": "no", "track_departments": False})
    untracked = books.create("Invoice", body)
    assert tracked["DepartmentRef"]["name"] == "Tacoma"
    assert tracked["Line"][0]["SalesItemLineDetail"]["ClassRef"]["name"] == "Recurring"
    assert "DepartmentRef" not in untracked
    assert "ClassRef" not in untracked["Line"][0]["SalesItemLineDetail"]


def test_with_several_currencies_the_customers_own_is_required(books: Books) -> None:
    books.company.switches.multi_currency = True
    customer = books.customer("Maple Ltd", CurrencyRef={"value": "CAD"})
    assert books.refusal("invoice", invoice(customer)) == "2020"
    assert books.refusal("invoice", invoice(customer, CurrencyRef={"value": "USD"})) == "6000"
    assert books.create("Invoice", invoice(customer, CurrencyRef={"value": "CAD"}))["CurrencyRef"]["value"] == "CAD"


def test_unknown_addresses_ids_and_forms_are_refused_as_the_vendor_does(books: Books) -> None:
    assert books.refusal("invoices", {}) == "500"
    assert books.get("customer/1.5").json()["Fault"]["Error"][0]["code"] == "2030"
    text = books.session.post(f"{books.base}/invoice", data="x", headers={"Content-Type": "text/plain"}, timeout=5)
    assert text.json()["Fault"]["Error"][0]["code"] == "1050"
    broken = books.session.post(
        f"{books.base}/invoice", data="{", headers={"Content-Type": "application/json"}, timeout=5
    )
    assert broken.status_code == 400
