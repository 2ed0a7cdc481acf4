"""Records as bad as they come, from the PSA's list to the books: pages and command line, all of the way."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from sqlmodel import select

from app.cli.context import Context
from app.cli.main import main
from app.connectors.http import parse_json
from app.database import Database
from app.factory import create_app
from app.models.postings import Posting, PostingProblem
from app.settings import Settings
from sandbox.connectwise.drafts import add_draft
from tests import engine
from tests.connectors.mangled import Change, Reply, mangled
from tests.engine import Engine
from tests.hostile import ANYTHING, MEMOS, NAMES, as_json, assert_said, places, put
from tests.routes.conftest import TEMPLATES, Browser, settings_at, words
from tests.thorough import THOROUGH, sampled

LISTED, EXPORTED = "/finance/accounting/unpostedinvoices", "/finance/accounting/export"
#: What tells a row apart; without it there is no record to speak of.
KEYS = ("id", "billingLogId", "unpostedRecordId")
COUNT = 40
#: What is odd where, and the database; the campaign has more of them, and looks at every page.
CASES = [("first", "postgresql")]
if THOROUGH:
    CASES += [("honest", "sqlite"), *((f"more {number}", ("sqlite", "postgresql")[number % 2]) for number in range(20))]
EVERY = 1 if THOROUGH else 9


def whole(text: str) -> str:
    """Without halves of pairs: the stand-in writes UTF-8."""
    return text.encode(errors="replace").decode()


@pytest.fixture
def hostile(tmp_path: Path, redis_server: redis.Redis, database: Database) -> Iterator[Engine]:
    """Everything is connected; the PSA lists, beside its own, one invoice for every odd name and memo."""
    made = engine.make(tmp_path, redis_server, database=database)
    for name, memo in zip(map(whole, sampled(NAMES, 3)), map(whole, sampled(MEMOS, 3)), strict=False):
        lines = [{"account": "4100", "text": memo, "quantity": "1", "price": "10.01"}]
        with made.site.lock:
            add_draft(made.site, {"company": {"name": name}, "lines": lines})
    yield made
    made.both.stop()


@pytest.fixture
def settings(tmp_path: Path, redis_url: str, request: pytest.FixtureRequest) -> Settings:
    """SQLite, unless the test asks for ``postgresql``."""
    wanted = getattr(request, "param", "sqlite")
    url = (
        request.getfixturevalue("postgres_url") if wanted == "postgresql" else f"sqlite:///{tmp_path / 'crossfoot.db'}"
    )
    return settings_at(tmp_path, redis_url, database_url=url)


@pytest.fixture
def pages(settings: Settings, database: Database, redis_server: redis.Redis, hostile: Engine) -> Flask:
    app = create_app(settings, database, redis_server, hostile.connectors)  # type: ignore[arg-type]  # the true registry
    app.jinja_env.bytecode_cache = TEMPLATES
    return app


@pytest.fixture
def app(pages: Flask) -> Flask:
    """What ``admin`` logs in to."""
    return pages


def odd(row: dict[str, Any], salt: str) -> dict[str, Any]:
    """The row with one of its members replaced, always the same for the same record."""
    keys = [str(row[key]) for key in KEYS if key in row]
    chance = random.Random("|".join([salt, *keys]))
    there_are = [place for place in places(row) if place[-1] not in KEYS]
    return put(row, chance.choice(there_are), chance.choice(ANYTHING)) if there_are else row


def spoiling(salt: str) -> Change:
    """Two of three rows of the list, and two of three exported transactions, have something odd in them."""

    def change(_method: str, path: str, true: Reply) -> Reply:
        if not true.status.startswith("200"):
            return true
        if path.lower().endswith(LISTED):
            rows = parse_json(true.text)
            return true.saying(as_json([odd(row, salt) if place % 3 else row for place, row in enumerate(rows)]))
        if path.lower().endswith(EXPORTED):
            body = parse_json(true.text)
            kept = body["transactions"]
            body["transactions"] = [odd(row, salt) if place % 3 != 1 else row for place, row in enumerate(kept)]
            return true.saying(as_json(body))
        return true

    return change


def command(settings: Settings, made: Engine, capture: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """One command's JSON; it never ends with a trace."""
    capture.readouterr()
    status = main([*arguments, "--json"], Context(lambda: settings, lambda *_: made.connectors, worker_seconds=0.2))
    told = capture.readouterr()
    assert status in (0, 1), told.err
    assert "Traceback" not in told.err
    return json.loads(told.out)


def walk(browser: Browser, paths: list[str]) -> list[str]:
    """Those of the addresses that fail."""
    failed = []
    for path in paths:
        answer = browser.client.get(path, base_url="http://books.test:8000")
        if answer.status_code >= 500:
            failed.append(f"{answer.status_code} {path}")
        assert "<script>alert" not in answer.text
        assert "49" not in re.findall(r"\{\{ 7", answer.text)
    return failed


@pytest.mark.parametrize(("salt", "settings"), CASES, indirect=["settings"])
def test_hostile_records_end_in_the_books_or_in_a_sentence(
    salt: str, hostile: Engine, admin: Browser, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with mangled(hostile.both.connectwise.server, spoiling(salt) if salt != "honest" else lambda *all_: all_[2]):
        hostile.refresh()
        listed = command(settings, hostile, capsys, "unposted", "--book", "1", "--kind", "invoices")["records"]
        assert len(listed) > COUNT
        for row in listed:
            json.dumps(row, ensure_ascii=False).encode()
        for row in listed[:: 5 * EVERY]:
            command(
                settings, hostile, capsys, "preview", "--book", "1", "--kind", "invoices", "--record", row["record"]
            )
        views = ["", "?view=ready", "?view=fix", "?view=old", "?q=%00", "?sort=-total", "?sort=customer"]
        assert not walk(admin, [f"/run/invoices{view}" for view in views])
        assert not walk(admin, [f"/records/1/invoices/{row['record']}" for row in listed[::EVERY]])
        batch = command(
            settings, hostile, capsys, "batch", "run", "--book", "1", "--kind", "invoices", "--all", "--accept"
        )["batch"]
        ended = hostile.run(batch)
        assert ended["status"].startswith("completed"), ended
        page = admin.get(f"/batches/{batch}")
        problems = {unescape(found) for found in re.findall(rf'/batches/{batch}/problems/[^"?]+', page.text)}
        records = [f"/records/1/invoices/{each['records'][0]}?batch={batch}" for each in ended["postings"]]
        assert not walk(
            admin, [*records[::EVERY], *sorted(problems), "/attention", "/mappings/1/customers", "/batches", "/"]
        )
        assert "nan" not in words(page).lower().split()
    hostile.assert_exactly_once()
    with hostile.database.reading() as session:
        said = session.exec(select(PostingProblem)).all()
        assert_said(*(problem for problem in said if problem.severity == "error"))  # type: ignore[arg-type]  # alike
        states = {posting.state for posting in session.exec(select(Posting))}
    assert states <= {"closed", "held", "refused", "skipped", "posted"}
    for totals in ended["totals"]:
        assert totals["to_go"] == totals["in_doubt"] == "0.00", totals
