"""Every page: accessible, not wider than the window, light and dark, by keyboard alone, with few rows and many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import ANSWERED
from tests.journeys.furnished import Furnished, fill_up, furnish
from tests.journeys.installation import installed

PROBLEM = "/batches/1/problems/account_not_linked:accounts:4600"
#: One that is a question, one that is posted, one that nobody has sent.
QUESTION, POSTED = "/records/1/invoices/38924?batch=1", "/records/1/invoices/38990?batch=1&sort=-total"
RECORDS = (QUESTION, POSTED, "/records/1/invoices/38894", POSTED.replace("?", "/undo?"))
PAGES = (
    "/",
    "/run/invoices",
    "/run/invoices?q=nothing-like-it",
    "/batches",
    "/batches/1",
    PROBLEM,
    "/attention",
    "/attention/1/held/account_not_linked:accounts:4600",
    *RECORDS,
    *(f"/mappings/1/{kind}" for kind in ("customers", "items", "accounts", "tax_codes", "terms")),
    "/mappings/1/accounts/link?source_id=4600",
    "/settings/connections",
    "/settings/connections/connectwise?source=1",
    "/settings/connections/intuit",
    "/settings/books",
    "/settings/books/1",
    "/settings/books/1/sales",
    "/settings/books/1/taxes",
    "/settings/users",
    "/settings/installation",
    "/settings/audit",
    "/me",
    "/help/keys",
    "/help/workers",
    "/logout",
    "/no-such-page",
)
#: What can be reached: visible, enabled, and not one of several radio buttons of a group that has a chosen one.
REACHABLE = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.type !== 'hidden'
        && e.tabIndex >= 0 && !e.closest('details:not([open]) > :not(summary)')
        && !(e.type === 'radio' && !e.checked && document.querySelector(`[name="${e.name}"]:checked`))).length"""


@pytest.fixture(scope="module")
def furnished(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    with installed(tmp_path_factory.mktemp("pages") / "home") as running:
        yield furnish(running, browser)


def look(furnished: Furnished, **how: Any) -> Iterator[Page]:
    """A tab that was told how wide and how bright it is; what the CSP forbids would be on its console."""
    context = furnished.context(**how)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert not [text for text in said if not text.startswith(ANSWERED)]


def accessible(page: Page) -> list[str]:
    """What axe finds wrong."""
    found = Axe().run(page).response["violations"]
    return [f"{page.url}: {each['id']}: {each['nodes'][0]['html'][:160]}" for each in found]


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1440, False)])
def test_axe_finds_nothing(furnished: Furnished, width: int, dark: bool) -> None:
    wrong: list[str] = []
    for page in look(furnished, width=width, dark=dark):
        for path in PAGES:
            page.goto(furnished.at.base + path)
            wrong += accessible(page)
    assert not wrong


def test_no_page_scrolls_sideways(furnished: Furnished) -> None:
    wide: list[str] = []
    for width in (360, 2560):
        for page in look(furnished, width=width):
            for path in PAGES:
                page.goto(furnished.at.base + path)
                excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                wide += [f"{path} by {excess} at {width}"] if excess > 0 else []
    assert not wide


@pytest.mark.parametrize("path", ["/run/invoices?q=10430", "/batches/1"])
def test_the_tab_key_alone_reaches_everything(furnished: Furnished, path: str) -> None:
    for page in look(furnished):
        page.goto(furnished.at.base + path)
        count = page.evaluate(REACHABLE)
        page.evaluate("window.reached = new Set()")
        for _ in range(count + 2):
            page.keyboard.press("Tab")
            page.evaluate("window.reached.add(document.activeElement)")
        assert page.evaluate("window.reached.delete(document.body), window.reached.size") >= count


def test_the_drawer_opens_and_closes_by_keys_and_gives_the_focus_back(furnished: Furnished) -> None:
    for page in look(furnished):
        page.goto(furnished.at.base + "/batches/1")
        fix = page.locator("#problems .cf-prob", has_text="GL account 4600").get_by_role("link")
        fix.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#drawer-h")).to_be_focused()
        assert not accessible(page)
        page.keyboard.press("Escape")
        expect(page.locator("#drawer")).to_be_hidden()
        expect(fix).to_be_focused()


def test_three_thousand_rows_come_in_pages_of_a_hundred(furnished: Furnished) -> None:
    fill_up(furnished.at, 3000)
    for page in look(furnished):
        page.goto(furnished.at.base + "/run/invoices")
        expect(page.locator("tbody tr")).to_have_count(100)
        page.get_by_role("link", name="Next").click()
        expect(page.locator("tbody tr").first).to_contain_text("X")
        page.get_by_role("columnheader", name="Customer").get_by_role("link").click()
        expect(page.get_by_role("columnheader", name="Customer")).to_have_attribute("aria-sort", "ascending")
        page.get_by_label("Search number, customer, amount").fill("X0299")
        expect(page.locator("tbody tr")).to_have_count(10)
