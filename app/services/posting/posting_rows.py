"""Postings read without what a step has no use for: the PSA's form, the ledger's, the document are kilobytes each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from app.models.batches import Batch
from app.models.postings import Posting

_ANY: Any = Posting
#: Options of a query. What was left out and is asked for after all, is read then, while the session is open.
WITH_DOCUMENT = [defer(_ANY.snapshot), defer(_ANY.receipt), defer(_ANY.gl_ids)]
WITH_RECEIPT = [defer(_ANY.snapshot), defer(_ANY.gl_ids)]
RECEIPT = [*WITH_RECEIPT, defer(_ANY.document)]
WITH_GL_IDS = [defer(_ANY.snapshot), defer(_ANY.receipt), defer(_ANY.document)]
BARE = [*WITH_DOCUMENT, defer(_ANY.document)]


def of(session: Session, idents: Collection[int], options: list[Any]) -> dict[int, Posting]:
    """Some postings by id, by few queries instead of one each."""
    found: dict[int, Posting] = {}
    wanted = list(idents)
    for start in range(0, len(wanted), 500):
        query = select(Posting).where(col(Posting.id).in_(wanted[start : start + 500])).options(*options)
        found |= {posting.id or 0: posting for posting in session.exec(query)}
    return found


def locked(session: Session, ident: int) -> Posting:
    """The row for writing, after its batch's: whoever writes rows of a batch locks that first."""
    batch = select(Posting.batch_id).where(Posting.id == ident).scalar_subquery()
    session.exec(select(Batch.id).where(Batch.id == batch).with_for_update())
    return session.get_one(Posting, ident, with_for_update=True)
