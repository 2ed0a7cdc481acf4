"""The audit log: what a row knows, how it is found again, and how it reads."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import Session

from app.domain import book_settings
from app.models.batches import Batch
from app.models.connections import Book
from app.models.people import Audit
from app.models.postings import Posting
from app.services.batches import decisions
from app.services.people import audit, audit_log, audit_words
from app.services.people.audit_log import Filter
from app.services.people.audit_words import Change
from tests.rows import a_source


def deed(
    session: Session, action: str = "user.login", subject: str = "", actor: str = "a@x.test", **detail: object
) -> Audit:
    row = audit.record(session, actor, action, subject, **detail)
    session.commit()
    return row


def found(session: Session, **wanted: object) -> list[str]:
    """Acts of the rows that a filter leaves, newest first."""
    return [row.action for row in audit_log.page(session, Filter(**wanted))[0]]  # type: ignore[arg-type]  # a test's short cut


def test_a_row_knows_where_its_request_came_from_and_nothing_where_there_was_none(session: Session) -> None:
    token = audit.address.set("2001:db8::7")
    there = deed(session)
    audit.address.reset(token)
    assert (there.address, deed(session).address) == ("2001:db8::7", "")


def test_a_row_knows_its_company_from_whatever_it_is_about(session: Session, book: Book) -> None:
    source = a_source()
    session.add(source)
    session.flush()
    batch = Batch(book_id=book.id or 0, source_id=source.id or 0, kind="invoices", name="Monday", by="a@x.test")
    session.add(batch)
    session.flush()
    posting = Posting(
        batch_id=batch.id or 0,
        book_id=book.id or 0,
        date=dt.date(2026, 3, 1),
        currency="USD",
        total=Decimal(1),
        number="10394",
    )
    session.add(posting)
    session.flush()
    subjects = (f"book:{book.id}", f"batch:{batch.id}", f"posting:{posting.id}")
    rows = [deed(session, subject=subject) for subject in subjects]
    rows.append(deed(session, subject="accounts:4600", book=book.id))
    assert [row.book_id for row in rows] == [book.id] * 4
    assert deed(session, subject="user:9").book_id is None
    assert {k: v.label for k, v in audit_log.things(session, rows).items()} == dict(
        zip(subjects, ("Demo MSP", "Monday", "document 10394"), strict=True)
    )


def test_rows_are_found_by_person_act_company_dates_and_words(session: Session, book: Book) -> None:
    old = deed(session, "book.settings", f"book:{book.id}", old={"sales.summary": "default"}, new={})
    old.at = dt.datetime(2026, 1, 31, 23, 59, tzinfo=dt.UTC)
    deed(session, "user.login", actor="b@x.test", browser="Firefox on Linux")
    session.commit()
    february = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    assert found(session, actor="b@x.test") == ["user.login"]
    assert found(session, action="book.settings") == ["book.settings"]
    assert found(session, book_id=book.id) == ["book.settings"]
    assert found(session, until=february) == ["book.settings"]
    assert found(session, since=february) == ["user.login"]
    assert found(session, words="firefox b@x") == ["user.login"]
    assert found(session, words="changed settings") == ["book.settings"]
    assert found(session, words="100%") == []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_pages_and_the_file_hold_every_row_once(session: Session) -> None:
    for number in range(audit_log.PAGE + 5):
        audit.record(session, "a@x.test", "user.role", f"user:{number}", old="viewer", new="admin")
    session.commit()
    first, key = audit_log.page(session, Filter())
    second, end = audit_log.page(session, Filter(), key)
    assert (len(first), len(second), end) == (100, 5, None)
    lines = list(csv.DictReader(io.StringIO("".join(audit_log.as_csv(session, Filter())))))
    assert [line["to"] for line in lines] == [row.subject for row in (*first, *second)]
    assert (lines[0]["did"], lines[0]["old"], lines[0]["new"]) == ("changed a role", "viewer", "admin")


def test_no_cell_of_the_file_is_a_formula(session: Session) -> None:
    deed(session, "record.hold", "invoices:1", actor="=cmd|' /C calc'!A0", reason="-1+1")
    assert ",'=cmd|" in "".join(audit_log.as_csv(session, Filter()))


def test_changed_settings_read_in_the_words_of_their_page() -> None:
    detail = {"old": {"sales.summary": "default", "port": 25}, "new": {"sales.summary": "condensed", "port": 587}}
    names = [(change.name, change.old, change.new) for change in audit_words.changes(detail)]
    setting = book_settings.SETTINGS["sales.summary"]
    words = dict(setting.choices)
    assert names == [(setting.label, words["default"], words["condensed"]), ("port", "25", "587")]
    assert audit_words.changes({"old": "viewer", "new": "admin"}) == [Change("", "viewer", "admin")]
    linked = {"old": "", "new": "1", "name": "Acme Dental", "book": 1}
    assert (audit_words.changes(linked), audit_words.rest(linked)) == ([Change("", "nothing", "Acme Dental (1)")], "")
    assert audit_words.thing("items:account:4010") == "item of account 4010"
    assert audit_words.changes({"new": {"sender": "a@x.test"}, "old": {}}) == [Change("sender", "nothing", "a@x.test")]


def test_every_act_that_the_program_records_has_words() -> None:
    """Those whose names are put together are named here."""
    said = {"batch.post", "batch.dry", "batch.clear", "link.person", "link.exact_name", "link.created"}
    said |= {f"decide.{choice}" for choice in decisions.CHOICES}
    for path in Path(audit.__file__).parents[2].glob("**/*.py"):
        said |= set(
            re.findall(r'audit\.record\(\s*session, [\w.]+(?: or [\w.]+)?, "([a-z_]+\.[a-z_]+)"', path.read_text())
        )
    assert len(said) > 30
    assert not said - audit_words.ACTS.keys()
