"""Forecasts and views: what each unposted record is said to be, and what makes that untrue."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from sqlmodel import col, func, select, update

from app.database import Database
from app.domain.documents import Document
from app.domain.links import LinkKind
from app.domain.states import RecordKind
from app.models.connections import Book, Link
from app.models.records import Forecast, UnpostedRow
from app.services.connections import books
from app.services.mapping import links, lists
from app.services.records import forecasts, previews, records, views
from tests.builders import BOLT, a_document, a_line, an_entry
from tests.fake_books import FakeBooks
from tests.fakes import FakeSource
from tests.rows import a_book, a_source

KIND = RecordKind.INVOICES


class Look:
    """A PSA with one record that is ready and one whose GL account is not linked."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.source = FakeSource(*self.documents())
        self.company = FakeBooks(
            "Demo MSP", "9341",
            an_entry(LinkKind.ACCOUNTS, "79", "Hardware sales", number="4100", detail="Income"),
            an_entry(LinkKind.CUSTOMERS, "1", "Acme Dental", holder="customer"),
        )  # fmt: skip
        with database.session() as session:
            session.add(a_source())
            session.flush()
            session.add(a_book(source_id=1, is_default=True))
            session.flush()
            session.add(Link(book_id=1, kind="accounts", source_id="4100", source_name="4100", ledger_id="79"))
            session.commit()
        lists.refresh(database, self.company, 1)
        self.refresh()
        self.fill()

    @staticmethod
    def documents() -> list[Document]:
        return [a_document("39005"), a_document("39007", party=BOLT, lines=(a_line("50.00", "4600"),), tax="0.00")]

    def refresh(self) -> None:
        records.refresh(self.database, self.source, 1, KIND)

    def fill(self) -> None:
        previews.fill(self.database, self.source, 1, KIND)

    def views(self) -> dict[str, str]:
        with self.database.reading() as session:
            return dict(views.judged(session, session.get_one(Book, 1), 1, KIND))

    def codes(self, record: str) -> list[str] | None:
        """Codes of what the page says of a record; None: not checked yet."""
        with self.database.reading() as session:
            row = records.one(session, 1, KIND, record)
            assert row
            found = previews.readiness(session, session.get_one(Book, 1), [row])[record]
        return None if found is None else [problem.code for problem in found]

    def stored(self) -> int:
        with self.database.reading() as session:
            return session.exec(select(func.count()).select_from(Forecast)).one()


@pytest.fixture
def look(database: Database) -> Look:
    return Look(database)


def test_a_look_ahead_stores_what_each_record_wants(look: Look) -> None:
    assert look.views() == {"39005": views.READY, "39007": views.FIX}
    assert look.stored() == 2


def test_pages_read_no_document_where_there_is_a_forecast(look: Look) -> None:
    with look.database.session() as session:
        session.exec(update(UnpostedRow).values(document={"not": "a document"}))
        session.commit()
    assert look.views() == {"39005": views.READY, "39007": views.FIX}
    assert look.codes("39007") == ["account_not_linked", "customer_to_create", "item_to_create"]


def test_a_link_counts_at_once_and_no_forecast_is_made_anew_for_it(look: Look) -> None:
    assert look.views()["39007"] == views.FIX
    with look.database.session() as session:
        links.set_link(session, session.get_one(Book, 1), LinkKind.ACCOUNTS, "4600", "79", by="test")
    assert look.views()["39007"] == views.READY


def test_an_entry_that_leaves_the_ledger_counts_at_once(look: Look) -> None:
    assert look.views()["39005"] == views.READY
    look.company.lists = [entry for entry in look.company.lists if entry.kind is not LinkKind.ACCOUNTS]
    lists.refresh(look.database, look.company, 1, max_age=dt.timedelta(0))
    assert look.views()["39005"] == views.FIX


def test_a_policy_counts_at_once(look: Look) -> None:
    assert look.views()["39005"] == views.READY
    with look.database.session() as session:
        books.set_settings(session, session.get_one(Book, 1), {"links.items.missing": "never"}, by="test")
    assert look.views()["39005"] == views.FIX


def test_a_rule_of_the_company_makes_forecasts_untrue_and_the_next_look_ahead_stores_them_anew(look: Look) -> None:
    assert look.views()["39005"] == views.READY
    with look.database.session() as session:
        book = session.get_one(Book, 1)
        before = forecasts.rules_hash(book)
        book.rules = {**book.rules, "close_date": "2026-12-31"}
        session.add(book)
        session.commit()
        now = forecasts.rules_hash(book)
    assert look.views()["39005"] == views.FIX
    assert look.codes("39005")[0] == "period_closed"  # type: ignore[index]  # None would fail as well
    look.fill()
    with look.database.reading() as session:
        assert set(session.exec(select(Forecast.rules))) == {now} != {before}


def test_a_look_ahead_exports_detailed_where_items_are_named_after_work_and_looks_again_when_that_changes(
    look: Look,
) -> None:
    assert look.source.level == "default"
    with look.database.session() as session:
        books.set_settings(session, session.get_one(Book, 1), {"sales.service_item_source": "work_role"}, "test")
    assert look.codes("39005") is None
    look.fill()
    assert (look.source.level, look.views()["39005"]) == ("detailed", views.READY)


def test_a_record_that_changed_is_not_checked_until_somebody_looks_again(look: Look) -> None:
    assert look.views()["39005"] == views.READY
    worse = dataclasses.replace(a_document("39005", tax="15.00"), lines=(a_line("200.00", ""),))
    look.source.add(worse)
    look.refresh()
    assert look.views()["39005"] == views.UNLOOKED
    assert look.codes("39005") is None
    look.fill()
    assert look.views()["39005"] == views.FIX
    assert look.stored() == 2


def test_a_record_that_leaves_the_list_takes_its_forecast_along(look: Look) -> None:
    look.source.put_in_batch("39005", "THEIRS")
    look.refresh()
    assert list(look.views()) == ["39007"]
    assert look.stored() == 1


def test_a_second_company_has_forecasts_of_its_own(look: Look) -> None:
    with look.database.session() as session:
        other = a_book("Other", "9342", source_id=1)
        session.add(other)
        session.commit()
        assert views.judged(session, other, 1, KIND)["39005"] == views.FIX  # nothing is linked there
    look.fill()
    with look.database.reading() as session:
        stored = select(func.count()).select_from(Forecast).where(col(Forecast.book_id) == other.id)
        assert session.exec(stored).one() == 2
    assert look.views()["39005"] == views.READY


def test_a_plan_counts_what_is_blocked_and_names_what_is_created_and_linked(look: Look) -> None:
    look.source.add(a_document("39010", party=BOLT, lines=(a_line("5.00"),), tax="0.00"))
    look.refresh()
    look.fill()
    look.source.add(a_document("39011"))
    look.refresh()
    with look.database.reading() as session:
        wanted = ["39005", "39007", "39010", "39011"]
        plan = previews.plan(session, session.get_one(Book, 1), 1, KIND, wanted)
    assert (plan.blocked, plan.unlooked) == (1, 1)
    assert plan.create[LinkKind.CUSTOMERS] == [("Bolt & Nut Co", "")]
    assert plan.link[LinkKind.CUSTOMERS] == ["Acme Dental"]
