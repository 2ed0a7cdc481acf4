"""Drift: where a posted document is no longer as it was, and what a person says to it: keep, resend, ignore."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from app.connectors.protocols import Destination, Source
from app.database import Database
from app.domain.codec import from_json, to_json
from app.domain.drift import NOT_IN_BOOKS, Change, What, signature
from app.domain.outcomes import Receipt
from app.domain.problems import NotFoundError, ValidationError
from app.domain.states import STANDING, RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Posting, PostingRecord
from app.models.reconcile import Drift
from app.services.batches import batches
from app.services.people import audit
from app.services.posting import posting_problems, posting_rows, receipts, rerunning
from app.services.posting.reading import document_of

BOOKS, PSA = "books", "psa"
PAGE = 50
#: Stand beside a posting because of what a look, too, would say.
SAID = ("books_differ", "not_in_books", "several_in_books")


@dataclass(frozen=True, slots=True)
class Found:
    """What a look has to say about one posting on one side; ``receipt`` as the books hold it now."""

    posting_id: int
    what: What
    changes: Sequence[Change] = ()
    receipt: Receipt | None = None


# ── what a look writes ───────────────────────────────────────────────────────────────────────────────────────────


def note(session: Session, book_id: int, side: str, looked: Collection[int], found: Sequence[Found]) -> None:
    """Write down what a look found of the postings that it compared; of the others nothing is said. No commit."""
    differing = {each.posting_id: each for each in found}
    rows: dict[int, Drift] = {}
    idents = list(looked)
    for start in range(0, len(idents), 500):
        some = col(Drift.posting_id).in_(idents[start : start + 500])
        mine = select(Drift).where(some, Drift.side == side).with_for_update()
        rows |= {row.posting_id: row for row in session.exec(mine)}
    for posting_id, row in rows.items():
        if posting_id not in differing:
            session.delete(row)
    for each in differing.values():
        _put(session, book_id, side, each, rows.get(each.posting_id))


def _put(session: Session, book_id: int, side: str, found: Found, row: Drift | None) -> None:
    mark = signature(found.what, found.changes)
    if row is None:
        row = Drift(book_id=book_id, posting_id=found.posting_id, side=side, what=found.what, signature=mark)
    elif row.signature != mark:
        row.state, row.found_at, row.by, row.at = "open", utcnow(), "", None
    row.what, row.signature = found.what, mark
    row.changes = [to_json(change) for change in found.changes]
    row.receipt = to_json(found.receipt) if found.receipt else None
    session.add(row)


def settle(session: Session, posting_id: int, side: str) -> None:
    """Nothing differs any more. No commit."""
    session.exec(delete(Drift).where(col(Drift.posting_id) == posting_id, col(Drift.side) == side))


def forget(session: Session, book_id: int) -> None:
    """Rows about what was undone or is posted again. No commit."""
    left = select(Posting.id).where(Posting.book_id == book_id, col(Posting.state).not_in(STANDING))
    session.exec(delete(Drift).where(col(Drift.book_id) == book_id, col(Drift.posting_id).in_(left)))


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list. ``record`` leads to the record's page."""

    drift: Drift
    posting: Posting
    record: str
    kind: RecordKind
    batch: str

    @property
    def changes(self) -> list[Change]:
        return [Change(**change) for change in self.drift.changes]

    @property
    def choices(self) -> tuple[str, ...]:
        return choices(self.drift)


def counts(session: Session, book_id: int) -> Mapping[str, int]:
    """How many rows are open, ignored, kept."""
    query = select(Drift.state, func.count()).join(Posting, col(Posting.id) == Drift.posting_id)
    query = query.where(Drift.book_id == book_id, col(Posting.state).in_(STANDING)).group_by(Drift.state)
    return dict(session.exec(query).all())


def open_count(session: Session) -> int:
    """Over all Books."""
    query = select(func.count()).select_from(Drift).join(Posting, col(Posting.id) == Drift.posting_id)
    return session.exec(query.where(Drift.state == "open", col(Posting.state).in_(STANDING))).one()


def lines(session: Session, book_id: int, state: str = "open", after: int = 0, limit: int = PAGE) -> list[Line]:
    """A page, oldest first; ``after`` is the last id of the page before."""
    columns: tuple[Any, ...] = (Drift, Posting, func.min(PostingRecord.record), Batch.kind, Batch.name)
    query = (
        select(*columns)
        .join(Posting, col(Posting.id) == Drift.posting_id)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .join(Batch, col(Batch.id) == Posting.batch_id)
        .where(Drift.book_id == book_id, Drift.state == state, col(Drift.id) > after)
        .where(col(Posting.state).in_(STANDING))
        .group_by(col(Drift.id), col(Posting.id), col(Batch.kind), col(Batch.name))
        .order_by(col(Drift.id))
        .limit(limit)
        .options(*posting_rows.BARE)
    )
    return [Line(row, posting, record, RecordKind(kind), batch)
            for row, posting, record, kind, batch in session.exec(query)]  # fmt: skip


