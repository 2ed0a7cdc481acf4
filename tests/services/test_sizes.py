"""What vendors send is as long and as large as they like: on PostgreSQL, which refuses what does not fit."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, select

from app.connectors.protocols import UnpostedRecord
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting
from app.models.records import UnpostedRow
from app.services.batches import overview
from app.services.records import records
from tests.builders import a_document, a_record
from tests.rows import a_source

KIND = RecordKind.INVOICES
#: Names of a record that are shown, with what their columns hold.
NAMES = {"number": 60, "psa_type": 30, "terms": 120, "tax_code": 120, "location": 200, "party": 600}
pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def source_id(session: Session) -> int:
    source = a_source()
    session.add(source)
    session.commit()
    return source.id or 0


def listed(session: Session, source_id: int, record: UnpostedRecord) -> UnpostedRow:
    records.store(session, source_id, KIND, [record])
    session.expire_all()
    return session.exec(select(UnpostedRow)).one()


def a_posting(session: Session, book: Book, source_id: int, **rest: object) -> Posting:
    batch = Batch(book_id=book.id or 0, source_id=source_id, kind=KIND, name="Monday", by="a@x.test")
    session.add(batch)
    session.flush()
    values = {"date": dt.date(2026, 3, 1), "currency": "USD", "total": Decimal(1), "state": "posted", **rest}
    posting = Posting(batch_id=batch.id or 0, book_id=book.id or 0, **values)  # type: ignore[arg-type]  # of many types
    session.add(posting)
    session.commit()
    session.expire_all()
    return posting


def test_names_longer_than_their_columns_are_cut_where_one_sees_it(session: Session, source_id: int) -> None:
    long: dict[str, Any] = {name: "Ä" * (size + 1) for name, size in NAMES.items()}
    row = listed(session, source_id, dataclasses.replace(a_record(a_document()), **long))
    assert {name: getattr(row, name) for name in NAMES} == {
        name: "Ä" * (size - 1) + "…" for name, size in NAMES.items()
    }


def test_names_that_just_fit_stay_whole(session: Session, source_id: int) -> None:
    fits: dict[str, Any] = {name: "x" * size for name, size in NAMES.items()}
    row = listed(session, source_id, dataclasses.replace(a_record(a_document()), **fits))
    assert {name: getattr(row, name) for name in NAMES} == fits


def test_words_longer_than_a_column_find_nothing_and_short_ones_still_do(session: Session, source_id: int) -> None:
    listed(session, source_id, a_record(a_document("39005")))
    assert records.matching(session, source_id, KIND, records.Filter(query="acme")) == ["39005"]
    assert records.matching(session, source_id, KIND, records.Filter(query="a" * 700)) == []


def test_what_the_ledger_calls_a_document_is_cut_as_well(session: Session, book: Book, source_id: int) -> None:
    posting = a_posting(session, book, source_id, number="n" * 99, ledger_number="1" * 99, party="p" * 999)
    assert [len(text) for text in (posting.number, posting.ledger_number, posting.party)] == [60, 60, 600]
    assert posting.ledger_number.endswith("1…")


def test_amounts_beyond_32_bits_are_held_and_summed_exactly(session: Session, book: Book, source_id: int) -> None:
    large = Decimal("98765432109.87")
    record = dataclasses.replace(a_record(a_document()), total=large)
    assert listed(session, source_id, record).cents == 9876543210987
    assert records.summed(session, source_id, KIND, records.Filter()).cents == {"USD": 9876543210987}
    posting = a_posting(session, book, source_id, cents=9876543210987, ledger_cents=-9876543210987)
    assert (posting.cents, posting.ledger_cents) == (9876543210987, -9876543210987)
    sums = overview.sums(session, [posting.batch_id])
    assert sums[posting.batch_id].cents == {"USD": 9876543210987}
    assert session.exec(select(Posting).where(col(Posting.cents) > 2**40)).one() is posting
