"""Payments, credits, purchases, journals and stock of the QuickBooks stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.qbo import Books, books_of, invoice, line

Json = dict[str, Any]


@pytest.fixture
def books() -> Iterator[Books]:
    with books_of() as running:
        running.customer()
        running.create("Vendor", {"DisplayName": "Ingram Micro", "TermRef": {"value": "3"}})
        yield running


def applied(amount: float, entity: str, id_: str) -> Json:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": id_, "TxnType": entity}]}


def payment(total: float, *lines: Json) -> Json:
    return {"CustomerRef": {"value": "1"}, "TotalAmt": total, "Line": list(lines)}


def invoice_now(books: Books, id_: str) -> Json:
    found: Json = books.get(f"invoice/{id_}").json()["Invoice"]
    return found


def test_a_payment_lowers_the_balance_and_raises_the_token_of_the_invoice(books: Books) -> None:
    made = books.create("Invoice", invoice("1"))
    paid = books.create("Payment", payment(70, applied(60, "Invoice", made["Id"])))
    now = invoice_now(books, made["Id"])
    assert paid["UnappliedAmt"] == 10
    assert (now["Balance"], now["SyncToken"]) == (40, "1")
    assert now["LinkedTxn"] == [{"TxnId": paid["Id"], "TxnType": "Payment"}]
    assert books.get("customer/1").json()["Customer"]["Balance"] == 30


def test_voiding_or_deleting_a_payment_gives_the_balance_back(books: Books) -> None:
    made = books.create("Invoice", invoice("1"))
    first = books.create("Payment", payment(100, applied(100, "Invoice", made["Id"])))
    voided = books.create(
        "Payment", {"Id": first["Id"], "SyncToken": "0", "sparse": True}, operation="update", include="void"
    )
    assert (voided["TotalAmt"], voided["PrivateNote"], voided["Line"]) == (0, "Voided", [])
    assert invoice_now(books, made["Id"])["Balance"] == 100
    second = books.create("Payment", payment(100, applied(100, "Invoice", made["Id"])))
    books.create("Payment", {"Id": second["Id"], "SyncToken": "0"}, operation="delete")
    assert invoice_now(books, made["Id"])["LinkedTxn"] == []


def test_a_payment_can_be_changed(books: Books) -> None:
    made = books.create("Invoice", invoice("1"))
    paid = books.create("Payment", payment(60, applied(60, "Invoice", made["Id"])))
    change = {"Id": paid["Id"], "SyncToken": "0", "sparse": True, "TotalAmt": 80}
    books.create("Payment", change | {"Line": [applied(80, "Invoice", made["Id"])]})
    assert invoice_now(books, made["Id"])["Balance"] == 20


def test_a_refused_change_of_a_payment_leaves_everything_as_it_was(books: Books) -> None:
    made = books.create("Invoice", invoice("1"))
    paid = books.create("Payment", payment(60, applied(60, "Invoice", made["Id"])))
    before = invoice_now(books, made["Id"])
    change = {"Id": paid["Id"], "SyncToken": "0", "sparse": True, "Line": [applied(101, "Invoice", made["Id"])]}
    assert books.refusal("payment", change) == "6000"
    assert invoice_now(books, made["Id"]) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (payment(100, applied(100.01, "Invoice", "1")), "6000"),
        (payment(10, applied(20, "Invoice", "1")), "6000"),
        (payment(120, applied(60, "Invoice", "1"), applied(60, "Invoice", "1")), "6000"),
        (payment(10, applied(10, "Invoice", "77")), "2500"),
        (payment(-1), "2140"),
        ({"CustomerRef": {"value": "1"}}, "2020"),
    ],
)
def test_a_payment_that_does_not_add_up_is_refused(books: Books, body: Json, code: str) -> None:
    books.create("Invoice", invoice("1"))
    assert books.refusal("payment", body) == code


def test_a_zero_payment_links_a_credit_to_an_invoice(books: Books) -> None:
    made = books.create("Invoice", invoice("1", line(100)))
    memo = books.create("CreditMemo", invoice("1", line(30)))
    books.create("Payment", payment(0, applied(30, "Invoice", made["Id"]), applied(30, "CreditMemo", memo["Id"])))
    assert invoice_now(books, made["Id"])["Balance"] == 70
    assert books.get(f"creditmemo/{memo['Id']}").json()["CreditMemo"]["RemainingCredit"] == 0


def test_with_auto_apply_a_new_credit_is_linked_at_once(books: Books) -> None:
    books.company.switches.auto_apply_credit = True
    made = books.create("Invoice", invoice("1", line(100)))
    memo = books.create("CreditMemo", invoice("1", line(130)))
    assert (memo["RemainingCredit"], memo["SyncToken"]) == (30, "1")
    assert invoice_now(books, made["Id"])["Balance"] == 0
    (linking,) = books.query("select * from Payment")["Payment"]
    assert (linking["TotalAmt"], linking["PrivateNote"]) == (0, "Created by QB Online to link credits to charges.")
    assert books.create("Invoice", invoice("1", line(50)))["Balance"] == 20


def test_a_voided_invoice_leaves_its_payment_unapplied(books: Books) -> None:
    made = books.create("Invoice", invoice("1"))
    paid = books.create("Payment", payment(100, applied(100, "Invoice", made["Id"])))
    books.create("Invoice", {"Id": made["Id"], "SyncToken": "1"}, operation="void")
    left = books.get(f"payment/{paid['Id']}").json()["Payment"]
    assert (left["UnappliedAmt"], left["Line"]) == (100, [])


def test_an_invoice_cannot_shrink_below_what_was_paid(books: Books) -> None:
    made = books.create("Invoice", invoice("1"))
    books.create("Payment", payment(60, applied(60, "Invoice", made["Id"])))
    assert books.refusal("invoice", {"Id": made["Id"], "SyncToken": "1", "sparse": True, "Line": [line(50)]}) == "6000"


def expense(amount: float, account: str = "97", **detail: Any) -> Json:
    detail = {"AccountRef": {"value": account}, **detail}
    return {
        "DetailType": "AccountBasedExpenseLineDetail",
        "Amount": amount,
        "AccountBasedExpenseLineDetail": detail,
    }


def bill(*lines: Json, vendor: str = "2", **more: Any) -> Json:
    return {"VendorRef": {"value": vendor}, "Line": list(lines) or [expense(10)], **more}


def test_a_bill_gets_total_balance_due_date_and_payables(books: Books) -> None:
    made = books.create("Bill", bill(expense(10), expense(5.5), TxnDate="2026-11-01", DocNumber="B1"))
    assert (made["TotalAmt"], made["Balance"], made["DueDate"]) == (15.5, 15.5, "2026-12-01")
    assert made["APAccountRef"]["value"] == "33"
    assert books.create("VendorCredit", bill(expense(3)))["Balance"] == 3


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (bill(expense(-10)), "2290"),
        (bill(expense(10, "404")), "2500"),
        (bill(vendor="404"), "2500"),
        (bill(APAccountRef={"value": "35"}), "6430"),
        (bill(expense(10, BillableStatus="Billable")), "6310"),
        (bill(line(10)), "500"),
    ],
)
def test_a_bill_that_the_vendor_would_refuse_is_refused(books: Books, body: Json, code: str) -> None:
    assert books.refusal("bill", body) == code


def test_a_bill_number_is_refused_twice_for_one_vendor_or_in_the_whole_company(books: Books) -> None:
    books.create("Vendor", {"DisplayName": "Pax8"})
    books.create("Bill", bill(DocNumber="7"))
    assert books.refusal("bill", bill(DocNumber="7")) == "6140"
    books.create("Bill", bill(DocNumber="7", vendor="3"))
    books.company.switches.duplicate_bill_numbers = "company"
    assert books.refusal("bill", bill(DocNumber="7", vendor="3")) == "6140"


def test_an_expense_is_paid_from_a_bank_or_a_card(books: Books) -> None:
    body: Json = {"PaymentType": "Check", "AccountRef": {"value": "35"}, "Line": [expense(10)]}
    assert books.create("Purchase", body)["TotalAmt"] == 10
    assert books.refusal("purchase", body | {"PaymentType": "CreditCard"}) == "6430"


def journal(debit: float, credit: float, account: str = "81") -> Json:
    def side(kind: str, amount: float, account_id: str) -> Json:
        detail = {"PostingType": kind, "AccountRef": {"value": account_id}}
        return {"DetailType": "JournalEntryLineDetail", "Amount": amount, "JournalEntryLineDetail": detail}

    return {"Line": [side("Debit", debit, "88"), side("Credit", credit, account)], "DocNumber": "J1"}


def test_a_journal_entry_balances_and_counts_its_lines_from_zero(books: Books) -> None:
    assert books.refusal("journalentry", journal(10, 9.99)) == "2300"
    made = books.create("JournalEntry", journal(10, 10))
    assert [row["Id"] for row in made["Line"]] == ["0", "1"]
    assert made["TotalAmt"] == 0
    assert books.refusal("journalentry", journal(10, 10)) == "6140"
    assert books.refusal("journalentry", journal(10, 10, account="45") | {"DocNumber": "J2"}) == "6000"


def stocked(books: Books) -> str:
    body = {
        "Name": "SW-24P",
        "Type": "Inventory",
        "QtyOnHand": 10,
        "InvStartDate": "2026-01-01",
        "IncomeAccountRef": {"value": "79"},
        "ExpenseAccountRef": {"value": "88"},
        "AssetAccountRef": {"value": "81"},
    }
    return str(books.create("Item", body)["Id"])


def on_hand(books: Books, item: str) -> float:
    found: float = books.get(f"item/{item}").json()["Item"]["QtyOnHand"]
    return found


def test_stock_moves_with_sales_adjustments_and_their_undoing(books: Books) -> None:
    item = stocked(books)
    made = books.create("Invoice", invoice("1", line(30, item=item, Qty=3, UnitPrice=10)))
    assert on_hand(books, item) == 7
    detail = {"ItemRef": {"value": item}, "QtyDiff": -2}
    adjusted = books.create(
        "InventoryAdjustment",
        {
            "TxnDate": "2026-11-01",
            "AdjustAccountRef": {"value": "100"},
            "Line": [{"DetailType": "ItemAdjustmentLineDetail", "ItemAdjustmentLineDetail": detail}],
        },
    )
    assert on_hand(books, item) == 5
    books.create("Invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    books.create("InventoryAdjustment", {"Id": adjusted["Id"], "SyncToken": "0"}, operation="delete")
    assert on_hand(books, item) == 10


def test_nothing_moves_before_an_items_first_day(books: Books) -> None:
    item = stocked(books)
    assert books.refusal("invoice", invoice("1", line(10, item=item), TxnDate="2025-12-31")) == "6270"
