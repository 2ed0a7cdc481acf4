"""The PSA's own lists as last read: what links are proposed from before any document needs them.

Somebody asks for a reading, a worker does it: the wish stands in the database, so that a lost ring or a dead worker
only delays it. Each list replaces the old one in one transaction.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlmodel import Session, col, delete, func, insert, select, update

from app.connectors.protocols import ConnectionFailedError, Connectors, Source
from app.connectors.source_abilities import Lists
from app.database import Database
from app.domain import codec
from app.domain.documents import Address
from app.domain.links import LinkKind
from app.domain.problems import Problem
from app.domain.source_lists import SourceEntry
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.workbench import SourceEntryRow, SourceFetch
from app.services.connections import connections
from app.services.mapping import lists
from app.services.people import audit
from app.services.posting import failures

#: A reading that was begun and not ended by now is begun again.
PATIENCE = dt.timedelta(minutes=10)
_REST = [f.name for f in dataclasses.fields(SourceEntry) if f.name not in {"kind", "ident", "name", "active"}]


def refresh(database: Database, source: Source, source_id: int, kinds: Iterable[LinkKind] = tuple(LinkKind)) -> None:
    """Read lists whole from the PSA and store each. Raises ConnectionFailedError; what was read by then is stored."""
    if not isinstance(source, Lists):
        return
    for kind in kinds:
        if kind in source.listed:
            found = source.entries(kind)
            with database.session() as session:
                _replace(session, source_id, kind, found)
                session.commit()


def _replace(session: Session, source_id: int, kind: LinkKind, found: list[SourceEntry]) -> None:
    session.exec(
        delete(SourceEntryRow).where(col(SourceEntryRow.source_id) == source_id, col(SourceEntryRow.kind) == kind)
    )
    unique = {entry.ident: entry for entry in found}
    rows = [
        {"source_id": source_id, "kind": kind, "ident": e.ident, "name": e.name, "active": e.active, "data": _rest(e)}
        for e in unique.values()
    ]
    if rows:
        session.exec(insert(SourceEntryRow), params=rows)
    fetch = _fetch(session, source_id, kind)
    fetch.at, fetch.problem = utcnow(), None
    session.add(fetch)


def _rest(entry: SourceEntry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in _REST}
    return {name: codec.to_json(value) for name, value in values.items() if value not in ("", None)}


def _fetch(session: Session, source_id: int, kind: LinkKind) -> SourceFetch:
    query = select(SourceFetch).where(SourceFetch.source_id == source_id, SourceFetch.kind == kind)
    return session.exec(query).first() or SourceFetch(source_id=source_id, kind=kind)


# ── looks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def entries(session: Session, source_id: int | None, kind: LinkKind) -> list[SourceEntry]:
    """The list by name, inactive entries too; empty where it was never read."""
    columns = (SourceEntryRow.ident, SourceEntryRow.name, SourceEntryRow.active, SourceEntryRow.data)
    query = select(*columns).where(SourceEntryRow.source_id == source_id, SourceEntryRow.kind == kind)
    rows: Any = session.exec(query.order_by(SourceEntryRow.name, SourceEntryRow.ident))
    return [_entry(kind, *row) for row in rows]


def _entry(kind: LinkKind, ident: str, name: str, active: bool, data: dict[str, Any]) -> SourceEntry:
    rest = dict(data)
    if address := rest.pop("address", None):
        rest["address"] = codec.from_json(Address, address)
    return SourceEntry(kind, ident, name, active=active, **rest)


def as_of(session: Session, source_id: int | None, kind: LinkKind) -> dt.datetime | None:
    """When the list was last read whole."""
    query = select(SourceFetch.at).where(SourceFetch.source_id == source_id, SourceFetch.kind == kind)
    return session.exec(query).first()


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """How the lists of a Source stand: ``under_way`` while a worker reads, ``at`` the oldest's, and what went wrong."""

    at: dt.datetime | None
    under_way: bool
    done: int
    problem: Problem | None


def reading(session: Session, source_id: int | None) -> Reading:
    """Over all kinds."""
    rows = session.exec(select(SourceFetch).where(SourceFetch.source_id == source_id)).all()
    known = [row.at for row in rows if row.at]
    open_ones = [row for row in rows if _is_asked(row)]
    failed = next((row.problem for row in rows if row.problem), None)
    return Reading(
        at=min(known) if len(known) == len(LinkKind) else None,
        under_way=bool(open_ones),
        done=len(rows) - len(open_ones),
        problem=codec.from_json(Problem, failed) if failed and not open_ones else None,
    )


def _is_asked(row: SourceFetch) -> bool:
    return row.asked_at is not None and row.problem is None and (row.at is None or row.at < row.asked_at)


def state(session: Session, source_id: int | None) -> tuple[object, ...]:
    """Differs as soon as a list does."""
    query = select(func.count(), func.max(SourceFetch.at)).where(SourceFetch.source_id == source_id)
    return tuple(session.exec(query).one())


# ── asked for by a person, done by a worker ──────────────────────────────────────────────────────────────────────


def ask(session: Session, book: Book, *, by: str) -> None:
    """Both sides' lists are to be read whole; commits. The caller rings ``read_lists`` with the Book's id."""
    for kind in LinkKind:
        row = _fetch(session, book.source_id or 0, kind)
        row.asked_at, row.by, row.problem = utcnow(), by, None
        session.add(row)
    audit.record(session, by, "lists.read", f"book:{book.id}")
    session.commit()


def due(database: Database) -> list[int]:
    """Books whose PSA's lists somebody waits for, and that no worker seems to be reading any more."""
    with database.reading() as session:
        rows = session.exec(select(SourceFetch).where(col(SourceFetch.asked_at).is_not(None))).all()
        late = {row.source_id for row in rows if _is_asked(row) and row.asked_at and utcnow() - row.asked_at > PATIENCE}
        query = select(Book.id).where(col(Book.source_id).in_(late)).order_by(col(Book.is_default).desc())
        return [ident for ident in session.exec(query) if ident is not None]


def work(database: Database, connectors: Connectors, book_id: int) -> None:
    """Read both sides' lists whole. What goes wrong is kept, for the page to say; a fault of ours is raised, too."""
    with database.reading() as session:
        book = session.get_one(Book, book_id)
    if book.source_id is None:
        return
    try:
        source = connections.open_source(database, connectors, book.source_id)
        for kind in LinkKind:
            _read(database, source, book.source_id, kind)
        destination = connections.open_destination(database, connectors, book_id)
        lists.refresh(database, destination, book_id, max_age=dt.timedelta(0))
    except ConnectionFailedError as error:
        _fail(database, book.source_id, Problem(error.code, error.message, error.remedy))
    except Exception as error:
        remedy = "Read them again; if it happens again, report it."
        _fail(database, book.source_id, failures.of_our_own(error, remedy))
        raise


def _fail(database: Database, source_id: int, problem: Problem) -> None:
    with database.session() as session:
        mine = col(SourceFetch.source_id) == source_id
        session.exec(update(SourceFetch).where(mine).values(problem=codec.to_json(problem)))
        session.commit()


def _read(database: Database, source: Source, source_id: int, kind: LinkKind) -> None:
    """One list. A role that may not read it stops none of the others. Raises ConnectionFailedError."""
    try:
        refresh(database, source, source_id, (kind,))
    except ConnectionFailedError as error:
        if error.systemic or error.code == "unreachable":
            raise
        with database.session() as session:
            fetch = _fetch(session, source_id, kind)
            fetch.problem = codec.to_json(Problem(error.code, error.message, error.remedy, subject=kind))
            session.add(fetch)
            session.commit()
