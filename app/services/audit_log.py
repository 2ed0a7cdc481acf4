"""Reading the audit log: newest first, by key, filtered by words."""

from __future__ import annotations

from sqlalchemy import String, cast, or_
from sqlmodel import Session, col, select

from app.models.people import Audit

PAGE = 100


def page(session: Session, *, before: int | None = None, words: str = "") -> tuple[list[Audit], int | None]:
    """Up to 100 rows that hold every word in actor, action, subject or detail; and the key of the next page."""
    query = select(Audit).order_by(col(Audit.id).desc()).limit(PAGE + 1)
    if before:
        query = query.where(col(Audit.id) < before)
    for word in words.split():
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        columns = (col(Audit.actor), col(Audit.action), col(Audit.subject), cast(col(Audit.detail), String))
        query = query.where(or_(*(column.ilike(pattern, escape="\\") for column in columns)))
    rows = list(session.exec(query))
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None
