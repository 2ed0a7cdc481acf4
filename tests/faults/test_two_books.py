"""Two companies post at the same moment, and are asked for the same records: each record goes into one of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import redis
import requests

from app.connectors.registry import Registry
from app.domain.problems import ValidationError
from sandbox.quickbooks_online.chart import empty_company
from tests import engine
from tests.engine import Engine
from tests.faults.counting import wrongs
from tests.faults.forks import Forks
from tests.faults.rig import QUICK, Rig

SECOND = "9341450000000002"


@pytest.fixture
def rig(tmp_path: Path, redis_server: redis.Redis, redis_url: str, forks: Forks) -> Iterator[Rig]:
    """One PSA, two companies behind it."""
    company = empty_company(SECOND, "Second company", default_terms="3")
    made = engine.make(tmp_path, redis_server, waits=QUICK, others=[company])
    yield Rig(made, forks, redis_url, tmp_path)
    made.both.stop()
    made.database.dispose()


def test_two_companies_that_are_asked_for_the_same_records_share_them(rig: Rig) -> None:
    first, numbers = rig.engine, rig.close_more(6)
    assert isinstance(first.connectors, Registry)
    second = replace(first, book_id=engine.connect_book(first.database, first.connectors, first.both, SECOND))
    first.refresh()
    with ThreadPoolExecutor(2) as tabs:
        made = [batch for batch in tabs.map(_submit, [(first, numbers[:4]), (second, numbers[2:])]) if batch]
    workers = [rig.worker(batch) for batch in made]
    with ThreadPoolExecutor(2) as tabs:  # they ask for everything now, while both are at work
        assert not any(tabs.map(_submit, [(first, numbers), (second, numbers)]))
    assert all(worker.ended(60) for worker in workers)
    for batch in made:
        rig.take_over(batch)
        assert set(rig.states(batch).values()) == {"closed"}, rig.problems(batch)
    held = [_numbers(rig, realm) for realm in (first.company.realm, SECOND)]
    assert sorted(held[0] + held[1]) == sorted(numbers)
    assert all(held), "one company got nothing"
    rig.assert_ours(*numbers)
    assert wrongs(first, [first.company.realm, SECOND]) == []


def _submit(asked: tuple[Engine, list[str]]) -> int | None:
    """As a tab does; None where others have taken all of them, or one of them at this very moment."""
    asking, numbers = asked
    for _ in range(3):
        try:
            return asking.submit(*numbers)
        except ValidationError as error:
            if "at this very moment" not in str(error):
                return None
    return None


def _numbers(rig: Rig, realm: str) -> list[str]:
    url = f"{rig.engine.both.quickbooks_online.url}/_documents"
    found = requests.get(url, params={"realm": realm}, timeout=10).json()
    return [d["DocNumber"] for d in found if d["status"] == "Normal" and "CF-" in (d["PrivateNote"] or "")]
