"""Changes of QuickBooks' entries and the comparison of customers: killed anywhere, answered by nobody, done once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import col, delete, select, update

from app.domain.links import LinkKind
from app.models.connections import Book, Link
from app.models.workbench import EntryChange
from app.services.mapping import customer_data, entry_changes
from tests import engine
from tests.campaign.entry_points import points
from tests.campaign.service import Row
from tests.faults.rig import Rig
from tests.services.test_whole_lists import change, edit, linked_customer, read, settle

CUSTOMERS = LinkKind.CUSTOMERS
CHANGE = points("customer")
COMPARE = {
    "taken": ("committed", r"UPDATE entry_changes SET look_at", 1),
    "PSA's customers read": ("answer", r"GET .*/company/companies", 1),
    "QuickBooks' customers read": ("answer", r"GET .*/query", 1),
    "proposals not quite committed": ("commit", r"INSERT INTO entry_changes", 1),
    "proposals committed": ("committed", r"INSERT INTO entry_changes", 1),
    "not quite ended": ("commit", r"UPDATE entry_changes SET state=.*'done'", 1),
}


class Customers:
    """Customers that are linked, and whose data differs, or who are inactive in QuickBooks and not linked."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.engine = rig, rig.engine
        read(self.engine)
        with self.engine.database.session() as session:
            found = [linked_customer(self.engine, session) for _ in range(8)]
            owing = self.engine.company.balances  # those can't be made inactive
            self.linked = [pair for pair in found if not owing[pair[1]]][:2]
            others = [ident for ident, _ in found if ident not in dict(self.linked)]
            session.exec(delete(Link).where(col(Link.kind) == CUSTOMERS, col(Link.source_id).in_(others)))
            session.commit()
        settle(self.engine, contacts__update_email="yes")

    def differ(self) -> None:
        for ident, _ in self.linked:
            change(self.engine, action="change_company", company=int(ident), email=f"new{ident}@x.example")

    def ask(self) -> None:
        with self.engine.database.session() as session:
            customer_data.ask(session, session.get_one(Book, self.engine.book_id), by=engine.BY)

    def accepted(self) -> None:
        """Both are to get their e-mail."""
        self.differ()
        assert customer_data.compare(self.engine.database, self.engine.connectors, self.engine.book_id) == 2
        with self.engine.database.session() as session:
            book = session.get_one(Book, self.engine.book_id)
            wanted = [row.id or 0 for row in entry_changes.proposed(session, book)]
            assert entry_changes.accept(session, book, wanted, by=engine.BY) == 2

    def woken(self) -> None:
        """Both are inactive, and are to be active and linked."""
        for _, ledger_id in self.linked:
            edit(self.engine, entity="Customer", id=ledger_id, operation="inactivate")
        read(self.engine)
        with self.engine.database.session() as session:
            for ident, ledger_id in self.linked:
                mine = select(Link).where(Link.kind == CUSTOMERS, Link.source_id == ident)
                session.delete(session.exec(mine).one())
                session.commit()
                book = session.get_one(Book, self.engine.book_id)
                entry_changes.wake(session, book, CUSTOMERS, ledger_id, by=engine.BY, source_id=ident)

    def versions(self) -> list[int]:
        found = [self.engine.company.find("Customer", ledger_id) for _, ledger_id in self.linked]
        return [int((customer or {})["SyncToken"]) for customer in found]

    def work(self, job: str, **trap: Any) -> None:
        worker = self.rig.worker(self.engine.book_id, job=job, **trap)
        assert worker.ended(30)

    def later(self, job: str) -> None:
        """Leases end, and others take over, again and again."""
        for _ in range(6):
            with self.engine.database.session() as session:
                session.exec(update(EntryChange).where(col(EntryChange.look_at).is_not(None)).values(look_at=None))
                session.commit()
            self.work(job)

    def sending(self) -> int:
        with self.engine.database.reading() as session:
            return len(session.exec(select(EntryChange.id).where(EntryChange.state == "sending")).all())

    def assert_changed_once(self, before: list[int]) -> None:
        with self.engine.database.reading() as session:
            rows = session.exec(select(EntryChange).where(EntryChange.ledger_id != "")).all()
            links = dict(session.exec(select(Link.source_id, Link.ledger_id).where(Link.kind == CUSTOMERS)).all())
        assert [row.state for row in rows] == ["done"] * 2, [row.problem for row in rows]
        assert self.versions() == [version + 1 for version in before]
        for ident, ledger_id in self.linked:
            held = self.engine.company.find("Customer", ledger_id) or {}
            assert (held["Active"], links[ident]) == (True, ledger_id)
            if "email" in rows[0].new:
                assert held["PrimaryEmailAddr"]["Address"] == f"new{ident}@x.example"


WANTED: dict[str, Callable[[Customers], None]] = {"made active": Customers.woken, "data": Customers.accepted}


@pytest.mark.parametrize("point", CHANGE.values(), ids=CHANGE)
@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED)
def test_a_worker_killed_while_it_changes_an_entry_changes_each_once(
    rig: Rig, row: Row, wanted: Callable[[Customers], None], point: tuple[str, str, int]
) -> None:
    customers = Customers(rig)
    wanted(customers)
    before = customers.versions()
    moment, pattern, nth = point
    customers.work("entry_changes", moment=moment, pattern=pattern, nth=nth)
    assert rig.sign.exists(), "the worker never came to this point"
    row.killed(customers.sending())
    customers.later("entry_changes")
    customers.assert_changed_once(before)


@pytest.mark.parametrize("fault", ["lose_answer", "drop_before", "500_after"])
@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED)
def test_an_answer_that_does_not_come_is_looked_up(
    rig: Rig, row: Row, wanted: Callable[[Customers], None], fault: str
) -> None:
    row.scenario = f"{fault} while an entry is changed"
    customers = Customers(rig)
    wanted(customers)
    before = customers.versions()
    rig.engine.company.faults.add(fault, method="POST", entity="Customer", times=2)
    customers.later("entry_changes")
    assert customers.versions() != before
    customers.assert_changed_once(before)


@pytest.mark.parametrize("point", COMPARE.values(), ids=COMPARE)
def test_a_comparison_killed_anywhere_is_done_once_by_another_worker(
    rig: Rig, row: Row, point: tuple[str, str, int]
) -> None:
    customers = Customers(rig)
    customers.differ()
    customers.ask()
    moment, pattern, nth = point
    customers.work("comparing", moment=moment, pattern=pattern, nth=nth)
    assert rig.sign.exists(), "the worker never came to this point"
    row.killed(customers.sending())
    customers.ask()  # a second person
    customers.later("comparing")
    with rig.engine.database.reading() as session:
        book = session.get_one(Book, rig.engine.book_id)
        assert len(entry_changes.proposed(session, book)) == 2
        last = customer_data.last(session, book)
    assert last is not None
    assert (last.under_way, last.problem) == (False, None)
