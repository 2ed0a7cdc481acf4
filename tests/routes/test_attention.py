"""Needs Attention: what waits for a person stands on one page, counted in the navigation, each with its fix."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from sqlmodel import select

from app.database import Database
from app.domain.documents import DocumentKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Posting
from app.services.batches import attention
from tests.builders import BOLT, a_document, a_line
from tests.routes.conftest import Browser, Vendors, words
from tests.routes.test_records import posted
from tests.routes.test_run import ALL, chosen, submission
from tests.routes.world import World

BY_HAND = {
    "number": "10483", "date": "2026-11-22", "party_id": "1", "currency": "USD", "total": "107.00", "tax": "7.00",
    "note": "typed in", "lines": [{"amount": "100.00", "account": "4100"}],
}  # fmt: skip


@pytest.fixture
def world(database: Database, vendors: Vendors) -> World:
    return World(database, vendors)


def badge(browser: Browser) -> int:
    """The count in the navigation; none is zero."""
    found = re.search(r'cf-count">(\d+)', browser.get("/batches").text)
    return int(found[1]) if found else 0


def test_with_nothing_to_do_the_page_says_so_calmly(viewer: Browser, world: World) -> None:
    assert "Nothing waits for you" in words(viewer.get("/attention"))
    assert badge(viewer) == 0


def test_what_is_held_and_what_is_asked_stand_with_their_fix(bookkeeper: Browser, world: World) -> None:
    world.company.type_in(BY_HAND, DocumentKind.INVOICE)
    posted(bookkeeper, world, *ALL)
    page = bookkeeper.get("/attention")
    said = words(page)
    assert badge(bookkeeper) == 2
    assert "2 things wait for a person" in said
    assert "Questions only a person can answer" in said
    assert "Held by a problem GL account 4600 is not linked to QuickBooks · 1 document · $50.00" in said
    assert "/attention/1/held/account_not_linked%3Aaccounts%3A4600" in page.text
    assert "/records/1/invoices/39007" in page.text


def test_a_fix_takes_it_from_the_page(bookkeeper: Browser, world: World) -> None:
    posted(bookkeeper, world, "39007")
    assert badge(bookkeeper) == 1
    key = "account_not_linked:accounts:4600"
    bookkeeper.get("/attention")
    bookkeeper.post(f"/batches/1/problems/{key}", {"how": "link", "ledger_id": "91"})
    world.work()
    assert badge(bookkeeper) == 0


def test_one_fix_serves_every_batch_that_has_the_cause_and_leads_back(bookkeeper: Browser, world: World) -> None:
    world.source.add(a_document("39010", party=BOLT, lines=(a_line("100.00", "4600"),), tax="0.00"))
    world.look()
    posted(bookkeeper, world, "39007")
    chosen(bookkeeper, "39010")
    bookkeeper.post("/run/invoices/submit", submission(bookkeeper))
    world.work(2)
    fix = "/attention/1/held/account_not_linked:accounts:4600"
    assert "2 documents · $150.00" in words(bookkeeper.get("/attention"))
    said = words(bookkeeper.get(fix))
    assert "Link and retry 2 documents in 2 batches, $150.00" in said
    assert "Applies to these 2 documents in 2 batches, and from now on" in said
    answer = bookkeeper.post(fix, {"how": "link", "ledger_id": "91"})
    assert answer.request.path == "/attention"
    assert "2 documents go again in 2 batches." in words(answer)
    world.work(1)
    world.work(2)
    assert badge(bookkeeper) == 0
    bookkeeper.get(fix, status=404)


def test_what_is_skipped_under_needs_attention_leads_back_there(bookkeeper: Browser, world: World) -> None:
    posted(bookkeeper, world, "39007")
    bookkeeper.get("/attention/1/held/account_not_linked:accounts:4600")
    form = {"key": "account_not_linked:accounts:4600", "choice": "skip", "record": "39007"}
    answer = bookkeeper.post("/attention/1/held/decide", form)
    assert answer.request.path == "/attention"
    assert "1 document is skipped." in words(answer)


def test_a_difference_waits_for_a_choice(bookkeeper: Browser, world: World) -> None:
    world.company.tax_off_by = Decimal("0.01")
    posted(bookkeeper, world, "39006")
    assert "Posted, and something differs" in words(bookkeeper.get("/attention"))


def test_a_stopped_batch_can_be_resumed_from_there(bookkeeper: Browser, world: World) -> None:
    chosen_and_queued(bookkeeper)
    assert badge(bookkeeper) == 0
    bookkeeper.post("/batches/1/stop")
    assert "is stopped" in words(bookkeeper.get("/attention"))
    assert badge(bookkeeper) == 1
    bookkeeper.post("/batches/1/resume")
    assert badge(bookkeeper) == 0


def chosen_and_queued(browser: Browser) -> None:
    chosen(browser, "39006")
    browser.post("/run/invoices/submit", submission(browser))


def test_what_is_posted_and_was_left_unclosed_is_not_forgotten(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    posted(bookkeeper, world, "39006")
    change(database, state="posted")
    said = words(bookkeeper.get("/attention"))
    assert "Posted, not closed in ConnectWise 10483 Acme Dental" in said
    assert badge(bookkeeper) == 1


def test_an_undo_counts_only_when_it_does_not_end(bookkeeper: Browser, world: World, database: Database) -> None:
    posted(bookkeeper, world, "39006")
    change(database, state="undoing", undo_at=utcnow())
    assert badge(bookkeeper) == 0
    change(database, undo_at=utcnow() - dt.timedelta(minutes=11))
    assert "Undo did not go through" in words(bookkeeper.get("/attention"))


def change(database: Database, **values: object) -> None:
    with database.session() as session:
        row = session.exec(select(Posting)).one()
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        session.commit()


def test_a_broken_connection_is_for_an_admin_to_mend(
    admin: Browser, bookkeeper: Browser, world: World, database: Database
) -> None:
    with database.session() as session:
        book = session.get_one(Book, 1)
        book.broken = "Intuit no longer accepts the consent."
        session.add(book)
        session.commit()
    assert "Demo MSP must be connected again" in words(bookkeeper.get("/attention"))
    assert "Reconnect" in words(admin.get("/attention"))
    assert badge(admin) == 1


def test_dry_runs_ask_for_nothing(bookkeeper: Browser, world: World, database: Database) -> None:
    posted(bookkeeper, world, "39007")
    with database.session() as session:
        batch = session.get_one(Batch, 1)
        batch.mode = "dry"
        session.add(batch)
        session.commit()
    assert badge(bookkeeper) == 0


def test_the_page_goes_on_by_key(
    bookkeeper: Browser, world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.company.type_in(BY_HAND, DocumentKind.INVOICE)
    posted(bookkeeper, world, *ALL)
    monkeypatch.setattr(attention, "PAGE", 1)
    first = bookkeeper.get("/attention")
    following = re.search(r"\?after=(\d+)", first.text)
    assert following
    second = words(bookkeeper.get(f"/attention?after={following[1]}"))
    assert "Held by a problem" in words(first) or "Held by a problem" in second
    assert "?after=" not in bookkeeper.get(f"/attention?after={following[1]}").text
