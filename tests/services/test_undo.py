"""Undo takes a document out of both systems; clear and dry run write only what they say."""

from __future__ import annotations

import pytest
import requests
from sqlmodel import select

from app.domain.problems import ValidationError
from app.models.connections import Book
from app.models.postings import Posting
from app.services.batches import batches, decisions
from app.services.connections import books, connections
from app.services.posting import undo_plan, undoing
from app.services.records import explaining
from sandbox.connectwise.people import batch_by_hand
from tests import engine
from tests.engine import Engine


def undo(working: Engine, batch: int, *numbers: str) -> str:
    """Undo some documents of a batch; answers the states they are in then."""
    shown = working.json(batch)
    records = [p["records"][0] for p in shown["postings"] if p["number"] in numbers]
    with working.database.session() as session:
        undoing.ask(session, batches.find(session, batch), records, by=engine.BY)
    after = working.run(batch)
    return " ".join(p["state"] for p in after["postings"] if p["number"] in numbers)


def edit(working: Engine, operation: str | None, number: str, **more: object) -> None:
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


def test_what_a_batch_let_go_is_no_reason_why_it_is_not_listed(working: Engine) -> None:
    batch = working.submit("10395")
    working.run(batch)
    undo(working, batch, "10395")
    working.post("10397", mode="dry")
    said = {}
    for number in ("10395", "10397"):
        batch_by_hand(working.site, {"number": number})
        with working.database.reading() as session:
            book = session.get_one(Book, working.book_id)
        told = explaining.explain(working.database, working.connectors, book, engine.KIND, number)
        assert told.answer == f"It is in batch M-{number}: ConnectWise takes it for posted."
        said[number] = next(test.answer for test in told.tests if test.question.startswith("Has Crossfoot"))
    assert said["10395"].startswith("It was undone in batch")
    assert said["10397"] == "Yes: no batch ever had it."


def test_a_paid_document_is_not_undone_and_says_why(working: Engine) -> None:
    batch = working.submit("10395")
    working.run(batch)
    edit(working, "pay", "10395", amount=100)
    assert undo(working, batch, "10395") == "closed"
    assert working.problems("10395") == ["undo_refused"]
    assert "10395" not in working.unposted()


def test_what_somebody_changed_in_quickbooks_is_not_lost_and_a_note_in_the_memo_is_no_obstacle(working: Engine) -> None:
    batch = working.submit("10395", "10397")
    working.run(batch)
    edit(working, None, "10395", changes={"DueDate": "2027-03-31"})
    edit(working, None, "10397", changes={"PrivateNote": "PSA 10397 · CF-I, as agreed by phone"})
    assert undo(working, batch, "10395") == "closed"
    assert working.problems("10395") == ["undo_refused"]
    assert undo(working, batch, "10397") == "undone"


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
    before = held(working)
    shown = working.post("10395", "10400", mode="dry")
    assert {p["number"]: p["state"] for p in shown["postings"]} == {"10395": "ready", "10400": "held"}
    assert "customer_to_create" in [x["code"] for p in shown["postings"] for x in p["problems"]]
    assert held(working) == before
    assert working.post("10395")["status"] == "completed"
    assert held(working) != before


def held(working: Engine) -> tuple[object, object]:
    """How much of everything QuickBooks has, and the accounting batches of the PSA."""
    books = requests.get(f"{working.both.quickbooks_online.url}/_stats", timeout=10).json()["documents"]
    return books, requests.get(f"{working.both.connectwise.url}/_batches", timeout=10).json()


def undo_all(working: Engine, batch: int) -> dict[str, str]:
    """Undo a whole batch; answers the documents' states by number."""
    with working.database.session() as session:
        undoing.ask_all(session, batches.find(session, batch), by=engine.BY)
    return {p["number"]: p["state"] for p in working.run(batch)["postings"]}


def set_setting(working: Engine, key: str, value: str) -> None:
    with working.database.session() as session:
        books.set_settings(session, session.get_one(Book, working.book_id), {key: value}, engine.BY)


def expected(working: Engine, batch: int) -> dict[str, tuple[str, bool]]:
    """What the page before an undo says: number to way, and whether it would be refused."""
    source = connections.open_source(working.database, working.connectors, working.source_id)
    destination = connections.open_destination(working.database, working.connectors, working.book_id)
    items = undo_plan.plan(working.database, source, destination, batch)
    return {item.posting.number: (item.way, item.refusal is not None) for item in items}


