"""``hold`` and ``release``: keep a record out of batches, with the reason, and let it go again."""

from __future__ import annotations

import click

from app.cli.context import Context, pass_context
from app.cli.options import book_option, command, record_kind, source_of
from app.cli.output import emit, printable
from app.domain.states import RecordKind
from app.services.connections import books, connections
from app.services.records import holding, records

record_option = click.option("--record", required=True, metavar="ID", help="The record, as `unposted` lists it.")


@command()
@book_option
@record_kind
@record_option
@click.option("--reason", required=True, help="What it waits for, in a few words.")
@pass_context
def hold(context: Context, book_ref: str, kind: str, record: str, reason: str) -> None:
    """Keep an unposted record out of every batch until it is released, or named by `batch run --record`."""
    of_kind = RecordKind(kind)
    source_id = _source_id(context, book_ref)
    source = connections.open_source(context.database, context.connectors, source_id)
    records.refresh(context.database, source, source_id, of_kind)
    with context.database.session() as session:
        held = holding.hold(session, source_id, of_kind, record, reason=reason, by=context.actor)
        value = {"record": record, "held": True, "reason": held.reason, "by": held.by, "at": held.at}
    emit(value, [f"Record {record} is on hold: {printable(held.reason)}"], as_json=context.as_json)


@command()
@book_option
@record_kind
@record_option
@pass_context
def release(context: Context, book_ref: str, kind: str, record: str) -> None:
    """Let a record on hold be batched again."""
    source_id = _source_id(context, book_ref)
    with context.database.session() as session:
        was_held = holding.release(session, source_id, RecordKind(kind), record, by=context.actor)
    said = f"Record {record} is released." if was_held else f"Record {record} was not on hold."
    emit({"record": record, "held": False, "was_held": was_held}, [said], as_json=context.as_json)


def _source_id(context: Context, book_ref: str) -> int:
    with context.database.reading() as session:
        return source_of(books.find_book(session, book_ref))
