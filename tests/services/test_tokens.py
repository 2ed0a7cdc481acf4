from __future__ import annotations

import datetime as dt
import threading

import pytest

from app.connectors.protocols import ConnectionFailedError
from app.database import Database
from app.models.connections import Book
from app.services.connections import tokens
from app.services.connections.contacts import RowContact
from app.services.connections.tokens import BookTokens
from tests.fakes import some_tokens

#: The lock and the upserts are SQL of each database's own dialect.
pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def test_tokens_come_back_as_they_were_stored(database: Database, book: Book) -> None:
    store, fresh = BookTokens(database, 1), some_tokens("second")
    store.save(fresh)
    assert store.load() == fresh
    assert _row(database).tokens_version == 1


def test_tokens_are_not_readable_in_the_database(database: Database, book: Book) -> None:
    with database.engine.connect() as connection:
        text = connection.exec_driver_sql("select tokens from books").scalar_one()
    assert "refresh-first" not in text


def test_without_tokens_a_person_is_asked_to_connect(database: Database, book: Book) -> None:
    with database.session() as session:
        row = session.get_one(Book, 1)
        row.tokens = None
        session.commit()
    with pytest.raises(ConnectionFailedError) as error:
        BookTokens(database, 1).load()
    assert error.value.systemic
    assert "Connect it again" in error.value.remedy


def test_of_two_processes_one_refreshes_and_the_other_waits_for_it(database: Database, book: Book) -> None:
    first, second, answers = BookTokens(database, 1), BookTokens(database, 1), []
    inside, trying = threading.Event(), threading.Event()

    def wait_for_the_first() -> None:
        inside.wait()
        trying.set()
        with second.alone() as alone:
            answers.append((alone, second.load().access))

    waiting = threading.Thread(target=wait_for_the_first)
    waiting.start()
    with first.alone() as alone:
        assert alone
        inside.set()
        assert trying.wait(10)
        waiting.join(0.5)
        assert answers == []
        first.save(some_tokens("second"))
    waiting.join(5)
    assert answers == [(False, "access-second")]


def test_after_a_refresh_that_failed_the_next_one_may_try(database: Database, book: Book) -> None:
    with BookTokens(database, 1).alone() as alone:
        assert alone
    with BookTokens(database, 1).alone() as alone:
        assert alone
    assert _row(database).refresh_owner == ""


def test_the_lock_of_a_dead_process_runs_out(database: Database, book: Book) -> None:
    dead = BookTokens(database, 1, lease=dt.timedelta(seconds=0.2)).alone()
    dead.__enter__()
    with BookTokens(database, 1).alone() as alone:
        assert alone


def test_broken_says_why_keeps_the_tokens_and_heals_with_new_ones(database: Database, book: Book) -> None:
    store = BookTokens(database, 1)
    store.mark_broken("Intuit no longer accepts the consent.")
    assert _row(database).broken == "Intuit no longer accepts the consent."
    assert store.load().refresh == "refresh-first"
    store.save(some_tokens("second"))
    assert _row(database).broken == ""


def test_tokens_refreshed_after_a_disconnect_are_dropped(database: Database, book: Book) -> None:
    with database.session() as session:
        row = session.get_one(Book, 1)
        row.connected, row.tokens = False, None
        session.commit()
    BookTokens(database, 1).save(some_tokens("late"))
    assert _row(database).tokens is None


def test_held_tokens_never_touch_the_database(database: Database) -> None:
    store = tokens.HeldTokens(some_tokens())
    with store.alone() as alone:
        assert alone
        store.save(some_tokens("second"))
    assert store.load().access == "access-second"


def test_a_call_is_noted_at_most_every_five_seconds(database: Database, book: Book) -> None:
    contact = RowContact(database, Book, 1)
    assert contact.last() is None
    contact.touch()
    first = contact.last()
    contact.touch()
    assert first is not None
    assert contact.last() == first


def _row(database: Database) -> Book:
    with database.reading() as session:
        return session.get_one(Book, 1)
