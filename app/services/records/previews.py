"""Looking ahead: what stands in the way of each unposted record, and what a batch of some would create and link."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from app.connectors.protocols import Exported, Source
from app.database import Database
from app.domain import codec, shaping
from app.domain.documents import Document
from app.domain.links import Entry, LinkKind
from app.domain.problems import Problem
from app.domain.states import RecordKind
from app.models.connections import Book
from app.models.records import UnpostedRow
from app.services.connections import books
from app.services.mapping import links, lists, suggestions, wants
from app.services.records import forecasts

CHUNK = 50
#: From this similarity (percent) on, an entry may well be the one that is meant.
LIKELY = 80


def fill(
    database: Database, source: Source, source_id: int, kind: RecordKind, only: Sequence[str] | None = None
) -> int:
    """Export the listed records that have not been looked at since they last changed; answers how many.

    In chunks, so that whoever watches sees it grow. Raises ConnectionFailedError.
    """
    count, summary = 0, _summary(database, source_id, kind)
    while chunk := _unlooked(database, source_id, kind, only):
        latest = max(row.date for row in chunk)
        exported = source.export(kind, [row.record for row in chunk], summary=summary, through=latest)
        _keep(database, chunk, {item.record: item for item in exported})
        _remember(database, source_id, [item.document for item in exported if item.document])
        count += len(chunk)
    with database.reading() as session:
        companies = _books(session, source_id)
    for book in companies:
        forecasts.renew(database, book, source_id, kind)
    return count


def _summary(database: Database, source_id: int, kind: RecordKind) -> str:
    """Detailed only where a company could not tell otherwise which items it needs: it costs calls."""
    with database.reading() as session:
        needed = kind is RecordKind.INVOICES and any(map(books.detailed_because, _books(session, source_id)))
    return "detailed" if needed else "default"


def _unlooked(database: Database, source_id: int, kind: RecordKind, only: Sequence[str] | None) -> list[UnpostedRow]:
    with database.reading() as session:
        query = select(UnpostedRow).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)
        query = query.where(UnpostedRow.looked_at != UnpostedRow.fingerprint)
        if only is not None:
            query = query.where(col(UnpostedRow.record).in_(only))
        return list(session.exec(query.order_by(col(UnpostedRow.id)).limit(CHUNK)))


def _keep(database: Database, chunk: Sequence[UnpostedRow], exported: Mapping[str, Exported]) -> None:
    kept: list[UnpostedRow] = []
    with database.session() as session:
        for seen in chunk:
            row = session.get(UnpostedRow, seen.id)
            if row is None or row.fingerprint != seen.fingerprint:
                continue
            item = exported.get(row.record)
            row.document = codec.to_json(item.document) if item and item.document else None
            row.export_problems = [codec.to_json(problem) for problem in item.problems] if item else []
            row.looked_at = row.fingerprint
            session.add(row)
            kept.append(row)
        for book in _books(session, chunk[0].source_id):
            forecasts.write(session, book, kept)
        session.commit()


def _books(session: Session, source_id: int) -> Sequence[Book]:
    """Every company that takes from this PSA."""
    return session.exec(select(Book).where(Book.source_id == source_id)).all()


def _remember(database: Database, source_id: int, documents: Sequence[Document]) -> None:
    """What the documents refer to stands under Mappings of every company that takes from this PSA, before any batch."""
    with database.session() as session:
        for book in _books(session, source_id):
            rules = books.rules_of(book)
            own = [shaping.shaped(document, rules) for document in documents]
            links.remember(session, book.id or 0, wants.seen(own, rules))
        session.commit()


# ── readiness ────────────────────────────────────────────────────────────────────────────────────────────────────


def readiness(session: Session, book: Book, rows: Sequence[UnpostedRow]) -> dict[str, list[Problem] | None]:
    """Problems of each record as far as they can be seen without asking anybody; None = not looked at yet."""
    known, resolver = forecasts.of(session, book, rows), forecasts.Resolver.load(session, book)
    found: dict[str, list[Problem] | None] = {}
    for row in rows:
        forecast = known.get(row.record)
        if forecast is None:
            found[row.record] = _problems(row.problems) or None
            continue
        wanted = resolver.of(forecast.needs)
        found[row.record] = [*_problems(forecast.problems), *wanted.problems, *wants.remarks(wanted)]
    return found


def _problems(stored: Sequence[Any]) -> list[Problem]:
    return [codec.from_json(Problem, problem) for problem in stored]


@dataclass(frozen=True, slots=True)
class Plan:
    """What Submit would do besides posting, per kind.

    Attributes:
        create: names that have no counterpart, those with a similar entry first: (name, similar name or "").
        link: names that the ledger has exactly so.
        stopped: records that would be held for something that neither creates nor links solves.
        unlooked: records that have not been looked at yet.
    """

    create: dict[LinkKind, list[tuple[str, str]]] = field(default_factory=dict)
    link: dict[LinkKind, list[str]] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()
    unlooked: int = 0

    @property
    def blocked(self) -> int:
        return len(self.stopped)


def plan(
    session: Session, book: Book, source_id: int, kind: RecordKind, records: Sequence[str], *, accept: bool = True
) -> Plan:
    """What a batch of these records, submitted with everything accepted, would create and link.

    Without ``accept``: only what settings, or a person, have allowed.
    """
    resolver = forecasts.Resolver.load(session, book, accept=accept)
    outlooks = forecasts.outlooks(session, book, source_id, kind, records)
    looked = {record: outlook for record, outlook in outlooks.items() if outlook is not None}
    held = {record for record, outlook in looked.items() if resolver.stops(outlook)}
    ready = [outlook for record, outlook in looked.items() if record not in held]
    wanted = [resolver.one(need) for need in {tuple(need): None for outlook in ready for need in outlook.needs}]
    create = {(draft.kind, draft.source_id): draft.name for want in wanted for draft in want.drafts}
    link = {(need.kind, need.source_id): need.name for want in wanted for need, _ in want.exact}
    return Plan(_with_similar(session, book, create), _by_kind(link), tuple(held), len(outlooks) - len(looked))


def _by_kind(names: Mapping[tuple[LinkKind, str], str]) -> dict[LinkKind, list[str]]:
    found: dict[LinkKind, list[str]] = {}
    for (kind, _), name in names.items():
        found.setdefault(kind, []).append(name)
    return found


def _with_similar(
    session: Session, book: Book, names: Mapping[tuple[LinkKind, str], str]
) -> dict[LinkKind, list[tuple[str, str]]]:
    found: dict[LinkKind, list[tuple[str, str]]] = {}
    for kind, own in _by_kind(names).items():
        entries = lists.entries(session, book.id or 0, kind)
        pairs = [(name, _similar(entries, name)) for name in own]
        found[kind] = sorted(pairs, key=lambda pair: (not pair[1], pair[0].casefold()))
    return found


def _similar(entries: list[Entry], name: str) -> str:
    """The likeliest entry, if it may well be the same: “Net 15” is not “Net 21”, however alike they look."""
    near = suggestions.rank(entries, name, limit=1)
    if not near or near[0].score < LIKELY or _figures(near[0].entry.name) != _figures(name):
        return ""
    return near[0].entry.name


def _figures(name: str) -> list[str]:
    return re.findall(r"\d+", name)
