"""The main path with plain forms and reloads, in a browser that runs no script."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import PATIENCE
from tests.journeys.installation import Installation
from tests.journeys.person import ENDED, Person

BATCH_SECONDS = 60


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A tab of a browser without JavaScript."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def test_the_main_path_works_with_plain_forms_and_reloads(installation: Installation, plain_page: Page) -> None:
    her = Person(plain_page, installation)
    her.set_up()
    her.connect_connectwise()
    her.connect_quickbooks()
    her.open("/run/invoices")
    her.press("Read ConnectWise")
    _reload_until(her, "Checked 74 of 74")
    her.follow("Link account", plain_page.get_by_role("row", name=re.compile("^10395")))
    plain_page.locator("input[value='87']").check()
    her.press("Link, from now on")
    expect(plain_page).to_have_url(re.compile("/run/invoices$"))
    her.link("accounts", "4010", "82")
    _select(her)
    _post(her)
    _fix(her)
    ours = [row["DocNumber"] for row in her.at.in_books() if "CF-I" in row["PrivateNote"]]
    assert sorted(ours) == ["10426", "10464", "10465", "10466", "10467", "10468"]
    assert sorted(number for batch in her.at.psa_batches() for number in batch["numbers"]) == sorted(ours)


def _select(her: Person) -> None:
    """Through the search, by a tick that the next form carries, and by the button for all that match."""
    page = her.page
    her.open("/run/invoices")
    page.get_by_label("Search number, customer, amount").fill("Acme")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(6)
    her.press("All 6 that match")
    expect(page.get_by_text("6 of 74 selected")).to_be_visible()


def _post(her: Person) -> None:
    page = her.page
    her.press(re.compile("^Post 6 documents"))
    her.press(re.compile(r"post (up to )?\d+ documents", re.IGNORECASE))
    expect(page).to_have_url(re.compile("/batches/1$"))
    _reload_until_ended(her)


def _fix(her: Person) -> None:
    """Accounts that are not linked: each has a drawer, which is a page of its own here."""
    page = her.page
    missing = page.locator("#problems .cf-prob", has_text="GL account")
    while missing.count():
        missing.first.get_by_role("link").click()
        account = re.findall(r"\d{4}", page.locator("#drawer-h").text_content() or "")[0]
        page.locator(f"input[value='{her.at.both.credentials['account_links'][account]}']").check()
        her.press(re.compile("Link and retry 1 document"))
        expect(page.get_by_text("1 document goes again.")).to_be_visible()
        _reload_until_ended(her)


def _reload_until(her: Person, words: str) -> None:
    """As a person without scripts would."""
    end = time.monotonic() + BATCH_SECONDS
    while her.page.get_by_text(words).count() == 0:
        assert time.monotonic() < end, f"“{words}” does not appear"
        time.sleep(0.5)
        her.page.reload()


def _reload_until_ended(her: Person) -> None:
    end = time.monotonic() + BATCH_SECONDS
    while not ENDED.search(her.page.locator("#head .cf-st").text_content() or ""):
        assert time.monotonic() < end, "the batch does not end"
        time.sleep(0.5)
        her.page.reload()
