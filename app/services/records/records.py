"""The stored list of unposted records: read whole from the PSA on demand, filtered, summed and paged here."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, and_, case, cast, delete, func, or_
from sqlalchemy import select as columns
from sqlalchemy.orm import defer
from sqlmodel import Session, SQLModel, col, select

from app.connectors.protocols import Source, UnpostedRecord
from app.database import Database
from app.domain.codec import to_json
from app.domain.money import cents
from app.domain.states import STOPPED, PostingState, RecordKind, Role
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Posting, PostingRecord
from app.models.records import Hold, UnpostedList, UnpostedRow
from app.services.people import access
from app.services.records import paging

PAGE = 100
#: In place of the name of a batch that the person may not see.
ELSEWHERE = "(another company’s)"
#: What the PSA exported: for thousands of records it fills the memory, and lists have no use for it.
_HEAVY: tuple[Any, ...] = (UnpostedRow.document, UnpostedRow.export_problems)
SORTS = {
    "number": UnpostedRow.number,
    "date": UnpostedRow.date,
    "party": UnpostedRow.party,
    "type": UnpostedRow.psa_type,
    "location": UnpostedRow.location,
    "terms": UnpostedRow.terms,
    "tax": UnpostedRow.tax,
    "total": UnpostedRow.cents,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows. ``location`` is a location's id; ``through`` leaves out later dates; both empty = all."""

    location: str = ""
    through: dt.date | None = None
    query: str = ""
    sort: str = "number"
    records: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """How many, and how much per currency, in hundredths."""

    count: int
    cents: dict[str, int]


@dataclass(frozen=True, slots=True)
class Location:
    """A location that has records, with their count and totals."""

    id: str
    name: str
    sum: Sum


@dataclass(frozen=True, slots=True)
class Page:
    """Up to 100 rows; ``next`` is the key of the following page, empty on the last one."""

    rows: list[UnpostedRow]
    next: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What our own books of account say of a record: where its newest posting stands.

    ``offered`` is True when it may be batched; ``only_by_name`` when a person has to ask for just this record.
    ``reason`` and ``held_by`` are those of a hold.
    """

    offered: bool
    only_by_name: bool = False
    state: str = ""
    batch_id: int | None = None
    batch: str = ""
    posting_id: int | None = None
    reason: str = ""
    held_by: str = ""


FREE = Standing(offered=True)


def refresh(database: Database, source: Source, source_id: int, kind: RecordKind) -> UnpostedList:
    """Read the PSA's list and store it. Raises ConnectionFailedError; the stored list is then as it was."""
    fresh = source.unposted(kind)
    with database.session() as session:
        return store(session, source_id, kind, fresh)


def store(session: Session, source_id: int, kind: RecordKind, fresh: Sequence[UnpostedRecord]) -> UnpostedList:
    """Replace the stored list; counts what came and what went since the time before."""
    unread = [defer(column) for column in _HEAVY]
    old = {row.record: row for row in session.exec(_rows(source_id, kind).options(*unread))}
    new = {record.record: record for record in fresh}
    for record in new.values():
        _fill(session, old.get(record.record) or UnpostedRow(source_id=source_id, kind=kind, **_NOTHING), record)
    gone = [row.id for name, row in old.items() if name not in new]
    for start in range(0, len(gone), 500):
        session.exec(delete(UnpostedRow).where(col(UnpostedRow.id).in_(gone[start : start + 500])))
    listing = as_of(session, source_id, kind) or UnpostedList(source_id=source_id, kind=kind, as_of=utcnow())
    listing.came, listing.went, listing.as_of = len(new.keys() - old.keys()), len(gone), utcnow()
    session.add(listing)
    session.commit()
    return listing


_NOTHING: dict[str, Any] = {
    "record": "", "number": "", "date": dt.date.min, "currency": "", "total": 0, "fingerprint": "",
}  # fmt: skip


