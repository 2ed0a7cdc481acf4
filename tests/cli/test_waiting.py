from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections.abc import Iterator

import pytest
import redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlmodel import select

from app.cli.waiting import Bar, section_line
from app.database import Database
from app.domain.states import Status
from app.models.batches import Batch
from app.models.columns import utcnow
from app.services.batches import progress
from tests.builders import a_document
from tests.cli.conftest import CommandLine

RUN = ("batch", "run", "--book", "1", "--kind", "invoices", "--through", "2026-12-31", "--accept", "--wait", "--json")


@pytest.fixture
def a_worker(redis_url: str) -> Iterator[None]:
    """A worker has registered itself; who works is the test's own thread."""
    with redis.Redis.from_url(redis_url) as server:
        queue = Queue("crossfoot", connection=server, serializer=JSONSerializer)
        worker = Worker([queue], connection=server, serializer=JSONSerializer)
        worker.register_birth()  # type: ignore[no-untyped-call]  # RQ leaves it untyped
        yield
        worker.register_death()  # type: ignore[no-untyped-call]  # RQ leaves it untyped


def work_as_soon_as_there_is(crossfoot: CommandLine, batch_id: int) -> threading.Thread:
    def batches(database: Database) -> list[int | None]:
        with database.reading() as session:
            return list(session.exec(select(Batch.id)))

    def work() -> None:
        while batch_id not in crossfoot.database(batches):
            time.sleep(0.05)
        crossfoot.work(batch_id)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.usefixtures("a_worker")
def test_waiting_ends_with_0_when_everything_is_closed(connected: CommandLine) -> None:
    thread = work_as_soon_as_there_is(connected, 1)
    told = connected(*RUN, "--all")
    thread.join()
    assert (told.status, told.json["status"]) == (0, "completed")
    assert "Invoices & credit memos: completed (2 of 2)" in told.err


@pytest.mark.usefixtures("a_worker")
def test_waiting_ends_with_1_when_a_record_is_held(connected: CommandLine) -> None:
    connected.source.add(a_document("39007", total="1.00"))
    thread = work_as_soon_as_there_is(connected, 1)
    told = connected(*RUN, "--all")
    thread.join()
    assert (told.status, told.json["status"]) == (1, "completed_with_errors")
    assert told.json["totals"][0]["posted"] == "428.00"


@pytest.mark.usefixtures("a_worker")
def test_waiting_ends_with_2_when_the_books_let_nobody_in(connected: CommandLine) -> None:
    connected.books.down = "QuickBooks can't be reached."
    thread = work_as_soon_as_there_is(connected, 1)
    told = connected(*RUN, "--record", "39005")
    thread.join()
    assert (told.status, told.json["status"]) == (2, "failed")
    assert connected.books.documents == {}


def test_a_section_says_its_counts() -> None:
    assert (
        section_line("Check", "completed_with_errors", 9, 10, 1) == "Check: completed with errors (9 of 10, 1 failed)"
    )


def test_where_nobody_watches_a_long_wait_is_said_once_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    bar, long = Bar(), "calls that left before"
    for reason, seconds in (("QuickBooks’ limit", 2), (long, 150), (long, 149)):
        waiting = {"reason": reason, "until": (utcnow() + dt.timedelta(seconds=seconds)).isoformat()}
        bar.show(progress.BatchView(Batch(name="n"), "Books", Status.RUNNING, [], [], [], waiting, None, 1))  # type: ignore[call-arg]  # as the page shows it
    assert re.fullmatch(r"Waiting for calls that left before: 1\d\d s\.\n", capsys.readouterr().err)
