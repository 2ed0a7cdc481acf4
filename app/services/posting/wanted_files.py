"""Files that a batch's documents are to have, as its rows have them: wanted, on their way, in doubt."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import update
from sqlmodel import col, func, select

from app.domain.documents import DocumentKind
from app.domain.problems import Problem
from app.domain.states import STANDING
from app.models.attachments import Attachment
from app.models.columns import utcnow
from app.models.postings import Posting, PostingRecord
from app.services.posting import papers, posting_rows
from app.services.posting.run import Run


@dataclass(slots=True)
class Task:
    """One file on its way: whose it is, and its content once the PSA has given it.

    ``left_out`` can never go. ``failed``: files of the same document that this run could not attach, and why; it is
    shared by the document's tasks, and the others go on.
    """

    ident: int
    doubt: bool
    kind: DocumentKind
    ledger_id: str
    name: str
    record: str
    papers: tuple[str, ...] = ()
    left_out: list[str] = field(default_factory=list)
    failed: dict[str, Problem] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)


def want(run: Run) -> None:
    """An intent for every document of the batch that is in the books, may have files and has no intent."""
    have = select(Attachment.id).where(
        Attachment.posting_id == Posting.id, Attachment.ledger_id == Posting.ledger_id
    )  # fmt: skip
    with run.database.session() as session:
        run.hold_on(session)
        kinds = papers.KINDS.get(run.kind, ())
        query = select(Posting).where(
            Posting.batch_id == run.batch_id, col(Posting.role).in_(("main", "bill")), col(Posting.kind).in_(kinds),
            col(Posting.state).in_(STANDING), Posting.ledger_id != "", ~have.exists(),
        )  # fmt: skip
        rows = session.exec(query.options(*posting_rows.BARE)).all()
        session.add_all(
            Attachment(
                posting_id=posting.id or 0, batch_id=run.batch_id, ledger_id=posting.ledger_id,
                name=papers.name_of(DocumentKind(posting.kind), posting.number),
            )
            for posting in rows
        )  # fmt: skip
        session.commit()


def recover(run: Run) -> None:
    """What an earlier run left on the wire is in doubt."""
    with run.database.session() as session:
        run.hold_on(session)
        left = (col(Attachment.batch_id) == run.batch_id, col(Attachment.state) == "sending")
        session.exec(update(Attachment).where(*left).values(state="in_doubt", look_at=utcnow()))
        session.commit()


def due(run: Run, under_way: set[int], *, later: bool = False, limit: int = 8) -> list[Task]:
    """Files to be attached or looked up now (or ``later`` too), of documents that still stand in the books."""
    open_ones = col(Attachment.state).in_(("wanted", "sending", "in_doubt") if later else ("wanted", "in_doubt"))
    query = (
        select(Attachment, Posting.kind, func.min(PostingRecord.record), Posting.id)
        .join(Posting, col(Posting.id) == Attachment.posting_id)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .where(Attachment.batch_id == run.batch_id, open_ones, Attachment.ledger_id == Posting.ledger_id)
        .where(col(Posting.state).in_(STANDING), col(Attachment.id).not_in(under_way))
        .group_by(col(Attachment.id), col(Posting.kind), col(Posting.id))
        .order_by(col(Attachment.id))
        .limit(limit)
    )
    if not later:
        query = query.where((col(Attachment.look_at).is_(None)) | (col(Attachment.look_at) <= utcnow()))
    with run.database.reading() as session:
        found = session.exec(query).all()
        many = [ident for _, kind, _, ident in found if papers.has_many(DocumentKind(kind))]
        documents = dict(session.exec(select(Posting.id, Posting.document).where(col(Posting.id).in_(many))).all())
        return [
            Task(
                row.id or 0, row.state == "in_doubt", DocumentKind(kind), row.ledger_id, row.name, record,
                tuple((documents.get(ident) or {}).get("papers", ())),
            )
            for row, kind, record, ident in found
        ]  # fmt: skip
