"""Items made from a purchase and sold later, and the other way round: they get the account that they lack."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import requests
from sqlmodel import col, select, update

from app.connectors.quickbooks_online.connector import QuickBooksOnline
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Link
from app.models.people import Audit
from app.models.workbench import EntryChange
from tests.engine import Engine
from tests.services.test_cogs import refuse, sell, settle
from tests.services.test_item_accounts import changes, retry
from tests.thorough import sampled

INVENTORY = RecordKind.INVENTORY
#: A receipt with a product that is new in QuickBooks, bought there first to 5000 (88), sold to 4100 (79).
RECEIPT, BOUGHT = "1094/PS20151", "AP-U6"


def accounts(working: Engine, name: str = BOUGHT) -> tuple[str, str]:
    """Ids of an item's income and expense account; empty where it has none."""
    row = next(row for row in working.company.visible("Item") if row["Name"] == name)
    income, cost = (row.get(member, {}) for member in ("IncomeAccountRef", "ExpenseAccountRef"))
    return income.get("value", ""), cost.get("value", "")


def told(batch: dict[str, Any]) -> list[str]:
    """States of the documents, each with the codes beside it."""
    return sorted(" ".join([p["state"], *(q["code"] for q in p["problems"])]) for p in batch["postings"])


def buy(working: Engine, **options: Any) -> list[str]:
    return told(working.post(RECEIPT, kind=INVENTORY, **options))


def linked_by_hand(working: Engine) -> None:
    """As if a person had made the item in QuickBooks and linked it."""
    with working.database.session() as session:
        session.exec(update(Link).where(col(Link.origin) == "created").values(origin="person"))
        session.commit()


def told_after(working: Engine, batch: dict[str, Any], *, accept: bool) -> list[str]:
    retry(working, batch, accept=accept)
    return told(working.json(batch["batch"]))


def test_two_invoices_of_what_was_bought_first_give_their_item_one_income_account(working: Engine) -> None:
    assert buy(working) == ["closed item_account_differs"]
    assert accounts(working) == ("", "88")
    first, other = sell(working, {"product": BOUGHT}), sell(working, {"product": BOUGHT, "account": "4010"})
    dry = working.run(working.submit(first, mode="dry"))
    assert "item_account_to_add" in told(dry)[0]
    refuse(working, "Item")  # as QuickBooks would in a bad moment: both are held with its words
    held = working.post(first, other)
    assert [words.split()[:2] for words in told(held)] == [["held", "item_lacks_account"]] * 2
    message = next(q["message"] for q in held["postings"][0]["problems"] if q["code"] == "item_lacks_account")
    assert "no income account" in message
    assert "A business validation error" in message
    assert accounts(working) == ("", "88")
    # The second says another account: QuickBooks books by the item, and it is warned of as ever.
    assert told_after(working, held, accept=False) == [
        "closed item_account_differs item_account_to_add", "closed item_account_to_add",
    ]  # fmt: skip
    told_of = [(change.state, change.old, change.new) for change in changes(working)]
    assert told_of == [(state, {"account": ""}, {"account": "79"}) for state in ("refused", "done")]
    assert accounts(working) == ("79", "88")
    with working.database.reading() as session:
        rows = session.exec(select(Audit).where(Audit.action == "entry.update")).all()
    assert [(row.detail["old"], row.detail["new"]) for row in rows] == [({"account": ""}, {"account": "79"})] * 2
    assert set(working.in_books().values()) == {1}


def test_what_was_sold_first_gets_its_expense_account_when_it_is_bought(working: Engine) -> None:
    assert told(working.post(sell(working, {"product": "CAT6-3FT"}))) == ["closed"]
    assert accounts(working, "CAT6-3FT") == ("79", "")
    assert told(working.post("1089/PS20098", kind=INVENTORY)) == ["closed item_account_differs item_account_to_add"]
    assert accounts(working, "CAT6-3FT") == ("79", "79")  # the PSA’s account of the line, its product has none
    assert [(change.state, change.old, change.new) for change in changes(working)] == [
        ("done", {"cost_account": ""}, {"cost_account": "79"})
    ]
    working.assert_exactly_once()


def test_what_is_bought_to_another_account_changes_its_item_once_that_is_accepted(working: Engine) -> None:
    assert buy(working) == ["closed item_account_differs"]
    settle(working, sales__account_conflict="update")
    batch = working.post("1088/PS20114", kind=INVENTORY)  # the other item of it is new
    assert told(batch) == ["closed item_account_to_change"]
    assert (accounts(working), accounts(working, "DOCK-C")) == (("", "81"), ("", "81"))
    assert [(change.state, change.old, change.new) for change in changes(working)] == [
        ("done", {"cost_account": "88"}, {"cost_account": "81"})
    ]
    working.assert_exactly_once()


def test_an_item_that_is_not_ours_gets_an_account_only_where_the_company_allows_it(working: Engine) -> None:
    settle(working, links__customers__missing="always", links__terms__missing="always")
    buy(working)
    linked_by_hand(working)
    held = working.post(sell(working, {"product": BOUGHT}), accept=False)
    assert told(held) == ["held item_lacks_account"]
    settle(working, links__items__missing="never")
    assert told_after(working, held, accept=True) == ["held item_lacks_account"]
    # Somebody gives it one in QuickBooks: Retry sees that at once, though the list is not a minute old.
    row = next(row for row in working.company.visible("Item") if row["Name"] == BOUGHT)
    edit = {"entity": "Item", "id": row["Id"], "changes": {"IncomeAccountRef": {"value": "82"}}}
    assert requests.post(f"{working.both.quickbooks_online.url}/_edit", json=edit, timeout=10).ok
    assert told_after(working, held, accept=True) == ["closed item_account_differs"]
    assert accounts(working) == ("82", "88")
    assert not changes(working)


@pytest.mark.parametrize("arrived", sampled([True, False], 2))
def test_a_worker_killed_between_intent_and_answer_leaves_one_change(
    working: Engine, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    buy(working)
    batch = working.submit(sell(working, {"product": BOUGHT}))
    send = QuickBooksOnline.change_entry

    def killed(*args: Any) -> Any:
        if arrived:
            send(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(QuickBooksOnline, "change_entry", killed)
        with pytest.raises(KeyboardInterrupt):
            working.run(batch)
    assert [change.state for change in changes(working)] == ["sending"]
    assert accounts(working)[0] == ("79" if arrived else "")
    with working.database.session() as session:  # the leases of the batch and of the change run out
        session.exec(update(EntryChange).values(look_at=utcnow() - dt.timedelta(seconds=1)))
        session.exec(update(Batch).values(lease_until=None))
        session.commit()
    assert told(working.run(batch)) == ["closed item_account_to_add"]
    assert [change.state for change in changes(working)] == ["done"]
    row = next(row for row in working.company.visible("Item") if row["Name"] == BOUGHT)
    assert (accounts(working), row["SyncToken"]) == (("79", "88"), "1")
    working.assert_exactly_once()
