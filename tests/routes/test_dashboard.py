"""The dashboard: the way to the first batch, and where everything stands."""

from __future__ import annotations

import re

from app.database import Database
from tests.routes.conftest import Browser, Vendors, words
from tests.routes.test_modes import ticked
from tests.routes.test_run import ALL, chosen, submission
from tests.routes.world import World


def done(browser: Browser) -> str:
    """How far the checklist is; empty where it is gone."""
    found = re.search(r"Getting started (\d of \d) done", words(browser.get("/")))
    return found[1] if found else ""


def test_the_checklist_stays_until_each_of_its_steps_is_done(
    admin: Browser, database: Database, vendors: Vendors
) -> None:
    steps = [done(admin)]
    world = World(database, vendors)
    steps.append(done(admin))
    assert "Try it with a dry run" in words(admin.get("/"))
    admin.post("/run/invoices", {"action": "dry", "token": ticked(admin, *ALL)})
    world.work()
    steps.append(done(admin))
    chosen(admin, *ALL)
    admin.post("/run/invoices/submit", submission(admin))
    world.work(2)
    assert [*steps, done(admin)] == ["0 of 5", "3 of 5", "4 of 5", ""]


def test_what_waits_is_stuck_and_was_posted_stands_with_its_money(
    bookkeeper: Browser, database: Database, vendors: Vendors
) -> None:
    world = World(database, vendors)
    chosen(bookkeeper, "39005", "39007")
    bookkeeper.post("/run/invoices/submit", submission(bookkeeper))
    world.work()
    world.look()
    said = words(bookkeeper.get("/"))
    assert "Invoices 4 $147.00 1 $50.00 1 $214.00" in said
