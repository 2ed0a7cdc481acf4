"""Fixtures that every part of the tests may use."""

from __future__ import annotations

import gc
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from launcher import machine
from tests import template
from tests.kills import Kills, property_of, reported, told
from tests.postgres import database_url, throw_away_server
from tests.redis_server import start_redis

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The same few examples in every run; `./crossfoot campaign` asks for many new ones. A loaded machine is slow now and
# then, which is no failure.
settings.register_profile("ci", derandomize=True, max_examples=40, deadline=None, database=None)
settings.register_profile("campaign", max_examples=2000, deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
template.share_addresses()


QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
#: Files whose tests share one installation that takes half a minute to furnish.
SHARED = ("journeys/test_pages.py",)


class OneByOne(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Hands tests out one by one; those that share one installation stay with one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith(SHARED) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneByOne:
    """Instead of xdist's own groups, which pytest 9.2's ids don't carry."""
    return OneByOne(config, log)


def pytest_collection_finish() -> None:
    """Let the collector leave alone what lives to the end: going through it takes a quarter of the processor's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> Iterator[Kills]:
    """Counts what this test kills; the suite's last lines tell it."""
    made = Kills()
    yield made
    request.node.user_properties.append(property_of(made))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many kills there were, and how many of them hit a posting on its way."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    # A fixture's counts are complete when it has been taken down.
    ended = [report for report in reports if getattr(report, "when", "") == "teardown"]
    for line in told(each for report in ended for each in reported(report.user_properties)):
        terminalreporter.write_line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written."""
    return bool(request.config.getoption("--update-golden"))


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


def missing(part: str) -> None:
    """Skip what cannot run on this machine; where everything is required that is a failure."""
    if os.environ.get("CROSSFOOT_REQUIRE_ALL") == "1":
        pytest.fail(f"{part} is missing, and here every test is required.")
    pytest.skip(f"{part} is missing; ./crossfoot test says how to install it.")


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """The socket's folder of a real PostgreSQL server that lives as long as the test session."""
    programs = machine.find_postgres()
    if programs is None:
        missing("PostgreSQL")
    else:
        with throw_away_server(programs) as folder:
            yield folder


@pytest.fixture
def postgres_url(postgres_folder: Path) -> str:
    """Address of a new, empty PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(host=str(postgres_folder), user="crossfoot", dbname="postgres", autocommit=True) as server:
        server.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return database_url(postgres_folder, name)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser for Playwright's `executable_path`."""
    found = machine.find_browser()
    if found is None:
        missing("Chromium")
    return found or ""


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for the tests of all folders: Playwright starts once a process. It calls nobody but the pages."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # most runs of a single file need none

    more = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *more])
        yield found
        found.close()
