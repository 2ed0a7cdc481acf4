from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlmodel import Session, select

from app.domain.links import Rules
from app.domain.problems import NotFoundError, ValidationError
from app.models.connections import Book
from app.models.people import Audit
from app.services.connections import books, installation
from tests.rows import a_book


def test_a_book_is_found_by_its_id_and_by_its_exact_name(session: Session, book: Book) -> None:
    assert books.find_book(session, str(book.id)).id == book.id
    assert books.find_book(session, "Demo MSP").id == book.id


def test_an_unknown_book_names_those_there_are(session: Session, book: Book) -> None:
    with pytest.raises(NotFoundError) as error:
        books.find_book(session, "demo msp")
    assert "Demo MSP (id 1)" in error.value.remedy


def test_without_any_book_the_remedy_is_to_connect(session: Session) -> None:
    with pytest.raises(NotFoundError) as error:
        books.find_book(session, "Demo MSP")
    assert "Connect QuickBooks first" in error.value.remedy


def test_two_books_of_one_name_ask_for_the_id(session: Session, book: Book) -> None:
    session.add(a_book(ledger_id="9342"))
    session.commit()
    with pytest.raises(ValidationError) as error:
        books.find_book(session, "Demo MSP")
    assert "1 or 2" in error.value.remedy


def test_changed_settings_are_kept_and_audited_with_old_and_new(session: Session, book: Book) -> None:
    books.set_settings(session, book, {"sales.summary": "detailed"}, by="ab@example.com")
    again = books.find_book(session, "Demo MSP")
    assert books.show(again)["sales.summary"] == "detailed"
    row = session.exec(select(Audit)).one()
    assert row.detail == {"old": {"sales.summary": "default"}, "new": {"sales.summary": "detailed"}}


def test_a_value_set_back_to_its_default_is_not_stored(session: Session, book: Book) -> None:
    books.set_settings(session, book, {"sales.summary": "detailed"}, by="x")
    books.set_settings(session, book, {"sales.summary": "default"}, by="x")
    assert book.settings == {}


def test_one_bad_value_changes_nothing(session: Session, book: Book) -> None:
    with pytest.raises(ValidationError) as error:
        books.set_settings(session, book, {"sales.summary": "detailed", "taxes.mode": "maybe"}, by="x")
    assert "auto, manual, automated, per_line, off" in error.value.remedy
    assert book.settings == {}


def test_an_unknown_setting_names_those_there_are(session: Session, book: Book) -> None:
    with pytest.raises(ValidationError) as error:
        books.set_settings(session, book, {"links.accounts.missing": "always"}, by="x")
    assert "links.customers.missing" in error.value.remedy


def test_the_company_decides_the_tax_mode_until_a_person_does(session: Session, book: Book) -> None:
    book.rules = {"tax_mode": "automated", "send_numbers": False}
    assert replace(books.rules_of(book), settings={}) == Rules(tax_mode="automated", send_numbers=False)
    books.set_settings(session, book, {"taxes.mode": "off", "sales.service_item_source": "gl_account"}, by="x")
    rules = books.rules_of(book)
    assert replace(rules, settings={}) == Rules(tax_mode="off", send_numbers=False, service_item_source="gl_account")
    assert rules["sales.service_item_source"] == "gl_account"


def test_today_is_the_day_in_the_books_zone(session: Session, book: Book) -> None:
    late = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)
    assert books.today_of(book, late) == dt.date(2026, 11, 23)
    books.set_settings(session, book, {"company.zone": "America/Chicago"}, by="x")
    assert books.today_of(book, late) == dt.date(2026, 11, 22)


def test_only_one_book_is_the_default(session: Session, book: Book) -> None:
    other = a_book("Other", "1")
    session.add(other)
    books.set_default(session, book, by="x")
    books.set_default(session, other, by="x")
    assert [b.name for b in books.list_books(session) if b.is_default] == ["Other"]
    assert books.default_book(session) == other


def test_the_months_of_keeping_snapshots_hold_for_the_installation(session: Session) -> None:
    assert installation.value(session, "retention.snapshots_months") == "24"
    installation.set_value(session, "retention.snapshots_months", "36", by="x")
    assert installation.value(session, "retention.snapshots_months") == "36"
    with pytest.raises(ValidationError):
        installation.set_value(session, "retention.snapshots_months", "-1", by="x")
