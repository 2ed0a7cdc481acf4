"""The whole demo in either order: nothing is refused because an item was made by the other side first."""

from __future__ import annotations

import pytest

from app.domain.states import RecordKind
from tests.engine import Engine
from tests.services.test_item_accounts import changes

INVOICES, EXPENSES, INVENTORY = RecordKind.INVOICES, RecordKind.EXPENSES, RecordKind.INVENTORY


@pytest.mark.parametrize("order", [(INVOICES, INVENTORY, EXPENSES), (EXPENSES, INVENTORY, INVOICES)])
def test_no_document_of_the_demo_is_refused_in_whatever_order_the_kinds_are_posted(
    working: Engine, order: tuple[RecordKind, ...]
) -> None:
    for kind in order:
        for posting in working.post(kind=kind)["postings"]:
            assert posting["state"] in ("closed", "held", "skipped"), posting
            assert "item_lacks_account" not in [problem["code"] for problem in posting["problems"]], posting
    supplied = changes(working)
    assert supplied
    assert {change.state for change in supplied} == {"done"}
    assert len({change.ledger_id for change in supplied}) == len(supplied)
    working.assert_exactly_once()
