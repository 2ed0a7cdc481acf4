"""A connected sandbox company per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.connectors.quickbooks_online.stand import SandboxStand


@pytest.fixture
def stand(redis_server: redis.Redis) -> Iterator[SandboxStand]:
    running = SandboxStand(redis_server, tax_mode="us_ast")
    yield running
    running.stop()
