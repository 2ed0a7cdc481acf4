"""Connecting both sides: each refusal is one sentence with its remedy, and nothing is stored before it works."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from sqlmodel import select

from app.connectors.protocols import ConnectionFailedError
from app.database import Database
from app.domain.problems import Problem, Severity
from app.factory import create_app
from app.models.connections import Book, SourceRow
from app.settings import INTUIT, INTUIT_API, Endpoints, Secret, Settings
from tests.fake_books import FakeBooks
from tests.fakes import FakeSource
from tests.routes.conftest import HOST, Browser, Vendors, words
from tests.routes.world import World

FORM = {"site": "psa.test", "company_id": "demo", "public_key": "pub", "client_id": "guid", "private_key": "pr1vate"}
CONNECT = "/connections/quickbooks-online/connect"
CALLBACK = "/oauth/quickbooks-online/callback"


def stored(database: Database, table: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table)).all())


# ── ConnectWise ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_connectwise_is_checked_and_stored(admin: Browser, vendors: Vendors, database: Database) -> None:
    vendors.sources["psa.test"] = FakeSource()
    admin.get("/settings/connections/connectwise")
    page = admin.post("/settings/connections/connectwise", FORM)
    assert "Demo PSA is connected." in words(page)
    assert "pr1vate" not in page.text
    assert [row.secrets for row in stored(database, SourceRow)] == [{"private_key": "pr1vate"}]


def test_everything_that_is_missing_is_named_and_nothing_is_stored(
    admin: Browser, vendors: Vendors, database: Database
) -> None:
    vendors.sources["psa.test"] = source = FakeSource()
    source.findings = (
        Problem("permission", "The role may not delete batches.", "Allow it under System ▸ Security Roles."),
        Problem("expense", "Expense as bill is off.", "Switch it on.", Severity.WARNING),
    )
    admin.get("/settings/connections/connectwise")
    page = admin.post("/settings/connections/connectwise", FORM, status=422)
    assert "Not connected; nothing was stored 2 things found" in words(page)
    assert "The role may not delete batches. Allow it under System ▸ Security Roles." in words(page)
    assert "pr1vate" not in page.text
    assert 'value="guid"' in page.text
    assert stored(database, SourceRow) == []


def test_a_wrong_site_is_said_in_one_sentence(admin: Browser) -> None:
    admin.get("/settings/connections/connectwise")
    page = admin.post("/settings/connections/connectwise", FORM, status=422)
    assert "There is no server named psa.test. Check the address." in words(page)


def test_a_secret_is_never_put_back_into_the_form(admin: Browser, vendors: Vendors) -> None:
    vendors.sources["psa.test"] = FakeSource()
    admin.get("/settings/connections/connectwise")
    admin.post("/settings/connections/connectwise", FORM)
    assert "pr1vate" not in admin.get("/settings/connections/connectwise?source=1").text


def test_the_test_button_asks_the_vendor_and_answers_with_its_card(
    bookkeeper: Browser, database: Database, vendors: Vendors
) -> None:
    world = World(database, vendors)
    assert "Country, currency US, USD Sales tax US manual sales tax" in words(bookkeeper.get("/settings/connections"))
    card = bookkeeper.post("/connections/source/1/test", hx=True)
    assert "Demo PSA answered; nothing is missing." in words(card)
    assert "<html" not in card.text
    world.company.down = "QuickBooks does not answer."
    assert "QuickBooks does not answer." in words(bookkeeper.post("/connections/book/1/test"))


# ── QuickBooks ───────────────────────────────────────────────────────────────────────────────────────────────────


def away(browser: Browser, query: str = "") -> str:
    """To Intuit; answers the state."""
    answer = browser.get(CONNECT + query, status=302, follow=False)
    assert answer.headers["Location"].startswith(f"https://intuit.test/consent?redirect_uri={HOST}{CALLBACK}")
    return parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]


def back(state: str, realm: str = "9341", code: str = "code") -> str:
    return f"{CALLBACK}?code={code}&state={state}&realmId={realm}"


def test_a_company_is_shown_before_it_is_stored(admin: Browser, vendors: Vendors, database: Database) -> None:
    vendors.books["9341"] = FakeBooks()
    page = admin.get(back(away(admin)))
    assert "Is “Demo MSP” the right company?" in words(page)
    assert "9341" in words(page)
    assert stored(database, Book) == []
    assert "“Demo MSP” is connected." in words(admin.post("/connections/quickbooks-online/confirm"))
    assert [book.ledger_id for book in stored(database, Book)] == ["9341"]
    assert "access-code" not in admin.get("/settings/connections").text


def test_for_scripts_a_first_connection_is_confirmed_at_once(admin: Browser, vendors: Vendors) -> None:
    vendors.books["9341"] = FakeBooks()
    answer = admin.get(back(away(admin, "?confirm=auto")), status=302, follow=False)
    assert "“Demo MSP” is connected." in words(admin.get(answer.headers["Location"]))


def test_no_means_that_the_consent_is_given_back(admin: Browser, vendors: Vendors, database: Database) -> None:
    vendors.books["9341"] = FakeBooks()
    admin.get(back(away(admin)))
    assert "the consent was given back" in words(admin.post("/connections/quickbooks-online/cancel"))
    assert len(vendors.intuit.revoked) == 1
    assert stored(database, Book) == []
    assert "no company left to confirm" in words(admin.post("/connections/quickbooks-online/confirm", status=422))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("error=access_denied&state={}", "You did not allow the connection on Intuit’s page; nothing was stored."),
        ("error=server_error&state={}", "Intuit did not connect the company (“server_error”)."),
        ("code=c&state={}", "Intuit did not say which company was chosen"),
        ("code=c&realmId=9341&state=forged", "does not belong to a connection you started here"),
    ],
)
def test_what_goes_wrong_at_intuit_is_one_sentence(admin: Browser, database: Database, query: str, said: str) -> None:
    state = away(admin)
    assert said in words(admin.get(f"{CALLBACK}?{query.format(state)}", status=422))
    assert stored(database, Book) == []


def test_an_answer_counts_once_and_only_for_who_asked(admin: Browser, bookkeeper: Browser, vendors: Vendors) -> None:
    vendors.books["9341"] = FakeBooks()
    url = back(away(admin))
    bookkeeper.get(url, status=403)
    admin.get(url)
    assert "does not belong" in words(admin.get(url, status=422))


def test_wrong_keys_are_said_and_nothing_is_stored(admin: Browser, vendors: Vendors, database: Database) -> None:
    vendors.intuit.refuse = ConnectionFailedError("The Intuit keys are wrong.", "Copy both again.", systemic=True)
    assert "The Intuit keys are wrong. Copy both again." in words(admin.get(back(away(admin)), status=422))
    assert stored(database, Book) == []


def test_connecting_again_must_reach_the_same_company(admin: Browser, vendors: Vendors, database: Database) -> None:
    World(database, vendors)
    vendors.books["777"] = FakeBooks("Other Inc", "777")
    page = admin.get(back(away(admin, "?book=1"), realm="777"), status=422)
    assert "You signed in to “Other Inc”, but “Demo MSP” was to be connected again; nothing was changed." in words(page)
    assert len(stored(database, Book)) == 1
    assert "It is the same company as before" in words(admin.get(back(away(admin, "?book=1"))))


def test_disconnecting_gives_the_access_back_and_keeps_the_rest(
    admin: Browser, vendors: Vendors, database: Database
) -> None:
    world = World(database, vendors)
    admin.get("/settings/connections")
    assert "its links, settings and history stay" in words(admin.post("/connections/quickbooks-online/1/disconnect"))
    assert world.company.revoked
    assert "It is disconnected." in words(admin.get("/settings/connections"))


def test_production_companies_need_https(
    settings: Settings, database: Database, redis_server: redis.Redis, vendors: Vendors, admin: Browser
) -> None:
    intuit = Endpoints(INTUIT_API["production"], INTUIT["authorize"], INTUIT["token"], INTUIT["revoke"])
    changed = dataclasses.replace(settings, qbo=intuit, qbo_environment="production")
    browser = Browser(create_app(changed, database, redis_server, vendors).test_client())
    browser.log_in("admin@example.test")
    assert "only to an https address" in words(browser.get(CONNECT))


def test_app_keys_are_stored_encrypted_and_never_shown(
    settings: Settings, database: Database, redis_server: redis.Redis, vendors: Vendors, admin: Browser
) -> None:
    changed = dataclasses.replace(settings, qbo_client_id="", qbo_client_secret=Secret(""))
    browser = Browser(create_app(changed, database, redis_server, vendors).test_client())
    browser.log_in("admin@example.test")
    browser.get("/settings/connections/intuit")
    page = browser.post("/settings/connections/intuit", {"client_id": "AB1", "client_secret": "keep-me-quiet"})
    assert "The keys are stored." in words(page)
    assert "keep-me-quiet" not in browser.get("/settings/connections/intuit").text
    with database.engine.connect() as connection:
        assert "keep-me-quiet" not in str(connection.exec_driver_sql("SELECT value FROM installation_settings").all())


# ── settings of a company ────────────────────────────────────────────────────────────────────────────────────────


def test_a_company_s_settings_are_taken_all_or_none(admin: Browser, database: Database, vendors: Vendors) -> None:
    World(database, vendors)
    admin.get("/settings/books/1")
    good = {"company.validation": "batch", "company.zone": "America/Denver"}
    assert "Saved: 2 changed." in words(admin.post("/settings/books/1", good))
    bad = {"company.validation": "record", "company.zone": "Mars/Olympus"}
    page = admin.post("/settings/books/1", bad, status=422)
    assert "can't be “Mars/Olympus”" in words(page)
    assert stored(database, Book)[0].settings["company.validation"] == "batch"


def test_every_deed_stands_in_the_audit_log_with_its_actor(
    admin: Browser, database: Database, vendors: Vendors
) -> None:
    World(database, vendors)
    admin.get("/settings/books/1/sales")
    admin.post("/settings/books/1/sales", {"sales.summary": "condensed"})
    assert "127.0.0.1 changed settings Demo MSP" in words(admin.get("/settings/audit?q=book.settings"))
    assert "Nothing matches" in words(admin.get("/settings/audit?q=unicorn"))
