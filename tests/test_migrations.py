"""The migrations make exactly the tables that the models describe, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import col, select

from app import schema
from app.database import Database
from app.models.connections import Book
from app.models.people import Audit
from app.models.tables import metadata
from tests.rows import a_book


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("postgres_url"))


def test_models_and_migrations_agree(database_url: str) -> None:
    database = Database(database_url)
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    database.dispose()
    assert differences == []


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    database = Database(database_url)
    database.migrate()
    database.migrate()
    assert database.is_current()
    database.dispose()


def test_two_commands_that_start_at_the_same_moment_both_find_the_newest_schema(database_url: str) -> None:
    def start(_: int) -> bool:
        database = Database(database_url)
        database.migrate()
        current = database.is_current()
        database.dispose()
        return current

    with ThreadPoolExecutor(3) as commands:
        assert all(commands.map(start, range(3)))


def test_tax_as_a_line_of_purchases_becomes_a_module_that_is_on(database_url: str) -> None:
    database = Database(database_url)
    command.upgrade(schema.config(database.engine), "0014")
    with database.session() as session:
        for realm, settings in (("1", '{"taxes.purchases":"line","sales.undo":"void"}'), ("2", "{}")):
            row = (
                "INSERT INTO books (kind, name, ledger_id, environment, is_default, connected, broken, zone, currency,"
                " country, settings, rules, facts, findings, tokens_version, refresh_owner, created_at) VALUES ('q',"
                " 'N', :realm, 'e', false, true, '', 'UTC', 'USD', 'US', :settings, '{}', '{}', '[]', 0, '',"
                " '2026-03-01 00:00:00+00:00')"
            )
            session.execute(text(row), {"realm": realm, "settings": settings})
        session.commit()
    database.migrate()
    with database.session() as session:
        found = [book.settings for book in session.exec(select(Book).order_by(col(Book.id)))]
    assert found == [{"sales.undo": "void", "modules.taxes_as_lines": "purchases"}, {}]
    database.dispose()


def test_older_rows_of_the_audit_log_learn_which_company_they_were_about(database_url: str) -> None:
    database = Database(database_url)
    command.upgrade(schema.config(database.engine), "0007")
    with database.session() as session:
        session.add(a_book())
        for subject in ("book:1", "book:77", "user:a@x.test"):
            values = {"at": "2026-03-01 00:00:00+00:00", "subject": subject}
            row = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (:at, 'a', 'b', :subject, '{}')"
            session.execute(text(row), values)
        session.commit()
    database.migrate()
    with database.session() as session:
        rows = session.exec(select(Audit).order_by(col(Audit.id))).all()
        assert [(row.book_id, row.address) for row in rows] == [(1, ""), (None, ""), (None, "")]
    database.dispose()


def test_of_rounds_that_two_schedulers_opened_at_once_the_newest_goes_on(database_url: str) -> None:
    database = Database(database_url)
    command.upgrade(schema.config(database.engine), "0018")
    rows = [(1, True, "ended"), (1, True, "due"), (1, True, "submitted"), (1, False, "submitted"), (2, True, "due")]
    with database.session() as session:
        session.add_all([a_book(), a_book(ledger_id="9342")])
        session.flush()
        for book_id, auto, state in rows:
            row = (
                "INSERT INTO rounds (book_id, auto, by, state, lease_owner, found, status, at) VALUES (:book_id, :auto,"
                " 'a', :state, 'w', '{}', '', '2026-03-01 00:00:00+00:00')"
            )
            session.execute(text(row), {"book_id": book_id, "auto": auto, "state": state})
        session.commit()
    database.migrate()
    with database.reading() as session:
        found = session.execute(text("SELECT state, status, lease_owner, ended_at = at FROM rounds ORDER BY id")).all()
    left = [(state, "", "w", None) for _, _, state in rows]
    assert [tuple(row) for row in found] == [left[0], ("ended", "skipped", "", True), *left[2:]]
    database.dispose()
