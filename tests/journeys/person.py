"""What a bookkeeper does in the browser, in the words of the pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.journeys.installation import Installation

EMAIL = "owner@harborpoint.example"
PASSWORD = "four words in a row"
ENDED = re.compile("Completed|Stopped|Failed")


@dataclass
class Person:
    """Somebody with a browser, at one installation."""

    page: Page
    at: Installation

    def open(self, path: str) -> None:
        self.page.goto(self.at.base + path)

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def press(self, name: str | re.Pattern[str], inside: Locator | None = None) -> None:
        """The button of this name."""
        (inside or self.page).get_by_role("button", name=name).click()

    def follow(self, name: str | re.Pattern[str], inside: Locator | None = None) -> None:
        """The link of this name."""
        (inside or self.page).get_by_role("link", name=name).first.click()

    def set_up(self) -> None:
        """The first admin, by the code that ``up`` printed."""
        self.open("/")
        expect(self.page).to_have_url(re.compile("/setup$"))
        self.page.get_by_label("One-time code").fill(self.at.code)
        self.page.get_by_label("E-mail").fill(EMAIL)
        self.page.get_by_label("Name", exact=True).fill("Olive Winter")
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_label("The same once more").fill(PASSWORD)
        self.press("Make me admin")

    def log_in(self) -> None:
        self.open("/login")
        self.page.get_by_label("E-mail").fill(EMAIL)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Log in")
        expect(self.page.get_by_role("heading", name="Dashboard")).to_be_visible()

    def connect_connectwise(self, **wrong: str) -> None:
        """By the form; ``wrong`` replaces some of what is typed."""
        self.open("/settings/connections/connectwise")
        keys = {**self.at.keys, **wrong}
        for label, name in (
            ("Site", "url"),
            ("Company id", "company_id"),
            ("Public key", "public_key"),
            ("Private key", "private_key"),
            ("clientId", "client_id"),
        ):
            self.page.get_by_label(label, exact=True).fill(keys[name])
        self.press("Check and connect")

    def connect_quickbooks(self) -> None:
        """To Intuit and back, and yes to the company that was found."""
        self.open("/settings/connections")
        self.follow(re.compile("Connect.*QuickBooks"))
        self.press(re.compile("^Connect "))

    def link(self, kind: str, source_id: str, ledger_id: str) -> None:
        """On the list of a kind."""
        self.open(f"/mappings/1/{kind}/link?source_id={source_id}")
        self.page.locator(f"input[name=ledger_id][value='{ledger_id}']").check()
        self.press("Link, from now on")
        expect(self.page.get_by_text("Linked; it counts for every document from now on.")).to_be_visible()

    def log_out(self) -> None:
        self.open("/me")
        self.press(re.compile("^Log out$"))
        expect(self.page.get_by_role("heading", name="Log in")).to_be_visible()

    def wait_until_looked_at(self, count: int) -> None:
        """The list fills in by itself what stands in the way of each record."""
        expect(self.page.get_by_text(f"Checked {count} of {count}")).to_be_visible(timeout=60_000)

    def open_problem(self, words: str | re.Pattern[str]) -> None:
        """The drawer of a cause, as soon as the page shows it."""
        group = self.page.locator("#problems .cf-prob", has_text=words)
        expect(group).to_be_visible(timeout=60_000)
        group.get_by_role("link").click()
        expect(self.page.locator("#drawer-h")).to_be_focused()
