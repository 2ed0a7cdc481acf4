"""Exactly once, under the faults that happen: lost answers, doubtful errors, replays, two submits, a killed worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import String, type_coerce
from sqlmodel import col, select

from app.domain.problems import ValidationError
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Call, Posting
from app.services.batches import batches, decisions
from app.services.connections import books, connections
from app.services.posting import attaching
from app.services.posting.run import Run
from app.services.records import explaining
from tests import engine
from tests.engine import Engine
from tests.services.test_cogs import sell
from tests.thorough import crossed

#: Clean invoices of the demo PSA, of several customers; the last one is a credit memo.
CLEAN = ("10395", "10397", "10398", "10399", "10401")


def states(batch: dict[str, Any]) -> set[str]:
    return {posting["state"] for posting in batch["postings"]}


@pytest.mark.parametrize(
    ("fault", "requestid"),
    crossed(["lose_answer", "cut_answer", "500_after", "missing_items"], ["ignored", "honoured", "replay_deleted"]),
)
def test_an_answer_lost_after_the_commit_is_found_and_never_sent_again(
    working: Engine, requestid: str, fault: str
) -> None:
    working.company.switches.requestid = requestid
    working.company.faults.add(fault, entity="batch")
    assert states(working.post(*CLEAN)) == {"closed"}
    working.assert_exactly_once()
    assert len(working.in_books()) == len(CLEAN)


@pytest.mark.parametrize(("fault", "requestid"), crossed(["drop_before", "500_before", "503"], ["ignored", "honoured"]))
def test_a_call_that_never_arrived_goes_again_to_the_byte(working: Engine, requestid: str, fault: str) -> None:
    working.company.switches.requestid = requestid
    working.company.faults.add(fault, entity="batch")
    assert states(working.post(*CLEAN)) == {"closed"}
    working.assert_exactly_once()
    with working.database.reading() as session:
        call = session.exec(select(Call)).one()
    assert call.sends == 2
    assert call.state == "answered"


def test_a_throttled_call_waits_as_long_as_it_is_told_and_goes_again(working: Engine) -> None:
    working.company.faults.add("429", entity="batch", seconds=2)
    batch = working.submit(*CLEAN)
    runner = threading.Thread(target=working.run, args=(batch,))
    runner.start()
    _eventually(working, select(Batch).where(type_coerce(Batch.waiting, String).like("%limit%")))
    runner.join(60)
    assert states(working.json(batch)) == {"closed"}
    with working.database.reading() as session:
        assert session.exec(select(Call)).one().sends == 2
    working.assert_exactly_once()


def _eventually(working: Engine, query: Any) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with working.database.reading() as session:
            if session.exec(query).first() is not None:
                return
        time.sleep(0.02)
    pytest.fail("it never happened")


def test_an_expired_token_in_the_middle_of_a_run_is_refreshed(working: Engine) -> None:
    working.company.faults.add("401", entity="batch")
    assert states(working.post(*CLEAN)) <= {"closed", "ready"}
    working.assert_exactly_once()


def _documents(working: Engine) -> list[dict[str, Any]]:
    return list(requests.get(f"{working.both.quickbooks_online.url}/_documents", timeout=10).json())


@pytest.mark.parametrize("fault", ["lose_answer", "drop_before", "500_after", "500_before"])
def test_a_closing_whose_answer_was_lost_is_looked_up_in_the_psa(working: Engine, fault: str) -> None:
    working.both.connectwise.gate.faults.add(fault, method="POST", path="/finance/accounting/batches")
    assert states(working.post(*CLEAN)) == {"closed"}
    working.assert_exactly_once()
    assert not working.unposted() & set(CLEAN)


def test_two_submits_with_one_token_are_one_batch(working: Engine) -> None:
    first = working.submit(*CLEAN, token="same")
    second = working.submit(*CLEAN, token="same")
    assert first == second
    assert states(working.run(first)) == {"closed"}
    working.assert_exactly_once()


def test_a_second_batch_of_the_same_records_is_refused_with_a_sentence(working: Engine) -> None:
    working.submit(*CLEAN)
    with pytest.raises(ValidationError, match="already ready in batch"):
        working.submit("10395")


def test_a_document_typed_in_by_hand_waits_for_a_person_and_can_be_linked(working: Engine) -> None:
    batch = working.submit("10404")
    assert states(working.run(batch)) == {"held"}
    assert working.problems("10404") == ["looks_already_posted"]
    decide(working, batch, "10404", "link")
    assert states(working.run(batch)) == {"closed"}
    assert not working.in_books()  # nothing of ours was sent


def test_post_anyway_makes_a_second_document_with_a_new_generation(working: Engine) -> None:
    working.company.switches.duplicate_numbers = "allowed"
    batch = working.submit("10404")
    working.run(batch)
    decide(working, batch, "10404", "post")
    assert states(working.run(batch)) == {"closed"}
    assert list(working.in_books()) == [f"CF-I{record(working, batch, '10404')}-g2"]


def test_another_number_is_checked_to_be_free_and_the_note_keeps_the_psas(working: Engine) -> None:
    batch = working.submit("10404")
    working.run(batch)
    ident = record(working, batch, "10404")
    with pytest.raises(ValidationError, match="does not go on from 10404"):
        decide(working, batch, "10404", "renumber", other="4711")
    decide(working, batch, "10404", "renumber")
    assert states(working.run(batch)) == {"closed"}
    [ours] = [row for row in _documents(working) if f"CF-I{ident}-g2" in (row.get("PrivateNote") or "")]
    assert (ours["DocNumber"], ours["PrivateNote"].split(" · ")[0]) == ("10404-2", "PSA 10404")
    with working.database.reading() as session:
        book = session.get_one(Book, working.book_id)
    told = explaining.explain(working.database, working.connectors, book, engine.KIND, "10404")
    assert any("It is closed in batch" in test.answer for test in told.tests)


def test_a_prefix_stands_before_every_number_and_hides_nothing_that_was_posted_without_it(working: Engine) -> None:
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        books.set_settings(session, book, {"sales.number_prefix": "CW-"}, engine.BY)
    batch = working.submit("10395", "10404")
    done = working.run(batch)
    assert {p["number"]: p["state"] for p in done["postings"]} == {"10395": "closed", "10404": "held"}
    assert working.problems("10404") == ["looks_already_posted"]
    [ours] = [row for row in _documents(working) if "CF-" in (row.get("PrivateNote") or "")]
    assert (ours["DocNumber"], ours["PrivateNote"].split(" · ")[0]) == ("CW-10395", "PSA 10395")
    decide(working, batch, "10404", "post")
    assert {p["ledger_number"] for p in working.run(batch)["postings"]} == {"CW-10395", "CW-10404"}
    working.assert_exactly_once()


def test_a_skipped_record_is_let_go_and_taken_only_by_name(working: Engine) -> None:
    batch = working.submit("10404")
    working.run(batch)
    decide(working, batch, "10404", "skip")
    assert states(working.json(batch)) == {"skipped"}
    with pytest.raises(ValidationError, match="on hold"):
        working.submit("10404")
    assert working.submit("10404", release=True) != batch


def test_a_zero_total_is_skipped_and_closed_when_kept(working: Engine) -> None:
    batch = working.submit("10408")
    assert states(working.run(batch)) == {"skipped"}
    decide(working, batch, "10408", "keep")
    assert states(working.run(batch)) == {"cleared"}
    assert "10408" not in working.unposted()


def test_an_invoice_that_its_down_payment_pays_in_full_is_posted_although_its_total_is_nothing(working: Engine) -> None:
    number = sell(
        working, {"text": "Network", "price": "800.00", "account": "4010"},
        {"gl_type": "RD", "account": "2300", "text": "Less down payment", "price": "-800.00"},
    )  # fmt: skip
    batch = working.submit(number)
    assert states(working.run(batch)) == {"closed"}
    [booked] = [row for row in working.company.visible("Invoice") if row.get("DocNumber") == number]
    assert (booked["TotalAmt"], booked["Balance"]) == (0, 0)
    assert [line["Amount"] for line in booked["Line"] if "SalesItemLineDetail" in line] == [800, -800]
    working.assert_exactly_once()


def test_a_record_changed_since_it_was_selected_is_held(working: Engine) -> None:
    batch = working.submit("10395")
    number = record(working, batch, "10395")
    requests.post(
        f"{working.both.connectwise.url}/_edit", json={"action": "change", "invoice": int(number)}, timeout=10
    )
    assert states(working.run(batch)) == {"held"}
    assert working.problems("10395") == ["changed_in_psa"]


def test_a_record_batched_by_somebody_else_is_never_closed_by_us(working: Engine) -> None:
    working.company.faults.add("slow:1", entity="Invoice")
    batch = working.submit("10395")
    working.both.connectwise.gate.faults.add("drop_before", method="POST", path="/finance/accounting/batches")
    number = record(working, batch, "10395")
    requests.post(
        f"{working.both.connectwise.url}/_edit", json={"action": "batch_by_hand", "invoice": int(number)}, timeout=10
    )
    assert states(working.run(batch)) == {"held"}
    assert working.problems("10395") == ["no_longer_unposted"]


def test_a_worker_killed_while_sending_leaves_no_double_and_no_loss(
    working: Engine, redis_url: str, tmp_path: Path
) -> None:
    working.company.switches.call_ms = 400
    batch = working.submit(*CLEAN)
    child = _worker(working, tmp_path, redis_url, batch)
    _wait_for(working, "sending", child)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    working.company.switches.call_ms = 0
    time.sleep(working.waits.lease + 0.2)
    assert states(working.run(batch)) == {"closed"}
    working.assert_exactly_once()


def _worker(working: Engine, folder: Path, redis_url: str, batch: int) -> subprocess.Popen[bytes]:
    """A real process that runs the batch on the same database and stand-ins."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.one_run", str(folder / "crossfoot.db"), redis_url, str(batch)],
        env={
            **os.environ,
            "TEST_KEY": engine.KEY,
            "TEST_QBO_URL": working.both.quickbooks_online.url,
            "PYTHONWARNINGS": "ignore",
        },
        start_new_session=True,
    )


