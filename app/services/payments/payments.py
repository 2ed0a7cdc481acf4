"""Payment sync: orders. What a batch of payments then does stands in runs.py and the stages it names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from app.domain.payment_settings import Options
from app.domain.problems import ValidationError
from app.domain.states import IN_BOOKS, SectionKey
from app.models.batches import Batch, Section
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.payments import PaymentMark, PaymentRun
from app.models.postings import Posting
from app.services.batches import approvals, names
from app.services.connections import books
from app.services.people import audit

#: The kind of its batches.
KIND = "payments"
SECTIONS = (SectionKey.READ, SectionKey.CHECK, SectionKey.DOCUMENTS, SectionKey.PROVE)
#: Letter of its batches' names: money.
LETTER = "M"
#: Nobody needs to look further back.
FURTHEST = dt.timedelta(days=3660)
#: A ledger that tells of changes starts at most one run in so long.
QUIET = dt.timedelta(minutes=5)


def submit(
    session: Session,
    book: Book,
    *,
    by: str,
    since: dt.datetime | None = None,
    initials: str = "X",
    name: str = "",
    mode: str = "post",
    auto: bool = False,
    token: str | None = None,
    approval: bool | None = None,
) -> Batch:
    """Make a batch of payments and commit it; the caller rings the doorbell.

    ``since`` (aware) looks further back than the last run did, never less far; None goes on where the last run ended.
    ``mode`` is ``post``, or ``dry`` to see only what would change. A second submit with the same ``token`` answers
    with the first one's batch. ``approval``: whether another person must approve what it found, before it is written;
    None for what the company's setting says. Raises ValidationError.
    """
    if token and (twin := session.exec(select(Batch).where(Batch.token == token)).first()):
        return twin
    source_id = books.source_of(book)
    if since is not None and not utcnow() - FURTHEST < since <= utcnow() + dt.timedelta(days=1):
        raise ValidationError("Payments cannot be read from that day on.", "Give a day of the last ten years.")
    today = books.today_of(book)
    name = name.strip() or _free_name(session, book, f"{today:%Y%m%d}-{initials}-{LETTER}")
    names.validate(session, book, name)
    batch = Batch(
        book_id=book.id or 0, source_id=source_id, kind=KIND, name=name, name_key=None if mode == "dry" else name,
        by=by, mode=mode, auto=auto, token=token,
    )  # fmt: skip
    if mode != "dry" and (approvals.needed(book) if approval is None else approval):
        batch.prepared_by = [by]  # asked for once it is known what would be written
    session.add(batch)
    try:
        session.flush()
        _complete(session, batch, since)
        audit.record(session, by, f"payments.{mode}", f"batch:{batch.id}", name=name, since=_day(since))
        session.commit()
    except IntegrityError as error:
        session.rollback()
        if token and (twin := session.exec(select(Batch).where(Batch.token == token)).first()):
            return twin
        raise ValidationError("Another batch took the same name at this very moment.", "Submit it again.") from error
    return batch


def _free_name(session: Session, book: Book, stem: str) -> str:
    """The stem, or where it is taken the stem with a number behind it."""
    query = select(Batch.name_key).where(
        Batch.book_id == book.id, col(Batch.name_key).startswith(stem, autoescape=True)
    )
    taken, number = set(session.exec(query)), 0
    while (name := f"{stem}-{number}" if number else stem) in taken:
        number += 1
    return name


def _complete(session: Session, batch: Batch, since: dt.datetime | None) -> None:
    session.add(PaymentRun(batch_id=batch.id or 0, book_id=batch.book_id, since=since))
    sections = SECTIONS[:2] if batch.mode == "dry" else SECTIONS
    session.add_all(Section(batch_id=batch.id or 0, key=key) for key in sections)
    if session.get(PaymentMark, batch.book_id) is None:
        session.add(PaymentMark(book_id=batch.book_id))


def _day(since: dt.datetime | None) -> str:
    return since.date().isoformat() if since else ""


def options_of(book: Book) -> Options:
    """What the company's settings say."""
    return Options.of(books.show(book))


# ── how far back ─────────────────────────────────────────────────────────────────────────────────────────────────


def until(session: Session, book_id: int) -> dt.datetime | None:
    """Everything that changed before this is known; None before the first run."""
    mark = session.get(PaymentMark, book_id)
    return mark.until if mark else None


def since(session: Session, book_id: int, wanted: dt.datetime | None) -> dt.datetime:
    """Where a run begins to read. Never later than the last one ended: nothing may fall between two runs."""
    known = until(session, book_id) or _first(session, book_id)
    return min(known, wanted) if wanted else known


def _first(session: Session, book_id: int) -> dt.datetime:
    """The first run goes back to the first invoice that Crossfoot brought into the books."""
    query = select(func.min(Posting.posted_at)).where(Posting.book_id == book_id, col(Posting.state).in_(IN_BOOKS))
    found = session.exec(query).one()
    return utcnow() if found is None else found - dt.timedelta(days=1)


# ── which batches ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest batch of payments of a Book that was no dry run."""

    batch: Batch
    until: dt.datetime | None


def last(session: Session, book_id: int) -> LastRun | None:
    """None before the first one."""
    query = select(Batch).where(Batch.book_id == book_id, Batch.kind == KIND, Batch.mode == "post")
    found = session.exec(query.order_by(col(Batch.id).desc()).limit(1)).first()
    return LastRun(found, until(session, book_id)) if found else None


def moving(session: Session, book_id: int) -> Batch | None:
    """A batch of payments that is at work, or about to be."""
    query = select(Batch).where(Batch.book_id == book_id, Batch.kind == KIND, Batch.mode == "post")
    going = (col(Batch.ended_at).is_(None), col(Batch.stopped).is_(False), col(Batch.approval) != "wanted")
    return session.exec(query.where(*going)).first()


def ring(session: Session, realms: set[str]) -> list[int]:
    """The ledger says that something changed in these companies: note it, and commit. Answers their Books.

    Only companies whose payments were synced by a person before: switching it on is that person's decision.
    """
    query = select(Book, PaymentMark).join(PaymentMark, col(PaymentMark.book_id) == Book.id)
    found = []
    for book, mark in session.exec(query.where(col(Book.ledger_id).in_(realms), col(PaymentMark.until).is_not(None))):
        mark.rung_at = utcnow()
        session.add(mark)
        found.append(book.id or 0)
    session.commit()
    return found


def due(session: Session) -> list[int]:
    """Books that were rung for, whose last run began before that and ended long enough ago."""
    found = []
    for mark in session.exec(select(PaymentMark).where(col(PaymentMark.rung_at).is_not(None))):
        newest = last(session, mark.book_id)
        if newest is None or newest.batch.ended_at is None or mark.rung_at is None:
            continue
        began = newest.batch.started_at or newest.batch.submitted_at
        if began < mark.rung_at and newest.batch.ended_at < utcnow() - QUIET:
            found.append(mark.book_id)
    return found


def answer(session: Session, book_id: int) -> Batch | None:
    """A run because the ledger rang; None where one is under way, or has read what it rang for."""
    if book_id not in due(session):
        return None
    book = session.get_one(Book, book_id)
    return submit(session, book, by="QuickBooks", initials="QB") if book.connected else None
