"""Headers, the one public address, what machines ask."""

from __future__ import annotations

import dataclasses
import datetime as dt
import sys
from pathlib import Path

import pytest
import redis
import structlog
from flask import Flask
from rq import Worker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import IntegrityError

from app import logs
from app.database import Database
from app.factory import create_app
from app.models.columns import utcnow
from app.models.people import User
from app.models.postings import Heartbeat
from app.settings import Secret, Settings
from tests.routes.conftest import HOST, Browser, Vendors, words

TEMPLATES = Path(__file__).parents[2] / "app" / "templates"
#: Mails are no pages: programs that show mail take styles only from the elements themselves.
PAGES = sorted(path for path in TEMPLATES.rglob("*.html") if path.parent.name != "mail")


def test_pages_allow_nothing_inline_and_nothing_from_elsewhere(admin: Browser) -> None:
    headers = admin.get("/").headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; font-src 'self'; "
        "form-action 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "HX-Request" in headers["Vary"]
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_page_has_inline_code_or_style(path: Path) -> None:
    text = path.read_text()
    for bad in (" style=", " onclick", " onchange", " onsubmit", "<script>", "<style", "javascript:", "hx-on"):
        assert bad not in text


def test_the_cookie_is_not_for_scripts_and_not_for_other_sites(stranger: Browser, admin: Browser) -> None:
    cookie = stranger.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def _secure(settings: Settings, database: Database, server: redis.Redis, vendors: Vendors, **changes: object) -> Flask:
    changed = dataclasses.replace(settings, public_url="https://books.test", **changes)  # type: ignore[arg-type]  # the test's own
    return create_app(changed, database, server, vendors)


def test_where_the_address_is_https_plain_http_is_redirected(
    settings: Settings, database: Database, redis_server: redis.Redis, vendors: Vendors
) -> None:
    client = _secure(settings, database, redis_server, vendors).test_client()
    answer = client.get("/login?next=/batches", base_url="http://books.test")
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://books.test/login?next=/batches")
    answer = client.get("/setup", base_url="https://books.test")
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_trusted_proxy_says_which_way_the_user_came(
    settings: Settings, database: Database, redis_server: redis.Redis, vendors: Vendors
) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "books.test", "X-Forwarded-For": "203.0.113.9"}
    trusting = _secure(settings, database, redis_server, vendors, trusted_proxies=1).test_client()
    assert trusting.get("/setup", base_url="http://127.0.0.1:8000", headers=headers).status_code == 200
    others = _secure(settings, database, redis_server, vendors).test_client()
    assert others.get("/setup", base_url="http://127.0.0.1:8000", headers=headers).status_code == 302


