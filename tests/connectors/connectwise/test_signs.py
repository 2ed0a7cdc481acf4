"""Signs, proven for every kind in both directions, with the tax beside the amounts or within them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from app.connectors.connectwise.connector import ConnectWise
from app.connectors.protocols import Exported, UnpostedRecord
from app.domain import shaping
from app.domain.documents import Document, DocumentKind
from app.domain.links import Rules
from app.domain.states import RecordKind
from tests.connectors.connectwise.conftest import Site

TYPES = ("Agreement", "CreditMemo", "DownPayment", "Miscellaneous", "Progress", "Standard")
UP, DOWN = Decimal(1), Decimal(-1)
KINDS = DocumentKind


def exported(source: ConnectWise, kind: RecordKind, numbers: set[str]) -> dict[str, tuple[UnpostedRecord, Exported]]:
    records = [record for record in source.unposted(kind) if record.number in numbers]
    found = source.export(kind, [one.record for one in records], summary="", through=dt.date(2026, 12, 31))
    return {one.number: (one, item) for one, item in zip(records, found, strict=True)}


def assert_sound(record: UnpostedRecord, document: Document | None) -> Document:
    """It adds up, nothing in it runs below zero as a whole, and it says what the list said."""
    assert document is not None
    assert document.difference.amount == 0, record
    assert document.total.amount > 0 <= document.tax.amount, record
    assert document.signed_total.amount == record.total, record
    return document


def _add(psa: Site, kind: str, way: Decimal, tax: str | None, *, mixed: bool) -> str:
    lines: list[dict[str, Any]] = [
        {"account": "4010", "quantity": str(2 * way), "price": "99.995", "taxable": True},
        {"product": "SW-24P", "quantity": str(3 * way), "price": "10.25", "taxable": tax is not None},
    ]
    if mixed:  # a deduction, which runs against the document
        lines.append({"gl_type": "RD", "account": "2300", "quantity": str(-way), "price": "40.10", "taxable": False})
    body = {"company": "Acme Dental", "type": kind, "lines": lines, "tax_code": tax}
    return str(psa._post("/_add", **body)["number"])


def test_all_six_types_of_invoices_run_the_right_way_taxed_and_untaxed_with_deductions_and_without(
    psa: Site, source: ConnectWise
) -> None:
    wanted = {
        _add(psa, kind, way, tax, mixed=mixed): (kind, way)
        for kind in TYPES
        for way in (UP, DOWN)
        for tax in (None, "WA-SEA")
        for mixed in (False, True)
    }
    found = exported(source, RecordKind.INVOICES, set(wanted))
    assert found.keys() == wanted.keys()
    for number, (record, item) in found.items():
        kind, way = wanted[number]
        document = assert_sound(record, item.document)
        credit = kind == "CreditMemo" or way < 0
        assert document.kind is (KINDS.CREDIT_MEMO if credit else KINDS.INVOICE), (kind, way)
        directions = [line.amount.amount > 0 for line in document.lines]
        assert directions == [True, True, False][: len(directions)], (kind, way)


@pytest.mark.parametrize("tax", ["line", "included"])
@pytest.mark.parametrize("bills", [False, True])
def test_expenses_and_what_comes_back_of_them_run_the_right_way_with_tax_beside_and_within(
    psa: Site, source: ConnectWise, tax: str, *, bills: bool
) -> None:
    psa.switch(expense_tax=tax, nonreimbursable_bills="bills", package_setup={"transferExpensesAsBillFlag": bills})
    wanted: dict[str, tuple[str, bool]] = {}
    for classification in ("Reimbursable", "NonReimbursable"):
        for amount in ("88.20", "-88.20"):
            payment = "Paid by employee" if classification == "Reimbursable" else "Company credit card"
            given = {
                "member": "mortiz",
                "amount": amount,
                "classification": classification,
                "payment": payment,
                "tax_code": "WA-SEA",
            }
            made = psa._post("/_add", expense=given)
            wanted[f"EXP-{made['id']}"] = (classification, amount.startswith("-"))
    found = exported(source, RecordKind.EXPENSES, set(wanted))
    assert found.keys() == wanted.keys()
    for number, (record, item) in found.items():
        document = assert_sound(record, item.document)
        classification, back = wanted[number]
        owed = KINDS.VENDOR_CREDIT if back else KINDS.BILL
        assert document.kind is (owed if classification == "Reimbursable" else KINDS.PURCHASE)
        assert document.refund is (back and classification == "NonReimbursable")
        assert document.tax.amount == Decimal("8.20")


@pytest.mark.parametrize("freight", ["0", "12.40"])
@pytest.mark.parametrize("tax", [None, "WA-SEA"])
def test_what_is_received_is_owed_and_what_is_sent_back_is_credited(
    psa: Site, source: ConnectWise, tax: str | None, freight: str
) -> None:
    wanted: dict[str, Decimal] = {}
    for way in (UP, DOWN):
        lines = [{"product": "AP-U6", "quantity": str(2 * way), "cost": "99.995", "taxable": True},
                 {"product": "ECO-FEE", "quantity": str(3 * way), "taxable": False}]  # fmt: skip
        body: dict[str, Any] = {"vendor": "Ingram Micro", "lines": lines, "freight": str(Decimal(freight) * way)}
        psa._post("/_add", purchase={**body, "packing_slip": f"S{way}", **({"tax_code": tax} if tax else {})})
        wanted[f"S{way}"] = way
    records = [one for one in source.unposted(RecordKind.INVENTORY) if one.facts.get("packing_slip") in wanted]
    found = source.export(RecordKind.INVENTORY, [one.record for one in records], summary="", through=None)
    assert len(found) == 2
    for record, item in zip(records, found, strict=True):
        document = assert_sound(record, item.document)
        assert document.kind is (KINDS.BILL if wanted[record.facts["packing_slip"]] == UP else KINDS.VENDOR_CREDIT)
        assert all(line.amount.amount > 0 for line in document.lines)
        assert bool(document.tax.amount) is bool(tax)


def test_what_a_member_pays_back_becomes_a_refund_only_on_a_card() -> None:
    from tests.domain.test_shaping import EXPENSE  # noqa: PLC0415 - the cast of another module

    back = dataclasses.replace(EXPENSE, kind=KINDS.VENDOR_CREDIT)
    settings = {"purchases.reimbursable_as": "purchase", "purchases.paid_from": "42"}
    for kind, expected in (("Credit Card", (KINDS.PURCHASE, True)), ("Bank", (KINDS.VENDOR_CREDIT, False))):
        shaped = shaping.shaped(back, Rules(settings=settings, extra={"account_type:42": kind}))
        assert (shaped.kind, shaped.refund) == expected
        assert shaped.signed_total.amount < 0
