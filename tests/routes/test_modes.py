"""Dry run and clear, from the selection page: nothing written anywhere; marked as posted without being sent."""

from __future__ import annotations

import pytest

from app.database import Database
from tests.routes.conftest import Browser, Vendors, field, words
from tests.routes.test_run import ALL, bar
from tests.routes.world import World


@pytest.fixture
def world(database: Database, vendors: Vendors) -> World:
    return World(database, vendors)


def ticked(browser: Browser, *records: str) -> str:
    """Tick these; answers the token of the bar."""
    browser.get("/run/invoices")
    browser.post("/run/invoices/tick", {"shown": ALL, "record": list(records)})
    return field(browser.get("/run/invoices"), "token")


def test_a_dry_run_says_that_nothing_was_written_and_keeps_the_selection(bookkeeper: Browser, world: World) -> None:
    token = ticked(bookkeeper, *ALL)
    said = words(bookkeeper.post("/run/invoices", {"action": "dry", "token": token}))
    assert "DRY RUN" in said
    world.work()
    said = words(bookkeeper.get("/batches/1"))
    assert "Dry run: nothing was written, neither in QuickBooks nor in ConnectWise." in said
    assert "Proven" not in said
    assert world.company.documents == {}
    assert world.source.closings == []
    assert bar(bookkeeper).startswith("5 of 5 selected")


def test_a_double_click_on_dry_run_makes_one_batch(bookkeeper: Browser, world: World) -> None:
    token = ticked(bookkeeper, "39006")
    form = {"action": "dry", "token": token}
    places = [bookkeeper.post("/run/invoices", form, status=303, follow=False).headers["Location"] for _ in range(2)]
    assert places == ["/batches/1", "/batches/1"]


def test_clear_says_what_it_does_before_it_does_it(bookkeeper: Browser, world: World) -> None:
    ticked(bookkeeper, "39005", "39006")
    page = bookkeeper.post("/run/invoices", {"action": "clear"})
    said = words(page)
    assert "Mark 2 records, $321.00, as posted in ConnectWise without sending them?" in said
    assert "QuickBooks: gets nothing." in said
    form = {name: field(page, name) for name in ("token", "seen", "mode")}
    bookkeeper.post("/run/invoices/submit", form)
    world.work()
    said = words(bookkeeper.get("/batches/1"))
    assert "Cleared: each record is marked as posted in ConnectWise." in said
    assert world.company.documents == {}
    assert sorted(world.source.batch_of_record) == ["39005", "39006"]


def test_what_was_cleared_can_be_undone_on_its_page(bookkeeper: Browser, world: World) -> None:
    ticked(bookkeeper, "39006")
    page = bookkeeper.post("/run/invoices", {"action": "clear"})
    bookkeeper.post("/run/invoices/submit", {name: field(page, name) for name in ("token", "seen", "mode")})
    world.work()
    assert "marked as posted in ConnectWise, not sent" in words(bookkeeper.get("/records/1/invoices/39006"))
    page = bookkeeper.get("/records/1/invoices/39006/undo")
    asked = words(page)
    assert "ConnectWise: batch CF-I-39006-g1 is deleted" in asked
    assert "QuickBooks:" not in asked
    bookkeeper.post("/records/1/invoices/39006/undo", {"posting": field(page, "posting")})
    world.work()
    assert world.source.batch_of_record == {}


def test_a_viewer_can_do_neither(viewer: Browser, world: World) -> None:
    viewer.get("/run/invoices")
    for action in ("dry", "clear"):
        assert viewer.post("/run/invoices", {"action": action}, status=403).status_code == 403
