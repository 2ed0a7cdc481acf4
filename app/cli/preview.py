"""``preview``: one record as the PSA has it, and what the books would get."""

from __future__ import annotations

import click

from app.cli.context import Context, pass_context
from app.cli.options import book_option, command, record_kind
from app.cli.output import emit
from app.domain.states import RecordKind
from app.models.columns import dumps
from app.services.connections import books
from app.services.connections.connections import open_destination
from app.services.mapping import lists
from app.services.records import proofs


@command(None)
@book_option
@record_kind
@click.option("--record", required=True, metavar="ID", help="The record, as `unposted` prints it.")
@pass_context
def preview(context: Context, book_ref: str, kind: str, record: str) -> int:
    """Show one record as the PSA has it and as QuickBooks would get it; writes nothing."""
    with context.database.reading() as session:
        book = books.find_book(session, book_ref)
    lists.refresh(context.database, open_destination(context.database, context.connectors, book.id or 0), book.id or 0)
    shown = proofs.proof(context.database, context.connectors, book, RecordKind(kind), record)
    value = shown.to_json()
    lines = [f"Record {record}, {value['state']}", f"PSA:   {dumps(value['psa'])}", f"Books: {dumps(value['books'])}"]
    lines += [f"{problem.severity}: {problem.message} {problem.remedy}" for problem in shown.problems]
    lines += [f"Beside: {dumps(one['psa'])} {one['note'] or ''}".rstrip() for one in value["beside"]]
    emit(value, lines, as_json=context.as_json)
    return 0
