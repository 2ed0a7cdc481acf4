"""Purchases, adjustments and transfers at the ConnectWise stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from sandbox.demo_psa.demo import demo_site
from tests.sandbox.psa import ACCOUNTING, Psa, Row

UNPOSTED = f"{ACCOUNTING}/unpostedprocurement"
PRODUCTS = {"exportInvoicesFlag": False, "exportProductsFlag": True}


@pytest.fixture
def psa() -> Iterator[Psa]:
    psa = Psa(demo_site())
    yield psa
    psa.close()


def rows(psa: Psa, product: str) -> list[Row]:
    return list(psa.get(UNPOSTED, conditions=f"unpostedProductId='{product}'"))


def export(psa: Psa, *products: str, **body: Any) -> Row:
    wanted = {"exportProductsFlag": True, "includedProductIds": list(products), **body}
    return dict(psa.post(f"{ACCOUNTING}/export", **wanted))


def purchase(psa: Psa, product: str) -> Row:
    (found,) = export(psa, product)["purchaseTransactions"]
    return dict(found)


def exact(value: float) -> Decimal:
    return Decimal(str(value))


def purchase_ids(document: Row) -> list[int]:
    return [each["id"] for each in (*document["purchaseDetail"], *document["purchaseDetailTax"])]


def test_procurement_lists_purchases_adjustments_and_transfers(psa: Psa) -> None:
    found = psa.get(UNPOSTED, pageSize=100)
    assert len({each["unpostedProductId"] for each in found}) == 12
    assert {each["procurementType"] for each in found} == {"Purchase", "Adjustment", "Transfer"}
    assert len({each["id"] for each in found}) == len(found)
    assert psa.get(f"{UNPOSTED}/count", conditions="procurementType='Purchase'") == {"count": 8}


def test_every_purchase_adds_up_to_zero_with_freight_and_tax(psa: Psa) -> None:
    for each in export(psa)["purchaseTransactions"]:
        lines = [*each["purchaseDetail"], *each["purchaseDetailTax"]]
        assert exact(each["total"]) + sum(exact(line["total"]) for line in lines) == 0


def test_a_purchase_is_a_document_for_each_packing_slip(psa: Psa) -> None:
    first, second = purchase(psa, "1089-PS20098-purchase"), purchase(psa, "1089-PS20121-purchase")
    assert (first["documentNumber"], first["packingSlip"], second["packingSlip"]) == ("1089", "PS20098", "PS20121")
    assert first["id"] == "PO #1089, Packing Slip: PS20098"
    assert first["vendorInvoiceNumber"] == second["vendorInvoiceNumber"] == "IM-55722"
    assert first["purchaseDetail"][0]["serialNumbers"].count("SN-") == 5


def test_lines_are_negative_dated_the_american_way_and_know_item_and_accounts(psa: Psa) -> None:
    document = purchase(psa, "1088-PS20114-purchase")
    line = document["purchaseDetail"][0]
    assert (line["quantity"], line["total"], line["itemCost"], line["itemTypeXref"]) == (
        -10,
        -1290,
        129,
        "InventoryPart",
    )
    assert (line["inventoryAccountNumber"], line["costAccountNumber"]) == ("1300", "5000")
    assert line["documentDate"].endswith(" 5:21:58 AM")
    assert document["documentDate"].endswith("T00:00:00Z")


def test_freight_is_a_line_and_may_lack_its_account(psa: Psa) -> None:
    *_, freight = purchase(psa, "1088-PS20114-purchase")["purchaseDetail"]
    assert (freight["glTypeId"], freight["total"], freight["accountNumber"]) == ("PF", -48.5, "5100")
    *_, bare = purchase(psa, "1092-PS20140-purchase")["purchaseDetail"]
    assert (bare["glTypeId"], bare.get("accountNumber")) == ("PF", None)
    psa.switch(unmapped_freight="absent")
    document = purchase(psa, "1092-PS20140-purchase")
    assert [each["glTypeId"] for each in document["purchaseDetail"]] == ["RP"]
    psa.batch("CF-P", purchase_ids(document), **PRODUCTS)
    assert rows(psa, "1092-PS20140-purchase") == []


def test_purchase_taxes_stand_apart_with_fraction_and_percent(psa: Psa) -> None:
    document = purchase(psa, "1091-PS20133-purchase")
    assert [(each["taxRate"], each["taxRatePercent"]) for each in document["purchaseDetailTax"]] == [
        (0.065, 6.5),
        (0.0375, 3.75),
    ]
    (found,) = rows(psa, "1091-PS20133-purchase")
    assert exact(found["taxTotal"]) == -sum(exact(each["total"]) for each in document["purchaseDetailTax"])
    levels = psa.get(f"{UNPOSTED}/{found['id']}/taxableLevels")
    assert sum(exact(each["taxAmount"]) for each in levels) == exact(found["taxTotal"])


def test_the_vendors_invoice_may_come_later_even_after_the_batch(psa: Psa) -> None:
    document = purchase(psa, "1090-PS20131-purchase")
    assert (document["vendorInvoiceNumber"], document["vendorInvoiceDate"]) == ("", document["documentDate"])
    psa.switch(blank_invoice_date="absent")
    assert "vendorInvoiceDate" not in purchase(psa, "1090-PS20131-purchase")
    assert "vendorInvoiceNumber" not in rows(psa, "1090-PS20131-purchase")[0]
    psa.batch("CF-P-1090", purchase_ids(document), **PRODUCTS)
    psa.post(
        "/_edit",
        action="vendor_invoice",
        purchase_order="1090",
        vendor_invoice_number="TS-9950",
        vendor_invoice_date="2026-11-20",
    )
    order = psa.get("/procurement/purchaseorders/1090")
    assert (order["vendorInvoiceNumber"], order["vendorInvoiceDate"]) == ("TS-9950", "2026-11-20T00:00:00Z")
    again = psa.post(f"{ACCOUNTING}/batches/5200/export", exportProductsFlag=True)
    assert again["purchaseTransactions"][0]["vendorInvoiceNumber"] == "TS-9950"


def test_vendors_are_those_of_the_documents(psa: Psa) -> None:
    vendors = export(psa, "1092-PS20140-purchase", "1093-DROP1-purchase")["vendors"]
    assert [(each["vendorNumber"], each["accountNumber"]) for each in vendors] == [("", "PUGET01"), ("V-1004", "")]
    assert psa.get("/company/companies/303")["isVendorFlag"] is True


def test_adjustments_name_no_records_so_those_of_the_list_are_batched(psa: Psa) -> None:
    (document,) = export(psa, "31-adjustment")["adjustmentTransactions"]
    assert (document["glTypeID"], [each["quantity"] for each in document["adjustmentDetail"]]) == ("IA", [12, 1])
    assert not any("id" in each for each in document["adjustmentDetail"])
    records = [each["id"] for each in rows(psa, "31-adjustment")]
    assert len(records) == 2
    psa.batch("CF-A-1", records[:1], **PRODUCTS)
    assert len(rows(psa, "31-adjustment")) == 2
    psa.batch("CF-A-2", records[1:], **PRODUCTS)
    assert rows(psa, "31-adjustment") == []


def test_an_adjustment_downwards_is_negative_unless_signs_are_those_of_the_ledger(psa: Psa) -> None:
    def detail() -> Row:
        return dict(export(psa, "32-adjustment")["adjustmentTransactions"][0]["adjustmentDetail"][0])

    assert (detail()["quantity"], detail()["total"]) == (-1, -158.25)
    psa.switch(adjustment_signs="ledger", adjustment_id="unposted_product_id")
    assert (detail()["quantity"], detail()["total"]) == (1, 158.25)
    assert export(psa, "32-adjustment")["adjustmentTransactions"][0]["id"] == "32-adjustment"


def test_a_transfer_has_an_offset_and_ids_of_two_types(psa: Psa) -> None:
    (document,) = export(psa, "12-transfer")["inventoryTransfers"]
    assert (document["total"], document["offset"]["total"]) == (258.0, -258.0)
    assert (type(document["id"]), type(document["offset"]["id"])) == (str, int)
    psa.batch("CF-T", [int(document["id"]), document["offset"]["id"]], **PRODUCTS)
    assert rows(psa, "12-transfer") == []


def test_a_purchase_may_be_a_row_for_each_record(psa: Psa) -> None:
    psa.switch(procurement_rows="record")
    found = rows(psa, "1088-PS20114-purchase")
    assert [each["id"] for each in found] == purchase_ids(purchase(psa, "1088-PS20114-purchase"))


def test_undo_returns_a_purchase_and_marks_its_lines(psa: Psa) -> None:
    document = purchase(psa, "1088-PS20114-purchase")
    psa.batch("CF-P-1", purchase_ids(document), **PRODUCTS)
    lines = psa.get("/procurement/purchaseorders/1088/lineitems")
    assert [each["batchedFlag"] for each in lines] == [True, True]
    entries = psa.get(f"{ACCOUNTING}/batches/5200/entries")
    assert {each["purchaseOrder"]["name"] for each in entries} == {"1088"}
    psa.call("DELETE", f"{ACCOUNTING}/batches/5200")
    lines = psa.get("/procurement/purchaseorders/1088/lineitems")
    assert [(each["batchedFlag"], each["unbatchedRecId"]) for each in lines] == [(False, 5200)] * 2
    assert purchase(psa, "1088-PS20114-purchase") == document


def test_what_is_missing_of_an_order_can_come_later(psa: Psa) -> None:
    lines = psa.get("/procurement/purchaseorders/1094/lineitems")
    assert [(each["receivedQuantity"], each["quantity"], each["closedFlag"]) for each in lines] == [
        (4, 6, False),
        (0, 4, False),
    ]
    psa.post("/_edit", action="receive", purchase_order="1094", packing_slip="PS20160")
    assert purchase(psa, "1094-PS20160-purchase")["total"] == 542.0
    assert psa.get("/procurement/purchaseorders/1094")["closedFlag"] is True
    more = {"action": "receive", "purchase_order": "1094", "packing_slip": "PS20161"}
    assert psa.call("POST", "/_edit", json=more).status_code == 400


def test_a_receipt_that_is_undone_is_unposted_no_more(psa: Psa) -> None:
    ids = purchase_ids(purchase(psa, "1088-PS20114-purchase"))
    psa.post("/_edit", action="take_back", purchase_order="1088", packing_slip="PS20114")
    assert rows(psa, "1088-PS20114-purchase") == []
    assert psa.batch("CF-P", ids, **PRODUCTS).status_code == 400
    assert psa.get("/procurement/purchaseorders/1088")["closedFlag"] is False


def test_an_order_of_which_nothing_came_is_not_unposted(psa: Psa) -> None:
    assert psa.get(f"{UNPOSTED}/count", conditions="purchaseOrder/name='1095'") == {"count": 0}
    assert psa.get("/procurement/purchaseorders/1095")["closedFlag"] is False


def test_a_mapped_freight_account_comes_with_new_records(psa: Psa) -> None:
    before = purchase_ids(purchase(psa, "1092-PS20140-purchase"))
    psa.post("/_edit", action="change_purchase", purchase_order="1092", packing_slip="PS20140", freight_account="5100")
    document = purchase(psa, "1092-PS20140-purchase")
    assert document["purchaseDetail"][-1]["accountNumber"] == "5100"
    assert not set(before) & set(purchase_ids(document))


def test_an_adjustment_of_an_unmapped_type_has_no_account_until_it_is_mapped(psa: Psa) -> None:
    assert "accountNumber" not in export(psa, "33-adjustment")["adjustmentTransactions"][0]
    psa.post("/_edit", action="map_adjustment", product="33-adjustment", account="5920")
    assert export(psa, "33-adjustment")["adjustmentTransactions"][0]["accountNumber"] == "5920"


def test_accounts_carry_a_class_where_the_site_has_a_segment_for_it(psa: Psa) -> None:
    psa.switch(gl_classes=True)
    document = purchase(psa, "1091-PS20133-purchase")
    assert {document["purchaseClass"], *(each["glClass"] for each in document["purchaseDetail"])} == {"Tacoma"}


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("purchaseorders", 8),
        ("catalog", 15),
        ("types", 5),
        ("adjustments", 3),
        ("adjustments/types", 3),
        ("warehouses", 2),
    ],
)
def test_the_tables_of_procurement_are_there(psa: Psa, path: str, count: int) -> None:
    assert psa.get(f"/procurement/{path}/count") == {"count": count}


def test_what_is_batched_is_neither_edited_nor_received_again(psa: Psa) -> None:
    psa.post("/_edit", action="batch_by_hand", purchase_order="1088", packing_slip="PS20114")
    change = {"action": "change_purchase", "purchase_order": "1088", "packing_slip": "PS20114", "cost": "1"}
    assert psa.call("POST", "/_edit", json=change).status_code == 400
    (found,) = [each for each in psa.get("/_goods") if each["id"] == "1088-PS20114-purchase"]
    assert (found["state"], found["batch"]) == ("posted", "M-1088-PS20114-purchase")


def test_any_purchase_can_be_asked_for(psa: Psa) -> None:
    made = psa.post(
        "/_add",
        purchase={
            "vendor": "Ingram Micro",
            "packing_slip": "PS-1",
            "currency": "EUR",
            "tax_code": "ID-6",
            "freight": "10.00",
            "tax_freight": True,
            "vendor_invoice": "",
            "lines": [{"product": "AP-U6", "quantity": "3", "cost": "33.3333"}, {"product": "SW-24P"}],
        },
    )
    document = purchase(psa, made["id"])
    assert (document["currency"]["currencyCode"], document["vendorInvoiceNumber"]) == ("EUR", "")
    lines = [*document["purchaseDetail"], *document["purchaseDetailTax"]]
    assert [each["total"] for each in lines] == [-100.0, -310.0, -10.0, -25.2]
    assert document["total"] == 445.2


def test_any_adjustment_and_transfer_can_be_asked_for(psa: Psa) -> None:
    adjusted = psa.post("/_add", adjustment={"reason": "Found", "lines": [{"product": "AP-U6", "quantity": 4}]})
    moved = psa.post("/_add", transfer={"product": "DOCK-C", "quantity": 2, "source": 2, "target": 1})
    document = export(psa, adjusted["id"], moved["id"])
    assert document["adjustmentTransactions"][0]["adjustmentDetail"][0]["total"] == 516.0
    assert document["inventoryTransfers"][0]["transferToLocationXref"] == "Portland stock"


@pytest.mark.parametrize(
    "body",
    [
        {"purchase": {"vendor": "Nobody", "lines": []}},
        {"purchase": {"vendor": "Ingram Micro"}},
        {"purchase": {"vendor": "Ingram Micro", "currency": "XXX", "lines": []}},
        {"adjustment": {"lines": [{"product": "NONE", "quantity": 1}]}},
        {"transfer": {"product": "AP-U6", "source": "Mars"}},
        {"expense": {"member": "nobody", "amount": "1"}},
        {"expense": {"member": "mortiz"}},
        {"expense": {"member": "mortiz", "amount": "1", "type": "Yachts"}},
    ],
)
def test_what_cannot_be_made_is_400(psa: Psa, body: Row) -> None:
    assert psa.call("POST", "/_add", json=body).status_code == 400
