"""Forecasts: what each unposted record wants from a Book and what stops it, kept beside the stored list.

Reading a document takes half a millisecond; a page asks about thousands. So what only depends on the document and on
the Book's rules is worked out once and stored, and links are looked up in it when somebody asks.

What makes a forecast untrue, and who notices:

- Another document: ``previews.fill`` writes the forecast in the commit that stores the document. A fingerprint that
  changed since (a new list) makes the record one that nobody has looked at, and its forecast is passed over.
- Other rules (a setting, a module, the company's own preferences): their hash is in the row. One with another hash
  counts as not there: the document is read instead, and ``renew`` stores it anew when the next look ahead ends.
- Links, the ledger's lists, policies for what is missing: no forecast depends on them.
- Holds, and batches that have a record: no forecast speaks of them; ``records.standings`` does.
- A release that judges documents in another way: it raises EDITION.
- A record that left the list: its forecast goes with the row, by the foreign key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, delete
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.database import Database
from app.domain import codec, cogs, hooks, shaping, soundness
from app.domain.documents import Document
from app.domain.links import Draft, LinkKind, Need, Rules, needs
from app.domain.problems import STOPS, Problem
from app.domain.states import RecordKind
from app.models.connections import Book
from app.models.records import Forecast, UnpostedRow
from app.services.connections import books
from app.services.mapping import links, wants

#: Part of the hash of the rules: to be raised when a document is judged, shaped or searched for needs in another way.
EDITION = 7
CHUNK = 200
#: Up to so many records are asked for by name; of more, the whole list is read.
NAMED = 500


@dataclass(frozen=True, slots=True)
class Outlook:
    """A record that has been looked at: ``stops`` whatever is linked, and ``needs`` as they are stored."""

    stops: bool
    needs: list[list[Any]]


def rules_hash(book: Book) -> str:
    """Of everything about the Book that a forecast depends on."""
    rules = books.rules_of(book)
    text = f"{EDITION} {sorted(codec.to_json(rules).items())!r} {hooks.versions(rules)!r}"
    return hashlib.sha256(text.encode()).hexdigest()


# ── made and stored ──────────────────────────────────────────────────────────────────────────────────────────────


def made(row: UnpostedRow, book: Book, rules: Rules, digest: str) -> Forecast:
    """The forecast of a record that has been looked at, from its document."""
    problems = [codec.from_json(Problem, problem) for problem in row.export_problems]
    found: list[Need] = []
    if row.document:
        document = shaping.shaped(codec.from_json(Document, row.document), rules)
        problems += soundness.problems(document, rules)
        found = needs(document, rules)
        if (entry := cogs.entry(document, rules)) is not None:
            found += [need for need in needs(entry, rules) if need not in found]
    return Forecast(
        book_id=book.id or 0,
        row_id=row.id or 0,
        looked_at=row.looked_at,
        rules=digest,
        stops=any(problem.severity in STOPS for problem in problems),
        problems=[codec.to_json(problem) for problem in problems],
        needs=[[need.kind, need.source_id, need.name, need.field, _creatable(need)] for need in found],
    )


def _creatable(need: Need) -> bool | str:
    """Whether it may be created; of what is kept in a currency, in which."""
    return need.draft is not None and (need.draft.currency or True)


def write(session: Session, book: Book, rows: Iterable[UnpostedRow]) -> None:
    """Store the forecasts of records that have been looked at, in the place of older ones. The caller commits."""
    rules, digest = books.rules_of(book), rules_hash(book)
    fresh = [made(row, book, rules, digest) for row in rows]
    old = col(Forecast.row_id).in_([forecast.row_id for forecast in fresh])
    session.exec(delete(Forecast).where(col(Forecast.book_id) == book.id, old))
    session.add_all(fresh)


def renew(database: Database, book: Book, source_id: int, kind: RecordKind) -> int:
    """Store every forecast that is missing or was made by other rules; answers how many."""
    count = 0
    while True:
        with database.session() as session:
            missing = _listed(col(UnpostedRow.id), book, source_id, kind).where(_LOOKED, col(Forecast.id).is_(None))
            idents = list(session.execute(missing.limit(CHUNK)).scalars())
            write(session, book, session.exec(select(UnpostedRow).where(col(UnpostedRow.id).in_(idents))).all())
            session.commit()
        count += len(idents)
        if len(idents) < CHUNK:
            return count


_LOOKED = col(UnpostedRow.looked_at) == col(UnpostedRow.fingerprint)


def _listed(what: Any, book: Book, source_id: int, kind: RecordKind) -> Any:
    """A query over the stored list, with the forecast of each record beside it as far as there is a true one."""
    true = and_(
        col(Forecast.row_id) == col(UnpostedRow.id),
        col(Forecast.book_id) == book.id,
        col(Forecast.rules) == rules_hash(book),
        col(Forecast.looked_at) == col(UnpostedRow.looked_at),
    )
    what = what if isinstance(what, tuple) else (what,)
    query = columns(*what).select_from(UnpostedRow).join(Forecast, true, isouter=True)
    return query.where(col(UnpostedRow.source_id) == source_id, col(UnpostedRow.kind) == kind)


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def of(session: Session, book: Book, rows: Sequence[UnpostedRow]) -> dict[str, Forecast]:
    """Record → its forecast, of those that have been looked at; where none is stored, made from the document."""
    rules, digest = books.rules_of(book), rules_hash(book)
    looked = {row.id or 0: row for row in rows if row.looked_at == row.fingerprint}
    found: dict[str, Forecast] = {}
    for some in _slices(list(looked), NAMED):
        query = select(Forecast).where(Forecast.book_id == book.id, Forecast.rules == digest)
        for forecast in session.exec(query.where(col(Forecast.row_id).in_(some))):
            row = looked[forecast.row_id]
            if forecast.looked_at == row.looked_at:
                found[row.record] = forecast
    for row in looked.values():
        if row.record not in found:
            found[row.record] = made(row, book, rules, digest)
    return found


def outlooks(
    session: Session, book: Book, source_id: int, kind: RecordKind, only: Sequence[str] | None = None
) -> dict[str, Outlook | None]:
    """Record → its outlook over the whole stored list, or of ``only`` some; None for one nobody has looked at."""
    what = (col(UnpostedRow.record), _LOOKED, col(Forecast.stops), col(Forecast.needs))
    query = _listed(what, book, source_id, kind)
    if only is not None and len(only) <= NAMED:
        query = query.where(col(UnpostedRow.record).in_(only))
    found: dict[str, Outlook | None] = {}
    missing: list[str] = []
    for record, looked, stops, needed in session.execute(query):
        found[record] = Outlook(stops, needed) if looked and stops is not None else None
        if looked and stops is None:
            missing.append(record)
    found.update(_from_documents(session, book, source_id, kind, missing))
    return found if only is None else {record: found[record] for record in only if record in found}


def _from_documents(
    session: Session, book: Book, source_id: int, kind: RecordKind, records: Sequence[str]
) -> dict[str, Outlook]:
    found: dict[str, Outlook] = {}
    for some in _slices(records, NAMED):
        query = select(UnpostedRow).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)
        rows = session.exec(query.where(col(UnpostedRow.record).in_(some))).all()
        found.update({name: Outlook(one.stops, one.needs) for name, one in of(session, book, rows).items()})
    return found


def _slices(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


# ── links looked up ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Resolver:
    """Looks stored needs up in a Book's links as they are now; what many records need, once."""

    index: links.Index
    policies: Mapping[LinkKind, str]
    accept: bool = True
    _known: dict[tuple[Any, ...], wants.Wants] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session, book: Book, *, accept: bool = True) -> Resolver:
        """With the links of now; without ``accept``, what would have to be created or linked by name stops too."""
        place = (str(session.get_bind().engine.url), book.id or 0)
        index = _indices.setdefault(place, links.CurrentIndex()).get(session, book.id or 0)
        return cls(index, wants.policies(book), accept)

    def of(self, needed: Iterable[Sequence[Any]]) -> wants.Wants:
        """How the links of one record stand when creating and exact names are accepted."""
        parts = [self.one(tuple(need)) for need in needed]
        return wants.Wants(
            exact=[exact for part in parts for exact in part.exact],
            drafts=[draft for part in parts for draft in part.drafts],
            problems=[problem for part in parts for problem in part.problems],
        )

    def stops(self, outlook: Outlook) -> bool:
        """Whether it cannot be posted as things are, even with everything accepted."""
        return outlook.stops or any(
            problem.severity in STOPS for need in outlook.needs for problem in self.one(tuple(need)).problems
        )

    def one(self, need: tuple[Any, ...]) -> wants.Wants:
        """How a single stored need stands."""
        if need not in self._known:
            self._known[need] = wants.resolve([_need(*need)], self.index, self.policies, accept=self.accept)
        return self._known[need]


_indices: dict[tuple[str, int], links.CurrentIndex] = {}


def _need(kind: str, source_id: str, name: str, place: str, creatable: bool | str) -> Need:
    currency = creatable if isinstance(creatable, str) else ""
    draft = Draft(LinkKind(kind), source_id, name, currency=currency) if creatable else None
    return Need(LinkKind(kind), source_id, name, place, draft)
