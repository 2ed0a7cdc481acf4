"""One record, both sides: what the PSA has on the left, what the books get or hold on the right, line by line.

Before posting it is a preview; after posting the same page is the proof of what the ledger stored.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, func, select

from app.connectors.protocols import Connectors, Destination, UntranslatableError
from app.database import Database
from app.domain import codec, cogs, shaping, soundness
from app.domain.documents import Document
from app.domain.marks import Mark
from app.domain.outcomes import Receipt
from app.domain.problems import NotFoundError, Problem
from app.domain.states import PostingState, RecordKind, Role
from app.models.batches import Batch
from app.models.columns import loads
from app.models.connections import Book, SourceRow
from app.models.postings import Call, CallMember, Posting, PostingRecord
from app.services.connections import books, connections
from app.services.mapping import links, wants
from app.services.posting import beside, billing, checking, posting_problems
from app.services.records import records


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the record's document, or will: the entry of its cost, the bill of its order."""

    document: Document
    state: str
    ledger_number: str = ""
    url: str = ""
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The form of ``preview --json``."""
        return {
            "state": self.state,
            "psa": codec.to_json(self.document),
            "ledger_number": self.ledger_number or None,
            "note": self.note or None,
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything the page shows.

    Attributes:
        document: the PSA's document; None where the PSA exports none (``problems`` say why).
        body: what the ledger gets, in its own form; None where it cannot be translated.
        receipt: what the ledger holds, once posted.
        url, psa_url: where the other systems show it; empty where they don't.
    """

    record: str
    document: Document | None
    body: dict[str, Any] | None
    problems: Sequence[Problem]
    posting: Posting | None = None
    batch: Batch | None = None
    receipt: Receipt | None = None
    url: str = ""
    psa_url: str = ""
    names: dict[str, str] = field(default_factory=dict)
    beside: Sequence[Beside] = ()

    def to_json(self) -> dict[str, Any]:
        """The form of ``preview --json``."""
        return {
            "record": self.record,
            "state": self.posting.state if self.posting else "unposted",
            "psa": codec.to_json(self.document) if self.document else None,
            "books": codec.to_json(self.body) if self.body else None,
            "stored": codec.to_json(self.receipt) if self.receipt else None,
            "problems": [problem.to_json() for problem in self.problems],
            "beside": [one.to_json() for one in self.beside],
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """The record that is looked at, and what it takes to look."""

    database: Database
    connectors: Connectors
    book: Book
    kind: RecordKind
    record: str

    @property
    def psa_url(self) -> str:
        """Where the PSA shows it."""
        if self.book.source_id is None:
            return ""
        return connections.open_source(self.database, self.connectors, self.book.source_id).url(self.kind, self.record)


def proof(database: Database, connectors: Connectors, book: Book, kind: RecordKind, record: str) -> Proof:
    """Read the record as it stands: from its newest posting, else from the PSA now.

    Raises NotFoundError where neither knows it; ConnectionFailedError where the PSA has to be asked and can't be.
    """
    subject = Subject(database, connectors, book, kind, record)
    with database.reading() as session:
        posting = newest(session, book, kind, record)
    if posting is not None and posting.document is not None:
        return _of_posting(subject, posting)
    if book.source_id is None:
        raise NotFoundError(f"There is no record {record}.", "Connect the PSA first.")
    source = connections.open_source(database, connectors, book.source_id)
    if not _is_listed(database, book, kind, record):
        records.refresh(database, source, book.source_id, kind)
    through = _date(database, book, kind, record)
    exported = source.export(kind, [record], summary=books.summary_of(book), through=through)[0]
    if exported.document is None:
        return Proof(record, None, None, exported.problems, posting)
    document = shaping.shaped(exported.document, books.rules_of(book))
    body, problems, names = _translated(subject, document, 1)
    found = [*exported.problems, *problems]
    more = _to_come(subject, document)
    return Proof(record, document, body, found, posting, names=names, psa_url=subject.psa_url, beside=more)


def _to_come(subject: Subject, document: Document) -> list[Beside]:
    """The bill of an order; the entry of its cost, where the company books it, without what the ledger books itself."""
    if bill := _bill_to_come(document):
        return [bill]
    entry = cogs.entry(document, books.rules_of(subject.book))
    if entry is None:
        return []
    with subject.database.reading() as session:
        reduced, _ = beside.reduced(entry, links.Index.load(session, subject.book.id or 0))
    return [] if reduced.is_empty else [Beside(reduced, "unposted")]


def _bill_to_come(document: Document, posting: Posting | None = None) -> Beside | None:
    bill = billing.to_come(document, posting)
    if bill is None:
        return None
    order = f"order {posting.ledger_number or posting.ledger_id}" if posting and posting.ledger_id else "order"
    return Beside(bill, "unposted", note=f"Made from the {order} when the vendor’s invoice has come in ConnectWise.")


def _is_listed(database: Database, book: Book, kind: RecordKind, record: str) -> bool:
    with database.reading() as session:
        return records.one(session, book.source_id or 0, kind, record) is not None


def _date(database: Database, book: Book, kind: RecordKind, record: str) -> dt.date | None:
    with database.reading() as session:
        row = records.one(session, book.source_id or 0, kind, record)
    if row is None:
        raise NotFoundError(f"Record {record} is not unposted, and was never in a batch.", "Refresh the list.")
    return row.date


def newest(session: Session, book: Book, kind: RecordKind, record: str) -> Posting | None:
    """The record's posting that was made last; dry runs aside."""
    query = (
        select(Posting)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .join(Batch, col(Batch.id) == Posting.batch_id)
        .where(Posting.book_id == book.id, PostingRecord.kind == kind, PostingRecord.record == record)
        .where(Batch.mode != "dry", PostingRecord.role == Role.MAIN)
    )
    return session.exec(query.order_by(col(Posting.id).desc())).first()


def _of_posting(subject: Subject, posting: Posting) -> Proof:
    document = codec.from_json(Document, posting.document)
    with subject.database.reading() as session:
        of_it = select(func.min(PostingRecord.record)).where(PostingRecord.posting_id == posting.id)
        first = session.exec(of_it).one()  # whose mark the document carries, where several records make it
    body, found, names = _translated(replace(subject, record=first), document, posting.generation)
    with subject.database.reading() as session:
        rows = posting_problems.of(session, [posting.id or 0]).get(posting.id or 0, [])
        problems = [posting_problems.to_problem(row) for row in rows] or ([] if posting.ledger_id else found)
        receipt = codec.from_json(Receipt, posting.receipt) if posting.receipt else None
        shown = _destination(subject)
        return Proof(
            subject.record, document, _sent(session, posting, shown) or body, problems, posting,
            session.get(Batch, posting.batch_id), receipt,
            url=shown.url(document.kind, posting.ledger_id) if posting.ledger_id else "",
            psa_url=subject.psa_url, names=names, beside=_beside(session, posting, document, shown),
        )  # fmt: skip


def _beside(session: Session, posting: Posting, document: Document, destination: Destination) -> list[Beside]:
    rows = beside.of(session, [posting], list(PostingState))
    if not rows and (bill := _bill_to_come(document, posting)):
        return [bill]
    return [
        Beside(
            own, row.state, row.ledger_number or row.ledger_id,
            destination.url(own.kind, row.ledger_id) if row.ledger_id else "",
            f"Made from the order {posting.ledger_number or posting.ledger_id}." if own.bills else "",
        )
        for row in rows
        if row.document is not None and (own := codec.from_json(Document, row.document))
    ]  # fmt: skip


def _destination(subject: Subject) -> Destination:
    return connections.open_destination(subject.database, subject.connectors, subject.book.id or 0)


def _translated(
    subject: Subject, document: Document, generation: int
) -> tuple[dict[str, Any] | None, list[Problem], dict[str, str]]:  # fmt: skip
    """Body, problems, and the ledger's names by ``kind:id`` so that a page needn't show ids."""
    book, rules = subject.book, books.rules_of(subject.book)
    with subject.database.reading() as session:
        index = links.Index.load(session, book.id or 0)
        source = session.get(SourceRow, book.source_id) if book.source_id else None
    rates: dict[tuple[str, dt.date], Decimal | None] = {}
    if document.rate:
        rates[document.currency, document.date] = document.rate  # what it was booked at
    document, said = checking.rated(_destination(subject), document, rules, rates)
    resolved = wants.of(document, index, rules, wants.policies(book), accept=True)
    names = {f"{entry.kind}:{entry.ledger_id}": entry.name for entry in resolved.links.values()}
    problems = [*said, *soundness.problems(document, rules), *resolved.problems, *wants.remarks(resolved)]
    mark = Mark(subject.kind, subject.record, generation, source.code if source else "")
    try:
        body = _destination(subject).translate(document, mark, resolved.links, rules)
    except UntranslatableError as error:
        known = {problem.group for problem in problems}
        return None, [*problems, *(p for p in error.problems if p.group not in known)], names
    return loads(body.text), [*problems, *body.problems], names


def _sent(session: Session, posting: Posting, destination: Destination) -> dict[str, Any] | None:
    """The posting's part of the last call that was sent, byte for byte what went out."""
    query = (
        select(Call, CallMember)
        .join(CallMember, col(CallMember.call_id) == Call.id)
        .where(CallMember.posting_id == posting.id, CallMember.generation == posting.generation)
    )
    found = session.exec(query.order_by(col(Call.id).desc())).first()
    if found is None or not found[0].body:
        return None
    call, member = found
    return destination.member(call.body, member.place)
