"""Every page: accessible, not wider than the window, light and dark, by keyboard alone, with few rows and many."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from app.domain.links import LinkKind
from app.domain.settings_catalogue import TABS
from tests.journeys.conftest import MEANT
from tests.journeys.furnished import Furnished, asked, fill_up, furnish, link_to_pay, paused
from tests.journeys.installation import ROOT, installed
from tests.journeys.person import ENDED, Person
from tests.thorough import THOROUGH

PROBLEM = "/batches/1/problems/account_not_linked:accounts:4600"
#: One that is a question, one that is posted, one that nobody has sent.
QUESTION, POSTED = "/records/1/invoices/38924?batch=1", "/records/1/invoices/38990?batch=1&sort=-total"
UNPOSTED = "/records/1/invoices/38894"
RECORDS = (QUESTION, POSTED, UNPOSTED, f"{UNPOSTED}/hold", POSTED.replace("?", "/undo?"))
PAGES = (
    "/",
    "/run/invoices",
    "/run/invoices?q=nothing-like-it",
    "/run/invoices?view=old",
    "/run/invoices?view=looks_posted",
    "/run/expenses",
    "/run/expenses?view=fix",
    "/run/expenses/why?number=EXP-9013",
    "/run/inventory",
    "/run/inventory/why?number=nothing-like-it",
    "/run/payments",
    "/online-payments/1",
    "/batches/2",  # of payments
    "/run/everything/1",
    "/run/everything/1?through=all",
    "/batches",
    "/batches/1",
    "/batches/1/undo",
    "/batches/1/rerun",
    PROBLEM,
    "/attention",
    "/reconcile/1",
    "/reconcile/1/drift",
    f"/reconcile/1/month/{dt.datetime.now(dt.UTC):%Y-%m}",
    "/attention/1/held/account_not_linked:accounts:4600",
    *RECORDS,
    *(f"/mappings/1/{kind}" for kind in (*LinkKind, "members")),
    "/mappings/1/customers?view=books",
    "/mappings/1/customers/proposals/name",
    "/mappings/1/customers/proposals/inactive",
    "/mappings/1/customers/updates",
    "/first-day/1?through=2026-10-31",
    "/mappings/1/accounts/link?source_id=4600",
    "/settings/connections",
    "/settings/connections/connectwise?source=1",
    "/settings/connections/intuit",
    "/settings/books",
    "/settings/books/1",
    *(f"/settings/books/1/{tab}" for tab, _, _ in TABS[1:]),
    "/settings/books/1/forget",
    "/mail/1",
    "/mail/1?view=failed",
    "/mail/1/invoices/4",
    "/settings/users",
    "/settings/users/1",
    "/settings/sessions",
    "/settings/mail",
    "/settings/notifications",
    "/settings/installation",
    "/settings/audit",
    "/settings/audit?q=nothing-like-it",
    "/me",
    "/me/two-factor",
    "/forgot",
    "/help/keys",
    "/help/workers",
    "/logout",
    "/no-such-page",
)
#: What is shown to somebody who is not logged in.
GATE = ("/login", "/forgot", "/welcome/TOKEN")
#: What can be reached: visible, enabled, and not one of several radio buttons of a group that has a chosen one.
REACHABLE = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.type !== 'hidden'
        && e.tabIndex >= 0 && !e.closest('details:not([open]) > :not(summary)')
        && !(e.type === 'radio' && !e.checked && document.querySelector(`[name="${e.name}"]:checked`))).length"""


