"""Customer data: what differs between the PSA's customers and the ledger's, as proposals that a person may accept.

Somebody asks for a comparison, a worker does it: the wish is a row of ``entry_changes`` in the state ``comparing``, one
per Book by its index, so that a lost ring or a dead worker only delays it and two people get one comparison. What is
accepted is carried out by services/mapping/entry_changes.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select, update

from app.connectors.list_changes import ChangingEntries, HeldEntry
from app.connectors.protocols import ConnectionFailedError, Connectors
from app.database import Database
from app.domain import codec, entry_data, own_currency
from app.domain.entry_data import EntryData
from app.domain.links import LinkKind
from app.domain.problems import Problem, ValidationError
from app.domain.source_lists import SourceEntry
from app.models.columns import utcnow
from app.models.connections import Book, Link
from app.models.workbench import EntryChange
from app.services.connections import books, connections
from app.services.mapping import source_lists
from app.services.mapping.entry_changes import COMPARING, ENDED
from app.services.people import audit
from app.services.posting import claims, failures

#: A worker that has begun to compare has this long before another one begins anew.
LEASE = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the last comparison stands; ``at`` is when it was asked for, ``problem`` why it failed."""

    at: dt.datetime
    under_way: bool
    problem: Problem | None


def fields_of(book: Book) -> list[str]:
    """What of a customer's data the Book brings over; empty while it is off, as it is by default."""
    return [field for field in entry_data.FIELDS if books.setting_of(book, f"contacts.update_{field}") == "yes"]


# ── asked for by a person, done by a worker ──────────────────────────────────────────────────────────────────────


def ask(session: Session, book: Book, *, by: str) -> None:
    """Both sides' customers are to be compared; commits. The caller rings ``compare_customers``.

    Nothing is added while a comparison is under way. Raises ValidationError where nothing is to be brought over.
    """
    if not fields_of(book) or book.source_id is None:
        raise _switched_off()
    session.exec(delete(EntryChange).where(*_mine(book.id), col(EntryChange.state).in_(ENDED)))
    session.add(EntryChange(book_id=book.id or 0, kind=LinkKind.CUSTOMERS, ledger_id="", state=COMPARING, by=by))
    audit.record(session, by, "entry.compare", f"book:{book.id}")
    try:
        session.commit()
    except IntegrityError:  # one is under way
        session.rollback()


def _mine(book_id: int | None) -> tuple[Any, ...]:
    """SQL: the row of the Book's comparison, which is about no single entry."""
    ours = (col(EntryChange.book_id) == book_id, col(EntryChange.kind) == LinkKind.CUSTOMERS)
    return (*ours, col(EntryChange.ledger_id) == "")


def _switched_off() -> ValidationError:
    return ValidationError("Nothing is to be brought over.", "Switch it on under Settings ▸ Contacts.")


def last(session: Session, book: Book) -> Comparison | None:
    """The last comparison that was asked for; None for none."""
    row = session.exec(select(EntryChange).where(*_mine(book.id)).order_by(col(EntryChange.id).desc())).first()
    if row is None:
        return None
    problem = codec.from_json(Problem, row.problem) if row.problem else None
    return Comparison(row.at, row.state == COMPARING, problem)


def due(database: Database) -> list[int]:
    """Books whose comparison waits for a worker."""
    with database.reading() as session:
        query = select(EntryChange.book_id).where(EntryChange.state == COMPARING, claims.free(EntryChange))
        return list(session.exec(query.distinct()))


def work(database: Database, connectors: Connectors, book_id: int) -> None:
    """Compare, if somebody waits for it and no other worker does. What goes wrong is kept; our own is raised, too."""
    until = utcnow() + LEASE
    if not _set(database, book_id, claims.free(EntryChange), look_at=until):
        return
    lease = col(EntryChange.look_at) == until
    try:
        compare(database, connectors, book_id, lease)
    except (ConnectionFailedError, ValidationError) as error:
        _fail(database, book_id, lease, Problem("not_compared", error.message, error.remedy))
    except Exception as error:
        remedy = "Compare again; if it happens again, report it."
        _fail(database, book_id, lease, failures.of_our_own(error, remedy))
        raise
    else:
        _set(database, book_id, lease, state="done", problem=None)


