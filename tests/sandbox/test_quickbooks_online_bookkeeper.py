"""A bookkeeper at work in the QuickBooks stand-in, and how its change data capture tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.qbo import Books, books_of, invoice, line

Json = dict[str, Any]
LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def books() -> Iterator[Books]:
    with books_of() as running:
        running.customer()
        yield running


def sale(books: Books, amount: float = 100, entity: str = "Invoice") -> str:
    return str(books.create(entity, invoice("1", line(amount, tax="NON")))["Id"])


def work(books: Books, operation: str, **order: Any) -> Json:
    done: Json = books.control("_bookkeeper", {"operation": operation, **order})
    return done


def refused(books: Books, operation: str, **order: Any) -> str:
    address = f"{books.running.url}/_bookkeeper"
    answer = books.session.post(address, json={"operation": operation, **order}, timeout=10)
    assert answer.status_code == 400
    return str(answer.json()["Fault"]["Error"][0]["code"])


def balance(books: Books, ident: str, entity: str = "Invoice") -> float:
    return float(books.get(f"{entity.lower()}/{ident}").json()[entity]["Balance"])


def told(books: Books, entities: str) -> list[int]:
    """How many objects change data capture tells of each kind."""
    since = books.company.stamp(books.company.clock()).replace("+", "%2B")[:10] + "T00:00:00Z"
    answer = books.get("cdc", entities=entities, changedSince=since).json()
    parts = answer["CDCResponse"][0]["QueryResponse"]
    return [part.get("totalCount", 0) for part in parts]


def test_one_payment_pays_several_invoices_and_keeps_the_rest(books: Books) -> None:
    first, second = sale(books), sale(books, 60)
    paid = work(books, "receive", invoices={first: None, second: "20"}, amount="130", reference="1207")
    assert (paid["TotalAmt"], paid["UnappliedAmt"], paid["PaymentRefNum"]) == (130, 10, "1207")
    assert (balance(books, first), balance(books, second)) == (0, 40)
    work(books, "apply", payment=paid["Id"], invoices={second: "10"})
    assert balance(books, second) == 30
    assert refused(books, "apply", payment=paid["Id"], invoices={second: "10"}) == "6000"


def test_payments_are_changed_freed_voided_and_deleted(books: Books) -> None:
    ident = sale(books)
    paid = work(books, "receive", invoices={ident: "50"})
    work(books, "change", payment=paid["Id"], amount="70", invoices={ident: "70"}, date="2026-01-15")
    assert balance(books, ident) == 30
    freed = work(books, "unapply", payment=paid["Id"], invoice=ident)
    assert (freed["UnappliedAmt"], freed["TxnDate"], balance(books, ident)) == (70, "2026-01-15", 100)
    work(books, "apply", payment=paid["Id"], invoices={ident: "70"})
    assert work(books, "void", payment=paid["Id"])["TotalAmt"] == 0
    assert balance(books, ident) == 100
    work(books, "delete", payment=paid["Id"])
    assert books.count("Payment") == 0


def test_credits_are_applied_by_a_payment_of_zero_that_ends_with_its_lines(books: Books) -> None:
    ident, credit = sale(books), sale(books, 40, "CreditMemo")
    paid = work(books, "apply_credits", invoices={ident: "40"}, credits={credit: None})
    assert (paid["TotalAmt"], balance(books, ident), balance(books, credit, "CreditMemo")) == (0, 60, 0)
    assert books.get(f"creditmemo/{credit}").json()["CreditMemo"]["LinkedTxn"][0]["TxnId"] == paid["Id"]
    assert work(books, "unapply", payment=paid["Id"])["status"] == "Deleted"
    assert (balance(books, ident), balance(books, credit, "CreditMemo")) == (100, 40)


def test_money_comes_from_the_bank_and_goes_back(books: Books) -> None:
    ident = sale(books)
    deposit = work(books, "deposit_money", customer="1", amount="100")
    work(books, "apply_credits", invoices={ident: "100"}, deposits={deposit["Id"]: "100"})
    assert balance(books, ident) == 0
    paid = work(books, "receive", customer="1", amount="30")
    assert work(books, "refund", payment=paid["Id"])["UnappliedAmt"] == 0
    banked = work(books, "deposit", payments=[paid["Id"]])
    now = books.get(f"payment/{paid['Id']}").json()["Payment"]
    assert now["LinkedTxn"] == [{"TxnId": banked["Id"], "TxnType": "Deposit"}]
    work(books, "refund_receipt", customer="1", amount="12.50")
    assert told(books, "Deposit,RefundReceipt") == [2, 1]
    work(books, "delete", deposit=deposit["Id"])
    assert balance(books, ident) == 100


def test_what_makes_no_sense_is_refused(books: Books) -> None:
    assert refused(books, "juggle") == "500"
    assert refused(books, "receive", invoices={"77": None}) == "610"
    assert refused(books, "void", payment="77") == "610"
    assert books.refusal("deposit", {"Line": []}) == "500"


def test_customers_pay_each_in_their_own_way(books: Books) -> None:
    customers = ["1", *(books.customer(f"Customer {number}") for number in range(2, 6))]
    idents = {}
    for customer in customers:
        rows = [invoice(customer, line(100, tax="NON"), PrivateNote="PSA 1 · CF-I1-g1") for _ in range(2)]
        idents[customer] = [str(books.create("Invoice", row)["Id"]) for row in rows]
    other = sale(books)
    books.create("CreditMemo", invoice("1", line(30, tax="NON"), PrivateNote="CF-I2-g1"))
    assert len(work(books, "collect", noted="CF-")["payments"]) == 5
    left = [[balance(books, ident) for ident in idents[customer]] for customer in customers]
    assert left == [[0, 0], [50, 100], [0, 100], [100, 100], [100, 100]]
    assert balance(books, other) == 100
    assert sum(row["UnappliedAmt"] for row in books.company.tables["Payment"].values()) == 25


@pytest.mark.parametrize(("limit", "counts"), [("answer", [600, 400]), ("entity", [600, 700])])
def test_change_data_capture_tells_a_thousand_objects_an_answer_or_a_kind(
    books: Books, limit: str, counts: list[int]
) -> None:
    books.company.switches.cdc_limit = limit
    for entity, count in (("Invoice", 600), ("CreditMemo", 700)):
        row = books.company.tables[entity][sale(books, entity=entity)]
        more = {str(number): {**row, "Id": str(number)} for number in range(10_000, 10_000 + count - 1)}
        books.company.tables[entity].update(more)
    assert told(books, "Invoice,CreditMemo") == counts
