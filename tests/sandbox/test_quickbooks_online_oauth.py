"""Consent, tokens and their traps."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.quickbooks_online.chart import empty_company
from sandbox.quickbooks_online.oauth import CLIENT_ID, CLIENT_SECRET, SCOPE
from tests.sandbox.qbo import Books, books_of

REDIRECT = "http://localhost:8000/oauth/quickbooks-online/callback"
KEYS = (CLIENT_ID, CLIENT_SECRET)


@pytest.fixture
def books() -> Iterator[Books]:
    with books_of(empty_company("111"), empty_company("222")) as running:
        yield running


def consent(books: Books, **changes: str) -> requests.Response:
    query = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "scope": SCOPE,
        "redirect_uri": REDIRECT,
        "state": "s1",
        **changes,
    }
    url = books.running.settings()["authorize_url"]
    return requests.get(url, params=query, allow_redirects=False, timeout=5)


def back(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def token(books: Books, auth: tuple[str, str] = KEYS, **form: str) -> requests.Response:
    return requests.post(books.running.settings()["token_url"], data=form, auth=auth, timeout=5)


def exchange(books: Books, code: str, redirect_uri: str = REDIRECT) -> requests.Response:
    return token(books, grant_type="authorization_code", code=code, redirect_uri=redirect_uri)


def refresh(books: Books, value: str) -> requests.Response:
    return token(books, grant_type="refresh_token", refresh_token=value)


def granted(books: Books) -> dict[str, str]:
    answer: dict[str, str] = exchange(books, back(consent(books))["code"]).json()
    return answer


def opens(books: Books, access: str, realm: str = "111") -> int:
    headers = {"Authorization": f"Bearer {access}", "Accept": "application/json"}
    return requests.get(f"{books.running.url}/v3/company/{realm}/preferences", headers=headers, timeout=5).status_code


def test_consent_leads_back_with_code_state_and_realm_and_the_code_to_tokens(books: Books) -> None:
    answer = back(consent(books))
    assert (answer["state"], answer["realmId"]) == ("s1", "111")
    tokens = exchange(books, answer["code"])
    assert tokens.headers["intuit_tid"]
    assert tokens.json()["token_type"] == "bearer"
    assert (tokens.json()["expires_in"], tokens.json()["x_refresh_token_expires_in"]) == (3600, 8726400)
    assert opens(books, tokens.json()["access_token"]) == 200


def test_a_switch_hands_out_another_company(books: Books) -> None:
    books.company.switches.grant_realm = "222"
    answer = back(consent(books))
    assert answer["realmId"] == "222"
    assert opens(books, exchange(books, answer["code"]).json()["access_token"], "222") == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"response_type": "token"},
        {"scope": "openid"},
        {"state": ""},
        {"redirect_uri": "http://127.0.0.1:8000/callback"},
        {"redirect_uri": "http://books.example/callback"},
        {"redirect_uri": REDIRECT + "?book=1"},
    ],
)
def test_a_wrong_request_for_consent_is_told_to_the_person_not_to_the_app(books: Books, wrong: dict[str, str]) -> None:
    assert consent(books, **wrong).status_code == 400


def test_a_refused_consent_leads_back_with_an_error(books: Books) -> None:
    assert back(consent(books, deny="1")) == {"error": "access_denied", "state": "s1"}
    books.control("_faults", {"kind": "consent_denied"})
    assert back(consent(books))["error"] == "access_denied"


def test_a_code_works_once_and_only_for_its_redirect_uri(books: Books) -> None:
    code = back(consent(books))["code"]
    assert exchange(books, code, "http://localhost:9/other").json()["error"] == "invalid_grant"
    assert exchange(books, code).status_code == 200
    assert exchange(books, code).json()["error"] == "invalid_grant"


def test_wrong_client_keys_are_401(books: Books) -> None:
    answer = token(books, auth=(CLIENT_ID, "wrong"), grant_type="refresh_token", refresh_token="x")
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_a_refresh_token_keeps_its_value_for_a_day(books: Books) -> None:
    tokens = granted(books)
    again = refresh(books, tokens["refresh_token"]).json()
    assert again["refresh_token"] == tokens["refresh_token"]
    assert again["access_token"] != tokens["access_token"]


def test_a_superseded_refresh_token_is_refused_and_tried_twice_kills_the_live_one(books: Books) -> None:
    books.company.switches.refresh_rotation_seconds = 0
    old = granted(books)["refresh_token"]
    live = refresh(books, old).json()
    assert live["refresh_token"] != old
    assert refresh(books, old).json()["error"] == "invalid_grant"
    assert opens(books, live["access_token"]) == 200
    assert refresh(books, old).status_code == 400
    assert refresh(books, live["refresh_token"]).json()["error"] == "invalid_grant"
    assert opens(books, live["access_token"]) == 401


def test_access_tokens_run_out(books: Books) -> None:
    books.company.switches.access_token_seconds = 0
    assert opens(books, granted(books)["access_token"]) == 401


def test_expired_access_can_be_refreshed(books: Books) -> None:
    tokens = granted(books)
    books.control("_faults", {"kind": "token_expired"})
    assert opens(books, tokens["access_token"]) == 401
    assert opens(books, refresh(books, tokens["refresh_token"]).json()["access_token"]) == 200


def test_revoking_kills_both_tokens(books: Books) -> None:
    tokens = granted(books)
    url = books.running.settings()["revoke_url"]
    answer = requests.post(url, json={"token": tokens["refresh_token"]}, auth=KEYS, timeout=5)
    assert (answer.status_code, answer.content) == (200, b"")
    assert opens(books, tokens["access_token"]) == 401
    assert refresh(books, tokens["refresh_token"]).status_code == 400


def test_the_token_endpoint_misbehaves_only_when_it_is_named(books: Books) -> None:
    tokens = granted(books)
    books.company.faults.add("503")
    assert refresh(books, tokens["refresh_token"]).status_code == 200
    books.company.faults.add("503", path="/oauth2/v1/tokens/bearer")
    assert refresh(books, tokens["refresh_token"]).status_code == 503
