"""Expenses and procurement over HTTP: what is listed, what it becomes, and that both switches of the unknown pass."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from app.connectors.connectwise import expenses
from app.connectors.connectwise.connector import ConnectWise
from app.connectors.protocols import ClosedInPsa, Exported, UnpostedRecord, Wait
from app.domain.documents import Basis, DocumentKind
from app.domain.states import RecordKind
from tests.connectors.connectwise.conftest import Site

THROUGH = dt.date(2026, 12, 31)


def exported(source: ConnectWise, kind: RecordKind) -> list[tuple[UnpostedRecord, Exported]]:
    records = source.unposted(kind)
    found = source.export(kind, [record.record for record in records], summary="", through=THROUGH)
    return list(zip(records, found, strict=True))


def total_differs(pair: tuple[UnpostedRecord, Exported]) -> bool:
    record, item = pair
    return item.document is not None and item.document.signed_total.amount != record.total


@pytest.mark.parametrize("tax", ["line", "included"])
@pytest.mark.parametrize("sign", ["negative", "positive"])
@pytest.mark.parametrize("offsets", ["listed", "unlisted"])
def test_every_expense_is_listed_once_and_exported_for_the_amount_that_is_listed(
    psa: Site, source: ConnectWise, tax: str, sign: str, offsets: str
) -> None:
    psa.switch(expense_tax=tax, expense_offset_sign=sign, expense_offsets=offsets)
    pairs = exported(source, RecordKind.EXPENSES)
    assert len({record.record for record, _ in pairs}) == len(pairs) > 10
    assert not [record.number for record, item in pairs if total_differs((record, item))]
    for record, item in pairs:
        document = item.document
        assert document is not None or item.problems, record
        if document is None:
            continue
        assert document.difference.amount == 0
        assert document.lines[0].basis is Basis.ACCOUNT
        assert {int(record.record)} <= set(item.gl_ids)
        owed = record.psa_type == "Reimbursable"
        assert document.kind is (DocumentKind.BILL if owed else DocumentKind.PURCHASE)
        assert bool(document.paid_from) is not owed
        assert document.party.source_id == (record.party_id if owed else "")


def test_what_is_personal_is_never_offered(psa: Site, source: ConnectWise) -> None:
    listed = {record.psa_type for record in source.unposted(RecordKind.EXPENSES)}
    assert listed == {"Reimbursable", "NonReimbursable"}


def test_an_expense_says_who_when_how_and_how_far_it_is_approved(source: ConnectWise) -> None:
    pairs = exported(source, RecordKind.EXPENSES)
    for record, item in pairs:
        assert record.facts["member"]
        assert record.facts["report"]
        assert record.facts["report_status"]
        assert record.facts["payment_method"]
        if item.document:
            assert item.document.approval == record.facts["approval"]
    assert {record.facts["approval"] for record, _ in pairs} == {"approved", "PendingApproval"}


@pytest.mark.parametrize("where", ["absent", "expenses", "bills"])
@pytest.mark.parametrize("form", ["Detailed", "Condensed"])
def test_expenses_exported_as_bills_are_told_apart_or_held(
    psa: Site, source: ConnectWise, where: str, form: str
) -> None:
    psa.switch( nonreimbursable_bills=where,
           package_setup={"transferExpensesAsBillFlag": True, "expenseFormat": form})  # fmt: skip
    pairs = exported(source, RecordKind.EXPENSES)
    done = [(record, item) for record, item in pairs if item.document]
    assert done
    assert not [record.number for record, item in done if total_differs((record, item))]
    held = {problem.code for _, item in pairs if not item.document for problem in item.problems}
    assert held <= {"not_exported", "expenses_merged", "no_gl_entries"}
    ids = [ident for _, item in done for ident in item.gl_ids]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("rows", ["document", "record"])
@pytest.mark.parametrize("signs", ["stock", "ledger"])
@pytest.mark.parametrize("ids", ["number", "unposted_product_id"])
def test_every_receipt_adjustment_and_transfer_is_exported_for_the_amount_that_is_listed(
    psa: Site, source: ConnectWise, rows: str, signs: str, ids: str
) -> None:
    psa.switch(procurement_rows=rows, adjustment_signs=signs, adjustment_id=ids)
    pairs = exported(source, RecordKind.INVENTORY)
    assert len({record.record for record, _ in pairs}) == len(pairs) > 8
    assert not [record.number for record, item in pairs if total_differs((record, item))]
    kinds = {item.document.kind for _, item in pairs if item.document}
    assert {DocumentKind.BILL, DocumentKind.INVENTORY_ADJUSTMENT, DocumentKind.JOURNAL_ENTRY} <= kinds
    for record, item in pairs:
        if item.document is None:
            assert {problem.code for problem in item.problems} <= {"freight_account_missing", "no_gl_entries"}, record
            continue
        assert item.gl_ids, record
        assert item.document.difference.amount == 0, record


def test_a_receipt_carries_its_vendors_invoice_its_order_and_three_dates(source: ConnectWise) -> None:
    documents = [item.document for _, item in exported(source, RecordKind.INVENTORY) if item.document]
    bills = [document for document in documents if document.kind is DocumentKind.BILL]
    assert all(bill.psa_number and bill.party.source_id and bill.ordered and bill.received for bill in bills)
    assert any(bill.number and bill.vendor_date for bill in bills)
    assert any(not bill.number for bill in bills)
    assert any(line.source == "freight" for bill in bills for line in bill.lines)
    assert any(line.product and line.product.inventory_account for bill in bills for line in bill.lines)


@pytest.mark.parametrize("freight", ["bare", "absent"])
def test_freight_without_an_account_is_held_and_says_what_to_map(psa: Site, source: ConnectWise, freight: str) -> None:
    psa.switch(unmapped_freight=freight)
    pairs = exported(source, RecordKind.INVENTORY)
    codes = [problem.code for _, item in pairs if item.document is None for problem in item.problems]
    assert codes.count("freight_account_missing") == 1
    assert set(codes) <= {"freight_account_missing", "no_gl_entries"}  # an adjustment of the site is unmapped, too


@pytest.mark.parametrize("kind", [RecordKind.EXPENSES, RecordKind.INVENTORY])
def test_what_is_closed_is_listed_no_more_and_reopened_it_is_listed_again(
    source: ConnectWise, kind: RecordKind
) -> None:
    record, item = next(pair for pair in exported(source, kind) if pair[1].document)
    name = f"CF-X-{record.number.replace('/', '_')}"
    slot = source.reserve()
    assert not isinstance(slot, Wait)
    assert isinstance(source.close(kind, name, item.gl_ids, slot), ClosedInPsa)
    assert record.record not in {row.record for row in source.unposted(kind)}
    batch = source.find_batches([name])[name]
    slot = source.reserve()
    assert not isinstance(slot, Wait)
    assert isinstance(source.reopen(batch.batch_id, slot), ClosedInPsa)
    again = next(row for row in source.unposted(kind) if row.record == record.record)
    assert again.total == record.total
    assert again.total != Decimal(0)


def test_a_detailed_export_brings_the_time_entries_of_its_lines(source: ConnectWise, psa: Site) -> None:
    records = [record.record for record in source.unposted(RecordKind.INVOICES)]
    short = source.export(RecordKind.INVOICES, records, summary="default", through=THROUGH)
    assert not [line for item in short if item.document for line in item.document.lines if line.work]
    assert not psa.calls_of("/time/entries")

    found = source.export(RecordKind.INVOICES, records, summary="detailed", through=THROUGH)
    works = [work for item in found if item.document for line in item.document.lines for work in line.work]
    assert works
    assert all(work.ticket and work.summary and work.hours and work.work_role and work.date for work in works)
    assert any(work.notes for work in works)
    assert psa.calls_of("/time/entries") <= 2


def test_a_tax_that_no_level_tells_is_tax_all_the_same() -> None:
    spent = expenses.Spent({"accountNumber": "6200", "documentDate": "2026-03-10"}, {}, [7], Decimal("12.00"))
    listed = {"classification": "Reimbursable", "salesTaxAmount": Decimal("2.00"), "expenseDetailId": 9}
    document = expenses.to_exported("7", spent, listed, {}, "USD").document
    assert document is not None
    assert (document.tax.amount, document.lines[0].amount.amount) == (Decimal("2.00"), Decimal("10.00"))
    assert [level.amount for level in document.tax_levels] == [document.tax]
