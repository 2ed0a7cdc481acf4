"""Engine, stand-ins, Redis, and workers that can be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests import engine
from tests.faults.forks import Forks
from tests.faults.rig import QUICK, Rig


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """The parent of all workers of this test session."""
    parent = Forks()
    yield parent
    parent.stop()


@pytest.fixture
def rig(tmp_path: Path, redis_server: redis.Redis, redis_url: str, forks: Forks) -> Iterator[Rig]:
    """Everything connected, and nothing posted yet."""
    made = engine.make(tmp_path, redis_server, waits=QUICK)
    yield Rig(made, forks, redis_url, tmp_path)
    made.both.stop()
    made.database.dispose()
