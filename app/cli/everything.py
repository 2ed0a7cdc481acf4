"""``batch run --kind all``: one batch per kind, submitted together, waited for together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from app.cli.context import Context
from app.cli.here import work_here
from app.cli.options import location_id, source_of
from app.cli.output import emit, say
from app.cli.waiting import batch_lines, begin, wait_for
from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import CrossfootError, NotFoundError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.services.autosync import rounds
from app.services.batches import as_json, batches
from app.services.connections import books, connections
from app.services.records import everything, records

#: What a person calls all kinds together.
ALL = "all"


def run_everything(
    context: Context, book_ref: str, *, location: str, through: dt.date | None, order: rounds.Order, wait: bool
) -> int:
    """Everything that `unposted` prints, kind by kind; answers the exit status."""
    with context.database.reading() as session:
        book = books.find_book(session, book_ref)
    limit = through or books.today_of(book)
    listed = _read(context, source_of(book), location, limit)
    order = replace(order, through=limit, location=next((place for place, _ in listed.values() if place), ""))
    chosen = {kind: wanted for kind, (_, wanted) in listed.items()}
    with context.database.session() as session:
        found = books.find_book(session, book_ref)
        _, made, refused = everything.submit(session, found, chosen, order, by=context.actor)
    for error in refused:
        say(f"{error.message} {error.remedy}")
    for batch in made:
        if order.mode == "dry":
            work_here(context, batch.id or 0)
        else:
            begin(context, batch)
    return _finish(context, made, wait=wait or order.mode == "dry")


def _read(context: Context, source_id: int, location: str, through: dt.date) -> dict[RecordKind, tuple[str, list[str]]]:
    """Kind → location and records, read anew. A kind that can't be read is said and left out.

    Raises what the first of them raises where it would hold for every kind, or did.
    """
    found: dict[RecordKind, tuple[str, list[str]]] = {}
    errors: list[CrossfootError] = []
    for kind in RecordKind:
        try:
            found[kind] = _listed(context, source_id, kind, location, through)
        except (ConnectionFailedError, NotFoundError) as error:
            if getattr(error, "systemic", False):
                raise
            errors.append(error)
            say(f"{kind.capitalize()}: {error.message} {error.remedy}")
    if not found:
        raise errors[0]
    return found


def _listed(
    context: Context, source_id: int, kind: RecordKind, location: str, through: dt.date
) -> tuple[str, list[str]]:
    source = connections.open_source(context.database, context.connectors, source_id)
    records.refresh(context.database, source, source_id, kind)
    with context.database.reading() as session:
        place = location_id(session, source_id, kind, location)
        return place, records.ordered(session, source_id, kind, records.Filter(location=place, through=through))


def _finish(context: Context, made: Sequence[Batch], *, wait: bool) -> int:
    """Print all of them; 2 only where none has written anything."""
    if wait:
        for batch in made:
            wait_for(context, batch.id or 0)
    with context.database.reading() as session:
        now = [batches.find(session, batch.id or 0) for batch in made]
        values = [as_json.batch_json(session, batch) for batch in now]
        statuses = {as_json.exit_status(session, batch) for batch in now}
    emit({"batches": values}, [line for value in values for line in batch_lines(value)], as_json=context.as_json)
    if not wait:
        return 0
    return statuses.pop() if len(statuses) == 1 else 1