def _fail(database: Database, book_id: int, lease: Any, problem: Problem) -> None:
    _set(database, book_id, lease, state="refused", problem=codec.to_json(problem))


def _set(database: Database, book_id: int, where: Any, **values: object) -> bool:
    """Write it down, if it still stands so."""
    with database.session() as session:
        kept = _still(session, book_id, where, **values)
        session.commit()
    return kept


def _still(session: Session, book_id: int, where: Any, **values: object) -> bool:
    wanted = (*_mine(book_id), col(EntryChange.state) == COMPARING, where)
    return session.exec(update(EntryChange).where(*wanted).values(**values)).rowcount == 1


# ── the comparison ───────────────────────────────────────────────────────────────────────────────────────────────


def compare(database: Database, connectors: Connectors, book_id: int, lease: Any = None) -> int:
    """Read both sides' customers and propose what differs, in the place of older proposals; answers how many.

    ``lease``: SQL that must still hold of the comparison's row for anything to be written. Raises
    ConnectionFailedError, and ValidationError where a side can't show or change them.
    """
    with database.reading() as session:
        book = session.get_one(Book, book_id)
        fields = fields_of(book)
    destination = connections.open_destination(database, connectors, book_id)
    if not fields or book.source_id is None or not isinstance(destination, ChangingEntries):
        raise _switched_off()
    source = connections.open_source(database, connectors, book.source_id)
    source_lists.refresh(database, source, book.source_id, (LinkKind.CUSTOMERS,))
    held = {one.entry.ledger_id: one for one in destination.held_entries(LinkKind.CUSTOMERS)}
    with database.session() as session:
        if lease is not None and not _still(session, book_id, lease, version=""):
            return 0  # another worker has begun anew
        return _propose(session, book, held, fields)


def _propose(session: Session, book: Book, held: dict[str, HeldEntry], fields: Collection[str]) -> int:
    mine = (col(EntryChange.book_id) == book.id, col(EntryChange.kind) == LinkKind.CUSTOMERS)
    session.exec(delete(EntryChange).where(*mine, col(EntryChange.state) == "proposed"))
    busy = set(session.exec(select(EntryChange.ledger_id).where(*mine, col(EntryChange.state).not_in(ENDED))))
    sources = {one.ident: one for one in source_lists.entries(session, book.source_id, LinkKind.CUSTOMERS)}
    terms, gone = _links(session, book, LinkKind.TERMS), _inactive(book)
    count, twice = 0, _shared(session, book)
    for ident, ledger_id in sorted(_links(session, book, LinkKind.CUSTOMERS).items()):
        now, source = held.get(ledger_id), sources.get(own_currency.party(ident))
        if now is None or source is None or ledger_id in busy | twice:
            continue
        old, new = entry_data.changes(now.data, _wanted(source, terms, gone), fields)
        if new:
            session.add(EntryChange(
                book_id=book.id or 0, kind=LinkKind.CUSTOMERS, ledger_id=ledger_id, name=now.entry.name,
                source_id="", version=now.version, old=old, new=new,
            ))  # fmt: skip
            count += 1
    session.commit()
    return count


def _links(session: Session, book: Book, kind: LinkKind) -> dict[str, str]:
    query = select(Link.source_id, Link.ledger_id).where(Link.book_id == book.id, Link.kind == kind)
    return dict(session.exec(query.where(Link.ledger_id != "")).all())


def _shared(session: Session, book: Book) -> set[str]:
    """Customers that several of the PSA are linked to: whose data would it be?"""
    seen: set[str] = set()
    return {one for one in _links(session, book, LinkKind.CUSTOMERS).values() if one in seen or seen.add(one)}  # type: ignore[func-returns-value]  # adds as it looks


def _inactive(book: Book) -> set[str]:
    """Statuses that mean inactive by the Book's setting."""
    names = books.setting_of(book, "contacts.inactive_statuses").split(",")
    return {name.strip().casefold() for name in names} - {""}


def _wanted(source: SourceEntry, terms: dict[str, str], gone: Collection[str]) -> EntryData:
    return EntryData(
        active=source.active and source.status.casefold() not in gone,
        email=source.email,
        terms=terms.get(source.terms_id) if source.terms_id else None,
        address=source.address or entry_data.NOWHERE,
    )
