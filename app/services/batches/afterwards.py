"""What comes after posting and closing: attachments and mails to customers. Which a batch has, and how they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.database import Database
from app.domain.links import Rules
from app.domain.states import STANDING, RecordKind, SectionKey
from app.models.attachments import Attachment
from app.models.batches import Batch, Section
from app.models.mail import Mail
from app.models.postings import Posting, PostingProblem
from app.services.mail import mail_problems

NOT_ATTACHED = "pdf_not_attached"
NO_ADDRESS = mail_problems.NO_ADDRESS
#: Which setting of the company wants files beside documents, by the batch's kind.
FILES: dict[str, str] = {
    RecordKind.INVOICES: "sales.attach_pdf",
    RecordKind.EXPENSES: "purchases.attach_receipts",
    RecordKind.INVENTORY: "inventory.attach_files",
}
#: Warnings that a retry may solve.
RETRIED = (NOT_ATTACHED, NO_ADDRESS)
_OPTIONAL = (SectionKey.ATTACHMENTS, SectionKey.EMAIL)


def sections(batch: Batch, rules: Rules) -> list[SectionKey]:
    """The stages of a new batch, as the company's settings are when it is submitted.

    So a batch of last month that is retried neither attaches nor mails what was switched on since.
    """
    if batch.mode != "post":
        return [key for key in SectionKey if key not in _OPTIONAL]
    wanted = {
        SectionKey.ATTACHMENTS: rules[FILES.get(batch.kind, "")] == "yes",
        SectionKey.EMAIL: batch.kind == RecordKind.INVOICES and rules["email.invoices"] != "no",
    }
    return [key for key in SectionKey if wanted.get(key, True)]


def has_section(database: Database, batch_id: int, key: SectionKey) -> bool:
    """Whether the batch has this stage."""
    with database.reading() as session:
        query = select(Section.id).where(Section.batch_id == batch_id, Section.key == key)
        return session.exec(query).first() is not None


def unfinished(session: Session, batch_id: int) -> bool:
    """Whether the batch has files that wait to be attached."""
    return bool(_attachments(session, batch_id).keys() & {"wanted", "sending", "in_doubt"})


def tally(session: Session, batch_id: int, keys: Collection[str]) -> dict[SectionKey, tuple[int, int, int]]:
    """Total, done and failed of those of the stages that the batch has. What failed is a warning, so it is done too."""
    found: dict[SectionKey, tuple[int, int, int]] = {}
    if SectionKey.ATTACHMENTS in keys:
        states = _attachments(session, batch_id)
        found[SectionKey.ATTACHMENTS] = (states.total(), states["done"] + states["failed"], 0)
    if SectionKey.EMAIL in keys:
        mails = columns(func.count()).select_from(Mail).join(Posting, col(Posting.id) == Mail.posting_id)
        noted = int(session.execute(mails.where(col(Posting.batch_id) == batch_id)).scalar_one())
        found[SectionKey.EMAIL] = (noted, noted, 0)
    return found


def _attachments(session: Session, batch_id: int) -> Counter[str]:
    query = (
        columns(col(Attachment.state), func.count())
        .join(Posting, col(Posting.id) == Attachment.posting_id)
        .where(col(Attachment.batch_id) == batch_id, col(Posting.state).in_(STANDING))
        .where(col(Attachment.ledger_id) == Posting.ledger_id)
        .group_by(col(Attachment.state))
    )
    return Counter({str(state): int(count) for state, count in session.execute(query)})


def again(session: Session, batch: Batch, only: Collection[int] | None) -> int:
    """Let what failed be tried again; the caller commits and rings. Answers of how many documents."""
    query = select(PostingProblem, Posting).join(Posting, col(Posting.id) == PostingProblem.posting_id)
    query = query.where(PostingProblem.batch_id == batch.id, col(PostingProblem.code).in_(RETRIED))
    found = session.exec(query.where(col(Posting.state).in_(STANDING))).all()
    chosen = [(problem, posting) for problem, posting in found if only is None or posting.id in only]
    for problem, posting in chosen:
        failed = (Attachment.posting_id == posting.id, Attachment.state == "failed")
        for row in session.exec(select(Attachment).where(*failed)):
            row.state, row.sends, row.absent = "wanted", 0, 0
            session.add(row)
        session.delete(problem)
    return len({posting.id for _, posting in chosen})
