"""``explain``: why a record is, or is not, offered."""

from __future__ import annotations

import click

from app.cli.context import Context, pass_context
from app.cli.options import book_option, command
from app.cli.output import emit
from app.domain.states import RecordKind
from app.services.connections import books
from app.services.records import explaining

MARKS = {True: "yes", False: "NO", None: "?"}


@command(None)
@book_option
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in RecordKind]),
    default=RecordKind.INVOICES.value,
    show_default=True,
)
@click.argument("number")
@pass_context
def explain(context: Context, book_ref: str, kind: str, number: str) -> int:
    """Say why the record with this NUMBER is or isn't offered: each test with its answer; writes nothing."""
    with context.database.reading() as session:
        book = books.find_book(session, book_ref)
    found = explaining.explain(context.database, context.connectors, book, RecordKind(kind), number)
    lines = [f"  {MARKS[t.passed]:>3}  {t.question} {t.answer} {'' if t.passed else t.remedy}" for t in found.tests]
    emit(found.to_json(), [found.answer, *lines], as_json=context.as_json)
    return 0
