"""One row of the selection page: its document beside the list, a hold, a question; and the views that these make."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from app.database import Database
from app.domain.documents import DocumentKind
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.connections import Book
from app.services.connections import books
from app.services.records import outlook, precedents
from tests.routes.conftest import Browser, field, words
from tests.routes.test_run import ALL, bar, dated, world
from tests.routes.world import World
from tests.rows import a_book

__all__ = ["world"]

PAGE = "/run/invoices"


def views(browser: Browser, query: str = "") -> dict[str, int]:
    """The tabs above the list, with their counts."""
    found = re.findall(r'>([A-Z][a-z ]+) <span class="cf-n">(\d+)<', browser.get(PAGE + query).text)
    return {name: int(count) for name, count in found}


def post_all(browser: Browser, world: World, *records: str) -> None:
    """Submit these and let a worker run."""
    browser.get(PAGE)
    browser.post(f"{PAGE}/tick", {"shown": ALL, "record": list(records)})
    page = browser.post(PAGE, {"action": "submit"})
    form = {"token": field(page, "token"), "seen": field(page, "seen"), "accept": "yes"}
    browser.post(f"{PAGE}/submit", form)
    world.work()


def test_the_pane_shows_the_document_of_a_row_without_asking_anybody(bookkeeper: Browser, world: World) -> None:
    answer = bookkeeper.get(f"{PAGE}/peek/39006", hx=True)
    said = words(answer)
    assert 'id="drawer"' in answer.text
    assert "Tax 7.00" in said
    assert "Total, USD 107.00" in said
    assert "GL account 4600" in words(bookkeeper.get(f"{PAGE}/peek/39007", hx=True))
    bookkeeper.get(f"{PAGE}/peek/no-such", hx=True, status=404)


def test_a_hold_needs_a_reason_and_takes_the_record_out_of_all(bookkeeper: Browser, world: World) -> None:
    bookkeeper.get(PAGE)
    bookkeeper.post(f"{PAGE}/tick", {"shown": ALL, "record": ["39005"]})
    assert "Hold invoice 10482?" in words(bookkeeper.get(f"{PAGE}/hold/39005", hx=True))
    refused = bookkeeper.post(f"{PAGE}/hold/39005", {"reason": "  "}, hx=True, status=422)
    assert "A hold needs a reason" in words(refused)
    done = bookkeeper.post(f"{PAGE}/hold/39005", {"reason": "price to be agreed"}, hx=True)
    assert "selection-changed" in done.headers["HX-Trigger"]
    assert bar(bookkeeper) == "0 of 5 selected"
    assert views(bookkeeper) == {"All": 5, "Ready": 3, "Needs a fix": 1, "On hold": 1}
    assert "On hold price to be agreed" in words(bookkeeper.get(f"{PAGE}?view=held"))
    bookkeeper.post(f"{PAGE}/select", {"select": "match", "shown": ALL})
    assert bar(bookkeeper).startswith("4 of 5 selected")
    bookkeeper.post(f"{PAGE}/release/39005", hx=True, status=204)
    assert views(bookkeeper)["Ready"] == 4


def test_what_is_older_than_last_month_is_not_taken_by_all_ready(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    dated(database, outlook.old_before(books.today_of(a_book())) - dt.timedelta(days=1), "39005")
    assert views(bookkeeper) == {"All": 5, "Ready": 3, "Needs a fix": 1, "Old": 1}
    bookkeeper.post(f"{PAGE}/select", {"select": "ready", "shown": ALL})
    assert bar(bookkeeper).startswith("3 of 5 selected")
    assert "Would be ready, but dated before" in words(bookkeeper.get(f"{PAGE}?view=old"))


def test_what_a_batch_found_in_the_books_is_asked_about_in_the_list(bookkeeper: Browser, world: World) -> None:
    member = {
        "number": "10483", "date": "2026-11-22", "party_id": "1", "currency": "USD", "total": "107.00", "tax": "7.00",
        "note": "typed in", "lines": [{"amount": "100.00", "account": "4100"}],
    }  # fmt: skip
    world.company.type_in(member, DocumentKind.INVOICE)
    post_all(bookkeeper, world, "39006")
    assert views(bookkeeper)["Looks already posted"] == 1
    page = bookkeeper.get(f"{PAGE}?view=looks_posted")
    assert "Looks already posted 10483 of" in words(page)
    compare = re.search(r'data-fix href="([^"]+)"', page.text)
    assert compare
    drawer = words(bookkeeper.get(compare[1].replace("&amp;", "&"), hx=True))
    assert "Link: it is the same" in drawer
    assert "Post anyway" in drawer


def test_the_page_asks_for_what_was_looked_at_and_gets_no_rows(bookkeeper: Browser, world: World) -> None:
    bookkeeper.get(PAGE)
    answer = bookkeeper.get(f"{PAGE}/progress?seen=2", hx=True)
    assert "all-looked-at" in answer.headers["HX-Trigger"]
    assert "Checked 5 of 5" in words(answer)
    assert 'id="s39005" hx-swap-oob="true"' in answer.text
    assert "<tr" not in answer.text
    assert 'id="q"' not in answer.text


def test_same_as_last_month_says_what_it_took_over_and_who_is_missing(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    assert "Same as last month" not in words(bookkeeper.get(PAGE))
    post_all(bookkeeper, world, "39005", "39009")
    today = books.today_of(a_book())
    with database.session() as session:
        batch = session.get_one(Batch, 1)
        batch.submitted_at -= dt.timedelta(days=today.day + 1)
        session.add(batch)
        session.commit()
    dated(database, precedents.through(today))
    assert "Same as last month" in words(bookkeeper.get(PAGE))
    said = words(bookkeeper.post(f"{PAGE}/like", hx=True))
    assert "all locations, default summary, through" in said
    assert "Nothing this time for =cmd" in said


def test_the_batch_that_counts_is_the_largest_of_last_month_not_of_the_month_before_it(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    post_all(bookkeeper, world, "39005", "39006", "39009")
    post_all(bookkeeper, world, "39008")
    world.work(2)
    with database.session() as session:
        larger, smaller = session.get_one(Batch, 1), session.get_one(Batch, 2)
        larger.submitted_at = dt.datetime(2026, 10, 31, 18, tzinfo=dt.UTC)  # less than thirty days before the other
        smaller.submitted_at = dt.datetime(2026, 11, 30, 9, tzinfo=dt.UTC)
        session.commit()
        book = session.get_one(Book, 1)
        found = [precedents.find(session, book, RecordKind.INVOICES, dt.date(2026, month, 1)) for month in (12, 11)]
    assert [(one.batch.id, one.count) for one in found if one] == [(2, 1), (1, 3)]


@pytest.mark.parametrize(
    ("today", "through"),
    [
        ("2026-12-01", "2026-11-30"),
        ("2026-11-30", "2026-11-30"),
        ("2026-11-29", "2026-10-31"),
        ("2027-01-15", "2026-12-31"),
    ],
)
def test_the_end_of_the_month_that_is_meant(today: str, through: str) -> None:
    assert precedents.through(dt.date.fromisoformat(today)).isoformat() == through
