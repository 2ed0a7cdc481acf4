"""What is owed to whom: only what is approved, and on the payable account that the PSA says."""

from __future__ import annotations

import pytest
import requests

from app.domain.links import LinkKind
from app.models.connections import Book
from app.services.connections import connections
from app.services.mapping import links, lists
from sandbox.quickbooks_online.chart import place
from tests import engine
from tests.engine import Engine
from tests.services.test_costs import EXPENSES, INVENTORY, assert_crossfoots, outcomes, settle, undo
from tests.thorough import sampled


def test_an_expense_that_is_not_approved_is_held_and_those_of_its_week_are_posted_without_it(working: Engine) -> None:
    settle(working, purchases__group="member_week")
    added = [("12.10", "ApprovedByTierTwo"), ("30.00", "ApprovedByTierTwo"), ("99.00", "PendingApproval")]
    for amount, status in added:
        body = {"expense": {"member": "mortiz", "amount": amount, "status": status, "leaks": True}}
        assert requests.post(f"{working.both.connectwise.url}/_add", json=body, timeout=10).ok
    working.refresh(EXPENSES)
    numbers = sorted(number for number in working.unposted(EXPENSES) if number > "EXP-9016")
    batch = working.post(*numbers, kind=EXPENSES)
    assert [(p["total"], p["state"]) for p in batch["postings"]] == [("42.10", "closed"), ("99.00", "held")]
    assert_crossfoots(batch)
    working.assert_exactly_once()


@pytest.mark.parametrize("order", sampled([False, True], 2))
def test_a_vendor_is_owed_on_the_payable_account_that_the_psas_is_linked_to(working: Engine, order: bool) -> None:
    own = place(working.company, "Account", {"Name": "Trade creditors", "AccountType": "Accounts Payable"})["Id"]
    connections.recheck_book(working.database, working.connectors, working.book_id)  # which one is not clear any more
    lists.refresh(working.database, connections.open_destination(working.database, working.connectors, working.book_id),
                  working.book_id, max_age=lists.FRESH * 0)  # fmt: skip
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        links.set_link(session, book, LinkKind.ACCOUNTS, "2000", own, by=engine.BY)
    settle(working, **({"inventory__purchase_as": "purchase_order"} if order else {}))
    batch = working.post("1090/PS20131" if order else "1088/PS20114", kind=INVENTORY)
    assert [posting["state"] for posting in batch["postings"]] == ["closed"]
    [row] = [
        row for row in working.company.visible("PurchaseOrder" if order else "Bill") if "CF-" in row["PrivateNote"]
    ]
    assert row["APAccountRef"]["value"] == own


@pytest.mark.parametrize("partial", sampled(["wait", "grouped"], 2))
def test_receipts_of_one_invoice_are_one_bill_or_numbered_however_the_book_takes_them(
    working: Engine, partial: str
) -> None:
    settle(working, inventory__partial=partial)
    both = ("1089/PS20098", "1089/PS20121")
    batch = working.post(*both, kind=INVENTORY)
    assert [(p["state"], p["number"], len(p["records"])) for p in batch["postings"]] == [("closed", "IM-55722", 2)]
    undo(working, batch, batch["postings"][0]["records"][0])
    found = [working.post(one, kind=INVENTORY, release=True)["postings"][0] for one in both]
    assert [(one["state"], one["number"]) for one in found] == [("closed", "IM-55722"), ("closed", "IM-55722-2")]
    working.assert_exactly_once()


def test_a_receipt_waits_for_the_vendors_invoice_where_the_book_says_so(working: Engine) -> None:
    settle(working, inventory__without_invoice="hold")
    batch = working.post("1090/PS20131", kind=INVENTORY)
    assert outcomes(batch) == {"1090-PS20131-purchase": "held waiting_on_bill"}
    assert not working.in_books()
