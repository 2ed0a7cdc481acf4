"""Undo takes a document out of both systems; clear and dry run write only what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import requests

from app.domain.problems import ValidationError
from app.services import batches, undoing
from tests import engine
from tests.engine import Engine


@pytest.fixture
def working(tmp_path: Path, redis_server: redis.Redis) -> Iterator[Engine]:
    made = engine.make(tmp_path, redis_server)
    yield made
    made.both.stop()
    made.database.dispose()


def undo(working: Engine, batch: int, *numbers: str) -> str:
    """Undo some documents of a batch; answers the states they are in then."""
    shown = working.json(batch)
    records = [p["records"][0] for p in shown["postings"] if p["number"] in numbers]
    with working.database.session() as session:
        undoing.ask(session, batches.find(session, batch), records, by=engine.BY)
    after = working.run(batch)
    return " ".join(p["state"] for p in after["postings"] if p["number"] in numbers)


def edit(working: Engine, operation: str, number: str, **more: object) -> None:
    base = working.both.quickbooks_online.url
    found = next(d for d in requests.get(f"{base}/_documents", timeout=10).json()
                 if d["DocNumber"] == number and "CF-" in (d["PrivateNote"] or ""))  # fmt: skip
    body = {"entity": "Invoice", "id": found["Id"], "operation": operation, **more}
    assert requests.post(f"{base}/_edit", json=body, timeout=10).ok


def test_undo_takes_it_out_of_both_and_a_person_can_post_it_again(working: Engine) -> None:
    batch = working.submit("10395", "10397")
    working.run(batch)
    assert undo(working, batch, "10395") == "undone"
    assert sum(working.in_books().values()) == 1
    assert "10395" in working.unposted()
    with pytest.raises(ValidationError, match="on hold"):
        working.submit("10395")
    again = working.run(working.submit("10395", release=True))
    assert [p["state"] for p in again["postings"]] == ["closed"]
    assert any(mark.endswith("-g2") for mark in working.in_books())
    working.assert_exactly_once()


def test_a_paid_document_is_not_undone_and_says_why(working: Engine) -> None:
    batch = working.submit("10395")
    working.run(batch)
    edit(working, "pay", "10395", amount=100)
    assert undo(working, batch, "10395") == "closed"
    assert working.problems("10395") == ["undo_refused"]
    assert "10395" not in working.unposted()


@pytest.mark.parametrize("fault", ["lose_answer", "drop_before", "500_after", "500_before"])
def test_an_answer_lost_in_the_middle_of_undo_is_looked_up(working: Engine, fault: str) -> None:
    batch = working.submit("10395")
    working.run(batch)
    working.company.faults.add(fault, method="POST", path="invoice")
    working.both.connectwise.gate.faults.add(fault, method="DELETE", path="/finance/accounting/batches")
    assert undo(working, batch, "10395") == "undone"
    assert not working.in_books()
    assert "10395" in working.unposted()


def test_what_somebody_deleted_in_quickbooks_is_undone_in_the_psa(working: Engine) -> None:
    batch = working.submit("10395")
    working.run(batch)
    edit(working, "delete", "10395")
    assert undo(working, batch, "10395") == "undone"
    assert "10395" in working.unposted()


def test_clear_marks_in_the_psa_without_sending_and_can_be_undone(working: Engine) -> None:
    batch = working.submit("10395", mode="clear")
    assert [p["state"] for p in working.run(batch)["postings"]] == ["cleared"]
    assert not working.in_books()
    assert "10395" not in working.unposted()
    assert undo(working, batch, "10395") == "undone"
    assert "10395" in working.unposted()


def test_a_dry_run_writes_nothing_and_blocks_nothing(working: Engine) -> None:
    before = requests.get(f"{working.both.quickbooks_online.url}/_stats", timeout=10).json()["documents"]
    shown = working.post("10395", "10400", mode="dry")
    assert {p["number"]: p["state"] for p in shown["postings"]} == {"10395": "ready", "10400": "held"}
    assert "customer_to_create" in [x["code"] for p in shown["postings"] for x in p["problems"]]
    after = requests.get(f"{working.both.quickbooks_online.url}/_stats", timeout=10).json()["documents"]
    assert before == after
    assert working.post("10395")["status"] == "completed"
