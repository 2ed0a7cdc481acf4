"""Who did what, when, to which thing."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from app.models.people import Audit


def record(session: Session, actor: str, action: str, subject: str = "", **detail: Any) -> Audit:
    """Add one row; the caller commits it together with the deed. ``detail`` never holds a secret."""
    row = Audit(actor=actor, action=action, subject=subject, detail=detail)
    session.add(row)
    return row
