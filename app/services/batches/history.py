"""Review of batches: a page of them, narrowed by what is stored, and by how they stand, which nobody stores."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from app.domain.states import Status
from app.models.batches import Batch
from app.services.batches import progress

PAGE = 50
#: So many batches at most are judged for one page; a page that finds fewer goes on from there.
MOST_JUDGED = 300
#: How a batch stands, as people ask for it.
STANDINGS: dict[str, tuple[Status, ...]] = {
    "person": (Status.COMPLETED_WITH_ERRORS, Status.FAILED, Status.AWAITING_APPROVAL, Status.STOPPED),
    "warnings": (Status.COMPLETED_WITH_WARNINGS,),
    "fine": (Status.COMPLETED,),
    "moving": (Status.QUEUED, Status.RUNNING),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Empty parts narrow nothing. ``words`` is a part of the name, or of who submitted it."""

    book_id: int | None = None
    kind: str = ""
    standing: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Batches with their status, newest first; ``following`` is where the next page goes on."""

    rows: list[tuple[Batch, str]]
    following: int | None


def page(session: Session, wanted: Filter, before: int | None) -> Page:
    """What the filter leaves of the batches older than ``before``."""
    query = select(Batch).order_by(col(Batch.id).desc()).limit(MOST_JUDGED + 1)
    if before:
        query = query.where(col(Batch.id) < before)
    if wanted.book_id:
        query = query.where(Batch.book_id == wanted.book_id)
    if wanted.kind:
        query = query.where(Batch.kind == wanted.kind)
    if wanted.words:
        part = {"autoescape": True}
        query = query.where(
            or_(col(Batch.name).icontains(wanted.words, **part), col(Batch.by).icontains(wanted.words, **part))
        )
    asked = STANDINGS.get(wanted.standing, tuple(Status))
    rows: list[tuple[Batch, str]] = []
    last = None
    for place, batch in enumerate(session.exec(query)):
        if place == MOST_JUDGED or len(rows) == PAGE:
            return Page(rows, last)
        last = batch.id
        if (status := progress.status(session, batch)) in asked:
            rows.append((batch, status))
    return Page(rows, None)
