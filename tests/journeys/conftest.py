"""The browser, and what it opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.installation import Installation, installed

#: A machine that tests something else at the same time is slow.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)
#: The browser notes every answer of 400 and more; which of them are meant is what a test asserts.
ANSWERED = "Failed to load resource: the server responded"
#: A poll that is given up because somebody types or leaves; a call that failed says htmx:sendError besides.
GIVEN_UP = ("htmx:afterRequest,", "htmx:sendAbort,")
MEANT = (ANSWERED, *GIVEN_UP)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile, without cookies."""
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab. What it says on its console, and every error of a script, fails the test."""
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield tab
    assert not [text for text in wrong if not text.startswith(MEANT)]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Crossfoot, just started on an empty data folder."""
    with installed(tmp_path / "data folder") as running:
        yield running
