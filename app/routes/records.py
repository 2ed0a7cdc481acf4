"""One record, both sides: a preview before it is posted, the proof of what was stored after; and the deeds on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, select

from app.connectors.protocols import Connectors, Destination
from app.database import Database
from app.domain.comparison import Comparison
from app.domain.outcomes import Receipt
from app.domain.problems import CrossfootError, NotFoundError, ValidationError
from app.domain.states import PostingState, RecordKind
from app.jobs import doorbell
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import PostingRecord
from app.models.records import Hold
from app.routes import fragments, pacing, shell, trails
from app.routes.guard import me, requires
from app.routes.trails import Trail
from app.routes.web import reading, web, writing
from app.services.batches import decisions, lookups
from app.services.batches.lookups import Lookup
from app.services.connections import connections
from app.services.people import users
from app.services.posting import ledger_looks, undoing
from app.services.records import holding, proofs, sides, support, timelines
from app.services.records import records as service
from app.services.records.proofs import Proof
from app.services.records.timelines import Event

records = Blueprint("records", __name__, url_prefix="/records/<int:book_id>/<kind>/<path:record>")

#: While a posting is in one of these, the page looks again by itself.
UNDER_WAY = (PostingState.READY, PostingState.SENDING, PostingState.IN_DOUBT, PostingState.UNDOING)
DECIDED = {
    "link": "is linked", "post": "is posted anyway", "renumber": "gets another number", "skip": "is skipped",
    "keep": "is kept and closed",
}  # fmt: skip


@dataclass(frozen=True)
class Sight:
    """What the templates show. ``candidates`` may be the same document; each with its comparison."""

    book: Book
    kind: RecordKind
    record: str
    proof: Proof
    comparison: Comparison | None
    candidates: list[tuple[Receipt, Comparison]]
    choices: tuple[str, ...]
    number: str
    standing: service.Standing
    hold: Hold | None
    fingerprint: str
    is_linked: bool
    timeline: list[Event]
    lookup: Lookup | None

    @property
    def address(self) -> str:
        """Of the page, with the way back."""
        return self.at("show")

    def at(self, deed: str) -> str:
        """Of a deed on the record, with the way back."""
        return url_for(f"records.{deed}", book_id=self.book.id, kind=self.kind, record=self.record, **trails.kept())

    @property
    def trail(self) -> Trail:
        """What comes before and after, where the person came from."""
        return trails.trail(reading(), self.book, self.kind, self.record, self.proof.batch)

    @property
    def for_support(self) -> str:
        """What is copied to send to somebody who helps."""
        proof = self.proof
        return support.of_record(self.book, self.record, proof.posting, proof.batch, proof.problems, self.timeline)

    @property
    def state(self) -> str:
        return self.proof.posting.state if self.proof.posting else "unposted"

    @property
    def moving(self) -> bool:
        """Whether a worker is at it."""
        batch, posting = self.proof.batch, self.proof.posting
        runs = batch is not None and batch.ended_at is None and not batch.stopped
        return bool(posting and posting.document and runs and posting.state in UNDER_WAY)

    @property
    def undoable(self) -> bool:
        return self.proof.batch is not None and self.state in undoing.FIRST_STEP

    @property
    def not_ours(self) -> bool:
        """Whether somebody else made what stands in the books: by hand, or with another program."""
        return self.proof.receipt is not None and ledger_looks.is_linked(self.proof.receipt)

    @property
    def holdable(self) -> bool:
        return self.standing.offered and not self.hold


@records.get("")
@requires("viewer")
def show(book_id: int, kind: str, record: str) -> ResponseReturnValue:
    """The page; for HTMX only what changes of it."""
    here = _sight(book_id, kind, record)
    return fragments.page_or_fragment("records/show.html", "records/_record.html", **_context(here))


def _context(here: Sight) -> dict[str, Any]:
    return {"here": here, "names": users.labels(reading())}


def _kind(word: str) -> RecordKind:
    if word not in set(RecordKind):
        abort(404)
    return RecordKind(word)


def _book(book_id: int) -> Book:
    book = reading().get(Book, book_id)
    if book is None:
        raise NotFoundError(f"There is no QuickBooks company {book_id}.", "Look under Settings ▸ QuickBooks companies.")
    shell.use_book(book)
    return book


def _sight(book_id: int, word: str, record: str) -> Sight:
    """Raises NotFoundError, ConnectionFailedError (proofs)."""
    kind, book = _kind(word), _book(book_id)
    posting = proofs.newest(reading(), book, kind, record)
    look = proofs.proof if posting is not None and posting.document is not None else _asked
    proof = look(web().database, web().connectors, book, kind, record)
    destination = connections.open_destination(web().database, web().connectors, book_id)
    session = reading()
    return Sight(
        book=book,
        kind=kind,
        record=record,
        proof=proof,
        comparison=sides.compared(session, book, proof, destination),
        candidates=_candidates(session, book, proof, destination),
        choices=decisions.choices(session, proof.posting) if proof.posting else (),
        number=_other_number(session, proof),
        standing=_standing(session, book, kind, record),
        hold=holding.of(session, book.source_id or 0, kind, [record]).get(record),
        fingerprint=_fingerprint(session, proof, record),
        is_linked=web().settings.qbo.are_intuits,
        timeline=timelines.of(session, book, kind, record),
        lookup=lookups.of_posting(session, proof.posting.id or 0) if proof.posting else None,
    )


@pacing.asks_vendors
def _asked(database: Database, connectors: Connectors, book: Book, kind: RecordKind, record: str) -> Proof:
    """Of a record that was not read for a batch: the PSA is asked for it."""
    return proofs.proof(database, connectors, book, kind, record)


def _standing(session: Session, book: Book, kind: RecordKind, record: str) -> service.Standing:
    """Of a listed record; what the PSA doesn't list is not offered."""
    source_id = book.source_id or 0
    if service.one(session, source_id, kind, record) is None:
        return service.Standing(offered=False)
    return service.standings(session, source_id, kind, [record]).get(record, service.FREE)


