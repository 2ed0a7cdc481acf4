"""COGS entries beside invoices: made, sent after them, closed with them, undone with them, and never booked twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import requests

from app.domain.states import RecordKind
from app.models.connections import Book
from app.services.batches import batches, decisions
from app.services.connections import books, connections
from app.services.posting import rerunning, undo_plan, undoing
from tests import engine
from tests.engine import Engine

COMPANY = "Acme Dental"
#: Sold from the PSA's stock; QuickBooks has it as a non-inventory item.
DOCK = {
    "identifier": "DOCK-TB4", "description": "Thunderbolt dock", "type_id": 4, "price": "279.00", "cost": "198.505",
    "inventory_account": "1300", "cogs_account": "5000",
}  # fmt: skip


@pytest.fixture
def costing(working: Engine) -> Engine:
    """The PSA exports costs, and the company books them."""
    working.site.switches.change({"package_setup": {"includeCogsEntriesFlag": True}})
    settle(working, inventory__cogs="journal_entry")
    return working


def settle(working: Engine, **values: str) -> None:
    with working.database.session() as session:
        wanted = {name.replace("__", "."): value for name, value in values.items()}
        books.set_settings(session, session.get_one(Book, working.book_id), wanted, engine.BY)


def sell(working: Engine, *lines: dict[str, Any], **more: Any) -> str:
    """An invoice that the PSA has just closed; answers its number."""
    lines = lines or ({"product": DOCK, "quantity": "3"},)
    body = {"company": COMPANY, "lines": list(lines), "tax_code": None, **more}
    answer = requests.post(f"{working.both.connectwise.url}/_add", json=body, timeout=10)
    assert answer.ok, answer.text
    return str(answer.json()["number"])


def by_role(batch: dict[str, Any]) -> dict[str, str]:
    """Role → state, with the codes beside it."""
    return {p["role"]: " ".join([p["state"], *(q["code"] for q in p["problems"])]) for p in batch["postings"]}


def entries(working: Engine) -> list[dict[str, Any]]:
    return [row for row in working.company.visible("JournalEntry") if "CF-C" in (row.get("PrivateNote") or "")]


def sides(row: dict[str, Any]) -> list[tuple[str, str, Decimal]]:
    details = [(line["JournalEntryLineDetail"], line["Amount"]) for line in row["Line"]]
    return [(detail["PostingType"], detail["AccountRef"]["value"], amount) for detail, amount in details]


def undo(working: Engine, batch: dict[str, Any]) -> dict[str, str]:
    with working.database.session() as session:
        undoing.ask(session, batches.find(session, batch["batch"]), [batch["postings"][0]["records"][0]], by=engine.BY)
    return by_role(working.run(batch["batch"]))


def retry(working: Engine, batch: dict[str, Any]) -> dict[str, Any]:
    with working.database.session() as session:
        batches.retry(session, batches.find(session, batch["batch"]), by=engine.BY, accept=True)
    return working.run(batch["batch"])


def refuse(working: Engine, entity: str, **more: Any) -> None:
    working.company.faults.add("refuse", entity=entity, code=6000, detail="A business validation error", **more)


# ── what is booked ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_invoice_and_its_cost_are_posted_and_closed_as_two_documents_of_one_record(costing: Engine) -> None:
    number = sell(costing)
    batch = costing.post(number)
    assert by_role(batch) == {"main": "closed", "cogs": "closed"}
    main, cost = batch["postings"]
    assert (cost["number"], cost["kind"], cost["total"]) == (f"COGS {number}", "journal_entry", "595.52")
    assert cost["records"] == main["records"]
    assert cost["psa_batch"] == main["psa_batch"]
    [row] = entries(costing)
    assert sides(row) == [("Debit", "88", Decimal("595.52")), ("Credit", "81", Decimal("595.52"))]
    assert row["PrivateNote"].startswith(f"PSA {number} · CF-C{main['records'][0]}-g1")
    [total] = batch["totals"]  # of what was selected: a cost is no part of it
    assert total["selected"] == total["in_books"] == total["closed"] == main["total"]
    costing.assert_exactly_once()


def test_goods_that_quickbooks_keeps_in_stock_are_left_out_and_said(costing: Engine) -> None:
    number = sell(costing, {"product": DOCK}, {"product": "AP-U6", "quantity": "2"})
    batch = costing.post(number)  # AP-U6 is new in QuickBooks, and becomes an inventory item there
    assert by_role(batch) == {"main": "closed", "cogs": "closed cogs_by_quickbooks"}
    [row] = entries(costing)
    assert sides(row) == [("Debit", "88", Decimal("198.51")), ("Credit", "81", Decimal("198.51"))]
    only = costing.post(sell(costing, {"product": "AP-U6"}))
    assert by_role(only) == {"main": "closed", "cogs": "skipped cogs_by_quickbooks"}
    assert len(entries(costing)) == 1
    costing.assert_exactly_once()


def test_goods_that_are_not_in_stock_are_bought_to_the_psas_account_so_that_they_do_not_cost_twice(
    costing: Engine,
) -> None:
    batch = costing.post("1094/PS20151", kind=RecordKind.INVENTORY)
    assert by_role(batch) == {"main": "closed"}
    [bill] = [row for row in costing.company.visible("Bill") if "CF-" in row.get("PrivateNote", "")]
    assert [line["AccountBasedExpenseLineDetail"]["AccountRef"]["value"] for line in bill["Line"]] == ["81"]
    assert by_role(costing.post(sell(costing, {"product": "AP-U6"})))["cogs"] == "closed"
    [row] = entries(costing)
    assert [side[:2] for side in sides(row)] == [("Debit", "88"), ("Credit", "81")]


# ── in the right order, whatever happens ─────────────────────────────────────────────────────────────────────────


def test_no_cost_is_booked_without_its_invoice(costing: Engine) -> None:
    number = sell(costing)
    refuse(costing, "Invoice")
    batch = costing.post(number)
    assert by_role(batch) == {"main": "refused business_rule", "cogs": "held waits_for_invoice"}
    assert not entries(costing)
    batch = retry(costing, batch)
    assert by_role(batch) == {"main": "closed", "cogs": "closed"}
    costing.assert_exactly_once()


def test_a_record_is_closed_only_when_its_cost_is_booked_too_or_skipped(costing: Engine) -> None:
    number, other = sell(costing), sell(costing)
    refuse(costing, "JournalEntry", times=2)
    batch = costing.post(number, other)
    assert {p["state"] for p in batch["postings"] if p["role"] == "main"} == {"posted"}
    assert {number, other} <= {record.number for record in source(costing).unposted(engine.KIND)}
    record = next(p["records"][0] for p in batch["postings"] if p["number"] == other)
    assert costing.problems(other) == ["cost_not_booked"]
    decisions.decide(costing.database, batch["batch"], record, "skip", by=engine.BY)
    batch = retry(costing, batch)
    assert {p["number"]: p["state"] for p in batch["postings"]} == {
        number: "closed", other: "closed", f"COGS {number}": "closed", f"COGS {other}": "skipped",
    }  # fmt: skip
    assert [row["PrivateNote"].split()[1] for row in entries(costing)] == [number]
    costing.assert_exactly_once()


def test_undo_takes_out_the_invoice_and_its_cost_and_they_can_be_posted_again(costing: Engine) -> None:
    number = sell(costing)
    batch = costing.post(number)
    assert undo(costing, batch) == {"main": "undone", "cogs": "undone"}
    assert not costing.in_books()
    assert number in costing.unposted()
    again = costing.run(costing.submit(number, release=True))
    assert by_role(again) == {"main": "closed", "cogs": "closed"}
    assert [p["ledger_id"] for p in again["postings"]] != [p["ledger_id"] for p in batch["postings"]]
    costing.assert_exactly_once()


def test_an_undo_that_is_refused_for_one_of_them_leaves_both(costing: Engine) -> None:
    batch = costing.post(sell(costing))
    [row] = entries(costing)
    dry = costing.run(costing.submit(sell(costing), mode="dry"))
    assert [p["number"].split()[0] for p in dry["postings"]][1] == "COGS"
    body = {"entity": "JournalEntry", "id": row["Id"], "changes": {"Line": _doubled(row)}}
    assert requests.post(f"{costing.both.quickbooks_online.url}/_edit", json=body, timeout=10).ok
    source = connections.open_source(costing.database, costing.connectors, costing.source_id)
    destination = connections.open_destination(costing.database, costing.connectors, costing.book_id)
    planned = undo_plan.plan(costing.database, source, destination, batch["batch"])
    assert [bool(item.refusal) for item in planned] == [True, True]
    paid = [
        replace(item, refusal=undo_plan.no("It is paid.", "") if item.posting.role == "main" else None)
        for item in planned
    ]
    assert [item.refusal.message for item in undo_plan.together(paid) if item.refusal][1].endswith(
        "beside it: It is paid."
    )
    after = undo(costing, batch)
    assert after == {"main": "closed undo_refused", "cogs": "closed books_differ"}
    assert len(costing.in_books()) == 2


def _doubled(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**line, "Amount": str(line["Amount"] * 2)} for line in row["Line"]]


def test_a_rerun_posts_only_the_one_that_is_missing(costing: Engine) -> None:
    batch = costing.post(sell(costing))
    [row] = entries(costing)
    body = {"entity": "JournalEntry", "id": row["Id"], "operation": "delete"}
    assert requests.post(f"{costing.both.quickbooks_online.url}/_edit", json=body, timeout=10).ok
    destination = connections.open_destination(costing.database, costing.connectors, costing.book_id)
    items = rerunning.plan(costing.database, source(costing), destination, batch["batch"])
    assert sorted(item.standing for item in items) == ["missing", "there"]
    assert rerunning.rerun(costing.database, batch["batch"], items, by=engine.BY) == 1
    assert by_role(costing.run(batch["batch"])) == {"main": "closed", "cogs": "closed"}
    assert len(entries(costing)) == 1
    costing.assert_exactly_once()


def source(working: Engine) -> Any:
    return connections.open_source(working.database, working.connectors, working.source_id)
