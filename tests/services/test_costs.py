"""Expenses, receipts and stock through the whole engine: posted, closed, proved, and taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis
import requests

from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.connections import Book
from app.services import batches, books, connections, decisions, undoing
from tests import engine
from tests.engine import Engine

EXPENSES, INVENTORY = RecordKind.EXPENSES, RecordKind.INVENTORY


@pytest.fixture
def working(tmp_path: Path, redis_server: redis.Redis) -> Iterator[Engine]:
    made = engine.make(tmp_path, redis_server)
    yield made
    made.both.stop()
    made.database.dispose()


def settle(working: Engine, **values: str) -> None:
    """Change settings of the Book; ``purchases__group="report"``."""
    with working.database.session() as session:
        wanted = {name.replace("__", "."): value for name, value in values.items()}
        books.set_settings(session, session.get_one(Book, working.book_id), wanted, engine.BY)


def outcomes(batch: dict[str, Any]) -> dict[str, str]:
    """By first record what became of it: its state, and the problem that stops it."""
    found = {}
    for posting in batch["postings"]:
        stops = [problem["code"] for problem in posting["problems"] if problem["severity"] != "info"]
        found[posting["records"][0]] = " ".join([posting["state"], *stops])
    return found


def documents(working: Engine) -> dict[str, dict[str, Any]]:
    """What the books hold of ours, by the PSA's number in the note."""
    found = requests.get(f"{working.both.quickbooks_online.url}/_documents", timeout=30).json()
    ours = [row for row in found if "CF-" in (row.get("PrivateNote") or "") and row.get("status") != "Deleted"]
    return {row["PrivateNote"].split(" · ")[0].removeprefix("PSA "): row for row in ours}


def listed(working: Engine, kind: RecordKind) -> set[str]:
    """Numbers that the PSA itself still lists, whether we offer them or not."""
    source = connections.open_source(working.database, working.connectors, working.source_id)
    return {record.number for record in source.unposted(kind)}


def totals(batch: dict[str, Any]) -> dict[str, Decimal]:
    [total] = batch["totals"]
    return {name: Decimal(value) for name, value in total.items() if name != "currency"}


def assert_crossfoots(batch: dict[str, Any]) -> None:
    """Nothing is lost between what was selected and what became of it, and the books hold what was posted."""
    foot = totals(batch)
    assert foot["selected"] == sum(foot[name] for name in ("posted", "held", "in_doubt", "skipped", "to_go"))
    assert foot["in_books"] == foot["posted"] == foot["closed"]


def undo(working: Engine, batch: dict[str, Any], *wanted: str) -> dict[str, str]:
    with working.database.session() as session:
        undoing.ask(session, batches.find(session, batch["batch"]), list(wanted), by=engine.BY)
    after = outcomes(working.run(batch["batch"]))
    return {record: after[record] for record in wanted}


# ── every record of the demo ─────────────────────────────────────────────────────────────────────────────────────


def test_every_expense_is_posted_once_or_held_for_its_own_reason(working: Engine) -> None:
    batch = working.post(kind=EXPENSES)
    by_number = {posting["number"]: posting for posting in batch["postings"]}
    seen = {number: outcomes({"postings": [posting]})[posting["records"][0]] for number, posting in by_number.items()}
    held = {
        "EXP-9009": "held account_not_linked",  # the fuel card is in no chart yet
        "EXP-9013": "held not_approved",
        "EXP-9014": "held not_approved",
        "EXP-9016": "held no_gl_entries",
    }
    assert {number: state for number, state in seen.items() if state != "closed"} == held
    assert "EXP-9012" not in seen  # personal ones are not listed; EXP-9015 is on a report that is not approved
    assert {number: posting["kind"] for number, posting in by_number.items() if number in ("EXP-9001", "EXP-9004")} == {
        "EXP-9001": "bill", "EXP-9004": "purchase",
    }  # fmt: skip
    found = documents(working)
    assert {number: Decimal(str(row["TotalAmt"])) for number, row in found.items()} == {
        number: Decimal(posting["total"]) for number, posting in by_number.items() if number not in held
    }
    assert_crossfoots(batch)
    assert working.unposted(EXPENSES) == set(held)
    working.assert_exactly_once()


def test_every_receipt_and_every_movement_of_stock_is_posted_once_or_held_for_its_own_reason(working: Engine) -> None:
    batch = working.post(kind=INVENTORY)
    assert outcomes(batch) == {
        "1088-PS20114-purchase": "closed",
        "1089-PS20098-purchase": "closed",
        "1089-PS20121-purchase": "closed",
        "1090-PS20131-purchase": "closed waiting_on_bill",
        "1091-PS20133-purchase": "closed",
        "1092-PS20140-purchase": "held freight_account_missing",
        "1093-DROP1-purchase": "closed",
        "1094-PS20151-purchase": "closed",
        "31-adjustment": "closed",
        "32-adjustment": "closed",
        "33-adjustment": "held no_gl_entries",
        "12-transfer": "skipped",
    }
    numbers = {posting["records"][0]: posting["number"] for posting in batch["postings"]}
    assert numbers["1089-PS20098-purchase"] == "IM-55722"
    assert numbers["1089-PS20121-purchase"] == "IM-55722-2"
    assert numbers["1090-PS20131-purchase"] == "1090/PS20131"
    assert_crossfoots(batch)
    working.assert_exactly_once()


def test_a_transfer_has_nothing_to_post_and_can_be_closed_all_the_same(working: Engine) -> None:
    batch = working.post("TRF-12", kind=INVENTORY)
    assert outcomes(batch) == {"12-transfer": "skipped"}
    [posting] = batch["postings"]
    assert [problem["code"] for problem in posting["problems"]] == ["nothing_to_post"]
    assert "TRF-12" in listed(working, INVENTORY)
    decisions.decide(working.database, batch["batch"], "12-transfer", "keep", by=engine.BY)
    working.run(batch["batch"])
    assert "TRF-12" not in listed(working, INVENTORY)
    assert not working.in_books()


def test_what_was_posted_is_not_offered_again(working: Engine) -> None:
    first = working.post("EXP-9001", "EXP-9004", kind=EXPENSES)
    assert set(outcomes(first).values()) == {"closed"}
    with pytest.raises(ValidationError):
        working.submit("EXP-9001", "EXP-9004", kind=EXPENSES)


def test_undo_takes_one_of_each_kind_out_of_both_systems(working: Engine) -> None:
    spent = working.post("EXP-9001", "EXP-9004", kind=EXPENSES)
    goods = working.post("1088/PS20114", "ADJ-31", "ADJ-32", kind=INVENTORY)
    kinds = {posting["kind"] for batch in (spent, goods) for posting in batch["postings"]}
    assert kinds == {"bill", "purchase", "journal_entry", "inventory_adjustment"}
    for batch in (spent, goods):
        assert set(outcomes(batch).values()) == {"closed"}
        records = [posting["records"][0] for posting in batch["postings"]]
        assert set(undo(working, batch, *records).values()) == {"undone"}
    assert not working.in_books()
    assert {"EXP-9001", "EXP-9004"} <= working.unposted(EXPENSES)
    assert {"1088/PS20114", "ADJ-31", "ADJ-32"} <= working.unposted(INVENTORY)