def _other_number(session: Session, proof: Proof) -> str:
    posting = proof.posting
    return decisions.number_for(session, posting, decisions.choices(session, posting)) if posting else ""


def _candidates(
    session: Session, book: Book, proof: Proof, destination: Destination
) -> list[tuple[Receipt, Comparison]]:  # fmt: skip
    if proof.posting is None or proof.document is None:
        return []
    return sides.beside(session, book, proof.document, decisions.candidates(session, proof.posting), destination)


def _fingerprint(session: Session, proof: Proof, record: str) -> str:
    """What the person saw when the record was submitted, in short."""
    if proof.posting is None:
        return ""
    query = select(PostingRecord.fingerprint).where(PostingRecord.posting_id == proof.posting.id)
    return (session.exec(query.where(PostingRecord.record == record)).first() or "")[:8]


# ── deeds ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _ask(here: Sight, ask: str, status: int = 200, error: CrossfootError | None = None) -> ResponseReturnValue:
    """What the deed will do, before it does it: a drawer, or a page of its own."""
    return fragments.page_or_fragment(
        "records/ask.html", "records/_ask.html", status=status, ask=ask, error=error, **_context(here)
    )


def _back(book_id: int, kind: str, record: str) -> ResponseReturnValue:
    return fragments.go(url_for("records.show", book_id=book_id, kind=kind, record=record, **trails.kept()))


@records.get("/undo")
@requires("bookkeeper")
def ask_undo(book_id: int, kind: str, record: str) -> ResponseReturnValue:
    """What undoing takes out of which system."""
    here = _sight(book_id, kind, record)
    return _ask(here, "undo") if here.undoable else _back(book_id, kind, record)


@records.post("/undo")
@requires("bookkeeper")
def undo(book_id: int, kind: str, record: str) -> ResponseReturnValue:
    """Out of QuickBooks, then open again in the PSA; a worker does it. Only what the page showed, and once."""
    batch = _batch_of(book_id, kind, record)
    posting = proofs.newest(reading(), _book(book_id), _kind(kind), record)
    if posting is None or request.form.get("posting") != str(posting.id):
        raise ValidationError(
            "This page is older than the document, so nothing was undone.", "Open the record again, then undo it."
        )
    if posting.state == PostingState.UNDOING:
        return _back(book_id, kind, record)
    with writing() as session:
        undoing.ask(session, session.get_one(Batch, batch.id), [record], by=me().email)
    doorbell.ring_batch(web().settings.redis_url, batch.id or 0)
    return _back(book_id, kind, record)


def _batch_of(book_id: int, kind: str, record: str) -> Batch:
    """The batch in which the record was last. Raises NotFoundError where there is none."""
    standing = proofs.newest(reading(), _book(book_id), _kind(kind), record)
    batch = reading().get(Batch, standing.batch_id) if standing else None
    if batch is None:
        raise NotFoundError(f"Record {record} was never in a batch.", "Nothing of it is in QuickBooks.")
    return batch


@records.get("/hold")
@requires("bookkeeper")
def ask_hold(book_id: int, kind: str, record: str) -> ResponseReturnValue:
    """Asks for the reason."""
    return _ask(_sight(book_id, kind, record), "hold")


@records.post("/hold")
@requires("bookkeeper")
def hold(book_id: int, kind: str, record: str) -> ResponseReturnValue:
    """Keep the record out of batches."""
    book = _book(book_id)
    try:
        with writing() as session:
            reason = request.form.get("reason", "")
            holding.hold(session, book.source_id or 0, _kind(kind), record, reason=reason, by=me().email)
    except CrossfootError as error:
        return _ask(_sight(book_id, kind, record), "hold", 422, error)
    return _back(book_id, kind, record)


@records.post("/release")
@requires("bookkeeper")
def release(book_id: int, kind: str, record: str) -> ResponseReturnValue:
    """Let it go again."""
    book = _book(book_id)
    with writing() as session:
        if holding.release(session, book.source_id or 0, _kind(kind), record, by=me().email):
            flash("It is released, and can be selected again.")
    return _back(book_id, kind, record)


@records.post("/decide")
@requires("bookkeeper")
def decide(book_id: int, kind: str, record: str) -> ResponseReturnValue:
    """Answer the question that the record asks."""
    batch, choice = _batch_of(book_id, kind, record), request.form.get("choice", "")
    destination = pacing.ledger(book_id) if choice == "link" else None
    decisions.decide(
        web().database,
        batch.id or 0,
        record,
        choice,
        by=me().email,
        ledger_id=request.form.get("ledger_id", ""),
        number=request.form.get("number", ""),
        destination=destination,
    )
    doorbell.ring_batch(web().settings.redis_url, batch.id or 0)
    flash(f"The document {DECIDED[choice]}.")
    return _back(book_id, kind, record)
