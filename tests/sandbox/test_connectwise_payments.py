"""Payments on the ConnectWise stand-in's invoices: totals, refusals, and what differs between sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.demo_psa.demo import demo_site
from tests.sandbox.psa import Psa

Row = dict[str, Any]


@pytest.fixture
def psa() -> Iterator[Psa]:
    running = Psa(demo_site())
    yield running
    running.close()


@pytest.fixture
def invoice(psa: Psa) -> Row:
    """An invoice of more than a hundred."""
    return next(row for row in psa.get("/finance/invoices", pageSize=1000) if row["total"] > 100)


@pytest.fixture
def credit(psa: Psa) -> Row:
    return next(row for row in psa.get("/finance/invoices", pageSize=1000) if row["total"] < -20)


def path(invoice: Row, more: str = "") -> str:
    return f"/finance/invoices/{invoice['id']}/payments{more}"


def now(psa: Psa, invoice: Row) -> Row:
    row: Row = psa.get(f"/finance/invoices/{invoice['id']}")
    return {name: row[name] for name in ("payments", "credits", "balance")}


def refusal(psa: Psa, invoice: Row, /, **body: Any) -> tuple[int, str]:
    """Status and the field that is named."""
    answer = psa.call("POST", path(invoice), json={"type": "P", "amount": 10, **body})
    return answer.status_code, answer.json().get("errors", [{}])[0].get("field", "")


def test_the_body_that_was_recorded_is_taken_and_totals_follow(psa: Psa, invoice: Row) -> None:
    made = psa.post(path(invoice), type="P", amount=40.5, invoice={"id": invoice["id"]})
    assert (made["amount"], made["invoice"]["id"]) == (40.5, invoice["id"])
    assert now(psa, invoice) == {"payments": 40.5, "credits": 0, "balance": round(invoice["total"] - 40.5, 2)}
    change = [{"op": "replace", "path": "/amount", "value": "45"}]
    assert psa.call("PATCH", path(invoice, f"/{made['id']}"), json=change).json()["amount"] == 45
    assert psa.get(path(invoice, f"/{made['id']}"))["amount"] == 45
    assert psa.call("DELETE", path(invoice, f"/{made['id']}")).status_code == 204
    assert now(psa, invoice)["balance"] == invoice["total"]
    assert psa.call("DELETE", path(invoice, f"/{made['id']}")).status_code == 404


def test_what_the_vendor_refuses_is_refused(psa: Psa, invoice: Row, credit: Row) -> None:
    assert refusal(psa, invoice, type="") == (400, "type")
    assert refusal(psa, invoice, type="X") == (400, "type")
    assert refusal(psa, invoice, amount=None) == (400, "amount")
    assert refusal(psa, invoice, amount=0) == (400, "amount")
    assert refusal(psa, invoice, amount="much") == (400, "amount")
    assert refusal(psa, invoice, amount=invoice["total"] + 1) == (400, "amount")
    assert refusal(psa, invoice, glBatchID="x" * 51) == (400, "glBatchID")
    assert refusal(psa, invoice, paymentDate="soon") == (400, "paymentDate")
    assert refusal(psa, invoice, invoice={"id": 7}) == (400, "invoice")
    assert refusal(psa, invoice, credit={"id": invoice["id"]}) == (400, "credit")
    assert refusal(psa, invoice, type="P", credit={"id": credit["id"]}) == (400, "type")
    assert refusal(psa, {"id": 99999})[0] == 404
    assert psa.get(path(invoice)) == []


def test_a_credit_is_drawn_from_until_nothing_is_left(psa: Psa, invoice: Row, credit: Row) -> None:
    psa.post(path(invoice), type="C", amount=20, credit={"id": credit["id"]})
    assert now(psa, invoice)["credits"] == 20
    assert now(psa, credit)["balance"] == round(credit["total"] + 20, 2)
    assert refusal(psa, invoice, type="C", amount=-credit["total"], credit={"id": credit["id"]}) == (400, "amount")


def test_sites_differ_and_switches_say_how(psa: Psa, invoice: Row, credit: Row) -> None:
    psa.switch(payments_per_invoice="one", overpayment="cut", credit_payments="refused", payment_marks="dropped")
    first = psa.post(path(invoice), type="P", amount=10, glBatchID="CF-1")
    second = psa.post(path(invoice), type="P", amount=invoice["total"] + 5)
    assert first["id"] == second["id"]
    assert "glBatchID" not in first
    assert (second["amount"], len(psa.get(path(invoice)))) == (invoice["total"], 1)
    assert refusal(psa, invoice, type="C", credit={"id": credit["id"]}) == (400, "type")
    with pytest.raises(AssertionError, match="overpayment"):
        psa.switch(overpayment="celebrated")


def test_people_enter_correct_and_remove_payments(psa: Psa, invoice: Row) -> None:
    psa.post("/_edit", action="take_payment", invoice=invoice["invoiceNumber"], amount="12.30", date="2026-11-02")
    (row,) = psa.get(path(invoice))
    assert (row["amount"], row["paymentDate"], row["appliedBy"]) == (12.3, "2026-11-02T00:00:00Z", "mortiz")
    psa.post("/_edit", action="correct_payment", payment=row["id"], amount="13.00")
    (listed,) = psa.get("/_payments")
    assert (listed["amount"], listed["number"]) == ("13.00", invoice["invoiceNumber"])
    psa.post("/_edit", action="take_off_payment", payment=row["id"])
    assert psa.get("/_payments") == []


def test_payments_take_the_right_to_edit_and_to_delete(psa: Psa, invoice: Row) -> None:
    psa.switch(rights={"invoicing": "inquire"})
    assert psa.call("POST", path(invoice), json={"type": "P", "amount": 1}).status_code == 403
    psa.switch(rights={"invoicing": "edit"})
    made = psa.post(path(invoice), type="P", amount=1)
    assert psa.call("DELETE", path(invoice, f"/{made['id']}")).status_code == 403


def test_an_invoice_is_closed_as_paid_by_its_status(psa: Psa, invoice: Row) -> None:
    step = [{"op": "replace", "path": "status", "value": {"id": 14}}]
    answer = psa.call("PATCH", f"/finance/invoices/{invoice['id']}", json=step)
    assert answer.json()["status"] == {"id": 14, "name": "Paid", "isClosed": True}
    assert psa.number(invoice["invoiceNumber"])
