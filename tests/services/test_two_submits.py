"""Two people submit at the same moment: one of them has the records, the other a sentence."""

from __future__ import annotations

import threading
import time

import pytest
from sqlmodel import Session, col, select

from app.database import Database
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.connections import Book
from app.models.postings import PostingRecord
from app.services.batches import batches
from tests.fakes import FakeConnectors
from tests.routes.world import World

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
#: SQLite has one writer at a time: there the second one sees what the first has committed.
RACE = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def submit(session: Session, *records: str, name: str, token: str | None = None) -> int:
    book = session.exec(select(Book)).one()
    found = batches.submit(session, book, kind=RecordKind.INVOICES, wanted=records, by="a", name=name, token=token)
    return found.id or 0


class Slow:
    """One Submit that has written everything and takes its time to commit."""

    def __init__(self, database: Database, *records: str, name: str, token: str | None = None) -> None:
        self.written = threading.Event()
        self.batch = 0
        self._database, self._records, self._name, self._token = database, records, name, token
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with self._database.session() as session:
            commit = session.commit

            def slowly() -> None:
                self.written.set()
                time.sleep(0.5)
                commit()

            session.commit = slowly  # type: ignore[method-assign]  # of this one session
            self.batch = submit(session, *self._records, name=self._name, token=self._token)

    def __enter__(self) -> Slow:
        self._thread.start()
        assert self.written.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()


@RACE
def test_a_record_that_somebody_takes_at_this_moment_is_named_and_nothing_is_submitted(database: Database) -> None:
    World(database, FakeConnectors())
    lost = pytest.raises(ValidationError, match="same records at this very moment; nothing was submitted")
    with Slow(database, "39005", name="first") as first, database.session() as session, lost:
        submit(session, "39005", "39006", name="second")
    with database.reading() as session:
        live = session.exec(select(PostingRecord.record).where(col(PostingRecord.live))).all()
    assert (live, bool(first.batch)) == (["39005"], True)


@RACE
def test_a_name_that_somebody_takes_at_this_moment_is_said_to_be_taken(database: Database) -> None:
    World(database, FakeConnectors())
    lost = pytest.raises(ValidationError, match="same name at this very moment")
    with Slow(database, "39005", name="march"), database.session() as session, lost:
        submit(session, "39006", name="march")


@BOTH
def test_the_same_button_pressed_twice_at_one_moment_is_one_batch(database: Database) -> None:
    World(database, FakeConnectors())
    with Slow(database, "39005", name="one", token="t") as first, database.session() as session:
        second = submit(session, "39005", name="two", token="t")
    assert first.batch == second
