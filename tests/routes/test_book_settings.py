"""A company's settings: tabs, templates with what they give, texts of single customers, and the file."""

from __future__ import annotations

import pytest
import redis
from sqlmodel import select

from app.database import Database
from app.domain import hooks
from app.domain.book_settings import SETTINGS
from app.domain.links import LinkKind
from app.domain.problems import ValidationError
from app.domain.settings_catalogue import TABS
from app.models.connections import Book
from app.services.connections import books, settings_file
from app.services.mapping import lists
from tests.builders import an_entry
from tests.routes.conftest import Browser, Vendors, words
from tests.routes.test_connections import stored
from tests.routes.world import World


def test_every_setting_stands_on_its_tab_once(admin: Browser, database: Database, vendors: Vendors) -> None:
    World(database, vendors)
    named: list[str] = []
    for key, _, part in TABS:
        page = admin.get("/settings/books/1" + ("" if key == "company" else f"/{key}"))
        shown = part or hooks.settings().values()
        named += [setting.key for setting in shown if f'name="{setting.key}"' in page.text]
    assert named == list(SETTINGS)
    admin.get("/settings/books/1/nothing", status=404)


def test_a_template_is_tried_while_it_is_typed(admin: Browser, database: Database, vendors: Vendors) -> None:
    World(database, vendors)
    admin.get("/settings/books/1/sales")
    address = "/settings/books/1/try?key=sales.line_text"
    assert "48100 by Ana Ortiz" in words(
        admin.post(address, {"sales.line_text": "{{ ticket }} by {{ member }}"}, hx=True)
    )
    wrong = admin.post(address, {"sales.line_text": "{{ ticket.x }}"}, hx=True)
    assert "which templates here don’t have" in words(wrong)
    assert "sales.line_text" not in stored(database, Book)[0].settings


def test_a_customer_may_have_texts_of_its_own(admin: Browser, database: Database, vendors: Vendors) -> None:
    World(database, vendors)
    admin.get("/settings/books/1/sales")
    form = {"setting": "sales.line_text", "customer": "77", "text": "{{ summary }}"}
    assert "{{ summary }}" in words(admin.post("/settings/books/1/own", form))
    assert stored(database, Book)[0].settings["sales.line_text@77"] == "{{ summary }}"
    admin.post("/settings/books/1/own", {"key": "sales.line_text@77", "text": ""})
    assert "sales.line_text@77" not in stored(database, Book)[0].settings


def test_settings_go_to_a_file_and_back_and_workers_look_at_what_waits_anew(
    admin: Browser, database: Database, vendors: Vendors, redis_server: redis.Redis
) -> None:
    World(database, vendors)
    admin.get("/settings/books/1/sales")
    assert not redis_server.llen("rq:queue:crossfoot")
    admin.post("/settings/books/1/sales", {"sales.line_text": 'a "quoted"\n{{ ticket }}', "sales.summary": "condensed"})
    assert redis_server.llen("rq:queue:crossfoot") == 3, "one look ahead for each kind"
    text = admin.get("/settings/books/1/file").text
    with database.session() as session:
        book = session.exec(select(Book)).one()
        book.settings = {}
        session.add(book)
        session.commit()
        assert set(settings_file.load(session, book, text, by="x").changed) == {"sales.line_text", "sales.summary"}
        assert settings_file.export(book) == text
        for wrong in ("[settings]\nno = 1", "[settings]\n'no.such' = 'x'", "x", "[settings]\n'company.zone' = 'Mars'"):
            with pytest.raises(ValidationError):
                settings_file.load(session, book, wrong, by="x")
        assert settings_file.export(book) == text


def test_an_account_of_another_company_is_never_taken_for_one_of_ones_own(
    admin: Browser, database: Database, vendors: Vendors
) -> None:
    world = World(database, vendors)
    world.company.lists.append(an_entry(LinkKind.ACCOUNTS, "35", "Checking", detail="Bank"))
    lists.refresh(database, world.company, 1, max_age=lists.FRESH * 0)
    offered = words(admin.get("/settings/books/1/purchases"))
    assert "Checking" in offered
    assert "Hardware sales" not in offered, "nothing is paid from an account of that type"
    refused = admin.post("/settings/books/1/purchases", {"purchases.paid_from": "4711"}, status=422)
    assert "Account that expenses are paid from: QuickBooks has no account with the id “4711”" in words(refused)
    with database.session() as session:
        book = session.exec(select(Book)).one()
        books.set_settings(session, book, {"purchases.paid_from": "79", "purchases.billable": "yes"}, by="x")
        text = settings_file.export(book).replace("9341", "9342")
        books.set_settings(session, book, {"purchases.paid_from": "91", "purchases.billable": "no"}, by="x")
        done = settings_file.load(session, book, text, by="x")
    assert done.left == ["Account that expenses are paid from"]
    assert done.changed == {"purchases.billable": "yes"}
    assert stored(database, Book)[0].settings["purchases.paid_from"] == "91"
    assert "4100 Hardware sales (79) became → 4600 Security services (91)" in words(admin.get("/settings/audit"))


def test_a_company_is_forgotten_once_it_is_disconnected_and_its_name_was_typed(
    admin: Browser, database: Database, vendors: Vendors
) -> None:
    World(database, vendors)
    page = admin.get("/settings/books/1/forget")
    assert "Disconnect it first" in words(page)
    assert 'name="name"' not in page.text
    admin.post("/connections/quickbooks-online/1/disconnect")
    assert "/settings/books/1/forget" in admin.get("/settings/connections").text
    assert "0 documents stay" in words(admin.get("/settings/books/1/forget"))
    assert "not the company’s name" in words(admin.post("/settings/books/1/forget", {"name": "x"}, status=422))
    assert "are gone from here" in words(admin.post("/settings/books/1/forget", {"name": "Demo MSP"}))
    assert stored(database, Book) == []
    for address in ("/", "/settings/audit", "/settings/books", "/settings/connections", "/attention"):
        admin.get(address)
