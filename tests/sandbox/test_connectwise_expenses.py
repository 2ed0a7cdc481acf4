"""Expenses at the ConnectWise stand-in: what is unposted, its two exports, batches, and what approvers do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.demo_psa.demo import demo_site
from tests.sandbox.psa import ACCOUNTING, Psa, Row

UNPOSTED = f"{ACCOUNTING}/unpostedexpenses"
EXPENSES = {"exportInvoicesFlag": False, "exportExpensesFlag": True}


@pytest.fixture
def psa() -> Iterator[Psa]:
    psa = Psa(demo_site())
    yield psa
    psa.close()


def row(psa: Psa, detail: int) -> Row:
    (found,) = psa.get(UNPOSTED, conditions=f"expenseDetailId={detail}")
    return dict(found)


def export(psa: Psa, *details: int, **body: Any) -> Row:
    ids = [row(psa, each)["id"] for each in details]
    return dict(psa.post(f"{ACCOUNTING}/export", exportExpensesFlag=True, includedExpenseIds=ids, **body))


def as_bills(psa: Psa, **boxes: Any) -> None:
    psa.switch(package_setup={"transferExpensesAsBillFlag": True, **boxes})


def exact(value: float) -> Decimal:
    return Decimal(str(value))


def entry_ids(document: Row) -> list[int]:
    return [
        number for each in document["expenses"] for number in (each["id"], each.get("offset", {}).get("id")) if number
    ]


def test_approved_expenses_and_those_that_leak_are_unposted(psa: Psa) -> None:
    rows = psa.get(UNPOSTED, pageSize=1000)
    assert len(rows) == 15
    assert {9013, 9014} <= {each["expenseDetailId"] for each in rows}
    assert 9015 not in {each["expenseDetailId"] for each in rows}
    assert {each["classification"] for each in rows} == {"Reimbursable", "NonReimbursable", "Personal"}
    assert psa.get(f"{UNPOSTED}/count", conditions="classification='Personal'") == {"count": 1}


def test_personal_expenses_can_be_left_out_of_the_list(psa: Psa) -> None:
    psa.switch(personal_expenses="unlisted")
    assert psa.get(f"{UNPOSTED}/count", conditions="classification='Personal'") == {"count": 0}


def test_a_row_names_member_report_type_and_charge(psa: Psa) -> None:
    found = row(psa, 9001)
    assert (found["member"]["identifier"], found["expenseType"]["name"], found["total"]) == ("mortiz", "Mileage", 43.4)
    assert (found["chargeDescription"], found["glType"], found["paymentMethod"]["name"]) == (
        "Mileage, 62 miles",
        "EE",
        "Paid by employee",
    )
    assert psa.get(f"{UNPOSTED}/{found['id']}") == found


def test_an_expense_of_the_house_has_no_company_and_is_internal(psa: Psa) -> None:
    found = row(psa, 9003)
    assert (found.get("company"), found["glType"]) == (None, "EI")


def test_a_member_of_one_location_sees_its_own_expenses_only(psa: Psa) -> None:
    psa.switch(structure_location=3)
    assert {each["locationId"] for each in psa.get(UNPOSTED)} == {3}


def test_an_expense_is_exported_as_an_entry_with_its_offset_and_without_its_charge_description(psa: Psa) -> None:
    document = export(psa, 9001)
    (entry,) = document["expenses"]
    assert (entry["documentType"], entry["memo"], entry["vendorNumber"]) == ("GENERAL JOURNAL", "Mileage", "E-ORTIZ")
    assert (entry["total"], entry["offset"]["total"], entry["offset"]["accountNumber"]) == (43.4, -43.4, "2000")
    assert "62 miles" not in str(document)
    assert document["expenseBills"] == []
    assert [each["member"]["identifier"] for each in document["vendors"]] == ["mortiz"]


def test_what_the_company_has_paid_is_credited_to_the_payment_methods_account(psa: Psa) -> None:
    entries = export(psa, 9004, 9009)["expenses"]
    assert entries[0]["project"]["name"] == row(psa, 9004)["project"]["name"] == "Plant network"
    assert [(each["offset"]["glTypeId"], each["offset"]["accountNumber"]) for each in entries] == [
        ("EO", "2100"),
        ("EO", "2110"),
    ]


def test_tax_within_an_expense_is_entries_of_its_own_that_add_up_with_the_offset(psa: Psa) -> None:
    entries = export(psa, 9008)["expenses"]
    assert [each["glTypeId"] for each in entries] == ["EE", "ET", "ET"]
    assert sum(exact(each["total"]) for each in entries) + exact(entries[0]["offset"]["total"]) == 0
    assert row(psa, 9008)["salesTaxAmount"] == 8.2


def test_tax_may_be_part_of_the_expense_instead(psa: Psa) -> None:
    psa.switch(expense_tax="included")
    document = export(psa, 9008)
    assert [each["total"] for each in document["expenses"]] == [88.2]
    assert psa.batch("CF-E", entry_ids(document), **EXPENSES).status_code == 201
    assert psa.get(f"{UNPOSTED}/count", conditions="expenseDetailId=9008") == {"count": 0}


def test_bills_are_one_for_each_week_with_details_that_carry_several_records(psa: Psa) -> None:
    as_bills(psa)
    document = export(psa, 9001, 9002, 9003, 9004, 9005)
    assert document["expenses"] == []
    assert [len(each["detail"]) for each in document["expenseBills"]] == [3, 1]
    bill = document["expenseBills"][0]
    assert exact(bill["total"]) == sum(exact(each["total"]) for each in bill["detail"]) == Decimal("88.55")
    assert all(len(each["id"]) == 2 and each["reimbursable"] for each in bill["detail"])


@pytest.mark.parametrize(("where", "entries", "lines"), [("absent", 0, 0), ("expenses", 1, 0), ("bills", 0, 1)])
def test_where_company_paid_expenses_are_when_others_are_bills_is_a_switch(
    psa: Psa, where: str, entries: int, lines: int
) -> None:
    as_bills(psa)
    psa.switch(nonreimbursable_bills=where)
    document = export(psa, 9004)
    assert (len(document["expenses"]), sum(len(each["detail"]) for each in document["expenseBills"])) == (
        entries,
        lines,
    )


def test_what_bills_leave_out_is_posted_by_the_record_of_its_row(psa: Psa) -> None:
    as_bills(psa)
    psa.batch("CF-E-1", [row(psa, 9004)["id"], row(psa, 9012)["id"]], **EXPENSES)
    assert psa.get(f"{UNPOSTED}/count", conditions="expenseDetailId in (9004,9012)") == {"count": 0}


def test_condensed_bills_merge_what_differs_in_its_amount_only(psa: Psa) -> None:
    as_bills(psa, expenseFormat="Condensed")
    psa.post("/_edit", action="change_expense", expense=9002, text="Parking")
    before = len(export(psa, 9001, 9002)["expenseBills"][0]["detail"])
    assert before == 2
    bill = export(psa, 9006, 9007)["expenseBills"][0]
    assert sorted(len(each["id"]) for each in bill["detail"]) == [2, 2]


def test_an_expense_whose_type_has_no_account_is_exported_bare_or_not_at_all(psa: Psa) -> None:
    assert "accountNumber" not in export(psa, 9016)["expenses"][0]
    psa.switch(unmapped_export="absent")
    assert export(psa, 9016)["expenses"] == []


def test_a_batch_takes_expenses_off_the_list_and_its_deletion_brings_them_back(psa: Psa) -> None:
    document = export(psa, 9001, 9008)
    answer = psa.batch("CF-E-1", entry_ids(document), **EXPENSES)
    assert answer.status_code == 201
    assert len(answer.json()["expenses"]) == 4
    assert psa.get(f"{UNPOSTED}/count", conditions="expenseDetailId in (9001,9008)") == {"count": 0}
    (batch,) = psa.get(f"{ACCOUNTING}/batches", conditions="batchIdentifier='CF-E-1'")
    entries = psa.get(f"{ACCOUNTING}/batches/{batch['id']}/entries")
    assert sum(exact(each.get("debit", 0)) - exact(each.get("credit", 0)) for each in entries) == 0
    again = psa.post(f"{ACCOUNTING}/batches/{batch['id']}/export", exportExpensesFlag=True)
    assert entry_ids(again) == entry_ids(document)
    psa.call("DELETE", f"{ACCOUNTING}/batches/{batch['id']}")
    assert export(psa, 9001, 9008) == document


def test_half_of_an_expense_leaves_it_unposted(psa: Psa) -> None:
    psa.batch("CF-E-1", [row(psa, 9001)["id"]], **EXPENSES)
    assert row(psa, 9001)


def test_records_of_another_kind_than_flagged_are_refused(psa: Psa) -> None:
    ids = entry_ids(export(psa, 9001))
    assert psa.batch("CF-E-1", ids).status_code == 400
    assert psa.batch("CF-E-1", ids, exportInvoicesFlag=False, exportProductsFlag=True).status_code == 400
    assert psa.batch("CF-E-1", ids, **EXPENSES).status_code == 201
    assert psa.batch("CF-E-2", ids, **EXPENSES).status_code == 400


def test_what_nobody_has_approved_cannot_be_batched(psa: Psa) -> None:
    (waiting,) = [each["record_ids"] for each in psa.get("/_expenses") if each["id"] == 9015]
    assert psa.batch("CF-E-1", waiting, **EXPENSES).status_code == 400
    psa.post("/_edit", action="set_report", report=505)
    assert psa.batch("CF-E-1", waiting, **EXPENSES).status_code == 201


def test_a_lost_answer_leaves_a_batch_that_is_found_by_its_name(psa: Psa) -> None:
    ids = entry_ids(export(psa, 9001))
    psa.post("/_faults", kind="lose_answer", method="POST", path="/finance/accounting/batches", times=1)
    with pytest.raises(requests.ConnectionError):
        psa.batch("CF-E-1", ids, **EXPENSES)
    (batch,) = psa.get(f"{ACCOUNTING}/batches", conditions="batchIdentifier='CF-E-1'")
    assert batch["exportExpensesFlag"] is True
    assert psa.batch("CF-E-1", ids, **EXPENSES).status_code == 400


def test_an_offset_may_be_a_row_of_its_own(psa: Psa) -> None:
    psa.switch(expense_offsets="listed")
    rows = psa.get(UNPOSTED, conditions="expenseDetailId=9004")
    assert [(each["glType"], each["total"]) for each in rows] == [("EE", 212.6), ("EO", -212.6)]


@pytest.mark.parametrize(
    "body",
    [
        {"includedExpenseIds": ["1"]},
        {"excludedExpenseIds": 7},
        {"includedProductIds": [31]},
        {"exportExpensesFlag": "yes"},
        {"exportPaymentsFlag": 1},
    ],
)
def test_ids_of_the_wrong_type_are_400(psa: Psa, body: Row) -> None:
    wanted = {"exportExpensesFlag": True, **body}
    assert psa.call("POST", f"{ACCOUNTING}/export", json=wanted).status_code == 400


def test_approval_lists_what_was_waiting(psa: Psa) -> None:
    assert psa.get("/expense/reports/505")["status"] == "PendingApproval"
    psa.post("/_edit", action="set_report", report=505)
    assert row(psa, 9015)["total"] == 9.0
    assert psa.get("/expense/reports", conditions="id in (501,505)")[1]["status"] == "ApprovedByTierTwo"


def test_a_changed_expense_comes_back_under_new_records(psa: Psa) -> None:
    before = entry_ids(export(psa, 9001))
    psa.post("/_edit", action="change_expense", expense=9001, amount="50.00")
    assert row(psa, 9001)["total"] == 50.0
    assert not set(before) & set(entry_ids(export(psa, 9001)))
    assert psa.batch("CF-E-1", before, **EXPENSES).status_code == 400


def test_a_batched_expense_is_changed_by_nobody(psa: Psa) -> None:
    psa.post("/_edit", action="batch_by_hand", expense=9001)
    assert psa.call("POST", "/_edit", json={"action": "change_expense", "expense": 9001}).status_code == 400
    psa.post("/_edit", action="unbatch", expense=9001)
    assert row(psa, 9001)


def test_members_carry_the_vendor_number_that_people_give_them(psa: Psa) -> None:
    (jonas,) = psa.get("/system/members", conditions="identifier='jlindqvist'")
    assert "vendorNumber" not in jonas
    psa.post("/_edit", action="vendor_number", member="jlindqvist", number="E-JON")
    assert export(psa, 9011)["expenses"][0]["vendorNumber"] == "E-JON"


@pytest.mark.parametrize(
    ("path", "count"),
    [("entries", 16), ("types", 5), ("paymentTypes", 3), ("classifications", 3), ("reports", 6)],
)
def test_the_tables_of_expenses_are_there(psa: Psa, path: str, count: int) -> None:
    assert psa.get(f"/expense/{path}/count") == {"count": count}
    assert len(psa.get(f"/expense/{path}", pageSize=100)) == count


def test_expense_tables_need_their_own_right(psa: Psa) -> None:
    psa.switch(rights={"expenses": "none"})
    assert psa.call("GET", "/expense/reports").status_code == 403
    assert psa.call("GET", UNPOSTED).status_code == 200


def test_any_expense_can_be_asked_for(psa: Psa) -> None:
    made = psa.post(
        "/_add",
        expense={
            "member": "dpatel",
            "type": "Travel",
            "payment": "Company credit card",
            "classification": "NonReimbursable",
            "amount": "106.00",
            "tax_code": "ID-6",
            "currency": "CAD",
            "company": "Acme Dental",
        },
    )
    found = row(psa, made["id"])
    assert (found["total"], found["salesTaxAmount"], found["currency"]["currencyCode"]) == (100.0, 6.0, "CAD")
    assert [each["total"] for each in export(psa, made["id"])["expenses"]] == [100.0, 6.0]
