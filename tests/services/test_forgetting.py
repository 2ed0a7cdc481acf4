"""A forgotten company: of every table all that is its, nothing of another's; and what stands in the way."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Table
from sqlmodel import Session, SQLModel, col, func, select

from app.database import Database
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.connections import Book, InstallationSetting
from app.models.mail import Mail
from app.models.people import Audit
from app.models.postings import Posting, PostingRecord
from app.models.records import Hold, UnpostedRow
from app.services.connections import connections, forgetting
from app.services.people import audit_log
from app.services.records import records
from tests.fakes import FakeBooks, FakeConnectors, some_tokens

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
_numbers = itertools.count(1)


def a_row(session: Session, table: Table, parents: dict[str, Any]) -> Any:
    """A row of any table with something in every column, of these parents; answers its key."""
    values: dict[str, Any] = {}
    for column in table.columns:
        key = next(iter(column.foreign_keys), None)
        if key is not None:
            values[column.name] = parents[key.column.table.name]
        elif column.name == "state":
            values[column.name] = "ended"
        elif not (column.primary_key and column.type.python_type is int):
            values[column.name] = _value(column)
    key = session.connection().execute(table.insert().values(values)).inserted_primary_key
    return key[0] if key else None


def _value(column: Any) -> Any:
    number = next(_numbers)
    if "Json" in type(column.type).__name__:
        return {}
    own = {"DecimalText": Decimal, "Cents": int, "Moment": dt.datetime}
    kind = own.get(type(column.type).__name__, column.type.python_type)
    plain = {bool: False, dt.date: NOW.date(), dt.datetime: NOW, Decimal: Decimal(number), bytes: b"x", int: number}
    return plain.get(kind, f"{number:x}"[: getattr(column.type, "length", None) or 60])


def a_company_with_everything(session: Session) -> int:
    """A disconnected company with a row in every table there is; answers its id."""
    keys: dict[str, Any] = {}
    for table in SQLModel.metadata.sorted_tables:
        keys[table.name] = a_row(session, table, keys)
    session.add(InstallationSetting(key=f"stripe:{keys['books']}", value={"key": "rk_test_12345678"}))
    session.flush()
    return int(keys["books"])


def counts(session: Session) -> dict[str, int]:
    return {
        table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
        for table in SQLModel.metadata.sorted_tables
    }


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_forgotten_company_leaves_no_row_and_takes_none_of_another_one(database: Database) -> None:
    with database.session() as session:
        first = a_company_with_everything(session)
        before = counts(session)
        second = a_company_with_everything(session)
        session.commit()
        name = session.get_one(Book, second).name
        assert forgetting.forget(session, second, "ab@example.com", typed=f" {name} ") == name
        after, own = counts(session), {table.name for table in forgetting.belonging(second)}
        assert {key for key in own if after[key] != before[key]} == set()
        assert len(own) > 30
        assert after["audit"] == before["audit"] + 2  # its own, and that it was forgotten
        assert [book.id for book in session.exec(select(Book))] == [first]
        assert session.get(InstallationSetting, f"stripe:{second}") is None
        assert session.get(InstallationSetting, f"stripe:{first}") is not None


def test_every_table_that_names_a_company_is_known_to_be_its() -> None:
    named = {"book_id", "batch_id", "posting_id"}
    tables = {table.name for table in SQLModel.metadata.sorted_tables if named & set(table.columns.keys())}
    assert tables - {table.name for table in forgetting.belonging(1)} == {"audit"}


@pytest.mark.parametrize(
    ("state", "said"),
    [("posted", "not closed in ConnectWise"), ("in_doubt", "under way or in doubt"), ("closed", "")],
)
def test_what_is_not_at_its_end_stands_in_the_way(session: Session, state: str, said: str) -> None:
    book_id = a_company_with_everything(session)
    posting = session.exec(select(Posting)).one()
    posting.state = state
    session.add(posting)
    session.commit()
    error = forgetting.obstacle(session, session.get_one(Book, book_id))
    assert said in (error.message if error else "")
    assert bool(error) is bool(said)
    if said:
        with pytest.raises(ValidationError):
            forgetting.forget(session, book_id, "ab")
        assert session.get(Book, book_id)


def test_a_connected_company_a_running_batch_and_a_wrong_name_are_refused(session: Session) -> None:
    book_id = a_company_with_everything(session)
    book, batch = session.get_one(Book, book_id), session.exec(select(Batch)).one()
    with pytest.raises(ValidationError, match="not the company"):
        forgetting.forget(session, book_id, "ab", typed="Another")
    batch.ended_at = None
    mail = session.exec(select(Mail)).one()
    mail.state = "queued"
    session.add_all([batch, mail])
    session.commit()
    assert told(session, book) == "1 batch is under way. Stop it, or reject it, on its page under Batches."
    batch.stopped = True  # by a person, with nothing on its way: it needs no end
    session.commit()
    assert "settle them under Mail to customers" in told(session, book)
    book.connected = True
    assert "is connected" in told(session, book)


def told(session: Session, book: Book) -> str:
    error = forgetting.obstacle(session, book)
    return f"{error.message} {error.remedy}" if error else ""


@pytest.mark.parametrize("listed", [True, False])
def test_what_was_undone_is_on_hold_afterwards_too(session: Session, listed: bool) -> None:
    book_id = a_company_with_everything(session)
    posting, link = session.exec(select(Posting)).one(), session.exec(select(PostingRecord)).one()
    session.exec(select(Batch)).one().mode = "post"
    posting.closing = "done"
    assert forgetting.leaves(session, book_id).psa_batches == 1
    posting.closing = ""
    assert forgetting.leaves(session, book_id).psa_batches == 0, "an undo has deleted it"
    posting.state, link.live, link.role, link.kind, link.record = "undone", False, "main", "invoices", "39005"
    row = session.exec(select(UnpostedRow)).one()
    row.kind, row.record, row.fingerprint = ("invoices", "39005", link.fingerprint) if listed else ("expenses", "1", "")
    for hold in session.exec(select(Hold)):
        session.delete(hold)
    session.commit()
    forgetting.forget(session, book_id, "ab@example.com")
    standing = records.standings(session, link.source_id, RecordKind.INVOICES, ["39005"])["39005"]
    assert (standing.only_by_name, standing.held_by) == (True, "ab@example.com")
    assert "which was forgotten" in standing.reason


def test_another_company_becomes_the_default_in_the_place_of_the_forgotten_one(session: Session) -> None:
    first, second = a_company_with_everything(session), a_company_with_everything(session)
    for book in session.exec(select(Book)):
        book.is_default = book.id == first
    session.commit()
    forgetting.forget(session, first, "ab")
    assert session.get_one(Book, second).is_default


def test_a_new_company_never_gets_the_number_of_a_forgotten_one(database: Database) -> None:
    with database.session() as session:
        book_id = a_company_with_everything(session)
        forgetting.forget(session, book_id, "ab")
    vendors = FakeConnectors({}, {"9341": FakeBooks()})
    made = connections.confirm_book(
        database, vendors, realm="9341", held=some_tokens(), environment="sandbox", by="ab"
    )  # fmt: skip
    with database.session() as session:
        assert (made.id or 0) > book_id
        told = session.exec(select(Audit).where(col(Audit.action) == "book.forget")).one()
        assert told.subject not in audit_log.things(session, [told])
        assert audit_log.companies(session)[book_id] == f"{told.detail['name']} (forgotten)"
