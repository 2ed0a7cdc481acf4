"""Links as a file: out, filled in, back; all of it or nothing."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from app.domain.links import LinkKind, Need
from app.domain.problems import ValidationError
from app.models.connections import Book
from app.services.mapping import link_files, links, lists
from tests.builders import an_entry

KIND = LinkKind.CUSTOMERS


@pytest.fixture
def filled(session: Session, book: Book) -> Book:
    for ident, name in (("1", "Acme Dental"), ("2", "Bolt & Nut Co"), ("3", "=HYPERLINK(1)")):
        lists.put(session, book.id or 0, an_entry(KIND, ident, name))
    for source, name in (("77", "Acme Dental"), ("78", "Bolt and Nut"), ("=9", "=cmd|'/C calc'!A0")):
        links.remember(session, book.id or 0, [Need(KIND, source, name, "party")])
    session.commit()
    return book


def linked(session: Session, book: Book) -> dict[str, str]:
    return {row.source_id: row.ledger_id for row in links.listing(session, book, KIND)}


def test_a_file_holds_the_unlinked_too_and_runs_in_no_spreadsheet(session: Session, filled: Book) -> None:
    text = link_files.export(session, filled, KIND)
    assert text.splitlines()[0] == "source_id,source_name,ledger_id,ledger_name,origin"
    assert {line.split(",")[0] for line in text.splitlines()[1:]} == {"77", "78", "'=9"}
    assert "'=cmd" in text


def test_what_is_filled_in_is_linked_and_a_second_time_changes_nothing(session: Session, filled: Book) -> None:
    text = link_files.export(session, filled, KIND)
    text = text.replace("77,Acme Dental,,", "77,Acme Dental,1,").replace("'=9,'=cmd|'/C calc'!A0,,", "'=9,x,3,")
    assert link_files.load(session, filled, KIND, text, by="x") == 2
    assert linked(session, filled) == {"77": "1", "78": "", "=9": "3"}
    assert link_files.load(session, filled, KIND, text, by="x") == 0
    assert link_files.load(session, filled, KIND, link_files.export(session, filled, KIND), by="x") == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_names_filled_in_by_a_spreadsheet_are_links_too(
    session: Session, filled: Book, encoding: str, between: str
) -> None:
    rows = (
        ["source_id", "source_name", "ledger_id", "ledger_name"],
        ["77", "Café", "", "acme  DENTAL"],
        ["78", "", "", ""],
    )
    data = "\r\n".join(between.join(row) for row in rows).encode(encoding)
    assert link_files.load(session, filled, KIND, link_files.text_of(data), by="x") == 1
    assert linked(session, filled) == {"77": "1", "78": "", "=9": ""}
    with pytest.raises(ValidationError, match="line 2: QuickBooks has no active customer “Acme”, or several"):
        link_files.load(session, filled, KIND, "source_id,ledger_id,ledger_name\n78,,Acme", by="x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n1,2",
        'source_id,ledger_id\n77,"1',
        "source_id,ledger_id\n77,1\n78,404",
        "source_id,ledger_id\n77,1\n\x00,2",
    ],
)
def test_one_wrong_line_and_nothing_is_linked(session: Session, filled: Book, text: str) -> None:
    with pytest.raises(ValidationError) as error:
        link_files.load(session, filled, KIND, text, by="x")
    assert error.value.remedy
    session.rollback()
    assert set(linked(session, filled).values()) == {""}


def test_proposals_say_why_and_link_nothing(session: Session, filled: Book) -> None:
    found = {p.source_id: p.to_json()["candidates"] for p in link_files.proposals(session, filled, KIND)}
    assert found["77"][0]["ledger_id"] == "1"
    assert "same name" in found["77"][0]["reasons"]
    assert found["78"][0]["ledger_id"] == "2"
    assert set(linked(session, filled).values()) == {""}
