"""Is everything alive that must be: workers, scheduler, connections; and what waits because it isn't."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from app.domain.states import PostingState
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book, SourceRow
from app.models.postings import Heartbeat, Posting
from app.services.batches import approvals
from app.services.paying import stripe_keys
from app.services.people import access

#: Heartbeats are written about once a minute; after this long their writer counts as gone.
SILENCE = dt.timedelta(seconds=150)
SCHEDULER, WORKER = "scheduler", "worker"


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the banners and the foot of the navigation say.

    Attributes:
        workers: how many answer now.
        last_worker: when one was last seen, where known.
        waiting: documents of unfinished batches that need a worker.
        last_scheduler: when the scheduler last spoke, where known.
    """

    workers: int
    last_worker: dt.datetime | None
    waiting: int
    scheduler_alive: bool
    last_scheduler: dt.datetime | None

    @property
    def fine(self) -> bool:
        return self.workers > 0 and self.scheduler_alive


@dataclass(frozen=True, slots=True)
class Broken:
    """A connection that a person must mend: ``side`` is ``book``, ``source``, or a book's ``stripe``."""

    side: str
    id: int
    name: str
    why: str


def vitals(session: Session, workers: Sequence[object], now: dt.datetime | None = None) -> Vitals:
    """``workers``: those that Redis knows to be alive."""
    now = now or utcnow()
    scheduler = seen(session, SCHEDULER)
    return Vitals(
        workers=len(workers),
        last_worker=None if workers else seen(session, WORKER),
        waiting=waiting_documents(session),
        scheduler_alive=scheduler is not None and now - scheduler < SILENCE,
        last_scheduler=scheduler,
    )


def seen(session: Session, name: str) -> dt.datetime | None:
    """When the process last said that it lives."""
    row = session.get(Heartbeat, name)
    return row.at if row else None


def waiting_documents(session: Session) -> int:
    """Documents that a worker would act on now."""
    query = (
        select(func.count())
        .select_from(Posting)
        .join(Batch, col(Batch.id) == Posting.batch_id)
        .where(col(Batch.ended_at).is_(None), col(Batch.stopped).is_(False))
        .where(col(Batch.approval).not_in(approvals.WAITING))
        .where(
            col(Posting.state).in_((PostingState.READY, PostingState.SENDING, PostingState.IN_DOUBT))
            | ((col(Posting.state) == PostingState.POSTED) & col(Posting.closed_at).is_(None))
        )
    )
    return session.exec(query).one()


def broken(session: Session) -> list[Broken]:
    """Connections that no longer let us in."""
    books = session.exec(select(Book).where(Book.broken != "").order_by(Book.name)).all()
    query = select(SourceRow).where(SourceRow.broken != "", access.sources_seen())
    sources = session.exec(query.order_by(SourceRow.name)).all()
    return [
        *(Broken("book", book.id or 0, book.name, book.broken) for book in books),
        *(Broken("source", row.id or 0, row.name, row.broken) for row in sources),
        *(Broken("stripe", book.id or 0, f"Stripe for {book.name}", why) for book, why in stripe_keys.broken(session)),
    ]


def by_state(session: Session) -> dict[str, int]:
    """How many postings are in each state, for the metrics."""
    query = select(Posting.state, func.count()).group_by(Posting.state)
    return dict(session.exec(query).all())