def choices(row: Drift) -> tuple[str, ...]:
    """What a person may say to it now."""
    if row.state != "open":
        return ("watch",)
    gone = row.side == BOOKS and row.what in NOT_IN_BOOKS
    return ("keep", "resend", "ignore") if gone else ("keep", "ignore")


def find(session: Session, book_id: int, drift_id: int, *, lock: bool = False) -> Drift:
    """With ``lock`` as it stands now, and nobody else changes it until the commit. Raises NotFoundError."""
    row = session.get(Drift, drift_id, populate_existing=lock, with_for_update=lock or None)
    if row is None or row.book_id != book_id:
        raise NotFoundError("This difference is gone: both agree again, or somebody has dealt with it.", "Look again.")
    return row


# ── what a person says ───────────────────────────────────────────────────────────────────────────────────────────


def say(session: Session, book_id: int, drift_id: int, choice: str, *, by: str) -> None:
    """Keep, ignore, or watch again; commits. Raises NotFoundError, ValidationError."""
    posting = session.get_one(Posting, find(session, book_id, drift_id).posting_id, with_for_update=True)
    row = find(session, book_id, drift_id, lock=True)  # as whoever said something to it at this moment left it
    _may(row, posting, choice)
    match choice:
        case "keep":
            _keep(session, row, posting)
        case "ignore":
            row.state = "ignored"
        case _:
            row.state = "open"
    row.by, row.at = by, utcnow()
    audit.record(session, by, f"drift.{choice}", f"posting:{posting.id}", number=posting.number, what=row.what)
    batches.log(session, posting.batch_id, f"{posting.number}: {_words(row, choice)}", posting=posting, by=by)
    batches.touch(session, posting.batch_id)
    session.commit()


def _may(row: Drift, posting: Posting, choice: str) -> None:
    if choice == "resend" and row.state == "open" and row.side == BOOKS and row.what == What.EDITED:
        raise ValidationError(
            f"{posting.number} is still in QuickBooks, as it was edited there: a second one would double it.",
            "Undo it first, on its record’s page; then post it again. Or put it back in QuickBooks, or keep it.",
        )
    if choice not in choices(row):
        raise ValidationError(
            f"“{choice}” does not apply to {posting.number}.", f"Possible: {', '.join(choices(row))}."
        )
    if posting.state not in STANDING:
        raise ValidationError(
            f"{posting.number} is {posting.state.replace('_', ' ')} by now.", "Look again: the list is of before."
        )


def _keep(session: Session, row: Drift, posting: Posting) -> None:
    """What stands there now is right. The receipt is renewed, so that from now on it is compared with that."""
    row.state = "kept"
    if row.side == PSA:
        return
    posting.keep = True
    posting_problems.clear(session, posting, *SAID)
    receipt = from_json(Receipt, row.receipt) if row.receipt else None
    if row.what == What.DELETED or receipt is None:
        posting.ledger_cents = 0
    else:
        posting.receipt, posting.ledger_number = row.receipt, receipt.number
        posting.ledger_cents = 0 if receipt.voided else receipts.booked_cents(document_of(posting), receipt)
        if not receipt.voided:
            session.delete(row)
    session.add(posting)


def _words(row: Drift, choice: str) -> str:
    what = f"{'ConnectWise' if row.side == PSA else 'QuickBooks'}: {row.what.replace('_', ' ')}"
    return {
        "keep": f"kept as it stands now ({what}).",
        "ignore": f"a difference is ignored until it changes ({what}).",
    }.get(choice, f"is watched again ({what}).")


def resend(
    database: Database, source: Source, destination: Destination, book_id: int, drift_id: int, *, by: str
) -> int:
    """Post a deleted or voided document again, as a rerun does; answers its batch, for which the caller rings.

    Both systems are asked once more before anything is decided. Raises NotFoundError, ValidationError,
    ConnectionFailedError.
    """
    with database.reading() as session:
        row = find(session, book_id, drift_id)
        posting = session.get_one(Posting, row.posting_id)
        _may(row, posting, "resend")
    ident, batch_id = posting.id or 0, posting.batch_id
    items = rerunning.plan(database, source, destination, batch_id, only={ident})
    if not rerunning.of(items, "missing"):
        raise ValidationError(
            f"{posting.number} is not missing in QuickBooks now: {'; '.join(rerunning.words(items)) or 'not told'}.",
            "Look again: somebody may have put it back.",
        )
    rerunning.rerun(database, batch_id, items, by=by)
    with database.session() as session:
        settle(session, ident, BOOKS)
        audit.record(session, by, "drift.resend", f"posting:{ident}", number=posting.number, what=row.what)
        session.commit()
    return batch_id
