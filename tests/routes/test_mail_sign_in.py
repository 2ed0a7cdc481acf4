"""Signing in at a mail provider by the pages, then XOAUTH2: a real provider, and a real server that demands it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from app.database import Database
from app.models.columns import utcnow
from app.services.mail import grants
from app.settings import Settings
from tests import template
from tests.mail_provider import SECRET, Provider, mail_provider
from tests.mail_server import USER, Post, mail_server
from tests.routes.conftest import Browser, settings_at, words


@pytest.fixture
def settings(tmp_path: Path, redis_url: str) -> Settings:
    """This machine may be called."""
    template.put(tmp_path / "crossfoot.db")
    return settings_at(tmp_path, redis_url, allow_hosts=("localhost:*", "127.0.0.1:*"))


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server(xoauth2=True) as post:
        yield post


@pytest.fixture
def provider(post: Post) -> Iterator[Provider]:
    with mail_provider(post.tokens) as provider:
        yield provider


@pytest.fixture
def ready(admin: Browser, post: Post, provider: Provider) -> Browser:
    """Server, user and app are entered; nobody has signed in."""
    admin.get("/settings/mail")
    admin.post("/settings/mail", server(post))
    admin.post("/settings/mail/app", provider.form())
    return admin


def server(post: Post, **changes: str) -> dict[str, str]:
    return {"host": "localhost", "port": str(post.port), "security": "none", "user": USER, "sender": "books@shop.test",
            **changes}  # fmt: skip


def sign_in(browser: Browser) -> str:
    """To the provider, which agrees, and back; answers what the page says."""
    away = browser.get("/settings/mail/sign-in", status=302, follow=False).headers["Location"]
    back = urlsplit(requests.get(away, allow_redirects=False, timeout=5).headers["Location"])
    browser.get(f"{back.path}?{back.query}", status=303, follow=False)
    return words(browser.get("/settings/mail"))


def test_after_the_sign_in_mail_goes_out_by_xoauth2(ready: Browser, post: Post, provider: Provider) -> None:
    assert "did not go out" in words(ready.post("/settings/mail", {**server(post), "test": "1"}))
    assert "Mail goes out as crossfoot" in sign_in(ready)
    assert "The server took the test mail" in words(ready.post("/settings/mail", {**server(post), "test": "1"}))
    assert (len(post.letters), provider.renewals) == (1, 0)


def test_a_token_that_is_used_up_is_renewed_once_and_one_that_was_revoked_is_replaced(
    ready: Browser, post: Post, provider: Provider
) -> None:
    provider.life = 60
    sign_in(ready)
    provider.life = 3600
    for _ in range(2):
        assert "The server took the test mail" in words(ready.post("/settings/mail", {**server(post), "test": "1"}))
    assert provider.renewals == 1
    post.tokens.clear()
    assert "refused the sign-in as crossfoot" in words(ready.post("/settings/mail", {**server(post), "test": "1"}))
    assert "The server took the test mail" in words(ready.post("/settings/mail", {**server(post), "test": "1"}))
    assert provider.renewals == 2


def test_a_consent_that_was_withdrawn_asks_for_a_new_sign_in(ready: Browser, post: Post, provider: Provider) -> None:
    provider.life = 60
    sign_in(ready)
    provider.refresh.clear()
    page = words(ready.post("/settings/mail", {**server(post), "test": "1"}))
    assert "no longer accepts the sign-in. AADSTS0000" in page
    assert "Sign in again" in page


def test_a_consent_is_never_used_with_another_server(ready: Browser, post: Post, provider: Provider) -> None:
    sign_in(ready)
    page = words(ready.post("/settings/mail", {**server(post, user="somebody-else"), "test": "1"}))
    assert "for another server or user" in page
    assert not post.letters


def test_an_answer_that_belongs_to_no_sign_in_is_not_taken(ready: Browser, database: Database) -> None:
    ready.get("/settings/mail/sign-in", status=302, follow=False)
    ready.get("/oauth/mail/callback?code=stolen&state=guessed", status=303, follow=False)
    assert "does not belong to a sign-in" in words(ready.get("/settings/mail"))
    with database.reading() as session:
        assert grants._value(session, grants.GRANT) is None


def test_neither_secret_nor_tokens_are_shown_or_stored_in_the_open(
    ready: Browser, post: Post, provider: Provider, database: Database
) -> None:
    page = sign_in(ready) + ready.get("/settings/audit").text + ready.get("/settings/mail").text
    with database.session() as session:
        rows = session.connection().exec_driver_sql("SELECT value FROM installation_settings").scalars().all()
    hidden = [SECRET, *post.tokens, *provider.refresh]
    assert not [word for word in hidden if word in page or word in "".join(map(str, rows))]
    ready.post("/settings/mail/sign-out")
    assert "Signed in" not in words(ready.get("/settings/mail")).replace("Signed out", "")


def test_the_lock_of_a_renewal_that_died_is_taken_over(database: Database) -> None:
    assert grants._take(database)
    assert not grants._take(database)
    grants._give_back(database)
    assert grants._take(database)
    assert utcnow() - grants.LONG_AGO > dt.timedelta(days=365)


def test_what_no_app_can_be_is_said(admin: Browser, provider: Provider) -> None:
    admin.get("/settings/mail")
    for wrong, said in (({"provider": "x"}, "not a provider"), ({"client_id": ""}, "client id is missing"),
                        ({"provider": "microsoft", "tenant": "a/b"}, "not a directory"),
                        ({"token_url": ""}, "addresses are missing")):  # fmt: skip
        assert said in words(admin.post("/settings/mail/app", provider.form(**wrong)))
