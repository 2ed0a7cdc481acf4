"""The migrations make exactly the tables that the models describe, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from app.database import Database
from app.models.tables import metadata


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
