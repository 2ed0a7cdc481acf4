"""The first day in a real browser: connect, read both sides whole, confirm links, cut over, look, post."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.conftest import context, installation, page
from tests.journeys.installation import Installation
from tests.journeys.person import ENDED, Person

__all__ = ["context", "installation", "page"]

#: What was posted by hand before Crossfoot came: everything up to this day.
CUT_OVER = "10/31/2026"


def looked_at(page: Page, name: str) -> None:
    """Keep a picture where SHOTS names a folder; for a person to look at."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def accept_all(her: Person, reason: str) -> int:
    """Every group with this reason on the first-day page, kind by kind; answers how many."""
    count = 0
    while True:
        her.open("/first-day/1")
        group = her.page.locator(f'a[href*="/proposals/{reason}?"]').first
        if not group.count():
            return count
        group.click()
        looked_at(her.page, f"proposals-{reason}-{count}")
        every = her.page.get_by_role("button", name=re.compile("^Accept all"))
        (every if every.count() else her.page.get_by_role("button", name=re.compile("^Accept the ticked"))).click()
        expect(her.page.get_by_text(re.compile(r"links? made; (it|they) counts? from now on"))).to_be_visible()
        count += 1


def test_the_first_day(page: Page, installation: Installation) -> None:
    her = Person(page, installation)
    her.set_up()
    her.connect_connectwise()
    her.connect_quickbooks()
    her.open("/")
    her.follow("Link lists", page.locator("#checklist"))
    expect(page.get_by_role("heading", name="First day")).to_be_visible()
    her.press("Read the lists")
    for _ in range(30):
        if page.locator('a[href*="/proposals/name?"]').count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    looked_at(page, "first-day")
    assert accept_all(her, "number") + accept_all(her, "name") + accept_all(her, "spelling") >= 4
    for source_id, ledger_id in installation.both.credentials["account_links"].items():
        her.link("accounts", source_id, ledger_id)
    for source_id, ledger_id in installation.both.credentials["tax_code_links"].items():
        her.link("tax_codes", source_id, ledger_id)
    cut_over(her)
    post_the_rest(her, installation)


def cut_over(her: Person) -> None:
    """History is counted with its money, marked, and nothing of it reaches QuickBooks."""
    page = her.page
    her.open("/first-day/1")
    her.press("Read what is unposted")
    page.get_by_label("In the books already, up to and including").fill(CUT_OVER)
    her.press("Count")
    looked_at(page, "cut-over")
    mark = page.get_by_role("button", name=re.compile("^Mark .* as posted, without sending"))
    expect(mark).to_be_visible()
    mark.click()
    expect(page.get_by_text("Marked as posted; nothing was sent to QuickBooks.")).to_be_visible()
    her.follow(re.compile(r"^\d{8}-"), page.locator("#cut-over"))
    expect(page.locator("#head .cf-st")).to_have_text(ENDED, timeout=120_000)
    assert not [d for d in her.at.in_books() if "CF-" in (d.get("PrivateNote") or "")]
    assert her.at.psa_batches()


def post_the_rest(her: Person, installation: Installation) -> None:
    """A dry run first, then what is ready; both sides agree."""
    page = her.page
    her.open("/run/invoices")
    expect(page.get_by_text(re.compile(r"Checked (\d+) of \1"))).to_be_visible(timeout=120_000)
    page.get_by_role("button", name=re.compile(r"^All \d+ ready")).click()
    page.locator(".cf-bar summary", has_text="More: dry run").click()
    her.press(re.compile("^Dry run of"))
    expect(page.locator("#head .cf-st")).to_have_text(ENDED, timeout=120_000)
    assert not [d for d in her.at.in_books() if "CF-" in (d.get("PrivateNote") or "")]
    her.open("/run/invoices")
    her.press(re.compile(r"^Post \d+ documents"))
    her.press(re.compile(r"post \d+ documents", re.IGNORECASE), page.get_by_role("region", name="Submit"))
    expect(page.locator("#head .cf-st")).to_have_text(ENDED, timeout=300_000)
    ours = [d["PrivateNote"].split(" · ")[1] for d in her.at.in_books() if "CF-" in (d.get("PrivateNote") or "")]
    assert ours
    assert len(ours) == len(set(ours))
