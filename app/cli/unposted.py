"""``unposted``: what could be batched, each record with its problems."""

from __future__ import annotations

import datetime as dt
from typing import Any

from app.cli.context import Context, pass_context
from app.cli.options import (
    book_option,
    command,
    day,
    location_id,
    location_option,
    record_kind,
    source_of,
    through_option,
)
from app.cli.output import emit, finding_lines, printable, say, table
from app.connectors.protocols import ConnectionFailedError
from app.domain.money import plain
from app.domain.problems import Problem, Severity
from app.domain.states import RecordKind
from app.models.connections import Book
from app.models.records import Hold, UnpostedRow
from app.services.connections import books, connections
from app.services.mapping import lists
from app.services.records import holding, previews, records


@command()
@book_option
@record_kind
@location_option
@through_option
@pass_context
def unposted(context: Context, book_ref: str, kind: str, location: str, through: dt.datetime | None) -> None:
    """List the PSA's unposted records, read anew, each with its problems."""
    database, of_kind = context.database, RecordKind(kind)
    with database.reading() as session:
        book = books.find_book(session, book_ref)
    source_id = source_of(book)
    source = connections.open_source(database, context.connectors, source_id)
    as_of = records.refresh(database, source, source_id, of_kind).as_of
    with database.reading() as session:
        place = location_id(session, source_id, of_kind, location)
        wanted = records.Filter(location=place, through=day(through) or books.today_of(book))
        listed = records.matching(session, source_id, of_kind, wanted)
    previews.fill(database, source, source_id, of_kind, only=listed)
    _refresh_lists(context, book)
    with database.reading() as session:
        rows = records.listed(session, source_id, of_kind, wanted)
        problems = {record: found or [] for record, found in previews.readiness(session, book, rows).items()}
        _add_holds(problems, holding.of(session, source_id, of_kind, list(problems)))
    value = {"records": [_record_json(row, problems[row.record]) for row in rows], "as_of": as_of}
    emit(value, _lines(rows, problems), as_json=context.as_json)


def _add_holds(problems: dict[str, list[Problem]], holds: dict[str, Hold]) -> None:
    """A hold comes first: nothing else matters before somebody releases the record."""
    for record, held in holds.items():
        remedy = f"./crossfoot release --record {record} lets it go; batch run --record {record} posts it all the same."
        problem = Problem("on_hold", f"On hold: {held.reason} ({held.by}).", remedy, Severity.WARNING)
        problems[record] = [problem, *problems[record]]


def _refresh_lists(context: Context, book: Book) -> None:
    """What is linked is judged by the ledger's lists; by the stored ones where QuickBooks can't be asked."""
    try:
        destination = connections.open_destination(context.database, context.connectors, book.id or 0)
        lists.refresh(context.database, destination, book.id or 0)
    except ConnectionFailedError as error:
        say(f"{error.message} Problems are judged by QuickBooks’ lists as they were last read.")


def _record_json(row: UnpostedRow, problems: list[Problem]) -> dict[str, Any]:
    return {
        "record": row.record,
        "number": row.number,
        "kind": row.kind,
        "type": row.psa_type,
        "party": row.party,
        "date": row.date.isoformat(),
        "currency": row.currency,
        "total": plain(row.total),
        "location": row.location,
        "problems": [problem.to_json() for problem in problems],
    }


def _lines(rows: list[UnpostedRow], problems: dict[str, list[Problem]]) -> list[str]:
    if not rows:
        return ["Nothing is unposted."]
    cells = [
        [r.record, r.number, r.psa_type, r.party, r.date.isoformat(), r.location, f"{plain(r.total)} {r.currency}"]
        for r in rows
    ]
    heads = ["RECORD", "NUMBER", "TYPE", "CUSTOMER", "DATE", "LOCATION", "TOTAL"]
    head, *lines = table(cells, heads, right=[6])
    shown = [head]
    for row, line in zip(rows, lines, strict=True):
        shown += [line, *(f"  {printable(text)}" for text in finding_lines(problems.get(row.record, [])))]
    return [*shown, f"{len(rows)} records."]
