"""Items that book to another account than the PSA says, changed in QuickBooks where the company wants that."""

from __future__ import annotations

from typing import Any

from sqlmodel import col, select

from app.domain.links import LinkKind
from app.models.workbench import EntryChange
from app.services.batches import batches
from tests import engine
from tests.engine import Engine
from tests.services.test_cogs import by_role, refuse, sell, settle


def item(working: Engine) -> dict[str, Any]:
    return next(row for row in working.company.visible("Item") if row["Name"] == "UPS-1500")


def changes(working: Engine) -> list[EntryChange]:
    with working.database.reading() as session:
        query = select(EntryChange).where(EntryChange.kind == LinkKind.ITEMS)
        return list(session.exec(query.order_by(col(EntryChange.id))))


def retry(working: Engine, batch: dict[str, Any], *, accept: bool) -> dict[str, str]:
    with working.database.session() as session:
        batches.retry(session, batches.find(session, batch["batch"]), by=engine.BY, accept=accept)
    return by_role(working.run(batch["batch"]))


def test_an_item_is_changed_once_it_is_accepted_and_then_its_invoice_goes(working: Engine) -> None:
    settle(
        working,
        sales__account_conflict="update",
        links__items__missing="always",
        links__customers__missing="always",
        links__terms__missing="always",
    )
    number = sell(working, {"product": "UPS-1500", "account": "4010"})
    batch = working.post(number, accept=False)
    assert by_role(batch) == {"main": "held item_account_differs"}
    assert item(working)["IncomeAccountRef"]["value"] == "79"
    dry = working.run(working.submit(number, mode="dry"))
    assert "item_account_to_change" in by_role(dry)["main"]
    assert not changes(working)
    assert retry(working, batch, accept=True) == {"main": "closed item_account_to_change"}
    [change] = changes(working)
    assert (change.state, change.old, change.new) == ("done", {"account": "79"}, {"account": "82"})
    changed = item(working)
    assert (changed["IncomeAccountRef"]["value"], changed["Type"]) == ("82", "NonInventory")
    # The same product on its old account: changing it to and fro would book one of them wrongly.
    other = working.post(sell(working, {"product": "UPS-1500", "account": "4100"}))
    assert by_role(other) == {"main": "held item_for_two_accounts item_account_to_change"}
    assert len(changes(working)) == 1


def test_an_item_that_quickbooks_does_not_change_holds_its_invoice(working: Engine) -> None:
    settle(working, sales__account_conflict="update")
    refuse(working, "Item")
    batch = working.post(sell(working, {"product": "UPS-1500", "account": "4010"}))
    assert by_role(batch) == {"main": "held item_account_differs item_account_to_change"}
    assert [change.state for change in changes(working)] == ["refused"]
    assert not working.in_books()
    assert retry(working, batch, accept=True)["main"].startswith("closed")
