"""A run of a batch: both systems opened, the company's rules as they are now."""

from __future__ import annotations

import threading

from app.connectors.protocols import Connectors
from app.database import Database
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book, SourceRow
from app.services.batches import approvals
from app.services.connections import books, connections
from app.services.payments.payments import KIND as PAYMENTS
from app.services.posting.run import Run
from app.settings import Waits


def opened(
    database: Database,
    connectors: Connectors,
    batch_id: int,
    owner: str,
    waits: Waits,
    abandon: threading.Event | None,
) -> Run:
    """The run that holds the lease of ``owner``; the batch has begun. Raises ConnectionFailedError, CrossfootError."""
    with database.session() as session:
        batch = session.get_one(Batch, batch_id)
        batch.started_at = batch.started_at or utcnow()
        session.add(batch)
        book, source = session.get_one(Book, batch.book_id), session.get_one(SourceRow, batch.source_id)
        rules, code = books.rules_of(book), source.code
        session.commit()
    destination = connections.open_destination(database, connectors, batch.book_id)
    return Run(
        database=database,
        source=connections.open_source(database, connectors, batch.source_id),
        destination=destination,
        waits=waits,
        batch_id=batch_id,
        book_id=batch.book_id,
        source_id=batch.source_id,
        source_code=code,
        kind=RecordKind.INVOICES if batch.kind == PAYMENTS else RecordKind(batch.kind),
        rules=rules,
        accept=batch.accept,
        mode=batch.mode,
        by=batch.by,
        owner=owner,
        gated=batch.approval in approvals.WAITING,
        size=destination.max_members,
        abandon=abandon or threading.Event(),
    )
