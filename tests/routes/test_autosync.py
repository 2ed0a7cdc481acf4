"""The tab AutoSync, its banner, the dashboard's words; Everything ready, and the batches of a go together."""

from __future__ import annotations

import datetime as dt

import pytest

from app.database import Database
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.people import Audit
from app.models.postings import Posting
from app.models.rounds import AutoSync, Round
from app.services.autosync import autosync
from tests.builders import a_document
from tests.routes.conftest import Browser, Vendors, field, words
from tests.routes.test_connections import stored
from tests.routes.world import World

TAB = "/settings/books/1/autosync"
EVERYTHING = "/run/everything/1"
HOME = "https://books.example"


@pytest.fixture
def world(database: Database, vendors: Vendors) -> World:
    return World(database, vendors)


def turn(world: World, hours: int = 3) -> None:
    """Hours later the scheduler looks, and workers do what is to be done."""
    later = utcnow() + dt.timedelta(hours=hours)
    for made in autosync.tick(world.database, HOME, later):
        for batch_id in autosync.work(world.database, world.vendors, made, HOME):
            world.work(batch_id)
    autosync.tick(world.database, HOME, later)


def test_it_is_switched_on_from_its_checklist_and_the_dashboard_says_when_it_runs(admin: Browser, world: World) -> None:
    page = words(admin.get(TAB))
    assert "A batch of invoices posted by hand" in page
    assert "GL accounts linked 1 without a link" in page
    assert "AutoSync isn’t ready yet" in words(admin.post(f"{TAB}/on", status=422))
    admin.post(f"{TAB}/on", {"override": "yes"})
    assert stored(world.database, AutoSync)[0].enabled
    admin.post(TAB, {"autosync.interval": "60", "autosync.name": "[kind]", "autosync.weekdays": ["mon", "wed"]})
    assert "AutoSync every hour on Monday and Wednesday · next" in words(admin.get("/"))
    assert stored(world.database, Book)[0].settings["autosync.weekdays"] == "mon,wed"
    wrong = {"autosync.interval": "5", "autosync.name": "[kind]", "autosync.weekdays": "mon"}
    assert "Give a whole number from 15 to 1440" in words(admin.post(TAB, wrong, status=422))
    assert "at least one weekday" in words(admin.post(TAB, {"autosync.name": "[kind]"}, status=422))
    acts = [row.action for row in stored(world.database, Audit) if row.action.startswith("autosync.")]
    assert acts == ["autosync.on"]
    admin.post(f"{TAB}/off")
    assert "AutoSync is off" in words(admin.get("/"))


def test_its_runs_are_a_strip_and_each_says_what_it_did(admin: Browser, world: World) -> None:
    admin.get(TAB)
    admin.post(f"{TAB}/on", {"override": "yes"})
    turn(world)
    turn(world)
    page = admin.get(TAB)
    assert "Last run" in words(page) or "Last 2 runs" in words(page)
    assert "something was parked (1)" in words(page)
    first = words(admin.get("/run/everything/1/1"))
    assert "1 batch to Demo MSP · by AutoSync" in first
    assert "AutoSyncModule Invoices" in first
    admin.get("/run/everything/1/77", status=404)


def test_a_pause_is_on_every_page_and_one_click_ends_it(
    admin: Browser, bookkeeper: Browser, viewer: Browser, world: World
) -> None:
    admin.get(TAB)
    admin.post(f"{TAB}/on", {"override": "yes"})
    admin.post(TAB, {"autosync.accept": "yes", "autosync.name": "[kind]", "autosync.weekdays": "mon-sun"})
    world.company.next.append("systemic")
    turn(world)
    assert "AutoSync of Demo MSP is paused since" in words(viewer.get("/batches"))
    viewer.post(f"{TAB}/resume", status=403)
    assert "Paused" in words(admin.get(TAB))
    bookkeeper.get("/batches")
    bookkeeper.post(f"{TAB}/resume")
    assert "is paused since" not in words(admin.get("/batches"))
    assert stored(world.database, Batch)[0].ended_at is None
    bookkeeper.post(f"{TAB}/now")
    assert len(stored(world.database, Round)) == 2
    bookkeeper.post(f"{TAB}/off", status=403)
    bookkeeper.post(TAB, {"autosync.interval": "60"}, status=403)


