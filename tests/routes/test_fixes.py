"""Fixes in a problem's drawer: another date for a closed period, on hold with a reason."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlmodel import select, update

from app.database import Database
from app.domain.links import LinkKind
from app.models.connections import Book
from app.models.people import Audit
from app.models.postings import Posting, PostingProblem
from app.models.reloads import Reload
from app.services.mapping import links, lists
from tests.builders import an_entry
from tests.routes.conftest import Browser, Vendors, words
from tests.routes.test_records import posted
from tests.routes.world import World

KEY = "/batches/1/problems/period_closed"


@pytest.fixture
def closed(database: Database, vendors: Vendors, bookkeeper: Browser) -> World:
    """Three documents of Acme in a batch; the books are closed over their date."""
    world = World(database, vendors)
    with database.session() as session:
        book = session.get_one(Book, 1)
        book.rules = {**book.rules, "close_date": "2026-11-30"}
        session.add(book)
        session.commit()
    posted(bookkeeper, world, "39005", "39006")
    return world


def test_a_group_is_posted_as_of_an_open_day_with_both_dates_shown(
    bookkeeper: Browser, closed: World, database: Database
) -> None:
    said = words(bookkeeper.get(KEY))
    assert "Dated 11/22/2026 in ConnectWise" in said
    assert "Post as of this date: 2 documents, $321.00" in said
    assert 'value="12/01/2026"' in bookkeeper.get(KEY).text
    refused = bookkeeper.post(KEY, {"how": "redate", "date": "11/30/2026"}, status=422)
    assert "closed to 2026-11-30" in words(refused)
    bookkeeper.post(KEY, {"how": "redate", "date": "12/01/2026"})
    closed.work()
    booked = {receipt.date.isoformat() for receipt in closed.company.documents.values() if receipt.date}
    assert (booked, len(closed.company.documents)) == ({"2026-12-01"}, 2)
    with database.reading() as session:
        assert {p.state for p in session.exec(select(Posting))} == {"closed"}
        acts = session.exec(select(Audit).where(Audit.action == "posting.redate")).all()
    assert [(act.detail["old"], act.detail["new"]) for act in acts] == [("2026-11-22", "2026-12-01")] * 2


def test_a_date_that_was_given_counts_in_the_batch_that_takes_the_record_over(
    bookkeeper: Browser, closed: World, database: Database
) -> None:
    posted(bookkeeper, closed, "39007")  # its account is not linked either: it stays held
    closed.work(2)
    bookkeeper.get("/batches/2/problems/period_closed")
    bookkeeper.post("/batches/2/problems/period_closed", {"how": "redate", "date": "12/01/2026"})
    closed.work(2)
    with database.session() as session:
        links.set_link(session, session.get_one(Book, 1), LinkKind.ACCOUNTS, "4600", "91", by="test")
    posted(bookkeeper, closed, "39007")
    closed.work(3)
    assert [r.date for r in closed.company.documents.values()] == [dt.date(2026, 12, 1)]
    assert "keeps the date 12/01/2026" in bookkeeper.get("/batches/3/log").text


def test_a_reload_that_changed_nothing_is_said_with_its_time(
    bookkeeper: Browser, closed: World, database: Database
) -> None:
    with database.session() as session:
        session.exec(update(PostingProblem).values(code="gl_account_missing"))
        posting = session.exec(select(Posting)).first()
        assert posting
        session.add(Reload(source_id=1, kind="invoices", record="39005", number=posting.number, batch_id=1,
                           posting_id=posting.id, state="done", by="ada"))  # fmt: skip
        session.commit()
    said = words(bookkeeper.get("/batches/1/problems/gl_account_missing"))
    assert re.search(r"asked for at \d\d:\d\d: it was reopened and closed in ConnectWise, and the same is still", said)


def test_a_day_that_is_none_is_refused_and_nothing_changes(bookkeeper: Browser, closed: World) -> None:
    bookkeeper.get(KEY)
    for day in ("", "yesterday", "2036-01-01"):
        bookkeeper.post(KEY, {"how": "redate", "date": day}, status=422)
    assert closed.company.documents == {}


def test_a_group_is_put_on_hold_with_a_reason(bookkeeper: Browser, closed: World) -> None:
    bookkeeper.get(KEY)
    bookkeeper.post(KEY, {"how": "hold", "reason": " "}, status=422)
    bookkeeper.post(KEY, {"how": "hold", "reason": "accountant is asked"})
    said = words(bookkeeper.get("/run/invoices?view=on_hold"))
    assert "accountant is asked" in said


def test_a_remedy_that_names_a_setting_leads_to_it(viewer: Browser, closed: World, database: Database) -> None:
    assert "/settings/books/1/taxes" not in viewer.get(KEY).text
    with database.session() as session:
        session.exec(update(PostingProblem).values(remedy="Choose another code under Settings ▸ Taxes, then retry."))
        session.commit()
    assert 'href="/settings/books/1/taxes"' in viewer.get(KEY).text


def test_a_viewer_gets_no_fix(viewer: Browser, closed: World) -> None:
    assert "A bookkeeper can fix it here" in words(viewer.get(KEY))
    viewer.post(KEY, {"how": "redate", "date": "12/01/2026"}, status=403)


def test_an_item_without_the_account_that_it_needs_is_given_it_from_the_drawer(
    bookkeeper: Browser, vendors: Vendors, database: Database
) -> None:
    world = World(database, vendors)
    item = an_entry(LinkKind.ITEMS, "50", "Service-4100", detail="Service", cost_account_id="97")
    world.company.lists.append(item)
    lists.refresh(database, world.company, 1, max_age=dt.timedelta(0))
    posted(bookkeeper, world, "39006")
    said = words(bookkeeper.get("/batches/1/problems/item_lacks_account:items:account:4100"))
    assert "Item “Service-4100” has no income account in QuickBooks, so it can’t be sold" in said
    assert "Let Crossfoot add “Hardware sales”" in said
    assert "Add the account to “Service-4100” and retry 1 document" in said
    assert world.company.documents == {}
