"""Two at once: workers on one batch, submits of the same records, a call that is sent again while it still runs."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import col, select

from app.domain.problems import ValidationError
from app.models.connections import Book
from app.models.records import UnpostedRow
from app.services.batches import batches
from app.settings import Waits
from tests import engine
from tests.campaign.service import Row
from tests.faults.rig import THREE, Rig


def test_three_workers_on_one_batch(rig: Rig, row: Row) -> None:
    batch = rig.engine.submit(*THREE)
    workers = [rig.worker(batch) for _ in range(3)]
    assert all(worker.ended(60) for worker in workers)
    rig.take_over(batch)
    rig.assert_closed_once(batch, *THREE)


def test_the_same_records_into_two_books_at_the_same_moment(rig: Rig, row: Row) -> None:
    rig.engine.refresh()
    second = _another_book(rig)

    def submit(book_id: int) -> int | None:
        with rig.engine.database.session() as session:
            wanted = session.exec(select(UnpostedRow.record).where(col(UnpostedRow.number).in_(THREE))).all()
            try:
                book = session.get_one(Book, book_id)
                return batches.submit(session, book, kind=engine.KIND, wanted=wanted, by=engine.BY, accept=True).id
            except ValidationError:
                return None

    with ThreadPoolExecutor(4) as tabs:
        made = list(tabs.map(submit, [rig.engine.book_id, second] * 2))
    assert sum(batch is not None for batch in made) == 1


def _another_book(rig: Rig) -> int:
    with rig.engine.database.session() as session:
        first = session.get_one(Book, rig.engine.book_id)
        facts: dict[str, Any] = first.model_dump(exclude={"id"})
        book = Book(**facts | {"ledger_id": "9341450000000002", "name": "Second company", "is_default": False})
        session.add(book)
        session.commit()
        assert book.id is not None
        return book.id


@pytest.mark.parametrize("running", ["wait", "fault"])
@pytest.mark.parametrize("requestid", ["honoured", "replay_deleted"])
def test_a_call_sent_again_while_the_first_still_runs(rig: Rig, row: Row, requestid: str, running: str) -> None:
    rig.engine.company.switches.update({"requestid": requestid, "requestid_running": running})
    rig.engine.company.faults.add("slow", path="batch", method="POST", seconds=6.0)
    batch = rig.engine.submit(*THREE)
    worker = rig.worker(batch)
    rig.wait_until(lambda: rig.sending() > 0)
    time.sleep(0.3)
    worker.kill()
    row.killed(rig.under_way(), rig.sending())
    assert row.sending, "nothing was on its way"
    rig.take_over(batch, within=60)
    rig.assert_closed_once(batch, *THREE)


def test_three_minutes_of_frost_with_the_real_waits(rig: Rig, row: Row) -> None:
    """Against a QuickBooks that takes every call and every number twice: only our own waiting prevents doubles."""
    rig.engine.waits = Waits()
    rig.engine.company.switches.update({"requestid": "ignored", "duplicate_numbers": "allowed"})
    batch = rig.engine.submit(*THREE)
    worker = rig.worker(batch, moment="committed", pattern="INSERT INTO calls", freeze=True)
    rig.wait_frozen(worker)
    row.killed(rig.under_way(), rig.sending())
    assert row.sending, "nothing was on its way"
    thaw = time.monotonic() + 180
    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(rig.take_over, batch, within=420)
        time.sleep(max(0.0, thaw - time.monotonic()))
        worker.signal(signal.SIGCONT)
        assert worker.ended(60)
        other.result()
    rig.assert_closed_once(batch, *THREE)
