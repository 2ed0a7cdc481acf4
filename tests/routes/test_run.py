"""Selecting invoices and submitting them."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlmodel import select

from app.database import Database
from app.models.batches import Batch
from app.models.connections import Book
from app.models.records import Selection, UnpostedRow
from app.services.connections import books
from app.services.records import precedents
from tests.fakes import some_tokens
from tests.routes.conftest import Browser, Vendors, field, words
from tests.routes.world import World
from tests.rows import a_book

ALL = ["39005", "39006", "39007", "39008", "39009"]


@pytest.fixture
def world(database: Database, vendors: Vendors) -> World:
    """Its records are of today, whenever that is: "all ready" leaves out what is old."""
    made = World(database, vendors)
    dated(database, books.today_of(a_book()))
    return made


def dated(database: Database, day: dt.date, *only: str) -> None:
    """These records, or all, are of this day."""
    with database.session() as session:
        for row in session.exec(select(UnpostedRow)):
            if not only or row.record in only:
                row.date = day
                session.add(row)
        session.commit()


def bar(browser: Browser) -> str:
    """The line that says what is selected."""
    found = re.search(r'cf-bar-sum">([^<]*)<', browser.get("/run/invoices").text)
    assert found
    return found[1]


def test_without_connections_the_page_says_what_to_do_next(bookkeeper: Browser) -> None:
    assert "Connect QuickBooks first" in words(bookkeeper.get("/run/invoices"))


def test_before_the_first_reading_the_page_offers_to_read(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    with database.session() as session:
        session.connection().exec_driver_sql("DELETE FROM unposted_records")
        session.connection().exec_driver_sql("DELETE FROM unposted_lists")
        session.commit()
    assert "ConnectWise has not been read yet" in words(bookkeeper.get("/run/invoices"))
    assert "5 new, 0 gone" in words(bookkeeper.post("/run/invoices/refresh"))


def test_the_list_says_of_each_record_what_stands_in_the_way(bookkeeper: Browser, world: World) -> None:
    page = bookkeeper.get("/run/invoices")
    said = words(page)
    assert "Account not linked GL account 4600" in said
    assert "Ready creates customer, item" in said
    assert "&lt;script&gt;" in page.text
    assert "<script>alert" not in page.text


def test_ticks_are_kept_and_counted_with_their_money(bookkeeper: Browser, world: World) -> None:
    assert bar(bookkeeper) == "0 of 5 selected"
    bookkeeper.post("/run/invoices/tick", {"shown": ALL, "record": ["39005", "39008"]})
    assert bar(bookkeeper) == "2 of 5 selected · $194.00"
    assert "1 invoice, 1 credit memo (−$20.00)" in words(bookkeeper.get("/run/invoices"))


def test_a_tick_answers_with_the_bar_only(bookkeeper: Browser, world: World) -> None:
    bookkeeper.get("/run/invoices")
    answer = bookkeeper.post("/run/invoices/tick", {"shown": ALL, "record": ["39006"]}, hx=True)
    assert 'id="bar"' in answer.text
    assert "hx-swap-oob" in answer.text
    assert "<table" not in answer.text


def test_ticks_of_another_page_stay_as_they_are(bookkeeper: Browser, world: World) -> None:
    bookkeeper.get("/run/invoices")
    bookkeeper.post("/run/invoices/tick", {"shown": ALL, "record": ["39005", "39006"]})
    bookkeeper.post("/run/invoices/tick", {"shown": ["39006"], "record": []})
    assert bar(bookkeeper) == "1 of 5 selected · $214.00"


@pytest.mark.parametrize(("which", "count"), [("match", 5), ("ready", 4), ("none", 0)])
def test_all_that_match_all_ready_or_none(bookkeeper: Browser, world: World, which: str, count: int) -> None:
    bookkeeper.get("/run/invoices")
    bookkeeper.post("/run/invoices/select", {"select": which, "shown": ALL})
    assert bar(bookkeeper).startswith(f"{count} of 5 selected")


def test_search_narrows_what_is_shown_and_what_all_means(bookkeeper: Browser, world: World) -> None:
    said = words(bookkeeper.get("/run/invoices?q=bolt"))
    assert "Bolt & Nut Co" in said
    assert "Acme Dental" not in said
    bookkeeper.post("/run/invoices/select?q=bolt", {"select": "match"})
    assert bar(bookkeeper) == "1 of 5 selected · $50.00"


def test_a_through_date_leaves_out_what_is_later_and_nonsense_is_named(bookkeeper: Browser, world: World) -> None:
    bookkeeper.get("/run/invoices")
    bookkeeper.post("/run/invoices", {"action": "show", "through": "11/21/2026"})
    assert bar(bookkeeper) == "0 of 0 selected"
    answer = bookkeeper.post("/run/invoices/options", {"through": "31/31/26"}, hx=True)
    assert "“31/31/26” is not a date." in words(answer)


def test_a_preset_is_the_end_of_the_month_today_or_all_and_stays_pressed(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    today = books.today_of(a_book())
    dated(database, precedents.through(today), "39005")
    dated(database, today + dt.timedelta(days=1), "39006")
    pressed = []
    for value, name in re.findall(r'name="preset" value="([^"]+)".*?>([^<]+)<', bookkeeper.get("/run/invoices").text):
        bookkeeper.post("/run/invoices/options", {"preset": value}, hx=True)
        shown = re.findall(r'aria-pressed="true">([^<]+)<', bookkeeper.get("/run/invoices").text)
        pressed.append((name, bar(bookkeeper).split()[2], name in shown))
    month_end = "4" if precedents.through(today) == today else "1"
    assert pressed == [("Month-end", month_end, True), ("Today", "4", True), ("All", "5", True)]


def test_a_summary_level_that_other_settings_need_is_locked_with_its_reason(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    with database.session() as session:
        books.set_settings(session, session.get_one(Book, 1), {"sales.service_item_source": "work_role"}, "test")
    for page in ("/run/invoices", "/run/everything"):
        assert "Locked: Items are named after work roles" in words(bookkeeper.get(page))
    bookkeeper.post("/run/invoices/options", {"summary": "condensed"}, hx=True)
    assert 'value="detailed" checked' in bookkeeper.get("/run/invoices").text


def test_an_unknown_summary_level_is_refused(bookkeeper: Browser, world: World) -> None:
    bookkeeper.get("/run/invoices")
    assert "is not a summary level" in words(bookkeeper.post("/run/invoices/options", {"summary": "all"}, hx=True))


def test_a_psa_that_is_down_is_said_and_the_list_stays(bookkeeper: Browser, world: World) -> None:
    world.source.down = "ConnectWise does not answer."
    bookkeeper.get("/run/invoices")
    answer = bookkeeper.post("/run/invoices/refresh", hx=True)
    assert "ConnectWise does not answer." in words(answer)
    assert "Acme Dental" in words(answer)


def chosen(browser: Browser, *records: str) -> str:
    """Tick, and go on to what will happen."""
    browser.get("/run/invoices")
    browser.post("/run/invoices/tick", {"shown": ALL, "record": list(records)})
    browser.get("/run/invoices")
    return words(browser.post("/run/invoices", {"action": "submit"}))


def test_submit_names_what_it_will_do_before_it_does_it(bookkeeper: Browser, world: World) -> None:
    said = chosen(bookkeeper, "39005", "39007")
    assert "Post 1 of 2 documents, $214.00, to Demo MSP?" in said
    assert "1 customer will be created in QuickBooks Acme Dental · alike: “Acme Dental, P.C.”" in said
    assert "1 document will be held" in said
    assert "and post 1 document, $214.00" in said, "the button counts what is posted"
    assert "Bolt & Nut Co" not in said, "nothing is linked for what is held"


def test_nothing_ticked_is_nothing_to_submit(bookkeeper: Browser, world: World) -> None:
    assert "No record is selected" in chosen(bookkeeper)


def submission(browser: Browser) -> dict[str, str]:
    page = browser.post("/run/invoices", {"action": "submit"})
    return {"token": field(page, "token"), "seen": field(page, "seen"), "accept": "yes"}


def test_a_double_submit_leads_to_the_same_batch(bookkeeper: Browser, world: World, database: Database) -> None:
    chosen(bookkeeper, "39005", "39006")
    form = submission(bookkeeper)
    first = bookkeeper.post("/run/invoices/submit", form, status=303, follow=False)
    second = bookkeeper.post("/run/invoices/submit", form, status=303, follow=False)
    assert first.headers["Location"] == second.headers["Location"] == "/batches/1"
    with database.reading() as session:
        assert len(session.exec(select(Batch)).all()) == 1
        assert session.exec(select(Selection.records)).all() == [[]] or bar(bookkeeper).startswith("0 of 3")


def test_a_page_older_than_the_selection_posts_nothing(bookkeeper: Browser, world: World) -> None:
    chosen(bookkeeper, "39005")
    form = submission(bookkeeper)
    answer = bookkeeper.post("/run/invoices/submit", {**form, "token": "another"}, status=422)
    assert "This page is older than your selection; nothing was posted." in words(answer)


def test_a_selection_that_changed_meanwhile_is_shown_again(bookkeeper: Browser, world: World) -> None:
    chosen(bookkeeper, "39005")
    form = submission(bookkeeper)
    bookkeeper.post("/run/invoices/tick", {"shown": ALL, "record": ["39005", "39006"]})
    answer = bookkeeper.post("/run/invoices/submit", form, status=422)
    assert "The selection has changed since you saw it" in words(answer)
    assert "Post 2 documents, $321.00" in words(answer)


def test_a_page_posts_and_clears_only_what_it_showed_though_the_count_and_the_total_are_the_same(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    with database.session() as session:
        for row in session.exec(select(UnpostedRow)):
            row.cents = 50000
            session.add(row)
        session.add(a_book("Second Co", "9342", tokens=some_tokens(), source_id=1))
        session.commit()
    chosen(bookkeeper, "39005")
    form = submission(bookkeeper)
    bookkeeper.post("/run/invoices/tick", {"shown": ALL, "record": ["39006"]})  # in another tab
    for mode in ("clear", "post"):
        answer = bookkeeper.post("/run/invoices/submit", {**form, "mode": mode}, status=422)
        assert "The selection has changed since you saw it" in words(answer)
    bookkeeper.post("/run/invoices/options", {"book": "2"}, hx=True)
    bookkeeper.post("/run/invoices/tick", {"shown": ALL, "record": ["39005"]})
    answer = bookkeeper.post("/run/invoices/submit", form, status=422)
    assert "to Second Co?" in words(answer)
    with database.reading() as session:
        assert not session.exec(select(Batch)).all()


def test_a_taken_name_is_said_and_nothing_is_posted(bookkeeper: Browser, world: World) -> None:
    chosen(bookkeeper, "39005")
    bookkeeper.post("/run/invoices/submit", submission(bookkeeper))
    chosen(bookkeeper, "39006")
    bookkeeper.post("/run/invoices/options", {"name": field_of_batch(bookkeeper)}, hx=True)
    bookkeeper.get("/run/invoices")
    answer = bookkeeper.post("/run/invoices/submit", submission(bookkeeper), status=422)
    assert "is taken" in words(answer)


def field_of_batch(browser: Browser) -> str:
    found = re.search(r"<title>(?:\([^)]*\) )?([\w-]+) ·", browser.get("/batches/1").text)
    assert found
    return found[1]


def test_another_company_brings_its_own_defaults_and_no_ticks(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    with database.session() as session:
        settings = {"company.default_location": "1", "sales.summary": "condensed"}
        session.add(a_book("Second Co", "9342", tokens=some_tokens(), source_id=1, settings=settings))
        session.commit()
    chosen(bookkeeper, "39005")
    page = {"shown": ALL, "record": ALL, "summary": "detailed", "location": ""}  # what the page before still says
    answer = bookkeeper.post("/run/invoices/options", {**page, "book": "2"}, hx=True)
    assert re.search(r'<option value="1" selected>Springfield', answer.text)
    assert re.search(r'value="condensed" checked', answer.text)
    assert bar(bookkeeper) == "0 of 5 selected"
