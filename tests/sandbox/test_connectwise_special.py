"""What an invoice of the ConnectWise stand-in can carry beside the ordinary, and what closing it again changes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from sandbox.demo_psa.demo import demo_site
from sandbox.demo_psa.special import SPECIAL
from tests.sandbox.psa import ACCOUNTING, Psa, Row, record_ids


@pytest.fixture
def psa() -> Iterator[Psa]:
    psa = Psa(demo_site())
    yield psa
    psa.close()


def added(psa: Psa, named: str, **body: Any) -> Row:
    """The export of a special invoice that has just been closed."""
    made = psa.post("/_add", named=named)
    (document,) = psa.export(made["id"], **body)
    return document


def exact(value: float) -> Decimal:
    return Decimal(str(value))


def set_status(psa: Psa, invoice: int, status: int) -> int:
    patch = [{"op": "replace", "path": "status", "value": {"id": status}}]
    return psa.call("PATCH", f"/finance/invoices/{invoice}", json=patch).status_code


@pytest.mark.parametrize("named", sorted(SPECIAL))
def test_every_special_invoice_adds_up_and_can_be_batched(psa: Psa, named: str) -> None:
    document = added(psa, named)
    assert exact(document["total"]) + sum(exact(each["total"]) for each in document["detail"]) == 0
    assert psa.batch("CF-1", record_ids(document)).status_code == 201
    assert psa.get(f"/finance/invoices/{document['id']}")["glBatch"]["name"] == "CF-1"


def test_six_levels_are_in_lines_levels_and_the_unposted_row(psa: Psa) -> None:
    document = added(psa, "six_tax_levels")
    assert [each["taxLevel"] for each in document["taxLevels"]] == [1, 2, 3, 4, 5, 6]
    assert len([each for each in document["detail"] if each["glTypeId"] == "ST"]) == 6
    assert [document[f"taxableAmount{number}"] for number in range(1, 6)] == [418.5] * 5
    assert psa.number(document["documentNumber"])["levelSixTaxXref"] == "L6-STADIUM"


def test_each_product_type_has_its_xref(psa: Psa) -> None:
    lines = added(psa, "four_product_types")["detail"]
    assert [each["itemTypeXref"] for each in lines] == ["InventoryPart", "NonInventoryPart", "OtherCharge", "Service"]
    assert (lines[0]["inventoryXref"], lines[0]["cogsXref"]) == ("1300", "5000")


def test_cost_accounts_come_with_their_boxes(psa: Psa) -> None:
    assert "costAccountNumber" not in added(psa, "four_product_types")["detail"][0]
    psa.switch(package_setup={"includeCogsEntriesFlag": True})
    assert added(psa, "four_product_types")["detail"][0]["costAccountNumber"] == "5000"
    assert "costAccountNumber" not in added(psa, "drop_shipped")["detail"][0]


def test_serial_numbers_and_units_are_told(psa: Psa) -> None:
    line = added(psa, "serial_numbers")["detail"][0]
    assert (line["serializedFlag"], line["serialNumbers"]) == (True, "SN-7001,SN-7002")
    assert added(psa, "by_the_meter")["detail"][0]["unitOfMeasure"]["name"] == "Meter"


@pytest.mark.parametrize(("named", "code", "decimals"), [("canadian_dollars", "CAD", 2), ("yen", "JPY", 0)])
def test_an_invoice_in_another_currency_says_so_everywhere(psa: Psa, named: str, code: str, decimals: int) -> None:
    document = added(psa, named)
    rows = [document, psa.number(document["documentNumber"]), *document["detail"]]
    assert {each["currency"]["currencyCode"] for each in rows} == {code}
    assert document["currency"]["numberOfDecimals"] == decimals


def test_adjusted_tax_is_the_amount_and_not_the_rate(psa: Psa) -> None:
    document = added(psa, "avalara_adjusted")
    assert (document["salesTax"], document["useAvalaraFlag"], document["sendAvalaraTaxFlag"]) == (42.91, True, True)
    assert psa.number(document["documentNumber"])["avalaraTaxFlag"] is True


def test_prepayments_and_taxed_down_payments_are_flagged(psa: Psa) -> None:
    assert added(psa, "agreement_prepayment")["agreementPrePaymentFlag"] is True
    assert added(psa, "taxed_down_payment")["taxDpAppliedFlag"] is True


def test_the_header_tells_attention_territory_sales_rep_project_and_class(psa: Psa) -> None:
    document = added(psa, "everything_in_the_header")
    assert (document["attention"], document["salesTerritory"], document["glClass"]) == (
        "Wes Halvorsen, purchasing",
        "Northwest",
        "Projects:Networks",
    )
    assert (document["salesRepId"], document["salesRepName"], document["project"]["name"]) == (
        "kgrant",
        "Keisha Grant",
        "Plant network",
    )
    invoice = psa.get(f"/finance/invoices/{document['id']}")
    assert (invoice["agreement"]["name"], invoice["customerPO"]) == ("Ironwood Managed Services", "PO-2026/118 ü")


def test_a_due_date_can_contradict_its_terms(psa: Psa) -> None:
    document = added(psa, "due_date_against_terms")
    assert (document["dueDays"], document["dueDate"]) == (30, "2027-02-28T00:00:00Z")


def test_internal_notes_are_in_time_entries_and_by_a_switch_in_detailed_lines(psa: Psa) -> None:
    document = added(psa, "everything_in_the_header", summarizeInvoices="Detailed")
    (entry,) = psa.get("/time/entries", conditions=f"invoice/id={document['id']}")
    assert (entry["internalNotes"], entry["workRole"]["name"]) == (
        "Customer is late with the last three invoices.",
        "Senior engineer",
    )
    assert "Customer is late" not in document["detail"][0]["memo"]
    psa.switch(internal_notes=True)
    (again,) = psa.export(document["id"], summarizeInvoices="Detailed")
    assert "Customer is late" in again["detail"][0]["memo"]


def test_time_entries_come_in_pages(psa: Psa) -> None:
    count = psa.get("/time/entries/count")["count"]
    assert len(psa.get("/time/entries", pageSize=1000)) == count > 20
    answer = psa.call("GET", "/time/entries", params={"pageSize": 5})
    assert len(answer.json()) == 5
    assert "next" in answer.links


def test_a_reloaded_invoice_has_the_accounts_of_todays_mapping_under_new_records(psa: Psa) -> None:
    (before,) = psa.export(psa.number("10400")["billingLogId"])
    psa.post("/_edit", action="map_account", account="4600", to="4650")
    assert psa.export(before["id"]) == [before]
    assert (set_status(psa, before["id"], 6), set_status(psa, before["id"], 13)) == (200, 200)
    (after,) = psa.export(before["id"])
    assert {each["accountNumber"] for each in after["detail"]} == {"4000", "4200", "4650", "2200"}
    assert not set(record_ids(before)) & set(record_ids(after))


def test_a_missing_account_stays_missing_until_the_mapping_is_complete(psa: Psa) -> None:
    invoice = psa.number("10414")["billingLogId"]
    assert (set_status(psa, invoice, 1), set_status(psa, invoice, 13)) == (200, 200)
    assert "glEntryIds" not in psa.export(invoice)[0]
    psa.post("/_edit", action="complete_mapping")
    assert "glEntryIds" not in psa.export(invoice)[0]
    assert (set_status(psa, invoice, 1), set_status(psa, invoice, 13)) == (200, 200)
    assert psa.export(invoice)[0]["glEntryIds"]


def test_an_account_can_be_unmapped_and_mapped_again(psa: Psa) -> None:
    invoice = psa.number("10400")["billingLogId"]
    for to, mapped in (("", False), ("4600", True)):
        psa.post("/_edit", action="map_account", account="4600", to=to)
        assert (set_status(psa, invoice, 1), set_status(psa, invoice, 13)) == (200, 200)
        assert ("glEntryIds" in psa.export(invoice)[0]) is mapped


def test_an_open_invoice_keeps_the_status_that_it_was_given_and_a_batched_one_stays_closed(psa: Psa) -> None:
    row = psa.number("10404")
    assert set_status(psa, row["billingLogId"], 6) == 200
    assert psa.get(f"/finance/invoices/{row['billingLogId']}")["status"]["name"] == "Sent"
    assert set_status(psa, row["billingLogId"], 13) == 200
    psa.post("/_edit", action="batch_by_hand", number="10404")
    assert set_status(psa, row["billingLogId"], 6) == 400


def test_gl_entries_of_an_invoice_tell_whether_they_are_batched(psa: Psa) -> None:
    (document,) = psa.export(psa.number("10404")["billingLogId"])
    path = f"/finance/invoices/{document['id']}/glEntries/"
    entries = psa.get(path)
    assert {each["id"] for each in entries} == set(record_ids(document))
    assert {each["isBatched"] for each in entries} == {False}
    psa.batch("CF-1", record_ids(document))
    assert {each["isBatched"] for each in psa.get(path)} == {True}


@pytest.mark.parametrize(
    "body",
    [
        {"named": "nothing"},
        {"company": "Nobody"},
        {"company": "Acme Dental"},
        {"company": "Acme Dental", "lines": [{"product": "NONE"}]},
        {"company": "Acme Dental", "type": "Gift", "lines": []},
        {"company": "Acme Dental", "tax_code": "NONE", "lines": []},
        {"company": "Acme Dental", "lines": [{"quantity": "many"}]},
    ],
)
def test_an_invoice_that_cannot_be_is_400(psa: Psa, body: Row) -> None:
    count = psa.get(f"{ACCOUNTING}/unpostedinvoices/count")
    assert psa.call("POST", "/_add", json=body).status_code == 400
    assert psa.get(f"{ACCOUNTING}/unpostedinvoices/count") == count


def test_agreements_and_currencies_are_tables(psa: Psa) -> None:
    assert psa.get("/finance/agreements/count")["count"] > 5
    assert {each["currencyCode"] for each in psa.get("/finance/currencies")} >= {"USD", "CAD", "EUR", "JPY"}


def test_an_invoice_may_be_a_row_for_each_record_of_its_receivable(psa: Psa) -> None:
    psa.switch(invoice_rows="record")
    rows = psa.unposted(conditions="invoiceNumber='10404'")
    assert len(rows) == len({each["id"] for each in rows}) == 2
    assert {each["billingLogId"] for each in rows} == {38924}
    assert len(psa.export(38924)) == 1


def test_levels_without_tax_have_a_line_where_the_box_for_them_is_ticked(psa: Psa) -> None:
    document = added(psa, "tax_exempt")
    assert [each["total"] for each in document["detail"] if each["glTypeId"] == "ST"] == [0]
    psa.switch(package_setup={"zeroDollarTaxAmountsFlag": False})
    (again,) = psa.export(document["id"])
    assert [each for each in again["detail"] if each["glTypeId"] == "ST"] == []
    assert psa.batch("CF-1", record_ids(again)).status_code == 201
    assert psa.export(document["id"]) == []
