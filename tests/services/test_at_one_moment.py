"""On PostgreSQL two sessions write beside each other: what the second one does that had read before the first wrote."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text, update
from sqlmodel import Session, select

from app.database import Database
from app.domain.problems import CrossfootError, NotFoundError, ValidationError
from app.domain.states import PostingState, RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Posting
from app.models.reconcile import Drift
from app.models.rounds import AutoSync, Round
from app.services.autosync import autosync
from app.services.batches import batches, redating
from app.services.connections import books
from app.services.posting import run, running
from app.services.reconcile import drift
from tests.fakes import FakeConnectors
from tests.routes.world import WAITS, World

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@contextmanager
def second_comes(first: Session, second: Callable[..., object], *arguments: object) -> Iterator[list[CrossfootError]]:
    """Just before ``first`` commits, ``second`` begins in a thread, and goes until it has to wait (or is done).

    Yields what the second one raised, to be looked at after the block.
    """
    wrong: list[CrossfootError] = []

    def run_it() -> None:
        try:
            second(*arguments)
        except CrossfootError as error:
            wrong.append(error)

    thread, commit = threading.Thread(target=run_it), first.commit

    def slowly() -> None:
        if not thread.ident:
            thread.start()
            with Session(first.get_bind()) as watch:
                while thread.is_alive() and not watch.execute(WAITING).scalar_one():
                    watch.rollback()  # a transaction sees what was going on when it began
        commit()

    first.commit = slowly  # type: ignore[method-assign]  # of this one session
    yield wrong
    thread.join()


def submit(session: Session, record: str) -> int:
    book = session.exec(select(Book)).one()
    found = batches.submit(session, book, kind=RecordKind.INVOICES, wanted=[record], by="a", name="n", accept=True)
    return found.id or 0


def a_batch(database: Database) -> int:
    """Its only document is held, and a worker has it."""
    World(database, FakeConnectors())
    with database.session() as session:
        batch = submit(session, "39005")
        session.exec(select(Posting)).one().state = PostingState.HELD
        session.commit()
    return batch


def worker(database: Database, batch: int) -> str:
    owner = run.take_lease(database, batch, WAITS)
    assert owner
    return owner


def test_a_retry_pressed_on_a_page_from_before_the_end_lets_the_batch_go_on(database: Database) -> None:
    batch = a_batch(database)
    owner = worker(database, batch)
    with database.session() as session:
        row = batches.find(session, batch)
        running._end(database, batch, owner, None)
        assert batches.retry(session, row, by="a") == 1
    assert running.due(database) == [batch]


def test_a_retry_that_commits_while_the_batch_ends_is_not_left_behind(database: Database) -> None:
    batch = a_batch(database)
    owner = worker(database, batch)
    with database.session() as session, second_comes(session, running._end, database, batch, owner, None) as wrong:
        assert batches.retry(session, batches.find(session, batch), by="a") == 1
    assert wrong == []
    with database.reading() as session:
        assert session.get_one(Batch, batch).ended_at is None
    assert running.due(database) == [batch]


def test_a_date_given_while_its_document_goes_again_waits_for_the_batch_and_changes_nothing(database: Database) -> None:
    batch, counts = a_batch(database), list[int]()
    with database.session() as session, second_comes(session, redate, database, counts):
        assert batches.retry(session, batches.find(session, batch), by="a") == 1
    with database.reading() as session:
        assert (counts, session.exec(select(Posting)).one().redated) == ([0], None)


def redate(database: Database, counts: list[int]) -> None:
    with database.session() as session:
        some, today = session.exec(select(Posting)).all(), utcnow().date()
        counts.append(redating.redate(session, session.get_one(Book, 1), some, today, by="b"))
        session.commit()


@pytest.mark.parametrize("side", ["books", "psa"])
def test_of_two_people_who_say_something_to_one_difference_the_second_gets_a_sentence(
    database: Database, side: str
) -> None:
    world = World(database, FakeConnectors())
    with database.session() as session:
        submit(session, "39005")
    world.work()
    with database.session() as session:
        posting = session.exec(select(Posting)).one()
        assert posting.state == PostingState.CLOSED
        row = Drift(book_id=1, posting_id=1, side=side, what="edited", signature="s", receipt=posting.receipt)
        session.add(row)
        session.commit()
    with database.session() as session, second_comes(session, say, database, row.id, "ignore") as wrong:
        drift.say(session, 1, row.id or 0, "keep", by="a")
    assert [type(error) for error in wrong] == [NotFoundError if side == "books" else ValidationError]


def say(database: Database, drift_id: int, choice: str) -> None:
    with database.session() as session:
        drift.say(session, 1, drift_id, choice, by="b")


@pytest.mark.parametrize("second", ["scheduler", "person"])
def test_two_schedulers_whose_clocks_differ_or_a_person_beside_one_open_one_round(
    database: Database, second: str
) -> None:
    World(database, FakeConnectors())
    nine, ten = (dt.datetime(2026, 12, 1, hour, tzinfo=dt.UTC) for hour in (9, 10))
    with database.session() as session:
        book = session.exec(select(Book)).one()
        books.set_settings(session, book, {"company.zone": "UTC", "autosync.interval": "60"}, by="a")
        autosync.switch_on(session, book, by="a", open_checks=[], now=nine - dt.timedelta(hours=1))
    act = (autosync.tick, database, "", ten) if second == "scheduler" else (run_now, database)
    with database.session() as session, second_comes(session, *act) as wrong:
        session.exec(update(AutoSync).values(mark=nine))
        session.add(Round(book_id=1, due_at=nine, auto=True, by="AutoSync"))
        session.flush()
        session.commit()
    with database.reading() as session:
        assert session.exec(select(Round.due_at)).all() == [nine]
        assert session.get_one(AutoSync, 1).mark == nine  # ten o’clock is still to come
    assert [type(error) for error in wrong] == ([] if second == "scheduler" else [ValidationError])


def run_now(database: Database) -> None:
    with database.session() as session:
        autosync.run_now(session, session.exec(select(Book)).one(), by="b")
