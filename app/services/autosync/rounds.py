"""Rounds: one batch per kind, submitted together, shown together. AutoSync and "Run everything ready" make them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, delete, select

from app.database import Database
from app.domain.problems import NotFoundError
from app.domain.states import RecordKind, Status
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.rounds import Round, RoundBatch
from app.services.batches import batches, names, overview, progress, queueing
from app.services.connections import books
from app.services.records.records import Sum

#: How long runs without a batch are kept.
KEPT = dt.timedelta(days=90)
#: From good to bad; a round is as bad as its worst batch, and runs as long as one of them does.
WORSE = (
    Status.SKIPPED, Status.COMPLETED, Status.COMPLETED_WITH_WARNINGS, Status.STOPPED, Status.AWAITING_APPROVAL,
    Status.COMPLETED_WITH_ERRORS, Status.FAILED, Status.QUEUED, Status.RUNNING,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """What the batches of a round have in common.

    ``pattern``: of their names; empty for the usual names. ``approval``: None for what the company says.
    """

    location: str = ""
    through: dt.date | None = None
    summary: str = "default"
    accept: bool = False
    pattern: str = ""
    initials: str = "X"
    mode: str = "post"
    approval: bool | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A round with its batches, each with status and sum."""

    round: Round
    batches: Sequence[tuple[Batch, str, Sum]]
    status: str

    @property
    def moving(self) -> bool:
        """Whether something will still change by itself."""
        return self.round.state != "ended" or self.status in (Status.QUEUED, Status.RUNNING)


def ordered(book: Book, kinds: Iterable[RecordKind] = RecordKind) -> list[RecordKind]:
    """Kinds in the order in which they are submitted.

    Whoever creates an item decides what it is for good. Where purchases create stock items they go first, or invoices
    would make the same products ones without stock; else invoices do, because an item needs an account to be sold.
    """
    stock = bool(books.setting_of(book, "inventory.income_account"))
    found = [kind for kind in RecordKind if kind in set(kinds)]
    return sorted(found, key=lambda kind: stock and kind is not RecordKind.INVENTORY)


def begin(session: Session, book: Book, *, by: str) -> Round:
    """A person's round; its batches follow at once. Commits."""
    made = Round(book_id=book.id or 0, by=by, state="ended")
    session.add(made)
    session.commit()
    return made


def find(session: Session, round_id: int) -> Round:
    """Raises NotFoundError."""
    found = session.get(Round, round_id)
    if found is None:
        raise NotFoundError(f"There is no run {round_id}.", "Look at the list of batches.")
    return found


def token(made: Round, kind: str) -> str:
    """Whoever submits for this round and kind twice gets the same batch."""
    return f"round-{made.id}-{kind}"


def submit(
    session: Session, made: Round, book: Book, kind: RecordKind, wanted: Sequence[str], order: Order, *, by: str
) -> Batch:
    """The batch of one kind, tied to its round; commits. Raises ValidationError."""
    batch = batches.submit(
        session,
        book,
        kind=kind,
        wanted=wanted,
        by=by,
        initials=order.initials,
        name=name(session, book, kind, order.pattern) if order.pattern else "",
        summary=order.summary,
        through=order.through,
        location=order.location,
        accept=order.accept,
        mode=order.mode,
        auto=made.auto,
        approval=order.approval,
        token=token(made, kind),
        today=books.today_of(book),
    )
    tie(session, made, batch)
    return batch


def name(session: Session, book: Book, kind: str, pattern: str) -> str:
    """Of a batch of the kind, at this moment on the company's clock."""
    return names.from_pattern(session, book, pattern, kind, utcnow().astimezone(ZoneInfo(books.zone_of(book))))


def tie(session: Session, made: Round, batch: Batch) -> None:
    """The batch belongs to this round, and to no other. Commits."""
    row = session.get(RoundBatch, batch.id) or RoundBatch(batch_id=batch.id or 0, round_id=0)
    row.round_id = made.id or 0
    session.add(row)
    session.commit()


def twin(session: Session, made: Round, kind: str) -> Batch | None:
    """The batch that was submitted for this round and kind already."""
    return session.exec(select(Batch).where(Batch.token == token(made, kind))).first()


def batches_of(session: Session, made: Round) -> list[Batch]:
    """In the order of their submitting."""
    tied = select(RoundBatch.batch_id).where(RoundBatch.round_id == made.id)
    return list(session.exec(select(Batch).where(col(Batch.id).in_(tied)).order_by(col(Batch.id))))


def of_batch(session: Session, batch: Batch) -> Round | None:
    """The round that the batch belongs to."""
    query = select(Round).join(RoundBatch, col(RoundBatch.round_id) == Round.id)
    return session.exec(query.where(RoundBatch.batch_id == batch.id)).first()


def view(session: Session, made: Round) -> View:
    """As its batches stand now."""
    own = batches_of(session, made)
    sums = overview.sums(session, [batch.id or 0 for batch in own])
    rows = [(batch, progress.status(session, batch), sums.get(batch.id or 0, Sum(0, {}))) for batch in own]
    return View(made, rows, worst([status for _, status, _ in rows] or [made.status or Status.RUNNING]))


def worst(statuses: Iterable[str]) -> str:
    """The status of a round whose batches have these."""
    return max(statuses, key=lambda status: WORSE.index(Status(status)))


def at_rest(batch: Batch) -> bool:
    """Nothing of the batch goes on by itself: it has ended, is stopped, or waits for a person's approval."""
    return batch.ended_at is not None or batch.stopped or batch.approval in queueing.UNAPPROVED


def recent(session: Session, book_id: int, limit: int) -> list[Round]:
    """The newest rounds of AutoSync, oldest of them first."""
    query = select(Round).where(Round.book_id == book_id, col(Round.auto)).order_by(col(Round.id).desc()).limit(limit)
    return list(reversed(session.exec(query).all()))


def last_ended(session: Session, book_id: int, before: int = 0) -> Round | None:
    """AutoSync's newest round that has ended, or the newest before this one."""
    ended = (Round.book_id == book_id, col(Round.auto), Round.state == "ended")
    query = select(Round).where(*ended, *([col(Round.id) < before] if before else []))
    return session.exec(query.order_by(col(Round.id).desc()).limit(1)).first()


def forget(database: Database) -> None:
    """Rounds without a batch, of which nobody asks any more."""
    with database.session() as session:
        tied = select(RoundBatch.round_id)
        old = (col(Round.ended_at) < utcnow() - KEPT, col(Round.id).not_in(tied))
        session.exec(delete(Round).where(*old))
        session.commit()
