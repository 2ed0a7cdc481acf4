"""Doubts that the ledger does not end: nobody waits for ever without being told."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlmodel import select, update

from app.connectors.protocols import OutgoingCall
from app.database import Database
from app.domain.states import PostingState, RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Call, Posting
from app.services.batches import batches
from app.services.posting import doubts
from tests.fakes import FakeConnectors
from tests.routes.world import World


def test_a_ledger_that_never_says_whether_it_holds_a_document_ends_the_batch_until_somebody_resumes_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubts, "MOST_LOOKS", 2)
    world = World(database, FakeConnectors())
    with database.session() as session:
        book = session.exec(select(Book)).one()
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=["39005"], by="a", name="n", accept=True)

    def blinded(_call: OutgoingCall) -> None:
        world.company.blind = "its answer has another form than expected"

    world.company.during = blinded
    world.company.next.append("lose_after")
    world.work()
    assert "another form" in (batch(database).waiting or {})["reason"]
    with database.session() as session:
        session.exec(update(Call).values(sent_at=utcnow() - dt.timedelta(minutes=20), due_at=utcnow()))
        session.commit()
    world.work()
    assert "another form" in (batch(database).failure or {})["message"]
    world.company.blind = ""
    with database.session() as session:
        session.exec(update(Call).values(due_at=utcnow()))
        batches.resume(session, batches.find(session, 1), by="a")
    world.work()
    with database.reading() as session:
        assert session.exec(select(Posting.state)).one() == PostingState.CLOSED


def batch(database: Database) -> Batch:
    with database.reading() as session:
        return session.get_one(Batch, 1)
