"""Online payments on PostgreSQL: every test of tests/services/test_pay_links.py, and a worker killed at each point."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from app.database import Database
from tests import engine
from tests.campaign.service import Row
from tests.faults.forks import Forks
from tests.faults.pay_points import POINTS, Counter
from tests.faults.rig import QUICK, Rig
from tests.postgres import database_url
from tests.services import test_pay_links
from tests.services.bookkeeper import Bookkeeper

globals().update({name: test for name, test in vars(test_pay_links).items() if name.startswith("test_")})


def on_postgres(folder: Path, home: Path) -> Database:
    """A new database; the sign of the newest intent lies in ``home``."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(host=str(folder), user="crossfoot", dbname="postgres", autocommit=True) as server:
        server.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return Database(database_url(folder, name), (engine.KEY,), home)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, redis_url: str, postgres_folder: Path) -> Iterator[Bookkeeper]:
    home = tmp_path_factory.mktemp("pay")
    yield from test_pay_links.open_shop(home, redis_url, on_postgres(postgres_folder, home))


def test_a_worker_killed_at_any_point_of_an_online_payment_records_it_once_on_postgresql(
    tmp_path: Path, redis_server: redis.Redis, redis_url: str, forks: Forks, postgres_folder: Path, row: Row
) -> None:
    made = engine.make(tmp_path, redis_server, waits=QUICK, database=on_postgres(postgres_folder, tmp_path))
    counter = Counter(Rig(made, forks, redis_url, tmp_path))
    for name, moment, pattern, nth in POINTS:
        paid = counter.kill_at(moment, pattern, nth)
        row.killed(paid.under_way)
        assert (paid.state, paid.open, paid.payments) == ("recorded", test_pay_links.ZERO, [paid.owed]), name
    assert row.hits, "nothing was ever on its way"
    made.both.stop()
    made.database.dispose()
