"""The ConnectWise stand-in's accounting interface: export, batches, undo, and what people do meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.demo_psa.demo import demo_site
from tests.sandbox.psa import ACCOUNTING, Psa, Row, record_ids


@pytest.fixture
def psa() -> Iterator[Psa]:
    psa = Psa(demo_site())
    yield psa
    psa.close()


def exported(psa: Psa, number: str, **body: Any) -> Row:
    (document,) = psa.export(psa.number(number)["billingLogId"], **body)
    return document


def cents(value: float) -> Decimal:
    return Decimal(str(value))


def test_an_unposted_row_carries_two_ids(psa: Psa) -> None:
    row = psa.number("10404")
    assert (row["billingLogId"], row["total"], row["salesTaxAmount"]) == (38924, 437.3, 17.3)
    assert row["id"] != row["billingLogId"]
    assert psa.get(f"{ACCOUNTING}/unpostedinvoices/{row['id']}") == row
    assert psa.call("GET", f"{ACCOUNTING}/unpostedinvoices/{row['billingLogId']}").status_code == 404


def test_taxable_levels_add_up_to_the_sales_tax(psa: Psa) -> None:
    row = psa.number("10409")
    levels = psa.get(f"{ACCOUNTING}/unpostedinvoices/{row['id']}/taxableLevels")
    assert [each["taxLevel"] for each in levels] == [1, 3]
    assert sum(cents(each["taxAmount"]) for each in levels) == cents(row["salesTaxAmount"])


def test_export_changes_nothing(psa: Psa) -> None:
    assert exported(psa, "10394") == exported(psa, "10394")


def test_header_and_lines_add_up_to_zero_in_every_document_but_the_one_that_drifts(psa: Psa) -> None:
    documents = psa.export(thruDate="2100-01-01T00:00:00Z")
    off = {
        each["documentNumber"]: cents(each["total"]) + sum(cents(line["total"]) for line in each["detail"])
        for each in documents
    }
    assert len(documents) == len(psa.unposted())
    assert {number: cents for number, cents in off.items() if cents} == {"10425": Decimal("0.01")}


def test_an_invoice_has_a_positive_header_and_negative_lines_and_a_credit_memo_the_opposite(psa: Psa) -> None:
    sale, credit = exported(psa, "10409"), exported(psa, "10411")
    assert (sale["documentType"], credit["documentType"]) == ("INVOICE", "CREDIT MEMO")
    assert (sale["total"] > 0, sale["detail"][0]["total"] < 0) == (True, True)
    assert (credit["total"] < 0, all(line["total"] > 0 for line in credit["detail"])) == (True, True)


def test_a_negative_invoice_is_still_an_invoice(psa: Psa) -> None:
    document = exported(psa, "10407")
    assert (document["documentType"], document["billingType"], document["total"]) == ("INVOICE", "Standard", -273.5)


def test_tax_stands_in_the_header_and_in_lines_as_fraction_and_percent(psa: Psa) -> None:
    document = exported(psa, "10409")
    taxes = [line for line in document["detail"] if line["glTypeId"] == "ST"]
    assert [line["description"] for line in taxes] == ["Level 1 Sales Tax", "Level 3 Sales Tax"]
    assert sum(-cents(line["total"]) for line in taxes) == cents(document["salesTax"])
    assert (document["taxGroupRate"], taxes[0]["taxRate"], taxes[0]["taxRatePercent"]) == (0.1025, 0.065, 6.5)


def test_item_price_is_rounded_and_the_total_is_not_quantity_times_it(psa: Psa) -> None:
    line = exported(psa, "10410")["detail"][0]
    assert (line["quantity"], line["itemPrice"], line["total"]) == (-37.0, 5.25, -194.09)


def test_header_ids_and_detail_ids_never_meet(psa: Psa) -> None:
    for summary in ("Default", "Condensed", "Detailed"):
        document = exported(psa, "10464", summarizeInvoices=summary)
        ids = record_ids(document)
        assert len(ids) == len(set(ids))
        assert set(ids) == set(psa.site.invoices[document["id"]].stamp.ids)  # type: ignore[union-attr]  # it is closed


def test_summary_levels_show_more_and_more(psa: Psa) -> None:
    lines = {
        level: [line["memo"] for line in exported(psa, "10408", summarizeInvoices=level)["detail"]]
        for level in ("Default", "Condensed", "Detailed")
    }
    assert lines["Default"] == ["Service"]
    assert lines["Condensed"][0].startswith("Service Ticket #48241: ")
    assert [memo.splitlines()[-1] for memo in lines["Detailed"]] == ["2 hours @ 145.00", "-2 hours @ 145.00"]


def test_detailed_lines_name_their_time_entry(psa: Psa) -> None:
    lines = exported(psa, "10424", summarizeInvoices="Detailed")["detail"]
    assert len({line["timeEntry"]["id"] for line in lines}) == 2


def test_later_invoices_are_left_out_unless_the_through_date_reaches_them(psa: Psa) -> None:
    row = psa.number("10415")
    assert psa.export(row["billingLogId"]) == []
    through = (psa.site.today + timedelta(days=9)).isoformat()
    assert len(psa.export(row["billingLogId"], thruDate=f"{through}T00:00:00Z")) == 1


def test_an_export_is_cut_down_by_location_and_by_exclusion(psa: Psa) -> None:
    boise = psa.export(locationId=4)
    assert {psa.site.invoices[each["id"]].location_id for each in boise} == {4}
    rest = psa.export(locationId=4, excludedInvoiceIds=[boise[0]["id"]])
    assert len(rest) == len(boise) - 1


def test_an_invoice_without_gl_mapping_has_no_records_and_no_accounts(psa: Psa) -> None:
    row = psa.number("10414")
    document = exported(psa, "10414")
    assert row["description"] == ""
    assert "glEntryIds" not in document
    assert all("accountNumber" not in line and "id" not in line for line in document["detail"])
    psa.switch(unmapped_export="absent")
    assert psa.export(row["billingLogId"]) == []


def test_customers_are_those_of_the_documents(psa: Psa) -> None:
    body = {"exportInvoicesFlag": True, "includedInvoiceIds": [psa.number("10409")["billingLogId"]]}
    (customer,) = psa.post(f"{ACCOUNTING}/export", **body)["customers"]
    assert customer["company"]["identifier"] == "PortOrchardDental"
    assert (customer["stateTaxRate"], customer["cityTaxRate"], customer["taxGroupRate"]) == (6.5, 3.75, 10.25)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"exportInvoicesFlag": False},
        {"exportInvoicesFlag": "yes"},
        {"exportInvoicesFlag": True, "summarizeInvoices": "Verbose"},
        {"exportInvoicesFlag": True, "includedInvoiceIds": ["39005"]},
        {"exportInvoicesFlag": True, "thruDate": "tomorrow"},
        {"exportInvoicesFlag": True, "locationId": "2"},
        [],
    ],
)
def test_an_export_that_makes_no_sense_is_400(psa: Psa, body: Any) -> None:
    assert psa.call("POST", f"{ACCOUNTING}/export", json=body).status_code == 400


def test_a_big_export_takes_its_time(psa: Psa) -> None:
    psa.switch(export_seconds=0.01)
    start = time.monotonic()
    count = len(psa.export())
    assert time.monotonic() - start >= 0.01 * count


def test_a_batch_takes_its_documents_off_the_list_and_marks_the_invoice(psa: Psa) -> None:
    document = exported(psa, "10404")
    answer = psa.batch("CF-I-38924-g1", record_ids(document))
    assert answer.status_code == 201
    assert [each["documentNumber"] for each in answer.json()["transactions"]] == ["10404"]
    assert psa.unposted(conditions="invoiceNumber='10404'") == []
    assert psa.export(document["id"]) == []
    (batch,) = psa.get(f"{ACCOUNTING}/batches", conditions='batchIdentifier="CF-I-38924-g1"')
    assert psa.get("/finance/invoices/38924")["glBatch"] == {"id": batch["id"], "name": "CF-I-38924-g1"}
    again = psa.post(f"{ACCOUNTING}/batches/{batch['id']}/export", exportInvoicesFlag=True)
    assert record_ids(again["transactions"][0]) == record_ids(document)


def test_entries_of_a_batch_balance_and_come_in_pages(psa: Psa) -> None:
    ids = record_ids(exported(psa, "10409"))
    psa.batch("CF-1", ids)
    path = f"{ACCOUNTING}/batches/5200/entries"
    entries = psa.get(path, pageSize=1000)
    assert sorted(each["id"] for each in entries) == sorted(ids)
    assert sum(cents(each.get("debit", 0)) - cents(each.get("credit", 0)) for each in entries) == 0
    assert len(psa.get(path, pageSize=2, page=2)) == 2
    assert psa.get(f"{path}/count") == {"count": len(ids)}


@pytest.mark.parametrize(
    "body",
    [
        {"processedRecordIds": []},
        {"processedRecordIds": [1]},
        {"batchIdentifier": "x" * 51},
        {"exportInvoicesFlag": False},
        {"batchIdentifier": 7},
    ],
)
def test_a_batch_that_makes_no_sense_is_400_and_leaves_nothing(psa: Psa, body: Row) -> None:
    wanted = {
        "batchIdentifier": "CF-1",
        "exportInvoicesFlag": True,
        "processedRecordIds": record_ids(exported(psa, "10399")),
    }
    assert psa.call("POST", f"{ACCOUNTING}/batches", json={**wanted, **body}).status_code == 400
    assert psa.get("/_batches") == []


def test_an_identifier_is_used_once_in_any_case(psa: Psa) -> None:
    assert psa.batch("CF-1", record_ids(exported(psa, "10399"))).status_code == 201
    answer = psa.batch("cf-1", record_ids(exported(psa, "10401")))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "batchIdentifier"


def test_records_are_batched_once_unless_the_site_is_careless(psa: Psa) -> None:
    ids = record_ids(exported(psa, "10399"))
    psa.batch("CF-1", ids)
    assert psa.batch("CF-2", ids).status_code == 400
    psa.switch(rebatch="accepted")
    assert psa.batch("CF-2", ids).status_code == 201


@pytest.mark.parametrize(("switch", "left"), [("stays_unposted", 1), ("posts", 0)])
def test_what_a_part_of_the_records_does_is_a_switch(psa: Psa, switch: str, left: int) -> None:
    psa.switch(partial_batch=switch)
    psa.batch("CF-1", record_ids(exported(psa, "10409"))[:-1])
    assert len(psa.unposted(conditions="invoiceNumber='10409'")) == left


def test_the_missing_rest_of_a_document_can_be_batched_later(psa: Psa) -> None:
    ids = record_ids(exported(psa, "10409"))
    psa.batch("CF-1", ids[:-1])
    psa.batch("CF-2", ids[-1:])
    assert psa.unposted(conditions="invoiceNumber='10409'") == []


def test_deleting_a_batch_returns_its_documents_and_frees_its_identifier(psa: Psa) -> None:
    document = exported(psa, "10399")
    psa.batch("CF-1", record_ids(document))
    assert psa.call("DELETE", f"{ACCOUNTING}/batches/5200").status_code == 204
    assert exported(psa, "10399") == document
    assert psa.get(f"/finance/invoices/{document['id']}").get("glBatch") is None
    assert psa.batch("CF-1", record_ids(document)).status_code == 201


def test_a_closed_batch_cannot_be_deleted(psa: Psa) -> None:
    psa.batch("CF-1", record_ids(exported(psa, "10399")))
    psa.post("/_edit", action="close_batch", batch="CF-1")
    assert psa.call("DELETE", f"{ACCOUNTING}/batches/5200").status_code == 400
    assert psa.get(f"{ACCOUNTING}/batches/5200")["closedFlag"] is True


def test_a_person_can_unbatch_one_invoice(psa: Psa) -> None:
    psa.batch("CF-1", record_ids(exported(psa, "10399")) + record_ids(exported(psa, "10401")))
    psa.post("/_edit", action="unbatch", number="10399")
    assert psa.number("10399")
    assert psa.unposted(conditions="invoiceNumber='10401'") == []


def test_a_person_can_batch_by_hand(psa: Psa) -> None:
    psa.post("/_edit", action="batch_by_hand", number="10399")
    assert psa.get("/finance/invoices/38909")["glBatch"]["name"] == "M-10399"
    assert psa.get("/_batches")[0]["by_hand"] is True


def test_a_changed_invoice_comes_back_under_new_records(psa: Psa) -> None:
    before = exported(psa, "10404")
    psa.post("/_edit", action="change", number="10404", amount="200.00")
    after = exported(psa, "10404")
    assert (before["total"], after["total"]) == (437.3, 505.63)
    assert not set(record_ids(before)) & set(record_ids(after))
    assert psa.batch("CF-1", record_ids(before)).status_code == 400


def test_status_opens_and_closes_through_the_api(psa: Psa) -> None:
    path = "/finance/invoices/38924"

    def set_status(number: int) -> int:
        patch = [{"op": "replace", "path": "/status", "value": {"id": number}}]
        return psa.call("PATCH", path, json=patch).status_code

    before = record_ids(exported(psa, "10404"))
    assert set_status(1) == 200
    assert psa.unposted(conditions="invoiceNumber='10404'") == []
    assert set_status(13) == 200
    assert not set(before) & set(record_ids(exported(psa, "10404")))
    psa.batch("CF-1", record_ids(exported(psa, "10404")))
    assert set_status(1) == 400
    assert set_status(99) == 400


def test_the_psa_closes_new_invoices_on_request(psa: Psa) -> None:
    count = len(psa.unposted())
    made = psa.post("/_close", count=5)
    assert len(psa.unposted()) == count + 5
    assert len({each["number"] for each in made}) == 5


def test_an_invoice_has_a_pdf(psa: Psa) -> None:
    answer = psa.call("GET", "/finance/invoices/38924/pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_edit", {"action": "burn"}),
        ("/_edit", {"action": "unbatch", "number": "1"}),
        ("/_switches", {"colour": "red"}),
        ("/_switches", {"rights": {"accounting": "some"}}),
        ("/_faults", {"kind": "gremlin"}),
    ],
)
def test_a_control_call_that_makes_no_sense_is_400(psa: Psa, path: str, body: Row) -> None:
    assert psa.call("POST", path, json=body).status_code == 400


def test_of_two_batches_with_the_same_records_at_once_one_is_made(psa: Psa) -> None:
    ids = record_ids(exported(psa, "10399"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: psa.batch(f"CF-{number}", ids).status_code, range(8)))
    assert sorted(answers) == [201] + [400] * 7
    assert len(psa.get("/_batches")) == 1
