"""The tie-out, the drift list and the figures from stored rows, on both databases."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlmodel import select

from app.database import Database
from app.domain.links import LinkKind
from app.domain.tie_out import Reason
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book, Link, ListEntry
from app.models.postings import Posting, PostingRecord
from app.models.reconcile import Drift, DriftLook, LedgerDocument, PsaAgreement, PsaInvoice
from app.services.reconcile import agreements, drift, figures, looks, tie_out
from tests.rows import a_book, a_source

DAY = dt.date(2026, 11, 20)
MONTH = (2026, 11)


@pytest.fixture
def posted(database: Database) -> Database:
    """Three invoices of one PSA: posted here and edited, posted into another company, and posted by nobody."""
    now = utcnow()
    with database.session() as session:
        session.add(a_source())
        session.flush()
        session.add(a_book(source_id=1))
        session.add(a_book("Other", "77", source_id=1))
        session.flush()
        session.add(Link(book_id=1, kind=LinkKind.ACCOUNTS, source_id="4000", ledger_id="80"))
        session.add(Link(book_id=1, kind=LinkKind.CUSTOMERS, source_id="77", ledger_id="5"))
        session.add(
            ListEntry(book_id=1, kind=LinkKind.ACCOUNTS, ledger_id="80", name="Services", data={"number": "4000"})
        )
        session.add(ListEntry(book_id=1, kind=LinkKind.ITEMS, ledger_id="9", name="Work", data={"account_id": "80"}))
        session.add(DriftLook(book_id=1, first_day=dt.date(2025, 11, 1), started_at=now, ended_at=now, until=now))
        for record, accounts in (("1", {"4000": 90_00, "4600": 10_00}), ("2", None), ("3", None)):
            session.add(
                PsaInvoice(source_id=1, record=record, number=f"10{record}", party_id="77", party="Acme", date=DAY,
                           currency="USD", cents=107_00, tax_cents=7_00, open_cents=107_00, closed=True,
                           accounts=accounts, agreement_id="a1" if record == "1" else "")
            )  # fmt: skip
        session.add(
            LedgerDocument(book_id=1, kind="invoice", ledger_id="145", number="101", mark="CF-I1-g1", party_id="5",
                           party="Acme", date=DAY, due_date=DAY, currency="USD", cents=97_00, tax_cents=7_00,
                           open_cents=40_00, accounts={"item:9": 80_00, "80": 10_00})
        )  # fmt: skip
        for book_id, record in ((1, "1"), (2, "2")):
            batch = Batch(book_id=book_id, source_id=1, kind="invoices", name="one", by="x", ended_at=now)
            session.add(batch)
            session.flush()
            posting = Posting(
                batch_id=batch.id or 0, book_id=book_id, state="closed", number=f"10{record}", party="Acme", date=DAY,
                currency="USD", total=Decimal(107), cents=107_00, ledger_id="145", posted_at=now,
            )  # fmt: skip
            session.add(posting)
            session.flush()
            session.add(
                PostingRecord(posting_id=posting.id or 0, source_id=1, kind="invoices", record=record, fingerprint="f",
                              date_closed=now.isoformat())
            )  # fmt: skip
            session.add(Drift(book_id=book_id, posting_id=posting.id or 0, side="books", what="edited", signature="s"))
        for name, cancelled in (("a1", False), ("a2", False), ("a3", True)):
            session.add(PsaAgreement(source_id=1, agreement=name, currency="USD", cancelled=cancelled))
        session.commit()
    return database


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_month_from_stored_rows_adds_up_by_reason_customer_tax_and_account(posted: Database) -> None:
    with posted.reading() as session:
        book = session.exec(select(Book).where(Book.id == 1)).one()
        loaded = tie_out.load(session, book, MONTH)
        assert loaded is not None
        statement = loaded.statement(MONTH, "USD")
        found = {item.number: (item.reason, item.difference) for item in statement.items}
        assert found == {"101": (Reason.EDITED, -10_00), "103": (Reason.UNPOSTED, -107_00)}
        assert loaded.elsewhere == 1
        assert statement.adds_up
        assert [(row.name, row.psa, row.books) for row in statement.customers] == [("Acme", 214_00, 97_00)]
        assert [(row.name, row.psa, row.books) for row in statement.accounts] == [
            ("4000 Services", 90_00, 90_00), ("4600, not linked", 10_00, 0),
            ("Sales tax", 14_00, 7_00), ("Not told", 100_00, 0),
        ]  # fmt: skip
        assert [(item.number, item.paid_difference) for item in statement.payments] == [("101", -57_00)]
        assert loaded.months()[0][:2] == (MONTH, "USD")
        assert [a.agreement for a in agreements.without(session, 1, MONTH)] == ["a2"]
        assert drift.counts(session, 1) == {"open": 1}
        assert [(line.record, line.kind, line.batch) for line in drift.lines(session, 1)] == [("1", "invoices", "one")]
        assert figures.posted_per_week(session, book).points[-1].value == 1
        assert figures.close_to_posted(session, book).points[0].value == 1
        [(currency, ages)] = figures.receivables(session, book)
        assert (currency, sum(point.value for point in ages.points)) == ("USD", 40_00)
    assert looks.due(posted, utcnow()) == []  # nobody is connected


def test_what_was_undone_since_is_no_difference_any_more(posted: Database) -> None:
    with posted.session() as session:
        assert drift.open_count(session) == 2
        posting = session.get_one(Posting, 1)
        posting.state = "undone"
        session.add(posting)
        session.flush()
        assert (drift.open_count(session), drift.counts(session, 1), drift.lines(session, 1)) == (1, {}, [])
        drift.forget(session, 1)
        assert [row.book_id for row in session.exec(select(Drift))] == [2]
