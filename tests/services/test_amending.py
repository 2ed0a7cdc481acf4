"""Two workers that give one bill its number at the same moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlmodel import select

from app.connectors.ledger_changes import ChangeOutcome, Changes
from app.connectors.protocols import Slot
from app.connectors.source_abilities import VendorInvoice
from app.database import Database
from app.domain.documents import DocumentKind
from app.domain.outcomes import Receipt, Refused
from app.domain.problems import Problem, Severity
from app.domain.states import RecordKind, SectionKey
from app.models.connections import Book
from app.models.postings import Posting, PostingProblem
from app.services.batches import batches
from app.services.posting import amending, posting_problems
from tests.fakes import FakeBooks, FakeConnectors
from tests.routes.world import World


class Rival(FakeBooks):
    """Another worker's change comes just before ours, which is refused as an edit of an older version."""

    voidable: Collection[DocumentKind] = ()

    def update(self, kind: DocumentKind, receipt: Receipt, new: Changes, request_id: str, slot: Slot) -> ChangeOutcome:
        self.documents[receipt.ledger_id] = replace(receipt, number=new.number or "")
        return Refused(Problem("edited_since", "Somebody else edited it.", "Look at it."))


def test_of_two_workers_that_amend_one_bill_the_second_says_what_the_first_has_done(database: Database) -> None:
    world = World(database, FakeConnectors())
    with database.session() as session:
        book = session.exec(select(Book)).one()
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=["39005"], by="a", name="n", accept=True)
    world.work()
    rival = Rival()
    rival.documents = world.company.documents
    waiting = Problem(amending.WAITING, "Its vendor’s invoice has not come.", "", Severity.INFO)
    with database.session() as session:
        posting_problems.add(session, session.exec(select(Posting)).one(), SectionKey.DOCUMENTS, waiting)
        session.commit()
    assert amending._amend(database, rival, 1, VendorInvoice("V-7"))
    with database.reading() as session:
        assert session.exec(select(Posting.number)).one() == "V-7"
        codes = set(session.exec(select(PostingProblem.code)))
    assert codes.isdisjoint({amending.WAITING, amending.UNDER_WAY, "bill_not_amended"})
