"""Which documents go into which call."""

from __future__ import annotations

from collections import Counter

from sqlmodel import select

from app.database import Database
from app.domain.states import RecordKind
from app.models.connections import Book
from app.models.postings import CallMember, Posting
from app.services.batches import batches
from tests.builders import BOLT, a_document
from tests.fakes import FakeConnectors, FakeSource
from tests.routes.world import World


def test_a_last_call_waits_for_the_rest_of_a_customer_who_is_under_way(database: Database) -> None:
    """The first call takes ten of Bolt's eleven: Acme's five and the eleventh need one more between them, not two."""
    acme, bolt = [str(39000 + n) for n in range(5)], [str(39100 + n) for n in range(11)]
    world = World(database, FakeConnectors())
    world.source = FakeSource(*map(a_document, acme), *(a_document(record, party=BOLT) for record in bolt))
    world.vendors.sources["https://psa.example"] = world.source
    world.look()
    with database.session() as session:
        book = session.exec(select(Book)).one()
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=acme + bolt, by="a", name="n", accept=True)
    world.work()
    with database.reading() as session:
        assert set(session.exec(select(Posting.state))) == {"closed"}
        assert sorted(Counter(session.exec(select(CallMember.call_id))).values()) == [6, 10]
