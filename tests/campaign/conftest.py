"""The rig of the fault tests, a whole service, and the table that the campaign prints at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.service import Row, Service, serving
from tests.faults.conftest import forks, rig
from tests.faults.forks import Forks
from tests.kills import Kills, told
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
    heads = ("kills", "sending", "on way", "doubled", "lost", "stuck")
    terminalreporter.write_line(f"{'scenario':70}" + "".join(f"{head:>8}" for head in heads))
    for row in rows:
        counts = (row.kills, row.sending, row.hits, row.doubled, row.lost, row.stuck)
        terminalreporter.write_line(f"{row.scenario:70}" + "".join(f"{count:8}" for count in counts))
    terminalreporter.write_line("sending: a posting was; on way: a posting, customer, payment, file or mail was")
    for line in told(Kills(row.random, row.kills, row.sending) for row in rows):
        terminalreporter.write_line(line)
