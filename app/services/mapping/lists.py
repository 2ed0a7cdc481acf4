"""The ledger's lists (customers, items, accounts, tax codes, terms) as last read, so that pages and checks are fast."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlmodel import Session, col, delete, insert, select, update

from app.connectors.protocols import Destination
from app.database import Database
from app.domain.links import Entry, LinkKind
from app.models.columns import utcnow
from app.models.connections import Book, ListEntry, ListFetch

#: A list that was read so lately is not read again for a batch.
FRESH = dt.timedelta(minutes=10)
#: What an entry says beside its row's own columns.
_REST = [f.name for f in dataclasses.fields(Entry) if f.name not in {"kind", "ledger_id", "name", "active"}]


def refresh(
    database: Database,
    destination: Destination,
    book_id: int,
    kinds: Iterable[LinkKind] = tuple(LinkKind),
    max_age: dt.timedelta = FRESH,
) -> list[LinkKind]:
    """Read the lists that are older than ``max_age`` whole from the ledger; returns which were read.

    Nobody ever sees half a list: each replaces the old one in one transaction. Raises ConnectionFailedError.
    """
    with database.reading() as session:
        due = [kind for kind in kinds if is_older(session, book_id, kind, max_age)]
    for kind in due:
        found = destination.entries(kind)
        with database.session() as session:
            _replace(session, book_id, kind, found)
            session.commit()
    return due


def is_older(session: Session, book_id: int, kind: LinkKind, max_age: dt.timedelta) -> bool:
    """Whether a list was never read, or longer ago than ``max_age``."""
    at = as_of(session, book_id, kind)
    return at is None or utcnow() - at > max_age


def mistrust(session: Session, book_id: int) -> None:
    """Something is not as the lists say: whoever needs them reads them anew. The caller commits."""
    session.exec(update(ListFetch).where(col(ListFetch.book_id) == book_id).values(at=utcnow() - FRESH))


def as_of(session: Session, book_id: int, kind: LinkKind) -> dt.datetime | None:
    """When the list was last read whole."""
    fetch = select(ListFetch.at).where(ListFetch.book_id == book_id, ListFetch.kind == kind)
    return session.exec(fetch).first()


def entries(session: Session, book_id: int, kind: LinkKind) -> list[Entry]:
    """The list by name, inactive entries too."""
    query = select(ListEntry.ledger_id, ListEntry.name, ListEntry.active, ListEntry.data)
    rows: Any = session.exec(query.where(ListEntry.book_id == book_id, ListEntry.kind == kind).order_by(ListEntry.name))
    return [Entry(kind, ledger_id, name, active=active, **data) for ledger_id, name, active, data in rows]


def entry(session: Session, book_id: int, kind: LinkKind, ledger_id: str) -> Entry | None:
    """One entry by the ledger's id."""
    row = session.exec(_one(book_id, kind, ledger_id)).first()
    return to_entry(row) if row else None


def put(session: Session, book_id: int, new: Entry) -> None:
    """Add or replace one entry, e.g. one that was just created; the caller commits."""
    row = session.exec(_one(book_id, new.kind, new.ledger_id)).first()
    if row:
        _nudge(session, book_id, new.kind)
    row = row or ListEntry(book_id=book_id, kind=new.kind, ledger_id=new.ledger_id, name=new.name)
    row.name, row.active, row.data = new.name, new.active, _rest(new)
    session.add(row)
    session.flush()


def _nudge(session: Session, book_id: int, kind: LinkKind) -> None:
    """Whoever keeps the list in memory sees that it has changed: a row that is replaced is not a new one."""
    fetch = session.exec(select(ListFetch).where(ListFetch.book_id == book_id, ListFetch.kind == kind)).first()
    if fetch:
        fetch.at += dt.timedelta(microseconds=1)
        session.add(fetch)


def to_entry(row: ListEntry) -> Entry:
    """The domain's form of a cached row."""
    return Entry(LinkKind(row.kind), row.ledger_id, row.name, active=row.active, **row.data)


def _one(book_id: int, kind: LinkKind, ledger_id: str) -> Any:
    return select(ListEntry).where(
        ListEntry.book_id == book_id, ListEntry.kind == kind, ListEntry.ledger_id == ledger_id
    )


def _rest(entry: Entry) -> dict[str, Any]:
    """What an entry says beside its columns, without what it leaves empty."""
    values = {name: getattr(entry, name) for name in _REST}
    return {name: value for name, value in values.items() if value not in ("", None)}


def _replace(session: Session, book_id: int, kind: LinkKind, found: list[Entry]) -> None:
    session.exec(select(Book.id).where(Book.id == book_id).with_for_update())  # one reader at a time writes
    session.exec(delete(ListEntry).where(col(ListEntry.book_id) == book_id, col(ListEntry.kind) == kind))
    unique = {entry.ledger_id: entry for entry in found}
    rows = [
        {"book_id": book_id, "kind": kind, "ledger_id": e.ledger_id, "name": e.name, "active": e.active,
         "data": _rest(e)}
        for e in unique.values()
    ]  # fmt: skip
    if rows:
        session.exec(insert(ListEntry), params=rows)
    fetch = session.exec(select(ListFetch).where(ListFetch.book_id == book_id, ListFetch.kind == kind)).first()
    fetch = fetch or ListFetch(book_id=book_id, kind=kind, at=utcnow())
    fetch.at = utcnow()
    session.add(fetch)
