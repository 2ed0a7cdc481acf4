"""The spine between both sides: same, differs, linked, added, not sent."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.domain.comparison import Agreement, Comparison, Known, compare
from app.domain.documents import Document, DocumentKind, Reference, TaxLevel
from app.domain.links import LinkKind, Rules
from app.domain.pictures import Named, Picture, PicturedLine, TaxPart
from tests.builders import THE_DAY, a_document, a_line, an_entry, money

KNOWN = Known(
    {
        (LinkKind.CUSTOMERS, "1"): an_entry(LinkKind.CUSTOMERS, "1", "Acme Dental, P.C."),
        (LinkKind.ITEMS, "5"): an_entry(LinkKind.ITEMS, "5", "Service", account_id="79"),
        (LinkKind.ACCOUNTS, "79"): an_entry(LinkKind.ACCOUNTS, "79", "Hardware sales"),
    },
    {(LinkKind.CUSTOMERS, "77"): "1", (LinkKind.ACCOUNTS, "4100"): "79"},
)


def a_picture(**changes: object) -> Picture:
    """What the ledger holds of ``a_document()``."""
    line = PicturedLine("Managed services", Decimal("200.00"), Decimal(1), Decimal("200.00"), item=Named("5"))
    same = Picture(
        Named("1"), "10482", THE_DAY, THE_DAY + dt.timedelta(days=30), note="PSA 10482 · CF-I39005-g1",
        lines=(line,), tax=Decimal("14.00"),
    )  # fmt: skip
    return replace(same, **changes)  # type: ignore[arg-type]  # the test's own keywords


def compared(document: Document | None = None, **changes: object) -> Comparison:
    return compare(document or a_document(), a_picture(**changes), KNOWN, Rules())


def marks(comparison: Comparison) -> dict[str, Agreement]:
    return {fact.label: fact.mark for fact in comparison.facts}


def test_what_was_sent_as_meant_differs_nowhere() -> None:
    comparison = compared()
    assert comparison.differing == 0
    assert marks(comparison) == {
        "Customer": Agreement.LINKED, "Number": Agreement.SAME, "Date": Agreement.SAME,
        "Due date": Agreement.SAME, "Memo": Agreement.ADDED,
    }  # fmt: skip
    assert comparison.foot[-1].books == Decimal("214.00")


def test_the_ledgers_names_stand_where_they_are_known() -> None:
    pair = compared().lines[0]
    assert (pair.item, pair.account) == ("Service", "Hardware sales")
    assert compared().facts[0].books == "Acme Dental, P.C. · 1"


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"party": Named("2", "Somebody else")}, "Customer"),
        ({"number": "77"}, "Number"),
        ({"date": dt.date(2026, 1, 1)}, "Date"),
        ({"due_date": dt.date(2026, 1, 1)}, "Due date"),
    ],
)
def test_what_was_edited_in_the_ledger_differs(changes: dict[str, Any], label: str) -> None:
    comparison = compared(**changes)
    assert marks(comparison)[label] is Agreement.DIFFERS
    assert comparison.differing == 1


def test_a_ledger_that_numbers_by_itself_is_not_a_difference() -> None:
    assert marks(compared(number=""))["Number"] is Agreement.LEFT_OUT


def test_a_number_cut_to_its_end_is_not_a_difference() -> None:
    assert marks(compared(a_document(number="PSA-2026-10482"), number="10482"))["Number"] is Agreement.LEFT_OUT


def test_a_line_on_another_account_than_the_linked_one_is_marked() -> None:
    line = replace(a_picture().lines[0], account=Named("80", "Field services"))
    pair = compared(lines=(line,)).lines[0]
    assert (pair.differing, pair.account) == (frozenset({"account"}), "Field services")


def test_a_purchase_is_booked_to_its_items_asset_account_and_a_sale_to_its_income() -> None:
    item = an_entry(LinkKind.ITEMS, "5", "Dock", account_id="79", cost_account_id="97", asset_account_id="81")
    known = Known({**KNOWN.entries, (LinkKind.ITEMS, "5"): item}, {**KNOWN.links, (LinkKind.ACCOUNTS, "1300"): "81"})
    lines = (a_line(account="1300"),)
    bill = a_document(kind=DocumentKind.BILL, lines=lines)
    assert not compare(bill, a_picture(), known, Rules()).lines[0].differing
    invoice = a_document(lines=lines)
    assert compare(invoice, a_picture(), known, Rules()).lines[0].differing == {"account"}


def test_a_due_date_that_comes_of_the_terms_is_added_and_no_difference() -> None:
    assert marks(compared(replace(a_document(), due_date=None)))["Due date"] is Agreement.ADDED


def test_a_line_that_one_side_lacks_differs() -> None:
    comparison = compared(a_document(lines=(a_line("150.00"), a_line("50.00"))))
    assert [pair.mark for pair in comparison.lines] == [Agreement.DIFFERS, Agreement.DIFFERS]
    assert comparison.lines[1].books is None


def test_a_quantity_that_stands_in_the_description_is_not_a_difference() -> None:
    assert compared(lines=(replace(a_picture().lines[0], quantity=None, price=None),)).differing == 0


def test_a_stored_total_counts_before_what_the_lines_add_up_to() -> None:
    total = compared(total=Decimal("214.01")).foot[-1]
    assert (total.mark, total.psa, total.books) == (Agreement.DIFFERS, Decimal("214.00"), Decimal("214.01"))


def test_levels_stand_beside_rates_where_there_are_as_many() -> None:
    levels = (TaxLevel(1, "WA", money("13.00"), Decimal("6.50")), TaxLevel(3, "SEA", money("1.00"), None))
    parts = (TaxPart(Decimal("13.00"), Decimal("6.5")), TaxPart(Decimal("1.01")))
    foot = compared(replace(a_document(), tax_levels=levels), tax_parts=parts).foot
    assert [(row.label, row.mark) for row in foot[1:3]] == [
        ("WA 6.5 %", Agreement.SAME), ("SEA", Agreement.DIFFERS),
    ]  # fmt: skip


def test_one_level_is_the_tax() -> None:
    document = replace(a_document(), tax_levels=(TaxLevel(1, "ID", money("14.00"), Decimal(6)),))
    assert [row.label for row in compared(document).foot] == ["Subtotal", "ID 6 %", "Total, USD"]


def test_what_is_created_first_is_added() -> None:
    comparison = compared(party=Named("0"))
    assert comparison.facts[0].mark is Agreement.ADDED
    assert comparison.facts[0].books == "Acme Dental · will be created"


def test_a_credit_memo_runs_in_its_own_direction_on_both_sides() -> None:
    assert compared(a_document(kind=DocumentKind.CREDIT_MEMO)).differing == 0


def test_terms_that_were_not_sent_are_not_a_difference() -> None:
    document = a_document(terms=Reference("3", "Net 30"))
    assert marks(compared(document))["Terms"] is Agreement.LEFT_OUT
