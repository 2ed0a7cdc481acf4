"""Holds: a person keeps an unposted record out of batches, with a reason, until somebody releases it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, delete, select

from app.domain.problems import ValidationError
from app.domain.states import STOPPED, RecordKind
from app.models.connections import Book
from app.models.records import Hold, Selection
from app.services.people import audit
from app.services.records import records

REASON = 200


def hold(session: Session, source_id: int, kind: RecordKind, record: str, *, reason: str, by: str) -> Hold:
    """Put a listed record on hold, or give a new reason; it loses every tick. Commits.

    Raises ValidationError: no reason or one that is too long, not listed as unposted, or a batch has it already.
    """
    reason = " ".join(reason.split())
    if not reason or len(reason) > REASON:
        raise ValidationError(
            f"A hold needs a reason of up to {REASON} characters.", "Say in a few words what it waits for."
        )
    row = records.one(session, source_id, kind, record)
    if row is None:
        raise ValidationError(f"Record {record} is not unposted.", "Refresh the list.")
    standing = records.standings(session, source_id, kind, [record]).get(record, records.FREE)
    if not standing.offered and standing.state not in STOPPED:
        raise ValidationError(
            f"{row.number} is already {standing.state.replace('_', ' ')} in batch {standing.batch}.",
            "Only what no batch is working on can be put on hold; stop the batch first.",
        )
    held = of(session, source_id, kind, [record]).get(record) or Hold(
        source_id=source_id, kind=kind, record=record, reason=reason, by=by
    )
    held.reason, held.by, held.fingerprint = reason, by, row.fingerprint
    session.add(held)
    _untick(session, source_id, kind, record)
    audit.record(session, by, "record.hold", f"{kind}:{record}", number=row.number, reason=reason, source=source_id)
    session.commit()
    return held


def release(session: Session, source_id: int, kind: RecordKind, record: str, *, by: str) -> bool:
    """Let the record go again and commit; False where nothing held it."""
    held = of(session, source_id, kind, [record]).get(record)
    if held is None:
        return False
    session.delete(held)
    audit.record(session, by, "record.release", f"{kind}:{record}", reason=held.reason, source=source_id)
    session.commit()
    return True


def of(session: Session, source_id: int, kind: RecordKind, wanted: Sequence[str]) -> dict[str, Hold]:
    """The hold of each record that has one."""
    found: dict[str, Hold] = {}
    for start in range(0, len(wanted), 500):
        query = select(Hold).where(Hold.source_id == source_id, Hold.kind == kind)
        found |= {
            row.record: row for row in session.exec(query.where(col(Hold.record).in_(wanted[start : start + 500])))
        }
    return found


def held(source_id: int, kind: str) -> Any:
    """A subquery: the records on hold."""
    return select(Hold.record).where(Hold.source_id == source_id, Hold.kind == kind)


def lift(session: Session, source_id: int, kind: str, taken: Sequence[str]) -> None:
    """Records that a person asked for by name are no longer on hold. The caller commits."""
    for start in range(0, len(taken), 500):
        chosen = col(Hold.record).in_(taken[start : start + 500])
        session.exec(delete(Hold).where(col(Hold.source_id) == source_id, col(Hold.kind) == kind, chosen))


def _untick(session: Session, source_id: int, kind: RecordKind, record: str) -> None:
    """In everybody's draft: nobody posts by an old tick what somebody has put on hold since."""
    drafts = select(Selection).join(Book, col(Book.id) == Selection.book_id).where(Book.source_id == source_id)
    for selection in session.exec(drafts.where(Selection.kind == kind)):
        if record in selection.records:
            selection.records = [kept for kept in selection.records if kept != record]
            session.add(selection)
