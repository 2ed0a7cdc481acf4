"""Fixtures that every part of the tests may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.redis_server import start_redis


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real, private Redis that lives as long as the test session."""
    folder: Path = tmp_path_factory.mktemp("redis")
    with start_redis(folder) as url:
        yield url


@pytest.fixture
def redis_server(redis_url: str) -> Iterator[redis.Redis]:
    """The session's Redis, emptied for this test."""
    with redis.Redis.from_url(redis_url) as server:
        server.flushall()
        yield server