def _fill(session: Session, row: UnpostedRow, record: UnpostedRecord) -> None:
    """Write the row, but only if something of it changed: a list of thousands is mostly the same as before."""
    problems = [to_json(problem) for problem in record.problems]
    same = row.problems == problems and row.facts == record.facts and row.party == record.party
    if same and row.fingerprint == record.fingerprint:
        return
    for name in (
        "record", "number", "psa_type", "party_id", "party", "date", "due_date", "currency", "total", "tax",
        "location_id", "location", "terms_id", "terms", "tax_code_id", "tax_code", "date_closed", "fingerprint",
    ):  # fmt: skip
        setattr(row, name, getattr(record, name))
    row.cents = int(cents(record.total) * 100)
    row.problems, row.facts = problems, dict(record.facts)
    row.seen_at = utcnow()
    session.add(row)


def as_of(session: Session, source_id: int, kind: RecordKind) -> UnpostedList | None:
    """When the list was last read; None if never."""
    return session.exec(
        select(UnpostedList).where(UnpostedList.source_id == source_id, UnpostedList.kind == kind)
    ).first()


def _rows(source_id: int, kind: RecordKind) -> Any:
    return select(UnpostedRow).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)


# ── filtered looks ───────────────────────────────────────────────────────────────────────────────────────────────