def _wait_for(working: Engine, state: str, child: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert child.poll() is None, f"the worker ended before anything was {state}"
        with working.database.reading() as session:
            if session.exec(select(Posting.id).where(Posting.state == state)).first():
                return
        time.sleep(0.01)
    pytest.fail(f"nothing was ever {state}")


def decide(working: Engine, batch: int, number: str, choice: str, ledger_id: str = "", other: str = "") -> None:
    destination = connections.open_destination(working.database, working.connectors, working.book_id)
    decisions.decide(
        working.database,
        batch,
        record(working, batch, number),
        choice,
        by=engine.BY,
        ledger_id=ledger_id,
        destination=destination,
        number=other,
    )


def record(working: Engine, batch: int, number: str) -> str:
    return str(next(p["records"][0] for p in working.json(batch)["postings"] if p["number"] == number))


def test_a_book_that_numbers_by_itself_gets_no_number_and_is_still_posted_once(working: Engine) -> None:
    working.company.switches.custom_txn_numbers = False
    connections.recheck_book(working.database, working.connectors, working.book_id)
    with working.database.reading() as session:
        assert session.get_one(Book, working.book_id).rules["send_numbers"] is False
    working.company.faults.add("lose_answer", entity="batch")
    batch = working.post(*CLEAN)
    assert states(batch) == {"closed"}
    working.assert_exactly_once()


def test_a_batch_waits_for_another_one_that_has_the_same_customer_under_way(working: Engine) -> None:
    working.post("10464")  # five invoices of one customer; this one is made to look as if it were on the wire
    _set_state(working, "10464", "sending")
    batch = working.submit("10465")
    runner = threading.Thread(target=working.run, args=(batch,))
    runner.start()
    _eventually(working, select(Posting).where(Posting.number == "10465", Posting.checked, Posting.state == "ready"))
    time.sleep(1)
    assert working.batch(batch).ended_at is None
    assert working.posting("10465").state == "ready"
    _set_state(working, "10464", "closed")
    runner.join(30)
    assert working.posting("10465").state == "closed"
    working.assert_exactly_once()


def _set_state(working: Engine, number: str, state: str) -> None:
    with working.database.session() as session:
        posting = session.exec(select(Posting).where(Posting.number == number)).one()
        posting.state = state
        session.add(posting)
        session.commit()


def test_what_is_let_go_again_while_its_batch_runs_is_not_left_behind_when_that_ends(
    working: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, attach = working.submit(*CLEAN[:2]), attaching.work
    with working.database.session() as session:
        stuck = session.exec(select(Posting).order_by(col(Posting.id))).all()[0]
        stuck.state = "held"
        session.add(stuck)
        session.commit()

    def retried_meanwhile(run: Run) -> float | None:
        with working.database.session() as session:
            batches.retry(session, batches.find(session, batch), by=engine.BY)
        monkeypatch.undo()
        return attach(run)

    monkeypatch.setattr(attaching, "work", retried_meanwhile)
    assert states(working.run(batch)) == {"closed"}
    assert working.batch(batch).ended_at is not None
    working.assert_exactly_once()
