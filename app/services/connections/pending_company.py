"""A QuickBooks company that a person has signed in to and not yet confirmed: tokens kept encrypted, for minutes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlmodel import Session

from app.connectors.tokens import Tokens
from app.domain import codec
from app.domain.problems import NotFoundError
from app.models.columns import utcnow
from app.models.connections import InstallationSetting

LIFE = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Pending:
    """What confirming needs. ``book_id`` is the Book to be connected again, if it is one; ``until`` is aware UTC."""

    realm: str
    tokens: Tokens
    book_id: int | None
    until: dt.datetime


def hold(session: Session, user_id: int, realm: str, tokens: Tokens, book_id: int | None) -> None:
    """Keep it for this user until confirmed, and commit; replaces what the user left unconfirmed before."""
    row = _row(session, user_id) or InstallationSetting(key=_key(user_id))
    row.value = codec.to_json(Pending(realm, tokens, book_id, utcnow() + LIFE))
    session.add(row)
    session.commit()


def held(session: Session, user_id: int) -> Pending:
    """What this user has to confirm. Raises NotFoundError where there is nothing, or it has waited too long."""
    row = _row(session, user_id)
    pending = codec.from_json(Pending, row.value) if row and row.value else None
    if pending is None or pending.until < utcnow():
        raise NotFoundError("There is no company left to confirm.", "Connect the company once more.")
    return pending


def drop(session: Session, user_id: int) -> None:
    """Forget it and commit."""
    row = _row(session, user_id)
    if row:
        session.delete(row)
        session.commit()


def _row(session: Session, user_id: int) -> InstallationSetting | None:
    return session.get(InstallationSetting, _key(user_id))


def _key(user_id: int) -> str:
    return f"pending_company:{user_id}"
