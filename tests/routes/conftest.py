"""The app on a real database and a real Redis, with both vendors played in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from app.connectors.protocols import ConnectionFailedError
from app.connectors.tokens import Tokens
from app.database import Database
from app.factory import create_app
from app.routes import security
from app.services.people import passwords, sessions, users
from app.settings import Endpoints, Secret, Settings
from tests import template
from tests.fakes import FakeConnectors, some_tokens
from tests.routes.world import keep_young

HOST = "http://books.test:8000"
PASSWORD = "Ledger-Harbor-4417-tern"
KEY = Fernet.generate_key().decode()


class Compiled(BytecodeCache):
    """Templates compiled once for all apps of a test session: every test has an app of its own."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = Compiled()


@pytest.fixture(autouse=True)
def _young(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_young(monkeypatch)


class FakeConsent:
    """Intuit's OAuth: a code is good for the realm that it is named after; ``refuse`` makes the exchange fail."""

    def __init__(self) -> None:
        self.revoked: list[Tokens] = []
        self.refuse: ConnectionFailedError | None = None

    def authorize_url(self, redirect_uri: str, state: str) -> str:
        return f"https://intuit.test/consent?redirect_uri={redirect_uri}&state={state}"

    def exchange(self, redirect_uri: str, code: str) -> Tokens:
        if self.refuse:
            raise self.refuse
        return some_tokens(code)

    def revoke(self, tokens: Tokens) -> None:
        self.revoked.append(tokens)


class Vendors(FakeConnectors):
    """Both vendors and the consent."""

    def __init__(self) -> None:
        super().__init__()
        self.intuit = FakeConsent()

    def consent(self, kind: str) -> FakeConsent:
        return self.intuit


def settings_at(home: Path, redis_url: str, **changes: Any) -> Settings:
    """Plain http under a host name of its own."""
    values: dict[str, Any] = {
        "home": home, "database_url": f"sqlite:///{home / 'crossfoot.db'}", "redis_url": redis_url,
        "secret_key": Secret("not so secret"), "encryption_keys": (Secret(KEY),), "public_url": HOST,
        "bind": "127.0.0.1", "trusted_proxies": 0, "qbo_environment": "sandbox",
        "qbo": Endpoints("https://api.test", "https://intuit.test/a", "https://intuit.test/t", "https://intuit.test/r"),
        "qbo_client_id": Secret("id"), "qbo_client_secret": Secret("shh-secret"), "allow_hosts": (),
        "metrics_token": Secret(""), "assets": home / "assets",
    }  # fmt: skip
    return Settings(**{**values, **changes})


@pytest.fixture
def settings(tmp_path: Path, redis_url: str) -> Settings:
    template.put(tmp_path / "crossfoot.db")
    return settings_at(tmp_path, redis_url)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = template.sharing_words(Database.of(settings))
    yield database
    database.dispose()


@pytest.fixture
def vendors() -> Vendors:
    return Vendors()


@pytest.fixture
def app(settings: Settings, database: Database, redis_server: redis.Redis, vendors: Vendors) -> Flask:
    app = create_app(settings, database, redis_server, vendors)
    app.jinja_env.bytecode_cache = TEMPLATES
    security.limiter.reset()
    return app


class Browser:
    """A person's browser without JavaScript: cookies, and forms with the token of the page they stand on."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self._token = ""

    def get(self, path: str, *, status: int = 200, follow: bool = True, hx: bool = False) -> TestResponse:
        answer = self.client.get(path, base_url=HOST, follow_redirects=follow, headers=self._headers(hx))
        assert answer.status_code == status, answer.text[:2000]
        self._remember(answer)
        return answer

    def post(
        self, path: str, data: dict[str, Any] | None = None, *, status: int = 200, follow: bool = True, hx: bool = False
    ) -> TestResponse:
        form = {"csrf_token": self._token, **(data or {})}
        answer = self.client.post(path, data=form, base_url=HOST, follow_redirects=follow, headers=self._headers(hx))
        assert answer.status_code == status, answer.text[:2000]
        self._remember(answer)
        return answer

    def log_in(self, email: str, password: str = PASSWORD, status: int = 200) -> TestResponse:
        self.get("/login")
        return self.post("/login", {"email": email, "password": password}, status=status)

    def _headers(self, hx: bool) -> dict[str, str]:
        return {"HX-Request": "true"} if hx else {}

    def _remember(self, answer: TestResponse) -> None:
        if found := re.search(r'name="csrf_token" value="([^"]+)"|"X-CSRFToken": "([^"]+)"', answer.text):
            self._token = found[1] or found[2]


def words(answer: TestResponse) -> str:
    """What a person reads of a page."""
    bare = re.sub(r"<(script|style|title).*?</\1>", " ", answer.text, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def field(answer: TestResponse, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    assert found, f"no field {name}"
    return unescape(found[1])


@pytest.fixture
def stranger(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Hashing is slow on purpose; once is enough."""
    return passwords.hashed(PASSWORD)


def _person(app: Flask, database: Database, role: str, password_hash: str) -> Browser:
    """Logged in by the cookie that the log-in form would have given."""
    with database.session() as session:
        user = users.create_user(
            session, email=f"{role}@example.test", role=role, by="test", name=f"{role.title()} Person"
        )
        user.password_hash = password_hash
        session.add(user)
        session.commit()
        opened = sessions.begin(session, user, "127.0.0.1", "Werkzeug")
    browser = Browser(app.test_client())
    with browser.client.session_transaction(base_url=HOST) as cookie:
        cookie.permanent = True
        cookie["_user_id"] = f"{user.id}:{user.epoch}:{opened.id}"
    return browser


@pytest.fixture
def admin(app: Flask, database: Database, password_hash: str) -> Browser:
    return _person(app, database, "admin", password_hash)


@pytest.fixture
def bookkeeper(app: Flask, database: Database, admin: Browser, password_hash: str) -> Browser:
    return _person(app, database, "bookkeeper", password_hash)


@pytest.fixture
def viewer(app: Flask, database: Database, admin: Browser, password_hash: str) -> Browser:
    return _person(app, database, "viewer", password_hash)
