"""What the goods of a sale cost, as an entry beside it."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from app.domain import cogs, soundness
from app.domain.documents import Document, DocumentKind, Line, Product
from app.domain.links import Rules
from app.domain.marks import Mark, marks_in
from app.domain.states import RecordKind, Role
from tests.builders import a_document, money

DOCK = Product("8", "DOCK", kind="InventoryPart", cost_account="5000", inventory_account="1300")
RULES = Rules(settings={"inventory.cogs": "journal_entry"})


def sold(cost: str | None, kind: DocumentKind = DocumentKind.INVOICE) -> Document:
    line = Line("Dock", Decimal(2), money("300.00"), "4100", DOCK, gl_class="East", cost=money(cost) if cost else None)
    return a_document(lines=(line,), tax="0.00", kind=kind)


@pytest.mark.parametrize(("kind", "side"), [(DocumentKind.INVOICE, 1), (DocumentKind.CREDIT_MEMO, -1)])
@pytest.mark.parametrize("cost", ["198.51", "-198.51"])
def test_a_sale_takes_goods_out_of_stock_and_a_credit_memo_brings_them_back(
    kind: DocumentKind, side: int, cost: str
) -> None:
    entry = cogs.entry(sold(cost, kind), RULES)
    assert entry is not None
    debit = Decimal(cost) * side
    assert [(line.account, line.amount.amount) for line in entry.lines] == [("5000", debit), ("1300", -debit)]
    assert not entry.difference.amount
    assert entry.total.amount == abs(debit)
    assert {line.gl_class for line in entry.lines} == {"East"}


def test_no_entry_is_made_where_none_is_wanted_or_nothing_costs() -> None:
    assert cogs.entry(sold("1.00"), Rules()) is None
    assert cogs.entry(sold(None), RULES) is None
    assert cogs.entry(dataclasses.replace(sold("1.00"), kind=DocumentKind.BILL), RULES) is None


def test_the_cost_of_a_sale_abroad_is_a_persons_because_its_currency_is_not_known() -> None:
    abroad = dataclasses.replace(RULES, home_currency="CAD", multi_currency=True)
    assert cogs.entry(sold("1.00"), abroad) is None
    assert "cost_in_other_currency" in [problem.code for problem in soundness.problems(sold("1.00"), abroad)]


def test_what_the_ledger_keeps_in_stock_is_left_out() -> None:
    entry = cogs.entry(sold("1.00"), RULES)
    assert entry is not None
    assert cogs.without_stock(entry, lambda _: False) == (entry, [])
    nothing, names = cogs.without_stock(entry, lambda _: True)
    assert (nothing.is_empty, names) == (True, ["DOCK"])


def test_a_psa_that_exports_no_costs_is_told_where_they_are_wanted() -> None:
    assert [problem.code for problem in soundness.problems(sold(None), RULES)] == ["cost_not_exported"]
    assert not soundness.problems(sold(None), Rules())
    assert not soundness.problems(sold("1.00"), RULES)


def test_the_entry_has_a_mark_of_its_own_and_the_same_batch_in_the_psa() -> None:
    main, cost = (Mark(RecordKind.INVOICES, "39005", 2, "B", role) for role in (Role.MAIN, Role.COGS))
    assert (str(main), str(cost)) == ("CF-B.I39005-g2", "CF-B.C39005-g2")
    assert marks_in(cost.note("10482")) == [str(cost)]
    assert main.psa_batch == cost.psa_batch
