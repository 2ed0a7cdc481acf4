"""A connected sandbox company per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from hypothesis import settings

from tests.connectors.quickbooks_online.stand import SandboxStand

# A loaded machine is slow now and then; that is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def stand(redis_server: redis.Redis) -> Iterator[SandboxStand]:
    running = SandboxStand(redis_server, tax_mode="us_ast")
    yield running
    running.stop()
