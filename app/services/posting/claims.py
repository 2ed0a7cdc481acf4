"""Rows that any worker may take: ``look_at`` says from when on, and is then the lease of the one who has taken it."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

from sqlalchemy import ColumnElement, or_, update
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from app.models.columns import utcnow
from app.models.pay_links import Checkout
from app.models.reloads import Reload
from app.models.workbench import EntryChange

T = TypeVar("T", EntryChange, Reload, Checkout)


def free(model: type[T]) -> ColumnElement[bool]:
    """SQL: it is due, and no worker has it."""
    return or_(col(model.look_at).is_(None), col(model.look_at) <= utcnow())


def claim(session: Session, model: type[T], query: SelectOfScalar[T], lease: dt.timedelta) -> T | None:
    """The first free row of the query for this worker alone; commits. One that was left on the wire is in doubt."""
    found = session.exec(query.where(free(model)).order_by(col(model.id)).limit(1)).first()
    if found is None:
        return None
    state, until = "in_doubt" if found.state == "sending" else found.state, utcnow() + lease
    still = (col(model.id) == found.id, col(model.state) == found.state, free(model))
    taken = session.exec(update(model).where(*still).values(look_at=until, state=state)).rowcount == 1
    session.commit()
    row = session.get(model, found.id, populate_existing=True) if taken else None
    return row if row and row.look_at == until else None


def put(session: Session, row: T, **values: object) -> bool:
    """Write it down while it is leased to this worker; False where another one may have it. The caller commits."""
    model = type(row)
    mine = (col(model.id) == row.id, col(model.look_at) == row.look_at)
    return session.exec(update(model).where(*mine).values(**values)).rowcount == 1
