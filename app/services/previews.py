"""Looking ahead: what stands in the way of each unposted record, and what a batch of some would create and link."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from app.connectors.protocols import Exported, Source
from app.database import Database
from app.domain import codec, shaping
from app.domain.documents import Document
from app.domain.links import Entry, LinkKind, Rules
from app.domain.problems import Problem
from app.domain.states import RecordKind
from app.models.connections import Book
from app.models.records import UnpostedRow
from app.services import books, checking, links, lists, suggestions, wants

CHUNK = 50
#: From this similarity (percent) on, an entry may well be the one that is meant.
LIKELY = 80


def fill(
    database: Database, source: Source, source_id: int, kind: RecordKind, only: Sequence[str] | None = None
) -> int:
    """Export the listed records that have not been looked at since they last changed; answers how many.

    In chunks, so that whoever watches sees it grow. Raises ConnectionFailedError.
    """
    count = 0
    while chunk := _unlooked(database, source_id, kind, only):
        latest = max(row.date for row in chunk)
        exported = source.export(kind, [row.record for row in chunk], summary="default", through=latest)
        _keep(database, chunk, {item.record: item for item in exported})
        _remember(database, source_id, [item.document for item in exported if item.document])
        count += len(chunk)
    return count


def _unlooked(database: Database, source_id: int, kind: RecordKind, only: Sequence[str] | None) -> list[UnpostedRow]:
    with database.reading() as session:
        query = select(UnpostedRow).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)
        query = query.where(UnpostedRow.looked_at != UnpostedRow.fingerprint)
        if only is not None:
            query = query.where(col(UnpostedRow.record).in_(only))
        return list(session.exec(query.order_by(col(UnpostedRow.id)).limit(CHUNK)))


def _keep(database: Database, chunk: Sequence[UnpostedRow], exported: Mapping[str, Exported]) -> None:
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
        session.commit()


def _remember(database: Database, source_id: int, documents: Sequence[Document]) -> None:
    """What the documents refer to stands under Mappings of every company that takes from this PSA, before any batch."""
    with database.session() as session:
        for book in session.exec(select(Book).where(Book.source_id == source_id)).all():
            rules = books.rules_of(book)
            own = [shaping.shaped(document, rules) for document in documents]
            links.remember(session, book.id or 0, wants.seen(own, rules))
        session.commit()


# ── readiness ────────────────────────────────────────────────────────────────────────────────────────────────────


def readiness(session: Session, book: Book, rows: Sequence[UnpostedRow]) -> dict[str, list[Problem] | None]:
    """Problems of each record as far as they can be seen without asking anybody; None = not looked at yet."""
    index, policies, rules = _ground(session, book)
    found: dict[str, list[Problem] | None] = {}
    for row in rows:
        looked = row.looked_at == row.fingerprint
        stored = [codec.from_json(Problem, p) for p in (row.export_problems if looked else row.problems)]
        if not looked:
            found[row.record] = stored or None
            continue
        document = _document(row, rules)
        if document is None:
            found[row.record] = stored
            continue
        found[row.record] = [
            *stored,
            *checking.document_problems(document, rules),
            *_wanting(document, index, rules, policies),
        ]
    return found


def _wanting(document: Document, index: links.Index, rules: Rules, policies: Mapping[LinkKind, str]) -> list[Problem]:
    """What stops it even when creating and exact names are accepted; and, as remarks, what has to be accepted."""
    accepted = wants.of(document, index, rules, policies, accept=True)
    return [*accepted.problems, *wants.remarks(accepted)]


def _ground(session: Session, book: Book) -> tuple[links.Index, dict[LinkKind, str], Rules]:
    return links.Index.load(session, book.id or 0), wants.policies(book), books.rules_of(book)


def _document(row: UnpostedRow, rules: Rules) -> Document | None:
    return shaping.shaped(codec.from_json(Document, row.document), rules) if row.document else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What Submit would do besides posting, per kind.

    Attributes:
        create: names that have no counterpart, those with a similar entry first: (name, similar name or "").
        link: names that the ledger has exactly so.
        blocked: records that would be held for something that neither creates nor links solves.
        unlooked: records that have not been looked at yet.
    """

    create: dict[LinkKind, list[tuple[str, str]]] = field(default_factory=dict)
    link: dict[LinkKind, list[str]] = field(default_factory=dict)
    blocked: int = 0
    unlooked: int = 0


def plan(session: Session, book: Book, rows: Sequence[UnpostedRow]) -> Plan:
    """What a batch of these records, submitted with everything accepted, would create and link."""
    index, policies, rules = _ground(session, book)
    found = Plan()
    create: dict[tuple[LinkKind, str], str] = {}
    link: dict[tuple[LinkKind, str], str] = {}
    blocked = unlooked = 0
    for row in rows:
        document = _document(row, rules) if row.looked_at == row.fingerprint else None
        if document is None:
            unlooked += row.looked_at != row.fingerprint
            blocked += row.looked_at == row.fingerprint
            continue
        resolved = wants.of(document, index, rules, policies, accept=True)
        errors = [
            p for p in (*checking.document_problems(document, rules), *resolved.problems) if p.severity == "error"
        ]
        if errors:
            blocked += 1
            continue
        create.update({(draft.kind, draft.source_id): draft.name for draft in resolved.drafts})
        link.update({(need.kind, need.source_id): need.name for need, _ in resolved.exact})
    for (kind, _), name in link.items():
        found.link.setdefault(kind, []).append(name)
    for kind in {kind for kind, _ in create}:
        entries = lists.entries(session, book.id or 0, kind)
        names = [(name, _similar(entries, name)) for (own, _), name in create.items() if own == kind]
        found.create[kind] = sorted(names, key=lambda pair: (not pair[1], pair[0].casefold()))
    return Plan(found.create, found.link, blocked, unlooked)


def _similar(entries: list[Entry], name: str) -> str:
    """The likeliest entry, if it may well be the same: “Net 15” is not “Net 21”, however alike they look."""
    near = suggestions.rank(entries, name, limit=1)
    if not near or near[0].score < LIKELY or _figures(near[0].entry.name) != _figures(name):
        return ""
    return near[0].entry.name


def _figures(name: str) -> list[str]:
    return re.findall(r"\d+", name)