def _conditions(source_id: int, kind: RecordKind, wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[Any] = [UnpostedRow.source_id == source_id, UnpostedRow.kind == kind]
    if wanted.location:
        conditions.append(UnpostedRow.location_id == wanted.location)
    if wanted.through:
        conditions.append(UnpostedRow.date <= wanted.through)
    conditions.extend(_matches(word) for word in wanted.query.split())
    conditions.append(col(UnpostedRow.record).not_in(_taken(source_id, kind)))
    return conditions


def _matches(word: str) -> ColumnElement[bool]:
    pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    amount = word.replace(",", "").replace("$", "").replace("−", "-")
    return or_(
        *(
            col(column).ilike(pattern, escape="\\")
            for column in (UnpostedRow.number, UnpostedRow.party, UnpostedRow.psa_type)
        ),
        cast(UnpostedRow.total, String).like(f"{amount}%") if amount.strip("-") else col(UnpostedRow.id).is_(None),
    )


def _taken(source_id: int, kind: RecordKind) -> Any:
    """Records that some batch is working on, or that are in the books already: of whatever company it is (access)."""
    batch = SQLModel.metadata.tables["batches"].c
    ended_held = and_(
        col(Posting.state).in_(STOPPED),
        or_(batch.ended_at.is_not(None), batch.stopped.is_(True)),
    )
    return (
        select(PostingRecord.record)
        .join(Posting, col(Posting.id) == PostingRecord.posting_id)
        .join(batch.id.table, batch.id == Posting.batch_id)
        .where(PostingRecord.source_id == source_id, PostingRecord.kind == kind, col(PostingRecord.live))
        .where(~ended_held)
    )


def page(session: Session, source_id: int, kind: RecordKind, wanted: Filter, after: str = "") -> Page:
    """One page by key: ``after`` is the ``next`` of the page before (``value|id``)."""
    name = wanted.sort.lstrip("-")
    column: Any = SORTS.get(name, UnpostedRow.number)
    down = wanted.sort.startswith("-")
    query = columns(col(UnpostedRow.id), col(UnpostedRow.record)).where(*_conditions(source_id, kind, wanted))
    if after:
        query = query.where(paging.beyond(column, col(UnpostedRow.id), after, down=down, read=paging.reader(name)))
    order = column.desc() if down else column.asc()
    found = session.execute(query.order_by(order, col(UnpostedRow.id)))
    chosen = set(wanted.records) if wanted.records is not None else None
    some = (row_id for row_id, record in found if chosen is None or record in chosen)
    rows = _without_documents(session, list(islice(some, PAGE + 1)))
    found.close()
    more = len(rows) > PAGE
    last = rows[PAGE - 1] if more else None
    attribute = {"type": "psa_type", "total": "cents"}.get(name, name if name in SORTS else "number")
    return Page(rows[:PAGE], f"{getattr(last, attribute)}|{last.id}" if last else "")


def _without_documents(session: Session, idents: Sequence[int]) -> list[UnpostedRow]:
    """The rows in this order, but for what the PSA exported: reading that takes longer than the page."""
    query = select(UnpostedRow).where(col(UnpostedRow.id).in_(idents)).options(*(defer(column) for column in _HEAVY))
    rows = {row.id: row for row in session.exec(query)}
    return [rows[ident] for ident in idents if ident in rows]


def listed(session: Session, source_id: int, kind: RecordKind, wanted: Filter) -> list[UnpostedRow]:
    """Every row that matches, by number."""
    query = select(UnpostedRow).where(*_conditions(source_id, kind, wanted))
    return list(session.exec(query.order_by(col(UnpostedRow.number), col(UnpostedRow.id))))


def ordered(session: Session, source_id: int, kind: RecordKind, wanted: Filter) -> list[str]:
    """Ids of every record that matches, in the order of the list."""
    column: Any = SORTS.get(wanted.sort.lstrip("-"), UnpostedRow.number)
    order = column.desc() if wanted.sort.startswith("-") else column.asc()
    query = select(UnpostedRow.record).where(*_conditions(source_id, kind, wanted)).order_by(order, col(UnpostedRow.id))
    chosen = set(wanted.records) if wanted.records is not None else None
    return [record for record in session.exec(query) if chosen is None or record in chosen]


def matching(session: Session, source_id: int, kind: RecordKind, wanted: Filter) -> list[str]:
    """Ids of every record that matches."""
    return list(session.exec(select(UnpostedRow.record).where(*_conditions(source_id, kind, wanted))))


def summed(session: Session, source_id: int, kind: RecordKind, wanted: Filter) -> Sum:
    """Count and totals of all that match."""
    query = (
        columns(col(UnpostedRow.currency), func.count(), func.coalesce(func.sum(UnpostedRow.cents), 0))
        .where(*_conditions(source_id, kind, wanted))
        .group_by(col(UnpostedRow.currency))
    )
    rows = session.execute(query).all()
    return Sum(sum(row[1] for row in rows), {currency: int(amount) for currency, _, amount in rows})


class Brief(NamedTuple):
    """What sums are made of: read for all that may be batched, so that the rest of a page needs no further query."""

    record: str
    location_id: str
    location: str
    currency: str
    cents: int
    psa_type: str


def briefs(session: Session, source_id: int, kind: RecordKind, through: dt.date | None) -> list[Brief]:
    """Everything that may be batched, in short; an index holds all of it."""
    query = columns(
        col(UnpostedRow.record),
        col(UnpostedRow.location_id),
        col(UnpostedRow.location),
        col(UnpostedRow.currency),
        col(UnpostedRow.cents),
        col(UnpostedRow.psa_type),
    ).where(*_conditions(source_id, kind, Filter(through=through)))
    return list(map(Brief._make, session.execute(query)))


def sum_of(rows: Iterable[Brief]) -> Sum:
    """Count and totals per currency."""
    count, totals = 0, dict[str, int]()
    for row in rows:
        count += 1
        totals[row.currency] = totals.get(row.currency, 0) + row.cents
    return Sum(count, totals)


def fingerprint(chosen: Iterable[str], whole: Sum) -> str:
    """Differs as soon as these are other records, or come to another total."""
    text = "\n".join([*sorted(chosen), *(f"{currency}{amount}" for currency, amount in sorted(whole.cents.items()))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def locations(session: Session, source_id: int, kind: RecordKind, through: dt.date | None) -> list[Location]:
    """The locations that have records, largest first."""
    return locations_of(briefs(session, source_id, kind, through))


def locations_of(rows: Iterable[Brief]) -> list[Location]:
    """The locations of some records, largest first."""
    there: dict[str, list[Brief]] = {}
    for row in rows:
        there.setdefault(row.location_id, []).append(row)
    found = [Location(ident, own[0].location or ident, sum_of(own)) for ident, own in there.items()]
    return sorted(found, key=lambda location: (-location.sum.count, location.name))


# ── where a record stands with us ────────────────────────────────────────────────────────────────────────────────


def standings(session: Session, source_id: int, kind: RecordKind, records: Sequence[str]) -> dict[str, Standing]:
    """Standing of each record that we have ever posted or tried to; the others are free.

    Free for the taking: held by a problem or refused, in a batch that has ended. Only by name: on hold by a person,
    undone, or skipped, with the same fingerprint as then; or on hold with a reason, whatever it is like now. Otherwise
    a batch has it, or it is in the books.
    """
    found: dict[str, Standing] = {}
    for start in range(0, len(records), 500):
        query = (
            columns(PostingRecord, Posting, Batch, col(UnpostedRow.fingerprint))
            .join(Posting, col(Posting.id) == PostingRecord.posting_id)
            .join(Batch, col(Batch.id) == Posting.batch_id)
            .join(
                UnpostedRow,
                and_(
                    col(UnpostedRow.source_id) == PostingRecord.source_id,
                    col(UnpostedRow.kind) == PostingRecord.kind,
                    col(UnpostedRow.record) == PostingRecord.record,
                ),
                isouter=True,
            )
            .where(col(PostingRecord.source_id) == source_id, col(PostingRecord.kind) == kind)
            .where(col(Batch.mode) != "dry", col(PostingRecord.role) == Role.MAIN)
            .where(col(PostingRecord.record).in_(records[start : start + 500]))
            .order_by(case((col(PostingRecord.live), 1), else_=0), col(PostingRecord.id))
        )
        for link, posting, batch, fingerprint in session.execute(query, execution_options=access.EVERY_BOOK):
            found[link.record] = _standing(link, posting, batch, fingerprint)
        held = select(Hold).where(Hold.source_id == source_id, Hold.kind == kind)
        for hold in session.exec(held.where(col(Hold.record).in_(records[start : start + 500]))):
            known = found.get(hold.record, FREE)
            found[hold.record] = replace(known, only_by_name=known.offered, reason=hold.reason, held_by=hold.by)
    return found


def _standing(link: PostingRecord, posting: Posting, batch: Batch, fingerprint: str | None) -> Standing:
    known = Standing(False, state=posting.state, batch_id=batch.id, batch=batch.name, posting_id=posting.id)
    seen = access.visible.get()
    if seen is not None and batch.book_id not in seen:
        known = Standing(False, state=posting.state, batch=ELSEWHERE)
    unchanged = fingerprint == link.fingerprint
    held = posting.state in STOPPED
    if link.live:
        ended = batch.ended_at is not None or batch.stopped
        return replace(known, offered=held and ended)
    by_name = posting.state in (PostingState.UNDONE, PostingState.SKIPPED) and unchanged
    return replace(known, offered=True, only_by_name=by_name)


# ── for a run ────────────────────────────────────────────────────────────────────────────────────────────────────


def all_fingerprints(session: Session, source_id: int, kind: RecordKind) -> dict[str, str]:
    """Fingerprint of every listed record."""
    query = select(UnpostedRow.record, UnpostedRow.fingerprint)
    return dict(session.exec(query.where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)).all())


def one(session: Session, source_id: int, kind: RecordKind, record: str) -> UnpostedRow | None:
    """The listed row of a record; None when it is not unposted."""
    query = select(UnpostedRow).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)
    return session.exec(query.where(UnpostedRow.record == record)).first()


def named(session: Session, source_id: int, kind: RecordKind, wanted: Sequence[str]) -> list[UnpostedRow]:
    """The listed rows of some records, each once, in the order asked."""
    found: dict[str, UnpostedRow] = {}
    for start in range(0, len(wanted), 500):
        query = _rows(source_id, kind).where(col(UnpostedRow.record).in_(wanted[start : start + 500]))
        found.update({row.record: row for row in session.exec(query)})
    return [found[record] for record in dict.fromkeys(wanted) if record in found]


def latest_date(session: Session, source_id: int, kind: RecordKind, wanted: Sequence[str]) -> dt.date | None:
    """The latest date of some records."""
    query = select(func.max(UnpostedRow.date)).where(UnpostedRow.source_id == source_id, UnpostedRow.kind == kind)
    return session.exec(query.where(col(UnpostedRow.record).in_(wanted))).first()
