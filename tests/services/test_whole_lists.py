"""Over real HTTP: both sides' lists read whole, an inactive entry made active, customer data brought over."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from sqlmodel import Session, select, update

from app.connectors.protocols import Slot, Wait
from app.domain.links import LinkKind
from app.domain.problems import ValidationError
from app.models.columns import utcnow
from app.models.connections import Book, Link
from app.models.workbench import EntryChange
from app.services.connections import books, connections
from app.services.mapping import customer_data, entry_changes, links, lists, proposals, source_lists, workbench
from tests import engine
from tests.engine import Engine

CUSTOMERS = LinkKind.CUSTOMERS


def read(working: Engine) -> None:
    with working.database.session() as session:
        source_lists.ask(session, session.get_one(Book, working.book_id), by=engine.BY)
    source_lists.work(working.database, working.connectors, working.book_id)


def settle(working: Engine, **values: str) -> None:
    with working.database.session() as session:
        wanted = {name.replace("__", "."): value for name, value in values.items()}
        books.set_settings(session, session.get_one(Book, working.book_id), wanted, engine.BY)


def edit(working: Engine, **order: Any) -> None:
    answer = requests.post(f"{working.both.quickbooks_online.url}/_edit", json=order, timeout=10)
    assert answer.ok, answer.text


def change(working: Engine, **order: Any) -> None:
    answer = requests.post(f"{working.both.connectwise.url}/_edit", json=order, timeout=10)
    assert answer.ok, answer.text


def linked_customer(working: Engine, session: Session) -> tuple[str, str]:
    """Any customer of the PSA that has the same name in the books, linked now: PSA id, ledger id."""
    book = session.get_one(Book, working.book_id)
    bench = workbench.bench(session, book, CUSTOMERS)
    line = next(line for line in bench.lines if not line.linked and bench.matcher.rank(line.source))
    entry = bench.matcher.rank(line.source)[0].entry
    links.set_link(session, book, CUSTOMERS, line.source.ident, entry.ledger_id, by=engine.BY)
    return line.source.ident, entry.ledger_id


def test_everything_is_proposed_from_both_whole_lists_before_any_document_needs_it(working: Engine) -> None:
    read(working)
    with working.database.reading() as session:
        book = session.get_one(Book, working.book_id)
        assert source_lists.reading(session, book.source_id).problem is None
        assert not source_lists.reading(session, book.source_id).under_way
        found = {kind: proposals.groups(session, book, kind) for kind in LinkKind}
        vendors = workbench.bench(session, book, LinkKind.VENDORS).lines
    counts = {kind: {group.key: len(group.proposals) for group in groups} for kind, groups in found.items()}
    assert {"name", "spelling", "inactive"} <= set(counts[CUSTOMERS])
    assert counts[LinkKind.ITEMS]["number"] > 3
    assert counts[LinkKind.TERMS]["name"] > 3
    assert any(line.source.is_member for line in vendors)
    assert any(not line.source.is_member for line in vendors)
    assert not session.exec(select(Link).where(Link.kind == CUSTOMERS, Link.ledger_id != "")).all()


def test_an_inactive_entry_is_made_active_once_and_linked(working: Engine) -> None:
    read(working)
    with working.database.session() as session:
        ident, ledger_id = linked_customer(working, session)
        name = lists.entry(session, working.book_id, CUSTOMERS, ledger_id)
    edit(working, entity="Customer", id=ledger_id, operation="inactivate")
    read(working)
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        session.delete(session.exec(select(Link).where(Link.kind == CUSTOMERS, Link.source_id == ident)).one())
        session.commit()
        change = entry_changes.wake(session, book, CUSTOMERS, ledger_id, by=engine.BY, source_id=ident)
        with pytest.raises(ValidationError, match="already"):
            entry_changes.wake(session, book, CUSTOMERS, ledger_id, by=engine.BY)
        number = change.id or 0
    entry_changes.work(working.database, working.connectors, working.book_id)
    with working.database.reading() as session:
        assert session.get_one(EntryChange, number).state == "done"
        entry = lists.entry(session, working.book_id, CUSTOMERS, ledger_id)
        assert entry is not None
        assert name is not None
        assert (entry.active, entry.name) == (True, name.name)
        assert links.Index.load(session, working.book_id).linked(CUSTOMERS, ident) == ledger_id


def test_customer_data_is_proposed_field_by_field_and_written_only_if_accepted(working: Engine) -> None:
    read(working)
    with working.database.session() as session:
        ident, ledger_id = linked_customer(working, session)
    change(
        working, action="change_company", company=int(ident), street="9 New Street", city="Salem", email="new@x.example"
    )
    with pytest.raises(ValidationError, match="Nothing is to be brought over"):
        customer_data.compare(working.database, working.connectors, working.book_id)
    settle(working, contacts__update_address="yes", contacts__update_email="yes")
    assert customer_data.compare(working.database, working.connectors, working.book_id) == 1
    before = held(working, ledger_id)
    entry_changes.work(working.database, working.connectors, working.book_id)
    assert held(working, ledger_id) == before
    accept_all(working)
    now = held(working, ledger_id)
    assert now.data.email == "new@x.example"
    assert (now.data.address.lines, now.data.address.city) == (("9 New Street",), "Salem")
    assert customer_data.compare(working.database, working.connectors, working.book_id) == 0
    settle(working, contacts__update_active="yes")
    change(working, action="change_company", company=int(ident), status="Former client")
    assert customer_data.compare(working.database, working.connectors, working.book_id) == 0
    settle(working, contacts__inactive_statuses="Suspended, former Client", contacts__update_terms="yes")
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        bench = workbench.bench(session, book, LinkKind.TERMS)
        same = {line.source.ident: bench.matcher.rank(line.source)[0].entry for line in bench.lines}
        net, ours = next((ident, one) for ident, one in same.items() if one.ledger_id != now.data.terms)
        links.set_link(session, book, LinkKind.TERMS, net, ours.ledger_id, by=engine.BY)
    change(working, action="change_company", company=int(ident), term_id=int(net))
    assert customer_data.compare(working.database, working.connectors, working.book_id) == 1
    accept_all(working)
    now = held(working, ledger_id)
    assert (now.data.terms, now.data.active) == (ours.ledger_id, False)


def test_what_was_edited_in_quickbooks_since_is_left_as_it_is(working: Engine) -> None:
    read(working)
    with working.database.session() as session:
        ident, ledger_id = linked_customer(working, session)
    settle(working, contacts__update_email="yes")
    change(working, action="change_company", company=int(ident), email="new@x.example")
    assert customer_data.compare(working.database, working.connectors, working.book_id) == 1
    edit(working, entity="Customer", id=ledger_id, changes={"PrimaryEmailAddr": {"Address": "hand@x.example"}})
    accept_all(working)
    assert held(working, ledger_id).data.email == "hand@x.example"
    with working.database.reading() as session:
        row = session.exec(select(EntryChange)).one()
        assert (row.state, (row.problem or {})["code"]) == ("refused", "edited_since")


def test_a_lost_answer_is_looked_up_and_nothing_is_written_twice(working: Engine) -> None:
    read(working)
    with working.database.session() as session:
        ident, ledger_id = linked_customer(working, session)
    settle(working, contacts__update_email="yes")
    change(working, action="change_company", company=int(ident), email="new@x.example")
    customer_data.compare(working.database, working.connectors, working.book_id)
    fault = {"kind": "lose_answer", "method": "POST", "entity": "Customer", "times": 1}
    requests.post(f"{working.both.quickbooks_online.url}/_faults", json=fault, timeout=10)
    accept_all(working)
    with working.database.session() as session:
        row = session.exec(select(EntryChange)).one()
        row.look_at = None
        session.add(row)
        session.commit()
    version = held(working, ledger_id).version
    entry_changes.work(working.database, working.connectors, working.book_id)
    assert held(working, ledger_id).version == version
    with working.database.reading() as session:
        assert session.exec(select(EntryChange)).one().state == "done"


def held(working: Engine, ledger_id: str) -> Any:
    destination: Any = connections.open_destination(working.database, working.connectors, working.book_id)
    return destination.held_entry(CUSTOMERS, ledger_id)


def accept_all(working: Engine) -> None:
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        idents = [row.id or 0 for row in entry_changes.proposed(session, book)]
        assert entry_changes.accept(session, book, idents, by=engine.BY) == len(idents)
    deadline = time.monotonic() + 20
    while unfinished(working) and time.monotonic() < deadline:  # QuickBooks' limit may have to be waited for
        entry_changes.work(working.database, working.connectors, working.book_id)


def unfinished(working: Engine) -> bool:
    with working.database.reading() as session:
        return session.exec(select(EntryChange.id).where(EntryChange.state == "wanted")).first() is not None


def test_a_worker_that_slept_past_its_lease_neither_sends_nor_overwrites_what_another_one_did(
    working: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(working)
    with working.database.session() as session:
        ident, ledger_id = linked_customer(working, session)
    settle(working, contacts__update_email="yes")
    change(working, action="change_company", company=int(ident), email="new@x.example")
    customer_data.compare(working.database, working.connectors, working.book_id)
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        wanted = [row.id or 0 for row in entry_changes.proposed(session, book)]
        entry_changes.accept(session, book, wanted, by=engine.BY)
    late = connections.open_destination(working.database, working.connectors, working.book_id)
    grant = late.reserve

    def sleeps(members: int) -> Slot | Wait:
        monkeypatch.undo()
        with working.database.session() as session:
            session.exec(update(EntryChange).values(look_at=utcnow()))
            session.commit()
        for _ in range(100):  # QuickBooks' limit may put it off
            entry_changes.work(working.database, working.connectors, working.book_id)
            if held(working, ledger_id).data.email == "new@x.example":
                break
            time.sleep(0.1)
        edit(working, entity="Customer", id=ledger_id, changes={"PrimaryEmailAddr": {"Address": "hand@x.example"}})
        return grant(members)

    monkeypatch.setattr(late, "reserve", sleeps)
    entry_changes.carry_out(working.database, late, working.book_id)
    assert held(working, ledger_id).data.email == "hand@x.example"
    with working.database.reading() as session:
        row = session.exec(select(EntryChange)).one()
        assert (row.state, row.tries) == ("done", 0)
