"""The whole way of a first batch, from an empty data folder to the history."""

from __future__ import annotations

import csv
import re
from collections import Counter
from decimal import Decimal

from playwright.sync_api import Page, expect

from tests.journeys.installation import Installation
from tests.journeys.person import ENDED, Person

MINUTE = 60_000
#: Invoice 10404, which somebody typed into QuickBooks.
TYPED_IN = Decimal("437.30")


def test_from_an_empty_folder_to_a_closed_batch(installation: Installation, page: Page) -> None:
    her = Person(page, installation)
    her.set_up()
    her.log_out()
    her.log_in()
    her.connect_connectwise()
    her.connect_quickbooks()
    expect(page.get_by_role("status").get_by_text("“Harbor Point IT LLC” is connected.")).to_be_visible()
    _read_and_link(her)
    _narrow(her)
    _tick(her)
    _submit_twice(her)
    _watch_to_the_end(her)
    _fix_the_account(her)
    _link_what_was_typed_in_by_hand(her)
    _prove(her)
    _save(her)


def _read_and_link(her: Person) -> None:
    """The list is read by itself on the first visit; links are set in a row's drawer, and in the list of a kind."""
    her.open("/run/invoices")
    her.wait_until_looked_at(74)
    page = her.page
    row = page.get_by_role("row", name=re.compile("^10395"))
    her.follow("Link account", row)
    drawer = page.locator("#drawer")
    expect(drawer.get_by_role("heading", level=2)).to_be_focused()
    drawer.get_by_label("Search QuickBooks").fill("Deposits")
    drawer.locator("input[value='87']").check()
    her.press("Link, from now on", drawer)
    expect(row.get_by_text("Ready")).to_be_visible()
    expect(drawer).to_be_hidden()
    for kind, links in (
        ("accounts", her.at.both.credentials["account_links"]),
        ("tax_codes", her.at.both.credentials["tax_code_links"]),
    ):
        for source_id, ledger_id in links.items():
            her.link(kind, source_id, ledger_id)


def _narrow(her: Person) -> None:
    """By location, and by words."""
    page = her.page
    her.open("/run/invoices")
    tacoma = page.get_by_label("Location").locator("option", has_text="Tacoma")
    count = int((tacoma.text_content() or "").split(" · ")[1])
    page.get_by_label("Location").select_option(tacoma.get_attribute("value"))
    expect(page.locator("tbody tr")).to_have_count(count)
    expect(page.get_by_text(f"of {count} selected")).to_be_visible()
    page.get_by_label("Location").select_option("")
    expect(page.locator("tbody tr")).to_have_count(74)
    page.keyboard.press("Escape")
    page.locator("main").focus()
    page.keyboard.press("/")
    page.keyboard.type("acme")
    expect(page.locator("tbody tr")).to_have_count(6)


def _tick(her: Person) -> None:
    """By keys, by a range, and all at once."""
    page = her.page
    page.locator("main").focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("1 of 74 selected")).to_be_visible()
    boxes = page.locator("tbody .tick input[type=checkbox]")
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.get_by_text("3 of 74 selected")).to_be_visible()
    expect(page.get_by_text("3 selected on this page, 3 in all.")).to_be_visible()
    page.locator("main").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_text("0 of 74 selected")).to_be_visible()
    her.press("All 6 that match")
    expect(page.get_by_text("6 of 74 selected")).to_be_visible()
    page.get_by_role("link", name="Clear the search").click()
    her.press(re.compile("^All 74"))
    expect(page.get_by_text("74 of 74 selected · $53,565.69")).to_be_visible()