def test_a_whole_batch_is_undone_and_what_was_said_before_is_what_happens(working: Engine) -> None:
    batch = working.submit("10395", "10397", "10398")
    working.run(batch)
    edit(working, "pay", "10397", amount=10)
    edit(working, "delete", "10398")
    assert expected(working, batch) == {
        "10395": ("delete", False), "10397": ("delete", True), "10398": ("gone", False),
    }  # fmt: skip
    assert undo_all(working, batch) == {"10395": "undone", "10397": "closed", "10398": "undone"}
    assert sum(working.in_books().values()) == 1
    assert {"10395", "10398"} <= working.unposted()
    assert working.problems("10397") == ["undo_refused"]


def test_an_undo_of_everything_leaves_alone_what_is_undone_already(working: Engine) -> None:
    batch = working.submit("10395", "10397")
    working.run(batch)
    undo(working, batch, "10395")
    assert undo_all(working, batch) == {"10395": "undone", "10397": "undone"}
    assert not working.in_books()
    with pytest.raises(ValidationError, match="nothing to undo"):
        undo_all(working, batch)


def test_where_the_company_wants_it_an_invoice_is_voided_and_keeps_its_number(working: Engine) -> None:
    batch = working.submit("10395")
    working.run(batch)
    set_setting(working, "sales.undo", "void")
    assert expected(working, batch) == {"10395": ("void", False)}
    assert undo_all(working, batch) == {"10395": "undone"}
    kept = [d for d in requests.get(f"{working.both.quickbooks_online.url}/_documents", timeout=10).json()
            if d["DocNumber"] == "10395"]  # fmt: skip
    assert [d["status"] for d in kept] == ["Voided"]
    assert "10395" in working.unposted()


def linked(working: Engine) -> int:
    """A batch whose document somebody typed in by hand before, and which a person has linked."""
    batch = working.submit("10404")
    record = working.run(batch)["postings"][0]["records"][0]
    destination = connections.open_destination(working.database, working.connectors, working.book_id)
    decisions.decide(working.database, batch, record, "link", by=engine.BY, destination=destination)
    assert [p["state"] for p in working.run(batch)["postings"]] == ["closed"]
    return batch


def typed_in(working: Engine) -> list[str]:
    """Ids of what is in the books under that number."""
    found = requests.get(f"{working.both.quickbooks_online.url}/_documents", timeout=10).json()
    return [d["Id"] for d in found if d["DocNumber"] == "10404" and d.get("status") not in ("Deleted", "Voided")]


def test_what_another_program_posted_and_a_person_linked_is_said_to_be_so_and_undone_like_any(working: Engine) -> None:
    batch = linked(working)
    source = connections.open_source(working.database, working.connectors, working.source_id)
    destination = connections.open_destination(working.database, working.connectors, working.book_id)
    [item] = undo_plan.plan(working.database, source, destination, batch)
    assert (item.way, item.refusal, item.linked) == ("delete", None, True)
    assert undo(working, batch, "10404") == "undone"
    assert not typed_in(working)
    assert "10404" in working.unposted()


def test_what_was_linked_and_paid_since_is_refused_with_the_reason(working: Engine) -> None:
    batch = linked(working)
    body = {"entity": "Invoice", "id": typed_in(working)[0], "operation": "pay", "amount": 1}
    requests.post(f"{working.both.quickbooks_online.url}/_edit", json=body, timeout=10).raise_for_status()
    assert undo(working, batch, "10404") == "closed"
    assert "undo_refused" in working.problems("10404")
    assert typed_in(working)


def test_an_id_that_is_another_document_by_now_is_left_alone(working: Engine) -> None:
    batch = linked(working)
    with working.database.session() as session:
        posting = session.exec(select(Posting)).one()
        other = next(i for i, row in working.company.tables["Invoice"].items() if row["DocNumber"] != "10404")
        posting.ledger_id = other  # as after a restore of the books, where ids are given anew
        session.add(posting)
        session.commit()
    assert undo(working, batch, "10404") == "closed"
    assert "undo_refused" in working.problems("10404")
    assert other in working.company.tables["Invoice"]