@pytest.fixture(scope="module")
def furnished(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    with installed(tmp_path_factory.mktemp("pages") / "home") as running:
        yield furnish(running, browser)


@pytest.fixture(scope="module")
def many(furnished: Furnished) -> Furnished:
    """The same with 3,000 records more, which nobody has looked at yet."""
    fill_up(furnished.at, 3000)
    return furnished


def look(furnished: Furnished, **how: Any) -> Iterator[Page]:
    """A tab that was told how wide and how bright it is; what the CSP forbids would be on its console."""
    context = furnished.context(**how)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    wrong = [text for text in said if not text.startswith(MEANT)]
    context.close()  # which ends a poll that is under way, and the page says so
    assert not wrong


def accessible(page: Page) -> list[str]:
    """What axe finds wrong."""
    found = Axe().run(page).response["violations"]
    return [f"{page.url}: {each['id']}: {each['nodes'][0]['html'][:160]}" for each in found]


def sideways(page: Page) -> list[str]:
    """How far the page is wider than its window."""
    excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{page.url} is {excess} too wide"] if excess > 0 else []


@pytest.mark.parametrize(("width", "dark"), [(360, True), (2560, False)])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(furnished: Furnished, width: int, dark: bool) -> None:
    wrong: list[str] = []
    for page in look(furnished, width=width, dark=dark):
        for path in PAGES if THOROUGH else PAGES[dark::2]:  # in the daily suite each page in one of the two
            page.goto(furnished.at.base + path)
            wrong += [*accessible(page), *sideways(page)]
    assert not wrong


@pytest.mark.parametrize(("width", "dark"), [(360, True), (2560, False)])
def test_the_way_in_is_accessible(furnished: Furnished, width: int, dark: bool) -> None:
    added = subprocess.run(
        [str(ROOT / "crossfoot"), "user", "add", f"new{width}@harborpoint.example", "--json"],
        env=furnished.at.environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    token = json.loads(added.stdout)["link"].rpartition("/")[2]
    wrong: list[str] = []
    for page in look(furnished, width=width, dark=dark):
        page.context.clear_cookies()
        for path in GATE:
            page.goto(furnished.at.base + path.replace("TOKEN", token))
            expect(page.get_by_role("button").last).to_be_visible()
            wrong += [*accessible(page), *sideways(page)]
    assert not wrong


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


def test_a_paused_autosync_its_banner_and_its_runs_are_accessible(furnished: Furnished) -> None:
    with paused(furnished.at):
        for page in look(furnished, width=360, dark=True):
            for path in ("/settings/books/1/autosync", "/run/everything/1/1", "/"):
                page.goto(furnished.at.base + path)
                expect(page.get_by_text("is paused since")).to_be_visible()
                assert [*accessible(page), *sideways(page)] == []


@pytest.mark.parametrize(("width", "dark"), [(360, True), (2560, False)])
def test_a_batch_to_approve_and_a_mail_that_failed_are_accessible(furnished: Furnished, width: int, dark: bool) -> None:
    with asked(furnished.at, "10396") as (batch, mail):
        for page in look(furnished, width=width, dark=dark):
            page.goto(furnished.at.base + batch)
            expect(page.get_by_role("button", name="Approve and post")).to_be_visible()
            assert [*accessible(page), *sideways(page)] == []
            page.goto(furnished.at.base + mail)
            expect(page.get_by_text("The server does not know this address.")).to_be_visible()
            assert [*accessible(page), *sideways(page)] == []


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


def test_the_pane_follows_the_cursor_and_gives_way_to_a_drawer(furnished: Furnished) -> None:
    for page in look(furnished, width=2560):
        page.goto(furnished.at.base + "/run/invoices")
        head = page.locator("#drawer h2")
        expect(head).to_have_text("Invoice 10394")
        page.keyboard.press("j")
        expect(head).to_have_text("Invoice 10395")
        assert not accessible(page)
        page.keyboard.press("j")
        page.keyboard.press("h")
        expect(page.locator("#reason")).to_be_focused()
        page.keyboard.type("half a reason")
        page.wait_for_timeout(500)  # as long as an answer for the pane could come late
        expect(page.locator("#reason")).to_have_value("half a reason")
        page.locator("#drawer [data-close]").click()
        expect(head).to_have_text("Invoice 10396")


def test_a_record_is_held_with_a_reason_and_released_by_keys_and_one_click(furnished: Furnished) -> None:
    for page in look(furnished):
        page.goto(furnished.at.base + "/run/invoices?q=10396")
        page.keyboard.press("j")
        page.keyboard.press("h")
        expect(page.locator("#reason")).to_be_focused()
        page.keyboard.type("price to be agreed")
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr").first).to_contain_text("price to be agreed (Olive Winter)")
        expect(page.get_by_role("link", name="On hold 1")).to_be_visible()
        assert not accessible(page)
        page.get_by_role("button", name="Release 10396").click()
        expect(page.locator("tbody tr").first).to_contain_text("Ready")


def test_what_looks_already_posted_is_answered_from_the_list(furnished: Furnished) -> None:
    for page in look(furnished):
        page.goto(furnished.at.base + "/run/invoices?view=looks_posted")
        page.keyboard.press("f")
        expect(page.locator("#drawer").get_by_role("button", name="Link: it is the same")).to_be_visible()
        assert not accessible(page)


def test_a_customer_pays_by_stripe_from_a_page_that_names_nothing_but_the_payee(furnished: Furnished) -> None:
    for page in look(furnished, width=2560):
        her = Person(page, furnished.at)
        her.open("/settings/books/1/payments")
        page.get_by_label("Let customers pay by Stripe").select_option("yes")
        her.press("Save")
        page.get_by_label("Restricted key").fill(furnished.at.both.stripe.settings()["key"])
        her.press("Try it and keep it")
        expect(page.get_by_text("Stripe takes the key.")).to_be_visible()
    wrong = [found for page in pays(furnished) for found in (*accessible(page), *sideways(page))]
    for page in look(furnished, width=360, dark=True):
        page.goto(furnished.at.base + "/online-payments/1")
        expect(page.locator("tbody tr")).to_contain_text("In QuickBooks")
        wrong += [*accessible(page), *sideways(page)]
    assert not wrong
    assert [d["type"] for d in furnished.at.in_books() if "· CF-S" in (d["PrivateNote"] or "")] == ["Payment"]


def pays(furnished: Furnished) -> Iterator[Page]:
    """A customer with a telephone, at each of our pages on the way; the form leads to another host, by its CSP."""
    context = furnished.browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = context.new_page()
    page.goto(furnished.at.base + link_to_pay(furnished.at))
    expect(page.get_by_role("heading", name="Pay Harbor Point IT LLC")).to_be_visible()
    yield page
    page.get_by_role("button", name="Go on to pay").click()
    page.get_by_role("button", name="Pay by card").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    yield page
    for _ in range(40):  # a worker asks Stripe and tells QuickBooks
        if "has arrived" in page.content():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_text("Your payment has arrived")).to_be_visible()
    assert context.cookies() == []
    context.close()


#: Stands in for the browser's own messages, which no test can see.
NOTIFICATION = """window.told = []; window.asked = 0; window.Notification = class {
    static permission = 'default';
    static async requestPermission() { window.asked += 1; return this.permission = 'granted'; }
    constructor(title, more) { window.told.push(`${title}. ${more.body}`); }
    addEventListener() {} }"""


def test_the_end_of_a_batch_is_told_once_to_whoever_asked_for_it(furnished: Furnished) -> None:
    for page in look(furnished):
        page.add_init_script(NOTIFICATION)
        her = Person(page, furnished.at)
        her.open("/run/invoices?q=10430")
        with page.expect_response("**/run/invoices/tick"):
            page.get_by_label("Select this page").check()
        her.press(re.compile("^Post 1 document"))
        page.wait_for_url("**/confirm?mode=post")
        assert [*accessible(page), *sideways(page)] == []
        her.press(re.compile("post 1 document", re.IGNORECASE), page.get_by_role("region", name="Submit"))
        page.wait_for_url("**/batches/*")
        batch = her.path
        page.go_back()  # past the question, which is answered, and no form is sent again
        expect(page).to_have_url(re.compile("/run/invoices$"))
        her.open(batch)
        assert page.evaluate("window.asked") == 0, "nobody is asked who did not press the button"
        her.press("Tell me at the end")
        expect(page.get_by_role("button", name="You will be told at the end")).to_be_visible()
        expect(page.locator("#head .cf-st")).to_have_text(ENDED, timeout=60_000)
        page.wait_for_function("window.told.length > 0")
        assert [": completed" in told and "1 closed" in told for told in page.evaluate("window.told")] == [True]
        assert page.evaluate("window.asked") == 1


def test_a_key_retries_the_document_of_the_row_and_nothing_else(furnished: Furnished) -> None:
    sent: list[str] = []
    for page in look(furnished):
        page.goto(furnished.at.base + "/batches/1?state=held")
        page.on("request", lambda request: sent.append(request.post_data or "") if "/retry" in request.url else None)
        page.route("**/batches/1/retry*", lambda route: route.fulfill(status=204))
        page.keyboard.press("r")  # no row is meant yet
        page.keyboard.press("j")
        row = page.locator("tr.is-cursor")
        page.keyboard.press("r")
        expect(row.get_by_role("button", name="Retry")).to_be_visible()
        page.wait_for_timeout(300)
        assert [text.split("posting=")[1] for text in sent] == [row.get_attribute("data-posting")]


def test_the_keys_lead_from_record_to_record(furnished: Furnished) -> None:
    for page in look(furnished):
        page.goto(furnished.at.base + QUESTION)
        expect(page.get_by_text("1 of 10", exact=True)).to_be_visible()
        page.keyboard.press("j")
        expect(page.get_by_text("2 of 10", exact=True)).to_be_visible()
        page.keyboard.press("k")
        expect(page.get_by_text("1 of 10", exact=True)).to_be_visible()


def test_three_thousand_rows_come_in_pages_of_a_hundred(many: Furnished) -> None:
    for page in look(many):
        page.goto(many.at.base + "/run/invoices")
        expect(page.locator("tbody tr")).to_have_count(100)
        page.get_by_role("link", name="Next").click()
        expect(page.locator("tbody tr").first).to_contain_text("X")
        page.get_by_role("columnheader", name="Customer").get_by_role("link").click()
        expect(page.get_by_role("columnheader", name="Customer")).to_have_attribute("aria-sort", "ascending")
        page.get_by_label("Search number, customer, amount").fill("X0299")
        expect(page.locator("tbody tr")).to_have_count(10)


def test_while_the_page_polls_a_word_a_range_and_the_focus_stay(many: Furnished) -> None:
    for page in look(many):
        page.goto(many.at.base + "/run/invoices?sort=-number")
        polled = "**/run/invoices/progress?*"
        with page.expect_response("**/run/invoices/tick"):
            page.locator("tbody input[name=record]").nth(2).click()
            page.locator("tbody input[name=record]").nth(60).click(modifiers=["Shift"])
        with page.expect_response(polled):
            pass
        expect(page.locator("tbody input[name=record]:checked")).to_have_count(59)
        expect(page.locator(".cf-bar-sum")).to_contain_text("59 of")
        page.keyboard.press("/")
        page.keyboard.type("X02")
        with page.expect_response(polled):
            pass
        page.keyboard.type("99")
        expect(page.locator("tbody tr")).to_have_count(10)
        expect(page.locator("#q")).to_be_focused()
        expect(page.locator("#q")).to_have_value("X0299")
