"""A connected world for page tests: a PSA with five invoices, a company that knows some of what they need."""

from __future__ import annotations

import pytest

from app.database import Database
from app.domain.documents import Document, DocumentKind, Party
from app.domain.links import LinkKind
from app.domain.states import RecordKind
from app.models.connections import Link
from app.services.mapping import lists
from app.services.posting import running
from app.services.records import outlook, previews, records
from app.settings import Waits
from tests.builders import BOLT, THE_DAY, a_document, a_line, an_entry
from tests.fake_books import FakeBooks
from tests.fakes import FakeConnectors, FakeSource, some_tokens
from tests.rows import a_book, a_source

HOSTILE = Party("79", "=cmd|'/C calc'!A0 <script>alert(1)</script> & Co")
WAITS = Waits(running=0.1, between=0.1, lease=5)


def keep_young(patch: pytest.MonkeyPatch) -> None:
    """The cast's documents don't get old, however long ago their day is: what is old, nobody posts unasked."""
    patch.setattr(outlook, "old_before", lambda _today: THE_DAY)


def documents() -> list[Document]:
    """Two of Acme, one of Bolt on an account that is not linked, a credit memo, one with a hostile name."""
    return [
        a_document("39005"),
        a_document("39006", lines=(a_line("100.00"),), tax="7.00"),
        a_document("39007", party=BOLT, lines=(a_line("50.00", "4600"),), tax="0.00"),
        a_document("39008", kind=DocumentKind.CREDIT_MEMO, lines=(a_line("20.00"),), tax="0.00"),
        a_document("39009", party=HOSTILE, lines=(a_line("10.00"),), tax="0.00"),
    ]


class World:
    """Both vendors, connected; ``work`` lets a worker run over what is queued."""

    def __init__(self, database: Database, vendors: FakeConnectors) -> None:
        self.database = database
        self.vendors = vendors
        self.source = FakeSource(*documents())
        self.company = FakeBooks(
            "Demo MSP",
            "9341",
            an_entry(LinkKind.ACCOUNTS, "79", "Hardware sales", number="4100", detail="Income"),
            an_entry(LinkKind.ACCOUNTS, "91", "Security services", number="4600", detail="Income"),
            an_entry(LinkKind.CUSTOMERS, "1", "Acme Dental, P.C.", holder="customer"),
            an_entry(LinkKind.CUSTOMERS, "2", "Bolt & Nut Co", holder="customer"),
        )
        self.vendors.sources["https://psa.example"] = self.source
        self.vendors.books["9341"] = self.company
        self._rows()
        self.look()

    def _rows(self) -> None:
        with self.database.session() as session:
            source = a_source()
            session.add(source)
            session.flush()
            session.add(a_book(tokens=some_tokens(), source_id=source.id, is_default=True))
            session.flush()
            session.add(Link(book_id=1, kind="accounts", source_id="4100", source_name="4100", ledger_id="79"))
            session.commit()

    def look(self) -> None:
        """The PSA's list and the company's lists are read, and every record is looked at."""
        records.refresh(self.database, self.source, 1, RecordKind.INVOICES)
        lists.refresh(self.database, self.company, 1)
        previews.fill(self.database, self.source, 1, RecordKind.INVOICES)

    def work(self, batch_id: int = 1) -> None:
        """One worker, until it has nothing to do."""
        running.run(self.database, self.vendors, batch_id, WAITS)