def test_another_host_name_is_sent_to_the_public_one_but_machines_are_answered(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/batches?before=3", base_url="http://127.0.0.1:8000")
    assert answer.headers["Location"] == f"{HOST}/batches?before=3"
    assert client.get("/healthz", base_url="http://127.0.0.1:8000").status_code == 200
    assert client.post("/login", base_url="http://127.0.0.1:8000").status_code == 400


@pytest.mark.parametrize("path", ["/welcome/s3cret", "/pay/s3cret", "/pay/s3cret/", "/welcome/s3cret/more"])
def test_the_token_of_a_link_stands_in_no_log_and_its_page_on_no_disk(app: Flask, path: str) -> None:
    with structlog.testing.capture_logs() as told:
        for method in ("GET", "PUT"):
            answer = app.test_client().open(path, base_url=HOST, method=method)
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "same-origin"
    assert len(told) == 2
    assert "s3cret" not in str(told)


def test_a_trace_on_a_terminal_shows_no_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    logs.configure()
    password = "hunter-2"
    try:
        int("no")
    except ValueError:
        structlog.get_logger("crossfoot.test").exception("page failed")
    shown = capsys.readouterr().out
    assert "ValueError: invalid literal" in shown
    assert password not in shown


def test_an_error_of_the_database_shows_no_values(database: Database) -> None:
    with database.session() as session:
        session.add_all(User(email="a@x.test", role="viewer", password_hash="hunter-2") for _ in range(2))
        with pytest.raises(IntegrityError) as told:
            session.commit()
    assert "INSERT INTO users" in str(told.value)
    assert "hunter-2" not in str(told.value)


def test_the_way_back_from_an_error_leads_to_no_other_site(viewer: Browser) -> None:
    answer = viewer.client.get("//evil.test/x", base_url=HOST)
    assert answer.status_code == 404
    assert "evil.test" not in answer.text
    for site, named in (("https://evil.test/", False), (f"{HOST}/batches?q=x", True)):
        answer = viewer.client.post("/batches/1/stop", base_url=HOST, headers={"Referer": site})
        assert answer.status_code == 400
        assert (f'href="{site}"' in answer.text) is named


def test_ready_only_when_a_worker_and_the_scheduler_are_alive_and_the_disk_has_room(
    app: Flask, database: Database, redis_server: redis.Redis
) -> None:
    client = app.test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {
        "status": "not ready", "database": "ok", "redis": "ok", "workers": "No worker answers.",
        "scheduler": "The scheduler is silent.",
    }  # fmt: skip
    _worker(redis_server)
    with database.session() as session:
        session.add(Heartbeat(name="scheduler", at=utcnow()))
        session.commit()
    assert client.get("/readyz").status_code == 200
    assert database.memory is not None
    database.memory = database.memory.parent / "not-there" / "sent"  # as a full disk does, it takes nothing
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "its disk is full" in answer.text
    assert answer.text.count('"ok"') == 3
    assert str(database.memory.parent) not in answer.text


def _worker(server: redis.Redis) -> None:
    worker = Worker(["crossfoot"], connection=server, serializer=JSONSerializer)
    worker.register_birth()  # type: ignore[no-untyped-call]  # rq types only a part of itself


def test_a_dead_worker_and_a_silent_scheduler_stand_on_every_page(admin: Browser, database: Database) -> None:
    with database.session() as session:
        session.add(Heartbeat(name="scheduler", at=utcnow() - dt.timedelta(minutes=10)))
        session.commit()
    said = words(admin.get("/batches"))
    assert "No worker." in said
    assert "The scheduler is silent since" in said
    assert "No worker." in words(admin.get("/fragments/banners", hx=True))


def test_metrics_are_off_until_there_is_a_token(
    app: Flask, settings: Settings, database: Database, redis_server: redis.Redis, vendors: Vendors
) -> None:
    assert app.test_client().get("/metrics").status_code == 404
    changed = dataclasses.replace(settings, metrics_token=Secret("m-token"))
    client = create_app(changed, database, redis_server, vendors).test_client()
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    answer = client.get("/metrics", headers={"Authorization": "Bearer m-token"})
    assert "crossfoot_workers 0.0" in answer.text


def test_an_unknown_address_is_said_in_words(admin: Browser) -> None:
    assert "There is no such page" in words(admin.get("/nowhere", status=404))
    assert "There is no batch 99" in words(admin.get("/batches/99", status=404))
    assert "can’t be opened like that" in words(admin.get("/batches/1/stop", status=405))


def test_assets_are_kept_for_long_only_under_their_version(app: Flask, settings: Settings) -> None:
    settings.assets.mkdir()
    (settings.assets / "crossfoot.css").write_text("body {}")
    client = app.test_client()
    for address, seconds in (("crossfoot.css?v=1", 31536000), ("crossfoot.css", 300)):
        with client.get(f"/assets/{address}", base_url=HOST) as answer:
            assert answer.cache_control.max_age == seconds
    assert client.get("/assets/../crossfoot.db", base_url=HOST).status_code == 404


def test_what_comes_beside_a_page_sets_no_cookie_that_could_overwrite_a_message(
    viewer: Browser, settings: Settings
) -> None:
    settings.assets.mkdir()
    (settings.assets / "favicon.svg").write_text("<svg/>")
    assert "Set-Cookie" in viewer.get("/batches").headers
    assert "Set-Cookie" not in viewer.get("/fragments/banners", hx=True).headers
    with viewer.get("/assets/favicon.svg?v=1") as answer:
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
