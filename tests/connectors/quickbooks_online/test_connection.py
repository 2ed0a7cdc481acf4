"""Tokens, consent, and what a company says about itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
import requests

from app.connectors.http import Http
from app.connectors.protocols import ConnectionFailedError
from app.connectors.quickbooks_online import consent, oauth
from app.connectors.quickbooks_online.access import Access
from app.connectors.tokens import Tokens
from app.domain.documents import DocumentKind
from app.domain.links import LinkKind
from app.domain.outcomes import NotDone
from app.domain.problems import NotFoundError
from sandbox.quickbooks_online import people
from sandbox.quickbooks_online.chart import place
from tests.builders import a_document
from tests.connectors.destination_contract import a_call, posted, sent
from tests.connectors.quickbooks_online.stand import SandboxStand
from tests.fakes import MemoryTokens

REDIRECT = "http://localhost:8000/oauth/quickbooks-online/callback"
Stands = Callable[..., SandboxStand]


@pytest.fixture
def stands(redis_server: redis.Redis) -> Iterator[Stands]:
    """Companies with other switches."""
    running: list[SandboxStand] = []

    def start(**switches: Any) -> SandboxStand:
        running.append(SandboxStand(redis_server, **switches))
        return running[-1]

    yield start
    for stand in running:
        stand.stop()


def consented(stand: SandboxStand) -> Tokens:
    consent = stand.registry.consent("quickbooks_online")
    answer = requests.get(consent.authorize_url(REDIRECT, "state-1"), allow_redirects=False, timeout=5)
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert back["state"] == ["state-1"]
    return consent.exchange(REDIRECT, back["code"][0])


def aged(tokens: Tokens, seconds: int) -> Tokens:
    return replace(tokens, access_until=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds))


# consent ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_consent_gives_tokens_that_open_the_company(stand: SandboxStand) -> None:
    stand.tokens.tokens = consented(stand)
    assert stand.destination.company().name == stand.company.name


def test_a_code_works_once(stand: SandboxStand) -> None:
    consent = stand.registry.consent("quickbooks_online")
    with pytest.raises(ConnectionFailedError) as caught:
        consent.exchange(REDIRECT, "not-a-code")
    assert caught.value.code == "reconnect_needed"


def test_wrong_keys_are_said_to_be_wrong(stand: SandboxStand) -> None:
    app = replace(stand.app(), client_secret="wrong")
    http = Http("QuickBooks", stand.rules_of_the_net())
    assert stand.tokens.tokens is not None
    for call in (
        lambda: consent.exchange(app, http, REDIRECT, "code"),
        lambda: oauth.refresh(app, http, stand.tokens.load()),
        lambda: oauth.revoke(app, http, stand.tokens.load()),
    ):
        with pytest.raises(ConnectionFailedError) as caught:
            call()
        assert caught.value.code == "app_keys"
        assert caught.value.systemic


def test_nothing_secret_shows_in_a_representation(stand: SandboxStand) -> None:
    assert stand.app().client_secret not in repr(stand.app())


def test_a_revoked_consent_is_over_and_revoking_again_does_no_harm(stand: SandboxStand) -> None:
    stand.destination.revoke()
    stand.destination.revoke()
    with pytest.raises(ConnectionFailedError) as caught:
        stand.destination.company()
    assert caught.value.code == "reconnect_needed"
    assert caught.value.systemic
    assert stand.tokens.broken


# tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_renewed_before_it_ends_and_stored_before_it_is_used(stand: SandboxStand) -> None:
    old = aged(stand.tokens.load(), 100)
    stand.tokens.tokens = old
    posted(stand, a_document())
    assert stand.tokens.load().access != old.access
    assert stand.company.counts["oauth"] == 1


def test_a_token_with_time_left_is_used_as_it_is(stand: SandboxStand) -> None:
    stand.tokens.tokens = aged(stand.tokens.load(), 130)
    posted(stand, a_document())
    assert stand.company.counts["oauth"] == 0


def test_a_refused_refresh_looks_whether_somebody_else_was_first(stand: SandboxStand) -> None:
    fresh = stand.tokens.load()

    class Raced(MemoryTokens):
        """Another process stores its tokens while we are being refused."""

        loads = 0

        def load(self) -> Tokens:
            self.loads += 1
            return fresh if self.loads > 2 else aged(replace(fresh, refresh="used-up", access="old"), -1)

    store = Raced()
    access = Access(stand.app(), Http("QuickBooks", stand.rules_of_the_net()), store)
    assert access.token() == fresh.access
    assert not store.broken


def test_who_waited_in_vain_does_not_refresh_behind_the_others_back(stand: SandboxStand) -> None:
    class Waited(MemoryTokens):
        @contextmanager
        def alone(self) -> Iterator[bool]:
            yield False

    store = Waited(aged(stand.tokens.load(), -1))
    access = Access(stand.app(), Http("QuickBooks", stand.rules_of_the_net()), store)
    with pytest.raises(ConnectionFailedError) as caught:
        access.token()
    assert caught.value.code == "token_not_refreshed"
    assert stand.company.counts["oauth"] == 0


def test_a_write_with_a_dead_consent_is_not_done_and_stops_everything(stand: SandboxStand) -> None:
    stand.running.intuit.tokens.revoke_realm(stand.company.realm)
    (outcome,) = sent(stand, a_call(stand, [a_document()]))
    assert isinstance(outcome, NotDone)
    assert outcome.systemic is not None
    assert outcome.systemic.code == "reconnect_needed"


def test_a_vendor_that_is_away_is_not_done_and_nothing_is_in_doubt(stand: SandboxStand) -> None:
    call = a_call(stand, [a_document()])
    stand.running.stop()
    (outcome,) = sent(stand, call)
    assert outcome == NotDone("unreachable", 5.0)


def test_another_companys_realm_is_not_let_in(stand: SandboxStand) -> None:
    with pytest.raises(ConnectionFailedError) as caught:
        stand.opened(realm="9999").company()
    assert caught.value.systemic


def test_keys_of_the_other_environment_are_recognised_before_any_call(stand: SandboxStand) -> None:
    settings = {"realm": "1", "environment": "production"}
    with pytest.raises(ConnectionFailedError) as caught:
        stand.registry.destination("quickbooks_online", settings, stand.tokens, None)  # type: ignore[arg-type]  # unused
    assert caught.value.code == "wrong_environment"


def test_an_unknown_kind_names_the_known_ones(stand: SandboxStand) -> None:
    with pytest.raises(NotFoundError) as caught:
        stand.registry.source("sage50", {}, {}, None)  # type: ignore[arg-type]  # unused
    assert "connectwise" in caught.value.remedy


# company ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("switches", "mode"),
    [
        ({"tax_mode": "us_manual"}, "manual"),
        ({"tax_mode": "us_ast"}, "automated"),
        ({"using_sales_tax": False}, "off"),
        ({"tax_mode": "non_us", "country": "GB", "home_currency": "GBP"}, "per_line"),
    ],
)
def test_the_company_decides_its_tax_model(stands: Stands, switches: dict[str, Any], mode: str) -> None:
    company = stands(**switches).destination.company()
    assert company.rules.tax_mode == mode
    assert company.currency == switches.get("home_currency", "USD")


def test_outside_the_us_the_code_for_untaxed_lines_is_found(stands: Stands) -> None:
    company = stands(tax_mode="non_us", country="GB").destination.company()
    assert company.rules.extra["untaxed_code"] == "17"
    assert company.rules.extra["untaxed_parts"] == "17=0 p:117=0"


def test_the_company_says_what_it_takes_beside_sales(stands: Stands) -> None:
    extra = stands().destination.company().rules.extra
    abilities = ("classes", "locations", "custom_fields", "inventory", "inventory_adjustments", "payable_account")
    assert [extra[name] for name in abilities] == ["line", "on", "1", "on", "on", "33"]
    assert extra["account_type:42"] == "Credit Card"


@pytest.mark.parametrize(
    "switches", [{"offering": "QuickBooks Online Essentials"}, {"country": "GB", "tax_mode": "non_us"}]
)
def test_a_smaller_plan_and_other_countries_have_no_inventory_adjustments(
    stands: Stands, switches: dict[str, str]
) -> None:
    assert stands(**switches).destination.company().rules.extra["inventory_adjustments"] == "off"


def test_classes_are_kept_as_the_company_keeps_them(stands: Stands) -> None:
    found = [
        stands(track_classes=kept).destination.company().rules.extra["classes"]
        for kept in ("no", "transaction", "line")
    ]
    assert found == ["off", "document", "line"]


def test_own_numbering_and_closed_books_are_read(stands: Stands) -> None:
    stand = stands(custom_txn_numbers=False, book_close_date="2026-06-30", auto_apply_credit=True)
    company = stand.destination.company()
    assert not company.rules.send_numbers
    assert company.rules.close_date == "2026-06-30"
    assert [finding.code for finding in company.findings] == ["numbers_by_ledger"]
    assert company.facts == {
        "environment": "sandbox",
        "plan": "QuickBooks Online Plus",
        "country": "US",
        "auto_apply_credit": "yes",
        "zone": "America/Los_Angeles",
    }


def test_documents_have_an_address_on_the_screens_of_the_environment(stand: SandboxStand) -> None:
    url = stand.destination.url(DocumentKind.CREDIT_MEMO, "145")
    assert url == "https://sandbox.qbo.intuit.com/app/creditmemo?txnId=145"


# lists ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tax_code_has_its_combined_rate_and_its_parts(stand: SandboxStand) -> None:
    codes = {code.ledger_id: code for code in stand.destination.entries(LinkKind.TAX_CODES)}
    assert (codes["3"].rate, codes["3"].parts) == ("10.25", "5=6.5 6=3.75")
    assert "TAX" not in codes


def test_items_carry_sku_type_and_income_account(stand: SandboxStand) -> None:
    item = next(item for item in stand.destination.entries(LinkKind.ITEMS) if item.name == "FW-60F")
    assert (item.number, item.detail, item.account_id) == ("FW-60F", "NonInventory", "79")


def test_inactive_entries_are_listed_as_inactive(stand: SandboxStand) -> None:
    order = {"entity": "Customer", "id": "2", "operation": "inactivate"}
    people.edit(stand.company, order)
    entries = {entry.ledger_id: entry.active for entry in stand.destination.entries(LinkKind.CUSTOMERS)}
    assert entries["2"] is False
    assert entries["1"] is True


def test_lists_longer_than_a_page_are_read_whole(stand: SandboxStand) -> None:
    for number in range(1005):
        place(stand.company, "Customer", {"DisplayName": f"Customer {number}"})
    assert len(stand.destination.entries(LinkKind.CUSTOMERS)) == 1007


def test_names_of_customers_vendors_and_employees_are_taken(stand: SandboxStand) -> None:
    taken = stand.destination.names_taken()
    assert {"acme dental", "bolt & nut co", "pat lee"} <= taken
