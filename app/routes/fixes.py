"""What a problem's drawer offers beside linking and retrying: another date, another name, active again, on hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import request
from sqlmodel import Session, select

from app.domain.links import LinkKind
from app.domain.problems import Problem, ValidationError
from app.domain.states import STOPPED, RecordKind
from app.models.connections import Book, Link
from app.models.postings import Posting, PostingRecord
from app.routes import formats, mapping_lists, mappings
from app.routes.guard import me
from app.services.batches import redating, renaming
from app.services.connections import books
from app.services.records import holding


def offered(session: Session, book: Book, problem: Problem, source_name: str) -> dict[str, Any]:
    """What the drawer needs to offer them."""
    name, _, source_id = problem.subject.partition(":")
    kind = LinkKind(name) if name in set(LinkKind) and source_id else None
    linked = select(Link.ledger_id).where(Link.book_id == book.id, Link.kind == kind, Link.source_id == source_id)
    entry = session.exec(linked).first() or ""
    return {
        "redate": redating.proposed(book, books.today_of(book)) if problem.code in redating.CURED else None,
        "asleep": mapping_lists.asleep(session, book, kind, source_name, entry) if kind else [],
        "renames": renaming.refused(session, book, kind, source_id) if kind else None,
    }


def date_given() -> dt.date:
    """The day of the form. Raises ValidationError."""
    try:
        found = formats.parse_date(request.form.get("date", ""))
    except ValueError as error:
        raise ValidationError(str(error), "Give it like 12/01/2026 or 2026-12-01.") from error
    if found is None:
        raise ValidationError("No day was given.", "Give a day of an open period.")
    return found


def wake(book: Book, subject: str) -> str:
    """Make the chosen entry active, and link it unless it is linked already. Raises ValidationError."""
    kind, _, source_id = subject.partition(":")
    ledger_id, _, linked = request.form.get("wake", "").partition("|")
    return mappings.wake_now(book.id or 0, LinkKind(kind), ledger_id, "" if linked else source_id)


def hold(session: Session, postings: Sequence[Posting], *, reason: str) -> int:
    """Put the records of held documents on hold with a reason; answers how many. Raises ValidationError."""
    count = 0
    for posting in postings:
        if posting.state not in STOPPED:
            continue
        query = select(PostingRecord).where(PostingRecord.posting_id == posting.id, PostingRecord.live)
        for link in session.exec(query).all():
            kind = RecordKind(link.kind)
            holding.hold(session, link.source_id, kind, link.record, reason=reason, by=me().email)
            count += 1
    return count
