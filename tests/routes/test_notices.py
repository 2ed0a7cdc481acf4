"""Settings ▸ Notifications, and which mails one wants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from flask import Flask
from sqlmodel import select

from app.database import Database
from app.factory import create_app
from app.models.notices import NoticeChannel
from app.models.people import Audit
from app.routes import security
from app.settings import Settings
from tests.routes.conftest import TEMPLATES, Browser, Vendors, words
from tests.rows import a_book
from tests.webhook_server import Hook, webhook_server

PAGE = "/settings/notifications"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook_server() as hook:
        yield hook


@pytest.fixture
def app(settings: Settings, database: Database, redis_server: redis.Redis, vendors: Vendors, hook: Hook) -> Flask:
    """One that may call the webhook's server."""
    app = create_app(replace(settings, allow_hosts=(hook.host,)), database, redis_server, vendors)
    app.jinja_env.bytecode_cache = TEMPLATES
    security.limiter.reset()
    return app


def form(hook: Hook, **changes: object) -> dict[str, object]:
    return {"kind": "webhook", "name": "Books desk", "url": hook.url, "event": ["failures", "digest"], **changes}


def test_a_webhook_s_key_is_shown_once_and_its_address_never(admin: Browser, hook: Hook, database: Database) -> None:
    admin.get(PAGE)
    added = admin.post(PAGE, form(hook))
    with database.reading() as session:
        channel = session.exec(select(NoticeChannel)).one()
        log = str([row.detail for row in session.exec(select(Audit))])
    key = channel.secrets["key"]
    assert key in added.text
    assert (channel.events, channel.host) == (["failures", "digest"], "127.0.0.1")
    later = [admin.get(PAGE).text, admin.get("/settings/audit").text, log]
    assert not [text for text in later if key in text or "very-secret" in text]
    assert "added a notification channel" in words(admin.get("/settings/audit"))


def test_the_test_button_shows_the_other_side_s_own_words(admin: Browser, hook: Hook) -> None:
    admin.get(PAGE)
    admin.post(PAGE, form(hook, kind="teams"))
    hook.status, hook.words = 400, "Card <b>too large</b>"
    refused = admin.post(f"{PAGE}/1/test")
    assert "The test message did not go out" in words(refused)
    assert "Card <b>too large</b>" in words(refused)
    assert "<b>too large" not in refused.text
    hook.status, hook.words = 202, "Accepted"
    assert "HTTP 202 Accepted" in words(admin.post(f"{PAGE}/1/test"))
    card = hook.bodies[-1]["attachments"][0]["content"]
    assert card["body"][0]["text"] == "Test message from Crossfoot"
    assert card["actions"][0]["url"] == "http://books.test:8000"


def test_what_goes_there_is_chosen_and_a_channel_removed(admin: Browser, hook: Hook, database: Database) -> None:
    admin.get(PAGE)
    admin.post(PAGE, form(hook, kind="slack"))
    admin.post(f"{PAGE}/1", {"event": ["approval", "no-such-event"]})
    with database.reading() as session:
        assert session.exec(select(NoticeChannel)).one().events == ["approval"]
    assert "Off" in words(admin.post(f"{PAGE}/1"))
    admin.post(f"{PAGE}/1/test")
    assert "Nothing goes there any more" in words(admin.post(f"{PAGE}/1/remove"))
    assert "No channel yet" in words(admin.get(PAGE))


@pytest.mark.parametrize("changes", [{"url": "http://inside.example/"}, {"kind": "fax"}, {"name": " "}])
def test_what_is_no_channel_is_refused_with_what_was_typed(
    admin: Browser, hook: Hook, changes: dict[str, object]
) -> None:
    admin.get(PAGE)
    page = admin.post(PAGE, form(hook, **changes), status=422)
    assert re.search(r'class="cf-note[^>]*role="alert"|role="alert"[^>]*class="cf-note', page.text)
    assert "very-secret" not in page.text


def test_only_admins_have_the_page_and_everybody_chooses_their_own_mails(
    bookkeeper: Browser, viewer: Browser, admin: Browser, database: Database, hook: Hook
) -> None:
    bookkeeper.get(PAGE, status=403)
    bookkeeper.post(PAGE, form(hook), status=403)
    with database.session() as session:
        session.add(a_book())
        session.commit()
    ticked = re.compile(r'name="(failures|digest)-1" checked')
    assert ticked.findall(bookkeeper.get("/me").text) == ["failures", "digest"]
    assert ticked.findall(viewer.get("/me").text) == []
    viewer.post("/me/notices", {"book": ["1", "77"], "digest-1": "on", "digest-77": "on"})
    assert ticked.findall(viewer.get("/me").text) == ["digest"]
    assert "changed which mails they get" in words(admin.get("/settings/audit"))
