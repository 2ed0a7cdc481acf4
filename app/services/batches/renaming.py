"""A name of a person's choice for an entry that QuickBooks did not take under its own."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session, select

from app.domain.codec import to_json
from app.domain.links import LinkKind
from app.domain.problems import ValidationError
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Creation
from app.services.batches import approvals
from app.services.people import audit
from app.services.posting.creations import draft_of

LONGEST = 100


def refused(session: Session, book: Book, kind: LinkKind, source_id: str) -> Creation | None:
    """The creation that QuickBooks refused; None where there is none."""
    query = select(Creation).where(Creation.book_id == book.id, Creation.kind == kind)
    return session.exec(query.where(Creation.source_id == source_id, Creation.state == "refused")).first()


def rename(session: Session, book: Book, kind: LinkKind, source_id: str, name: str, *, by: str) -> None:
    """The entry is created under this name from now on; the caller retries what waits for it, and commits.

    Raises ValidationError: nothing was refused, or it is no name.
    """
    creation, name = refused(session, book, kind, source_id), " ".join(name.split())
    if creation is None:
        raise ValidationError("Nothing waits to be created under another name.", "Look at it again.")
    if not name or len(name) > LONGEST or not name.isprintable():
        raise ValidationError(f"A name has 1 to {LONGEST} characters.", "Give another one.")
    draft = draft_of(creation)
    creation.draft = to_json(replace(draft, chosen=name))
    session.add(creation)
    batch = session.get(Batch, creation.batch_id)
    if batch:
        approvals.void(session, batch, f"“{draft.name}” is to be created as “{name}”", by=by)
    audit.record(
        session, by, "creation.rename", f"{kind}:{source_id}", book=book.id, old=draft.chosen or draft.name, new=name
    )
