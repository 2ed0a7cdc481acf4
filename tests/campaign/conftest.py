"""The rig of the fault tests, a whole service, and the table that the campaign prints at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.service import Row, Service, serving
from tests.faults.conftest import forks, rig
from tests.faults.forks import Forks
from tests.services.conftest import working

__all__ = ["forks", "rig", "working"]

ROWS = pytest.StashKey[list[Row]]()


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    """The table's line for this test; its first words are the test's name."""
    made = Row(request.node.name.removeprefix("test_").replace("_", " ")[:70])
    request.config.stash.setdefault(ROWS, []).append(made)
    return made


@pytest.fixture
def service(tmp_path: Path, redis_url: str, forks: Forks) -> Iterator[Service]:
    """`./crossfoot up`, connected to both stand-ins."""
    with serving(tmp_path, forks, redis_url) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.section("campaign")
    terminalreporter.write_line(f"{'scenario':70} {'kills':>6} {'on way':>8} {'doubled':>8} {'lost':>5} {'stuck':>6}")
    for row in rows:
        counts = f"{row.kills:6} {row.hits:8} {row.doubled:8} {row.lost:5} {row.stuck:6}"
        terminalreporter.write_line(f"{row.scenario:70} {counts}")
    kills, hits = sum(row.kills for row in rows), sum(row.hits for row in rows)
    if kills:
        terminalreporter.write_line(f"{kills} kills, {hits} while something was on its way ({100 * hits // kills} %)")
