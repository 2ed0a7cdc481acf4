"""Changes of QuickBooks' entries whose answers are lost again and again: none is said to have failed that was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlmodel import select, update

from app.connectors.list_changes import EntryChangeOutcome, HeldEntry
from app.connectors.protocols import Slot
from app.database import Database
from app.domain.entry_data import EntryData
from app.domain.links import LinkKind
from app.domain.outcomes import InDoubt
from app.models.connections import Book
from app.models.workbench import EntryChange
from app.services.mapping import entry_changes
from tests.builders import an_entry
from tests.fakes import FakeBooks

KIND = LinkKind.CUSTOMERS


class Silent(FakeBooks):
    """Never answers; the change is made with the request of this number, 0 for never."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.sent, self.takes, self.faulty = 0, takes, False

    def held_entries(self, kind: LinkKind) -> list[HeldEntry]:
        return []

    def held_entry(self, kind: LinkKind, ledger_id: str) -> HeldEntry | None:
        if self.faulty:
            raise RuntimeError
        made = self.takes and self.sent >= self.takes
        return HeldEntry(an_entry(kind, ledger_id, "Acme"), "0", EntryData(email="new" if made else "old"))

    def entry_body(self, kind: LinkKind, held: HeldEntry, new: Mapping[str, Any]) -> str:
        return "{}"

    def change_entry(self, kind: LinkKind, body: str, request_id: str, slot: Slot) -> EntryChangeOutcome:
        self.sent += 1
        return InDoubt("no answer")


def wanted(database: Database, book: Book) -> None:
    with database.session() as session:
        session.add(EntryChange(book_id=book.id or 0, kind=KIND, ledger_id="1", name="Acme", state="wanted",
                                version="0", old={"email": "old"}, new={"email": "new"}))  # fmt: skip
        session.commit()


def work(database: Database, book: Book, ledger: Silent) -> EntryChange:
    """Time has gone by, and a worker comes."""
    with database.session() as session:
        session.exec(update(EntryChange).values(look_at=None))
        session.commit()
    entry_changes.carry_out(database, ledger, book.id or 0)
    with database.reading() as session:
        return session.exec(select(EntryChange)).one()


@pytest.mark.parametrize(("takes", "state"), [(entry_changes.MOST_TRIES + 1, "done"), (0, "refused")])
def test_after_the_last_try_a_look_says_whether_it_was_made(
    database: Database, book: Book, takes: int, state: str
) -> None:
    wanted(database, book)
    ledger = Silent(takes)
    seen = [work(database, book, ledger) for _ in range(entry_changes.MOST_TRIES + 2)]
    assert ledger.sent == entry_changes.MOST_TRIES + 1
    assert [row.state for row in seen] == ["sending"] * ledger.sent + [state]
    assert "did not answer" in (seen[-1].problem or {"message": "did not answer"})["message"]


def test_a_fault_of_our_own_counts_and_ends_a_change_that_was_never_sent(database: Database, book: Book) -> None:
    wanted(database, book)
    ledger = Silent(0)
    ledger.faulty = True
    for _ in range(entry_changes.MOST_TRIES + 1):
        with pytest.raises(RuntimeError):
            work(database, book, ledger)
    with database.reading() as session:
        row = session.exec(select(EntryChange)).one()
    assert (row.state, (row.problem or {})["code"]) == ("refused", "internal_error")
