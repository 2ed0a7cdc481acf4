from __future__ import annotations

import datetime as dt

import pytest
from sqlmodel import Session, select

from app.database import Database
from app.domain.links import Entry, LinkKind, Need
from app.domain.problems import ValidationError
from app.models.batches import Batch
from app.models.connections import Book, Link
from app.models.people import Audit
from app.models.postings import Posting, PostingProblem
from app.services.mapping import links, lists
from tests.builders import THE_DAY, an_entry, money
from tests.fakes import FakeBooks
from tests.rows import a_source

#: The lock and the upserts are SQL of each database's own dialect.
pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

ACME = Need(LinkKind.CUSTOMERS, "77", "Acme Dental", "party")
ACME_ENTRY = an_entry(LinkKind.CUSTOMERS, "12", "Acme Dental", email="ap@acme.example", holder="customer")
INCOME = an_entry(LinkKind.ACCOUNTS, "79", "Sales of Product Income", number="4100")


@pytest.fixture
def listed(database: Database, book: Book) -> FakeBooks:
    """The Book's lists were read."""
    books = FakeBooks("Demo MSP", "9341", ACME_ENTRY, INCOME, an_entry(LinkKind.ACCOUNTS, "80", "Old", active=False))
    lists.refresh(database, books, book.id or 0)
    return books


def test_a_list_is_read_again_only_when_it_is_old(database: Database, book: Book, listed: FakeBooks) -> None:
    assert lists.refresh(database, listed, book.id or 0) == []
    listed.lists.append(an_entry(LinkKind.TERMS, "3", "Net 30", due_days=30))
    assert lists.refresh(database, listed, book.id or 0, [LinkKind.TERMS], max_age=dt.timedelta(0)) == [LinkKind.TERMS]
    with database.reading() as session:
        assert lists.entries(session, book.id or 0, LinkKind.TERMS) == [
            Entry(LinkKind.TERMS, "3", "Net 30", due_days=30)
        ]


def test_a_list_loses_what_the_ledger_no_longer_has(database: Database, book: Book, listed: FakeBooks) -> None:
    listed.lists.clear()
    lists.refresh(database, listed, book.id or 0, max_age=dt.timedelta(0))
    with database.reading() as session:
        assert lists.entries(session, book.id or 0, LinkKind.CUSTOMERS) == []


def test_what_the_psa_refers_to_is_listed_unlinked(session: Session, book: Book, listed: FakeBooks) -> None:
    links.remember(session, 1, [ACME, ACME])
    links.remember(session, 1, [Need(LinkKind.CUSTOMERS, "77", "Acme Dental Group", "party")])
    session.commit()
    row = links.listing(session, book, LinkKind.CUSTOMERS)[0]
    assert row.to_json() == {
        "source_id": "77", "source_name": "Acme Dental Group", "ledger_id": "", "ledger_name": "", "origin": "",
        "waiting": 0,
    }  # fmt: skip


def test_a_person_links_an_id_never_seen_and_replaces_it(session: Session, book: Book, listed: FakeBooks) -> None:
    listed.lists.append(an_entry(LinkKind.ACCOUNTS, "81", "Other Income"))
    lists.put(session, 1, listed.lists[-1])
    links.set_link(session, book, LinkKind.ACCOUNTS, "4100", "79", by="ab")
    links.set_link(session, book, LinkKind.ACCOUNTS, "4100", "81", by="ab")
    assert [(row.source_id, row.ledger_id, row.origin) for row in session.exec(select(Link))] == [
        ("4100", "81", "person")
    ]
    assert [row.detail["old"] for row in session.exec(select(Audit))] == ["", "79"]


def test_an_unknown_or_inactive_ledger_id_is_refused(session: Session, book: Book, listed: FakeBooks) -> None:
    with pytest.raises(ValidationError, match="no account with the id “999”"):
        links.set_link(session, book, LinkKind.ACCOUNTS, "4100", "999", by="ab")
    with pytest.raises(ValidationError, match="inactive"):
        links.set_link(session, book, LinkKind.ACCOUNTS, "4100", "80", by="ab")
    assert session.exec(select(Link)).all() == []


def test_an_exact_name_is_taken_once_and_found_again(session: Session, book: Book, listed: FakeBooks) -> None:
    index = links.Index.load(session, 1)
    assert index.entry(LinkKind.CUSTOMERS, "77") is None
    assert index.exact(LinkKind.CUSTOMERS, "Acme Dental") == ACME_ENTRY
    links.take_exact(session, 1, ACME, ACME_ENTRY, by="ab")
    session.commit()
    assert links.Index.load(session, 1).entry(LinkKind.CUSTOMERS, "77") == ACME_ENTRY


def test_a_link_made_by_a_person_outlives_an_exact_name(session: Session, book: Book, listed: FakeBooks) -> None:
    lists.put(session, 1, an_entry(LinkKind.CUSTOMERS, "13", "Acme Group"))
    links.set_link(session, book, LinkKind.CUSTOMERS, "77", "13", by="ab")
    links.take_exact(session, 1, ACME, ACME_ENTRY, by="batch")
    session.commit()
    assert links.Index.load(session, 1).linked(LinkKind.CUSTOMERS, "77") == "13"


def test_a_created_entry_is_linked_and_listed(session: Session, book: Book, listed: FakeBooks) -> None:
    bolt = an_entry(LinkKind.CUSTOMERS, "14", "Bolt")
    links.record_created(session, 1, "78", "Bolt", bolt, by="ab")
    session.commit()
    assert links.Index.load(session, 1).entry(LinkKind.CUSTOMERS, "78") == bolt
    assert links.listing(session, book, LinkKind.CUSTOMERS)[0].origin == "created"


def test_a_link_to_an_entry_that_is_gone_counts_as_none(session: Session, book: Book, listed: FakeBooks) -> None:
    session.add(Link(book_id=1, kind="customers", source_id="79", source_name="Gone", ledger_id="500", origin="person"))
    session.commit()
    index = links.Index.load(session, 1)
    assert index.entry(LinkKind.CUSTOMERS, "79") is None
    assert index.linked(LinkKind.CUSTOMERS, "79") == "500"
    assert links.listing(session, book, LinkKind.CUSTOMERS)[0].gone
    links.take_exact(session, 1, Need(LinkKind.CUSTOMERS, "79", "Acme Dental", "party"), ACME_ENTRY, by="ab")
    session.commit()
    assert links.Index.load(session, 1).entry(LinkKind.CUSTOMERS, "79") == ACME_ENTRY


def test_the_list_says_how_many_held_documents_wait(session: Session, book: Book, listed: FakeBooks) -> None:
    links.remember(session, 1, [ACME, Need(LinkKind.CUSTOMERS, "78", "Bolt", "party")])
    session.add(a_source())
    session.flush()
    session.add(Batch(id=1, book_id=1, source_id=1, kind="invoices", name="x", by="ab"))
    session.flush()
    for number, state in enumerate(("held", "held", "posted"), 1):
        total = money("1.00").amount
        session.add(Posting(id=number, batch_id=1, book_id=1, state=state, date=THE_DAY, currency="USD", total=total))
        session.flush()
        problem = PostingProblem(
            posting_id=number, batch_id=1, code="customer_not_linked", severity="error", message=""
        )
        problem.subject = "customers:78"
        session.add(problem)
    session.commit()
    rows = links.listing(session, book, LinkKind.CUSTOMERS)
    assert [(row.source_name, row.waiting) for row in rows] == [("Bolt", 2), ("Acme Dental", 0)]
