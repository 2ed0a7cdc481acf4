"""QuickBooks' documents as pictures: bodies that go out, and what receipts keep, look alike."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from app.connectors.protocols import Body
from app.connectors.quickbooks_online import calls
from app.connectors.quickbooks_online.pictures import to_picture
from app.connectors.quickbooks_online.receipts import stored
from app.domain.documents import DocumentKind
from app.domain.pictures import Named, TaxPart

LINE = {
    "DetailType": "SalesItemLineDetail", "Amount": Decimal("253.75"), "Description": "POS switch",
    "SalesItemLineDetail": {
        "ItemRef": {"value": "5", "name": "Service"}, "Qty": Decimal("1.75"), "UnitPrice": Decimal(145),
        "TaxCodeRef": {"value": "NON"}, "ItemAccountRef": {"value": "79", "name": "Labor"},
    },
}  # fmt: skip
INVOICE = {
    "Id": "8397", "DocNumber": "10381", "TxnDate": "2026-11-30", "DueDate": "2026-12-30", "PrivateNote": "PSA 10381",
    "CustomerRef": {"value": "188", "name": "Sandpiper"}, "SalesTermRef": {"value": "3"}, "TotalAmt": Decimal("254.75"),
    "Line": [LINE, {"DetailType": "SubTotalLineDetail", "Amount": Decimal("253.75")}],
    "TxnTaxDetail": {
        "TxnTaxCodeRef": {"value": "4"}, "TotalTax": Decimal(1),
        "TaxLine": [{"Amount": Decimal(1), "TaxLineDetail": {"TaxPercent": Decimal("10.3")}}],
    },
}  # fmt: skip


def test_the_whole_document_is_pictured() -> None:
    picture = to_picture(INVOICE)
    assert (picture.number, picture.date, picture.due_date) == ("10381", dt.date(2026, 11, 30), dt.date(2026, 12, 30))
    assert (picture.party, picture.terms, picture.tax_code) == (Named("188", "Sandpiper"), Named("3"), Named("4"))
    assert (picture.tax, picture.total, picture.subtotal) == (Decimal(1), Decimal("254.75"), Decimal("253.75"))
    assert picture.tax_parts == (TaxPart(Decimal(1), Decimal("10.3")),)
    [line] = picture.lines
    assert (line.quantity, line.price, line.account) == (Decimal("1.75"), Decimal(145), Named("79", "Labor"))


def test_what_a_receipt_keeps_looks_the_same() -> None:
    assert to_picture(stored(INVOICE)) == to_picture(INVOICE)


def test_a_body_without_total_comes_out_as_lines_and_tax() -> None:
    body = {name: value for name, value in INVOICE.items() if name != "TotalAmt"}
    assert to_picture(body).whole == Decimal("254.75")


def test_what_can_not_be_read_stays_empty() -> None:
    picture = to_picture({"TxnDate": "soon", "Line": [{"Amount": "much"}], "TxnTaxDetail": None})
    assert (picture.date, picture.lines[0].amount, picture.tax) == (None, Decimal(0), None)


def test_each_member_of_a_call_is_found_again() -> None:
    bodies = [Body(kind, f'{{"DocNumber":"{kind}"}}') for kind in DocumentKind]
    batch, single = calls.compose(bodies, "r1"), calls.compose(bodies[:1], "r2")
    assert [calls.member(batch.body, place) for place in range(len(bodies) + 1)] == [
        *({"DocNumber": str(kind)} for kind in DocumentKind), None,
    ]  # fmt: skip
    assert calls.member(single.body, 0) == {"DocNumber": "invoice"}