def test_a_run_that_failed_is_on_every_page_until_one_goes_well(admin: Browser, viewer: Browser, world: World) -> None:
    admin.get(TAB)
    admin.post(f"{TAB}/on", {"override": "yes"})
    world.source.down = "ConnectWise does not answer."
    turn(world)
    page = viewer.get("/batches")
    assert "The last run of AutoSync of Demo MSP failed at" in words(page)
    run = words(viewer.get("/run/everything/1/1"))
    assert "Invoices: ConnectWise does not answer." in run
    assert "nothing new was unposted" not in run
    assert 'href="/run/everything/1/1"' in page.text
    world.source.down = ""
    turn(world, 6)
    assert "The last run of AutoSync" not in words(viewer.get("/batches"))


def test_a_batch_that_waits_for_autosyncs_says_so(admin: Browser, world: World) -> None:
    admin.get(TAB)
    admin.post(f"{TAB}/on", {"override": "yes"})
    later = utcnow() + dt.timedelta(hours=3)
    for made in autosync.tick(world.database, HOME, later):
        autosync.work(world.database, world.vendors, made, HOME)
    world.source.add(a_document("39030"))
    world.look()
    page = admin.get(f"{EVERYTHING}?through=all")
    admin.post(f"{EVERYTHING}?through=all", {"seen": field(page, "seen"), "accept": "yes"})
    assert "Waits for AutoSync’s batch Demo MSP AutoSyncModule Invoices of the same company" in words(
        admin.get("/batches/2")
    )
    world.work(1)
    assert "Waits for AutoSync" not in words(admin.get("/batches/2"))


def test_everything_ready_is_posted_in_one_go_if_it_is_still_what_was_seen(
    bookkeeper: Browser, viewer: Browser, world: World
) -> None:
    assert "Everything ready" in words(bookkeeper.get("/run/everything"))
    page = bookkeeper.get(f"{EVERYTHING}?through=all")
    text = words(page)
    assert "1 need a fix" in text
    assert "Post without creating or linking" in text
    assert "Expenses not read yet" in text
    changed = bookkeeper.post(f"{EVERYTHING}?through=all", {"seen": "invoices:9:USD1"}, status=422)
    assert "has changed since you saw it" in words(changed)
    viewer.get("/")
    viewer.post(f"{EVERYTHING}?through=all", {"seen": field(page, "seen")}, status=403)
    answer = bookkeeper.post(f"{EVERYTHING}?through=all", {"seen": field(page, "seen"), "accept": "yes"})
    assert "1 batch to Demo MSP · by Bookkeeper Person" in words(answer)
    world.work()
    assert {posting.state for posting in stored(world.database, Posting)} == {"closed"}
    again = bookkeeper.post(f"{EVERYTHING}?through=all", {"seen": field(page, "seen")}, status=422)
    assert "Nothing is ready here" in words(again)
    assert "Nothing is ready" in words(bookkeeper.get(f"{EVERYTHING}?kind=&through=1/1/2020&location=7"))


def test_refresh_reads_every_list_and_says_what_went_wrong(bookkeeper: Browser, world: World) -> None:
    bookkeeper.get(EVERYTHING)
    bookkeeper.post(f"{EVERYTHING}/refresh?through=all&kind=expenses")
    assert "not read yet" not in words(bookkeeper.get(EVERYTHING))
    world.source.down = "ConnectWise does not answer."
    assert "ConnectWise does not answer" in words(bookkeeper.post(f"{EVERYTHING}/refresh"))
