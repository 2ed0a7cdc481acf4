"""Who did what, when, from where, to which thing. Rows are added; nothing here changes or deletes one."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from sqlmodel import Session

from app.models.batches import Batch
from app.models.people import Audit
from app.models.postings import Posting

#: Where the request under way came from; empty for the command line and for what runs by itself.
address: ContextVar[str] = ContextVar("address", default="")


#: The actor where nobody is logged in.
STRANGER = "(not logged in)"


def record(session: Session, actor: str, action: str, subject: str = "", **detail: Any) -> Audit:
    """Add one row; the caller commits it together with the deed. ``detail`` never holds a secret.

    ``subject`` is ``what:which``; a Book is told from that of a book, a batch, a posting, or from ``detail["book"]``.
    """
    row = Audit(
        actor=actor, action=action, subject=subject, detail=detail, address=address.get()[:45],
        book_id=_book_of(session, subject, detail),
    )  # fmt: skip
    session.add(row)
    return row


def _book_of(session: Session, subject: str, detail: dict[str, Any]) -> int | None:
    kind, _, ident = subject.partition(":")
    if kind not in ("book", "batch", "posting") or not ident.isdecimal():
        book_id = detail.get("book")
        return book_id if isinstance(book_id, int) else None
    if kind == "book":
        return int(ident)
    thing = session.get(Batch, int(ident)) if kind == "batch" else session.get(Posting, int(ident))
    return thing.book_id if thing else None
