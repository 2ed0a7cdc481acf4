"""Reading the audit log: newest first, by key, filtered; and all that matches as CSV. Nothing in it is ever deleted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, or_
from sqlalchemy import select as columns
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.domain import csv_text
from app.models.batches import Batch
from app.models.connections import Book, SourceRow
from app.models.people import Audit
from app.models.postings import Posting
from app.services.people import audit_words

PAGE = 100
HEAD = ("when", "who", "from", "act", "did", "to", "company", "field", "old", "new", "detail")


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the log is wanted; what is empty does not narrow. ``since`` and ``until`` are aware, until is outside."""

    actor: str = ""
    action: str = ""
    book_id: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """What a deed was about, as people call it."""

    label: str
    book_id: int | None = None
    batch_id: int | None = None


#: Kind of a subject → id, and the fields of its Thing.
_NAMES: Mapping[str, Select[*tuple[Any, ...]]] = {
    "book": columns(col(Book.id), col(Book.name), col(Book.id)),
    "batch": columns(col(Batch.id), col(Batch.name), col(Batch.book_id), col(Batch.id)),
    "posting": columns(col(Posting.id), "document " + col(Posting.number), col(Posting.book_id), col(Posting.batch_id)),
    "source": columns(col(SourceRow.id), col(SourceRow.name)),
}


def page(session: Session, wanted: Filter, before: int | None = None) -> tuple[list[Audit], int | None]:
    """Up to 100 rows, and the key of the next page."""
    query = _matching(wanted).limit(PAGE + 1)
    if before:
        query = query.where(col(Audit.id) < before)
    rows = list(session.exec(query))
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def _matching(wanted: Filter) -> SelectOfScalar[Audit]:
    query = select(Audit).order_by(col(Audit.id).desc())
    if wanted.actor:
        query = query.where(col(Audit.actor) == wanted.actor)
    if wanted.action:
        query = query.where(col(Audit.action) == wanted.action)
    if wanted.book_id:
        query = query.where(col(Audit.book_id) == wanted.book_id)
    if wanted.since:
        query = query.where(col(Audit.at) >= wanted.since)
    if wanted.until:
        query = query.where(col(Audit.at) < wanted.until)
    for word in wanted.words.split():
        query = query.where(_holds(word))
    return query


def _holds(word: str) -> ColumnElement[bool]:
    """The word stands somewhere in the row, or the act is called so."""
    pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    where: tuple[Any, ...] = (Audit.actor, Audit.action, Audit.subject, Audit.address, Audit.detail)
    called = [act for act, words in audit_words.ACTS.items() if word.lower() in words.lower()]
    named = [cast(col(column), String).ilike(pattern, escape="\\") for column in where]
    return or_(*named, col(Audit.action).in_(called))


def actors(session: Session) -> list[str]:
    """Everybody who ever did something."""
    return list(session.exec(select(Audit.actor).where(Audit.actor != "").distinct().order_by(Audit.actor)))


def actions(session: Session) -> list[str]:
    """Everything that was ever done, by what it is called."""
    return sorted(session.exec(select(Audit.action).distinct()), key=audit_words.act)


def companies(session: Session) -> dict[int, str]:
    """Book → its name, by name; of those that were forgotten, too: their rows are there."""
    gone = session.exec(select(Audit.book_id, Audit.detail).where(Audit.action == "book.forget"))
    found = {ident or 0: f"{detail.get('name', ident)} (forgotten)" for ident, detail in gone}
    found |= {ident or 0: name for ident, name in session.exec(select(Book.id, Book.name))}
    return dict(sorted(found.items(), key=lambda one: one[1].casefold()))


def things(session: Session, rows: Iterable[Audit]) -> dict[str, Thing]:
    """Subject → what it is called, for those that still are there.

    SQLite numbers new rows as those of a forgotten company were: what is another company's now is not named.
    """
    wanted: dict[str, set[int]] = {}
    rows = list(rows)
    for row in rows:
        kind, _, ident = row.subject.partition(":")
        if ident.isdecimal():
            wanted.setdefault(kind, set()).add(int(ident))
    found: dict[str, Thing] = {}
    for kind, query in _NAMES.items():
        for ident, *about in session.execute(query.where(query.selected_columns[0].in_(wanted.get(kind, ())))):
            found[f"{kind}:{ident}"] = Thing(*about)
    for row in rows:
        thing = found.get(row.subject)
        if thing and thing.book_id and row.book_id and thing.book_id != row.book_id:
            del found[row.subject]
    return found


def as_csv(session: Session, wanted: Filter) -> Iterator[str]:
    """All that matches, newest first, a line per changed field, in pieces: the log is never in memory as a whole."""
    books = companies(session)
    yield csv_text.lines([HEAD])
    before: int | None = None
    while True:
        rows, before = page(session, wanted, before)
        named = things(session, rows)
        yield csv_text.lines(cells for row in rows for cells in _cells(row, named, books))
        if before is None:
            return


def _cells(row: Audit, named: dict[str, Thing], books: Mapping[int, str]) -> Iterator[tuple[str, ...]]:
    thing = named.get(row.subject)
    head = (
        row.at.isoformat(timespec="seconds"), row.actor, row.address, row.action, audit_words.act(row.action),
        thing.label if thing else row.subject, books.get(row.book_id or 0, ""),
    )  # fmt: skip
    rest = audit_words.rest(row.detail)
    for change in audit_words.changes(row.detail) or [audit_words.Change("", "", "")]:
        yield (*head, change.name, change.old, change.new, rest)