def _submit_twice(her: Person) -> None:
    """It says what will happen; two clicks make one batch."""
    page = her.page
    # One call takes its time, so that there is something to watch.
    her.at.both.quickbooks_online.company.faults.add("slow:6", entity="batch", skip=3)
    page.clock.install()
    her.press(re.compile("Post 74 documents, .53,565.69, to Harbor Point"))
    expect(page.get_by_text(re.compile(r"\d+ customers will be created in QuickBooks"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+ customers will be linked by exactly the same name"))).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^Create .* and post \d+ documents")).dblclick()
    expect(page).to_have_url(re.compile(r"/batches/1$"))


def _watch_to_the_end(her: Person) -> None:
    """Nothing is reloaded, and what is typed into the drawer stays while the page changes under it."""
    page = her.page
    page.evaluate("window.stillTheSamePage = true")
    her.open_problem("GL account 4600")
    search = page.locator("#drawer-q")
    search.fill("security")
    polls = Counter[str]()
    page.on("response", lambda answer: polls.update(["live"] if "/live?" in answer.url else []))
    while polls["live"] < 10:
        page.clock.run_for(2000)
        page.wait_for_timeout(100)
    expect(search).to_have_value("security")
    expect(search).to_be_focused()
    expect(page.locator("#head .cf-st")).to_have_text(ENDED, timeout=MINUTE)
    assert page.evaluate("window.stillTheSamePage")


def _fix_the_account(her: Person) -> None:
    page = her.page
    drawer = page.locator("#drawer")
    drawer.locator("input[value='91']").check()
    fix = drawer.get_by_role("button", name=re.compile(r"Link and retry \d+ documents"))
    count = int(re.findall(r"\d+", fix.text_content() or "")[0])
    fix.click()
    expect(page.get_by_text(f"{count} documents go again.")).to_be_visible()
    expect(page.locator("#head .cf-st")).to_have_text(ENDED, timeout=MINUTE)
    expect(page.get_by_text("GL account 4600")).to_have_count(0)


def _link_what_was_typed_in_by_hand(her: Person) -> None:
    """Somebody typed 10404 into QuickBooks: it is linked, not posted again."""
    page = her.page
    her.open_problem(re.compile("looks|already", re.IGNORECASE))
    her.press("Link: it is the same", page.locator("#drawer"))
    expect(page.get_by_text("1 document is linked.")).to_be_visible()
    expect(page.locator("#head .cf-st")).to_have_text(ENDED, timeout=MINUTE)


def _prove(her: Person) -> None:
    """What the page says adds up, and both systems say the same."""
    foot = her.page.locator("#foot tfoot")
    expect(foot.get_by_role("cell", name="53,565.69 74 adds up")).to_be_visible()
    expect(foot.get_by_text("71 agree")).to_have_count(2)
    ours = [row for row in her.at.in_books() if "CF-I" in row["PrivateNote"]]
    numbers = Counter(row["DocNumber"] for row in ours)
    assert set(numbers.values()) == {1}
    assert len(ours) == 70, "and the one that was typed in by hand"
    signed = sum(Decimal(str(row["TotalAmt"])) * (-1 if row["type"] == "CreditMemo" else 1) for row in ours)
    assert signed == Decimal("51803.39") - TYPED_IN
    batched = [number for batch in her.at.psa_batches() for number in batch["numbers"]]
    assert sorted(batched) == sorted([*numbers, "10404"])
    assert all(batch["identifier"].startswith("CF-I-") for batch in her.at.psa_batches())


def _save(her: Person) -> None:
    """Both files; the history has one batch."""
    page = her.page
    page.locator("summary", has_text="Save").click()
    with page.expect_download() as saved:
        her.follow("List of Errors (CSV)")
    errors = saved.value.path().read_text(encoding="utf-8-sig")
    assert {"10414", "10425"} <= {row["number"] for row in csv.DictReader(errors.splitlines())}
    with page.expect_download() as saved:
        her.follow("Full Log, secrets removed")
    log = saved.value.path().read_text(encoding="utf-8-sig")
    assert "10404 is closed in ConnectWise by CF-I-" in log
    assert her.at.keys["private_key"] not in log
    her.open("/batches")
    row = page.get_by_role("row", name=re.compile("-OW-I "))
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Completed with errors")
    expect(row).to_contain_text("53,565.69")
