"""Closing while the PSA's list moves: by our own closings, and by somebody else's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pytest
from sqlmodel import col, select, update

from app.connectors.protocols import CloseOutcome, Slot, UnpostedRecord
from app.database import Database
from app.domain.links import LinkKind
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book, Link, SourceRow
from app.models.postings import Posting, PostingProblem
from app.services.batches import batches
from app.services.mapping import lists
from app.services.posting import closing, running, undoing
from app.services.records import records
from app.settings import Waits
from tests.builders import a_document, an_entry
from tests.fake_books import FakeBooks
from tests.fakes import FakeConnectors, FakeSource, some_tokens
from tests.rows import a_book, a_source

WAITS = Waits(running=0.1, between=0.1, lease=5)
WEEK = dt.timedelta(days=7)


class MovingSource(FakeSource):
    """One lane. ``hide`` leaves a record out of the next list after the first closing; ``rival`` then closes one."""

    def __init__(self, database: Database) -> None:
        super().__init__(a_document("39005"), a_document("39006"))
        self.lanes = 1
        self.database = database
        self.hide = self.rival = ""
        self.undone = False
        self.vendors = FakeConnectors()
        self.asked: tuple[str, Sequence[int]] = ("", ())

    def close(self, kind: RecordKind, identifier: str, gl_ids: Sequence[int], slot: Slot) -> CloseOutcome:
        if self.undone:
            with self.database.session() as session:
                undoing.ask(session, batches.find(session, 1), ["39005"], by="a")
            self.undone, self.asked = False, (identifier, gl_ids)
        if self.rival:
            self.put_in_batch(self.rival, "THEIRS")
        return super().close(kind, identifier, gl_ids, slot)

    def unposted(self, kind: RecordKind) -> list[UnpostedRecord]:
        found = super().unposted(kind)
        if self.hide and self.closings:
            found, self.hide = [row for row in found if row.record != self.hide], ""
        return found

    def batch_of(self, kind: RecordKind, asked: Sequence[str]) -> dict[str, str]:
        """As every call does, this one notes when the PSA was last heard: that needs the database for itself."""
        with self.database.session() as session:
            session.exec(update(SourceRow).values(name="heard"))
            session.commit()
        return super().batch_of(kind, asked)


def run(database: Database, source: MovingSource, waits: Waits = WAITS) -> Mapping[str, str]:
    """Post both; answers the state of each, with the code of its first problem."""
    company = FakeBooks(
        "Demo MSP", "9341",
        an_entry(LinkKind.ACCOUNTS, "79", "Hardware sales", number="4100", detail="Income"),
        an_entry(LinkKind.CUSTOMERS, "1", "Acme Dental", holder="customer"),
    )  # fmt: skip
    vendors = source.vendors
    vendors.sources["https://psa.example"], vendors.books["9341"] = source, company
    with database.session() as session:
        session.add(a_source())
        session.flush()
        session.add(a_book(tokens=some_tokens(), source_id=1, is_default=True))
        session.flush()
        session.add(Link(book_id=1, kind="accounts", source_id="4100", source_name="4100", ledger_id="79"))
        session.commit()
    records.refresh(database, source, 1, RecordKind.INVOICES)
    lists.refresh(database, company, 1)
    with database.session() as session:
        wanted = ["39005", "39006"]
        book = session.get_one(Book, 1)
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=wanted, by="test", accept=True)
    running.run(database, vendors, 1, waits)
    return states(database)


def states(database: Database) -> Mapping[str, str]:
    with database.reading() as session:
        query = select(Posting.number, Posting.state, PostingProblem.code)
        return {n: f"{s} {c or ''}".strip() for n, s, c in session.exec(query.join(
            PostingProblem, col(PostingProblem.posting_id) == Posting.id, isouter=True))}  # fmt: skip


@pytest.fixture(autouse=True)
def every_list_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The PSA's list is read again before every closing."""
    monkeypatch.setattr(closing, "LIST_AGE", dt.timedelta(0))


def test_a_record_that_slips_from_page_to_page_while_the_list_is_read_is_not_gone(database: Database) -> None:
    source = MovingSource(database)
    source.hide = "39006"
    assert set(run(database, source).values()) == {"closed"}
    assert source.hide == ""


def test_the_psa_is_asked_who_closed_a_record_without_keeping_the_database_waiting(database: Database) -> None:
    source = MovingSource(database)
    source.rival = "39006"
    assert sorted(run(database, source).values()) == ["closed", "posted closed_elsewhere"]


def test_who_closed_a_record_whose_own_closing_is_in_doubt_is_asked_likewise(database: Database) -> None:
    source = MovingSource(database)
    source.rival = "39005"
    source.next.append("lose_before")
    assert sorted(run(database, source).values()) == ["closed", "posted closed_elsewhere"]


def test_an_undo_asked_for_while_its_closing_is_on_the_wire_is_carried_through(database: Database) -> None:
    source = MovingSource(database)
    source.undone = True
    assert sorted(run(database, source).values()) == ["closed", "undone"]
    assert set(source.batch_of_record) == {"39006"}


@pytest.mark.parametrize("lands", [True, False])
def test_an_undo_waits_for_a_closing_without_an_answer_that_may_still_come(database: Database, lands: bool) -> None:
    source = MovingSource(database)
    source.undone = True
    source.next.append("lose_before")
    assert sorted(run(database, source, Waits(running=100, between=0.1, lease=5)).values()) == ["closed", "undoing"]
    if lands:
        source._close(*source.asked)
    with database.session() as session:
        session.exec(update(Batch).values(wake_at=None))
        session.exec(update(Posting).where(col(Posting.state) == "undoing").values(close_at=utcnow() - WEEK))
        session.commit()
    running.run(database, source.vendors, 1, WAITS)
    assert sorted(states(database).values()) == ["closed", "undone"]
    assert set(source.batch_of_record) == {"39006"}
