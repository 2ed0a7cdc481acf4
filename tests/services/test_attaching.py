"""The PSA's PDF beside the invoice in QuickBooks: once, whatever is lost on the way, and never a failed invoice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import requests
from sqlmodel import select, update

from app.domain.states import RecordKind
from app.models.attachments import Attachment
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail
from app.services.batches import batches
from app.services.connections import books
from app.services.posting import attaching, undoing, wanted_files
from sandbox.connectwise.papers import Paper
from tests import engine
from tests.engine import Engine


@pytest.fixture
def working(working: Engine) -> Engine:
    switch(working, "yes")
    return working


def switch(working: Engine, value: str, key: str = "sales.attach_pdf") -> None:
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        books.set_settings(session, book, {key: value}, engine.BY)


def files(working: Engine) -> Counter[str]:
    """Names of what QuickBooks holds, each with how often."""
    return Counter(str(one["FileName"]) for one in working.company.tables["Attachable"].values())


def fault(working: Engine, kind: str, times: int = 1) -> None:
    rule = {"kind": kind, "entity": "upload", "times": times}
    requests.post(f"{working.both.quickbooks_online.url}/_faults", json=rule, timeout=5)


def section(shown: dict[str, Any]) -> dict[str, Any] | None:
    return next((one for one in shown["sections"] if one["key"] == "attachments"), None)


def retry(working: Engine, batch: int) -> dict[str, Any]:
    with working.database.session() as session:
        batches.retry(session, batches.find(session, batch), by=engine.BY)
    return working.run(batch)


def test_each_invoice_has_its_pdf_and_what_is_there_is_not_attached_again(working: Engine) -> None:
    shown = working.post("10394", "10395", "10397")
    assert files(working) == Counter({f"Invoice {number}.pdf": 1 for number in ("10394", "10395", "10397")})
    assert section(shown) == {
        "key": "attachments", "title": "Attach PDFs", "status": "completed", "total": 3, "done": 3, "failed": 0,
    }  # fmt: skip
    assert shown["status"] == "completed"
    retry(working, shown["batch"])
    with working.database.session() as session:
        session.exec(update(Attachment).values(state="wanted", attachment_id=""))  # as if somebody had attached them
        session.commit()
    retry(working, shown["batch"])
    with working.database.reading() as session:
        assert session.exec(select(Attachment.state)).all() == ["done"] * 3
    assert set(files(working).values()) == {1}
    working.assert_exactly_once()


def test_without_the_setting_a_batch_neither_attaches_nor_mails_not_even_when_it_is_retried_later(
    working: Engine,
) -> None:
    switch(working, "no")
    shown = working.post("10394")
    switch(working, "yes")
    switch(working, "all", "email.invoices")
    assert section(shown) is section(retry(working, shown["batch"])) is None
    assert not files(working)
    with working.database.reading() as session:
        assert session.exec(select(Mail)).all() == []


@pytest.mark.parametrize("kind", ["lose_answer", "drop_before"])
def test_a_lost_answer_is_looked_up_and_no_file_is_attached_twice(working: Engine, kind: str) -> None:
    fault(working, kind)
    shown = working.post("10394", "10395")
    assert files(working) == Counter({"Invoice 10394.pdf": 1, "Invoice 10395.pdf": 1})
    assert shown["status"] == "completed"


def test_a_pdf_that_cannot_be_had_is_a_warning_and_a_retry_attaches_it(working: Engine) -> None:
    working.site.switches.invoice_pdf = "page"
    shown = working.post("10394")
    assert (shown["status"], shown["postings"][0]["state"]) == ("completed_with_warnings", "closed")
    (problem,) = shown["postings"][0]["problems"]
    assert (problem["code"], problem["severity"]) == ("pdf_not_attached", "warning")
    assert "something that is no PDF" in problem["message"]
    working.site.switches.invoice_pdf = "whole"
    shown = retry(working, shown["batch"])
    assert shown["postings"][0]["problems"] == []
    assert files(working) == Counter({"Invoice 10394.pdf": 1})


def test_a_run_that_was_stopped_leaves_a_batch_that_can_be_resumed(
    working: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = working.submit("10394")

    def stop(run: Any) -> None:
        with run.database.session() as session:
            batches.stop(session, batches.find(session, batch), by=engine.BY)
        wanted_files.want(run)

    with monkeypatch.context() as patch:
        patch.setattr(attaching, "work", stop)
        assert working.run(batch)["status"] == "stopped"
    with working.database.session() as session:
        batches.resume(session, batches.find(session, batch), by=engine.BY)
    assert working.run(batch)["status"] == "completed"
    assert files(working) == Counter({"Invoice 10394.pdf": 1})


def test_a_file_of_an_invoice_that_was_undone_keeps_no_batch_busy(working: Engine) -> None:
    shown = working.post("10394", "10395")
    first = next(posting for posting in shown["postings"] if posting["number"] == "10394")
    with working.database.session() as session:
        undoing.ask(session, batches.find(session, shown["batch"]), first["records"], by=engine.BY)
        session.exec(update(Attachment).values(state="in_doubt", look_at=utcnow(), sent_at=utcnow()))
        session.commit()
    working.run(shown["batch"])
    assert working.posting("10394").state == "undone"
    assert files(working)["Invoice 10395.pdf"] == 1
    assert working.batch(shown["batch"]).ended_at is not None


# ── receipts of expenses ─────────────────────────────────────────────────────────────────────────────────────────


def test_each_receipt_of_expenses_that_were_put_together_is_there_once_whatever_is_lost_on_the_way(
    working: Engine,
) -> None:
    switch(working, "yes", "purchases.attach_receipts")
    switch(working, "member_week", "purchases.group")
    own = ((30, "receipt.pdf", False), (31, "Lunch.JPG", False), (32, "Photo.heic", False), (33, "Shop", True))
    for number, name, link in own:
        working.site.papers[number] = Paper(number, "Expense", 9001, name, b"what it shows", link)
    fault(working, "lose_answer")
    fault(working, "drop_before")
    fault(working, "500_after")
    shown = working.post("EXP-9001", "EXP-9003", kind=RecordKind.EXPENSES)
    assert files(working) == Counter({"receipt (30).pdf": 1, "Lunch (31).jpg": 1, "receipt (1003).pdf": 1})
    found, (posting,) = section(shown), shown["postings"]
    assert found
    assert (found["title"], found["status"], found["done"]) == ("Attach receipts", "completed_with_warnings", 1)
    assert (posting["state"], [problem["code"] for problem in posting["problems"]]) == ("closed", ["receipt_left_out"])
    assert "Photo.heic" in posting["problems"][0]["message"]
    working.assert_exactly_once()


def test_a_receipt_that_can_not_be_attached_keeps_no_other_one_back_and_is_tried_again_by_retry(
    working: Engine,
) -> None:
    switch(working, "yes", "purchases.attach_receipts")
    working.site.papers.clear()
    for number, name, content in ((40, "a.pdf", b""), (41, "b.pdf", b"what it shows"), (42, "c.jpg", b"and more")):
        working.site.papers[number] = Paper(number, "Expense", 9001, name, content)
    shown = working.post("EXP-9001", kind=RecordKind.EXPENSES)
    assert files(working) == Counter({"b (41).pdf": 1, "c (42).jpg": 1})
    (problem,) = shown["postings"][0]["problems"]
    assert problem["message"] == "a (40).pdf was not attached: It is empty in ConnectWise."
    working.site.papers[40] = Paper(40, "Expense", 9001, "a.pdf", b"scanned anew")
    again = retry(working, shown["batch"])
    assert files(working) == Counter({"a (40).pdf": 1, "b (41).pdf": 1, "c (42).jpg": 1})
    assert again["postings"][0]["problems"] == []


def test_a_receipt_becomes_a_purchase_order_while_the_vendors_invoice_is_missing_and_has_the_orders_files(
    working: Engine,
) -> None:
    switch(working, "yes", "inventory.attach_files")
    switch(working, "purchase_order", "inventory.purchase_as")
    working.site.papers.update({n: Paper(n, "PurchaseOrder", n, "Invoice.pdf", b"%PDF") for n in (1088, 1090)})
    batch = working.post("1090/PS20131", "1088/PS20114", kind=RecordKind.INVENTORY)
    assert {posting["records"][0]: (posting["kind"], posting["state"]) for posting in batch["postings"]} == {
        "1090-PS20131-purchase": ("purchase_order", "closed"), "1088-PS20114-purchase": ("bill", "closed"),
    }  # fmt: skip
    working.assert_exactly_once()
    attached = working.company.tables["Attachable"].values()
    assert {(str(one["FileName"]), str(one["AttachableRef"][0]["EntityRef"]["type"])) for one in attached} == {
        ("Invoice (1088).pdf", "Bill"), ("Invoice (1090).pdf", "PurchaseOrder"),
    }  # fmt: skip
