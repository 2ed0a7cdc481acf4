"""Looks whether the books still hold what a batch has posted: by mark, many at once, then by id.

A query may lag behind a create by seconds, a memo may be edited, a linked document never had our mark: so nothing
counts as gone before it was also asked for by its id. After a restore the id may be another document's; what is read by
id is ours only where mark, moment of creation, or number and total say so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.connectors.protocols import ConnectionFailedError, Destination, Probe
from app.domain.codec import from_json
from app.domain.documents import DocumentKind
from app.domain.marks import Mark, marks_in
from app.domain.outcomes import Absent, CannotTell, Finding, Found, LooksAlike, Receipt
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.connections import SourceRow
from app.models.postings import Posting, PostingRecord
from app.services.mapping import wants
from app.services.posting import posting_rows, receipts
from app.services.posting.reading import document_of


@dataclass(frozen=True, slots=True)
class Look:
    """A posting, and the mark that its document carries."""

    posting: Posting
    mark: Mark


def postings(session: Session, batch: Batch, states: Sequence[str], only: Collection[int] | None = None) -> list[Look]:
    """The batch's postings in some states, in their order; with ``only`` just some of them."""
    code = session.get_one(SourceRow, batch.source_id).code
    query = (
        select(Posting, func.min(PostingRecord.record))
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .where(Posting.batch_id == batch.id, col(Posting.state).in_(states))
        .group_by(col(Posting.id))
        .order_by(col(Posting.id))
        .options(*posting_rows.WITH_RECEIPT)
    )
    if only is not None:
        query = query.where(col(Posting.id).in_(only))
    if batch.kind not in tuple(RecordKind):  # payments are no documents
        return []
    kind = RecordKind(batch.kind)
    return [
        Look(posting, Mark(kind, record, posting.generation, code, posting.role))
        for posting, record in session.exec(query)
    ]


def find(destination: Destination, looks: Sequence[Look]) -> list[Finding]:
    """One finding per look, in order. ``Absent``: gone, also by its id."""
    findings = destination.find([_probe(look) for look in looks]) if looks else []
    missing = [i for i, finding in enumerate(findings) if isinstance(finding, Absent | LooksAlike)]
    if missing:
        with ThreadPoolExecutor(destination.lanes) as pool:
            again = pool.map(lambda i: _by_id(destination, looks[i]), missing)
            for i, finding in zip(missing, again, strict=True):
                findings[i] = finding
    return findings


def _probe(look: Look) -> Probe:
    document = document_of(look.posting)
    return Probe(
        mark=look.mark,
        kind=document.kind,
        number=document.number,
        party_id=wants.ledger_party(look.posting.party_key),
        date=document.date,
        total=document.ledger_total.amount,
        exact=look.posting.looked_anyway,
        look_alikes=False,
    )


def is_linked(receipt: Receipt) -> bool:
    """Whether somebody else made the document: it carries no mark, and a person said that it is this record's."""
    return not marks_in(receipt.note)


def _by_id(destination: Destination, look: Look) -> Finding:
    posting = look.posting
    if not posting.ledger_id:
        return Absent()
    try:
        receipt = destination.read(DocumentKind(posting.kind), posting.ledger_id)
    except ConnectionFailedError as error:
        return CannotTell(error.message)
    if receipt is None or receipt.voided or not is_it(posting, look.mark, receipt):
        return Absent()
    return Found(receipt)


def is_it(posting: Posting, mark: Mark, receipt: Receipt) -> bool:
    """Whether the document of this id is still the one that was posted or linked; after a restore it may be another."""
    if marks := marks_in(receipt.note):
        return any(found.startswith(mark.stem) for found in marks)
    before = from_json(Receipt, posting.receipt) if posting.receipt else None
    if before and before.created_at and before.created_at == receipt.created_at:
        return True
    same_total = receipts.booked_cents(document_of(posting), receipt) == posting.ledger_cents
    return same_total and receipt.number == posting.ledger_number
