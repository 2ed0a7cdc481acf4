"""``mappings``: which PSA id means which entry of the books."""

from __future__ import annotations

import datetime as dt

import click

from app.cli.context import Context, pass_context
from app.cli.options import book_option, command, link_kind
from app.cli.output import emit, say, table
from app.connectors.protocols import ConnectionFailedError
from app.domain.links import LinkKind
from app.models.connections import Book
from app.services import books, connections, links, lists


@click.group()
def mappings() -> None:
    """Links between the PSA's customers, items, accounts, tax codes, terms and those of the books."""


@command(mappings, "list")
@book_option
@link_kind
@pass_context
def list_(context: Context, book_ref: str, kind: str) -> None:
    """List the links of a kind, and what is not linked yet."""
    of_kind = LinkKind(kind)
    with context.database.reading() as session:
        book = books.find_book(session, book_ref)
    _refresh_if_possible(context, book, of_kind)
    with context.database.reading() as session:
        rows = links.listing(session, book, of_kind)
    cells = [
        [r.source_id, r.source_name, r.ledger_id, r.ledger_name, r.origin.replace("_", " "), str(r.waiting or "")]
        for r in rows
    ]
    heads = ["PSA ID", "PSA NAME", "QUICKBOOKS ID", "QUICKBOOKS NAME", "LINKED BY", "WAITING"]
    lines = table(cells, heads, right=[5]) if rows else ["Nothing of this kind has been seen or linked yet."]
    emit({"links": [row.to_json() for row in rows]}, lines, as_json=context.as_json)


def _refresh_if_possible(context: Context, book: Book, kind: LinkKind) -> None:
    """Names come from the stored list where QuickBooks can't be asked."""
    try:
        _refresh(context, book, kind, lists.FRESH)
    except ConnectionFailedError as error:
        say(f"{error.message} The names are those of the last time.")


def _refresh(context: Context, book: Book, kind: LinkKind, max_age: dt.timedelta) -> None:
    with context.database.reading() as session:
        if not lists.is_older(session, book.id or 0, kind, max_age):
            return
    destination = connections.open_destination(context.database, context.connectors, book.id or 0)
    lists.refresh(context.database, destination, book.id or 0, [kind], max_age)


@command(mappings, "set")
@book_option
@link_kind
@click.option("--source-id", required=True, metavar="S", help="The PSA's id; of an account: its account string.")
@click.option("--ledger-id", required=True, metavar="L", help="The id in the books.")
@pass_context
def set_(context: Context, book_ref: str, kind: str, source_id: str, ledger_id: str) -> None:
    """Link a PSA id, seen before or not, to an entry of the books; replaces an older link."""
    of_kind = LinkKind(kind)
    with context.database.reading() as session:
        book = books.find_book(session, book_ref)
        known = lists.entry(session, book.id or 0, of_kind, ledger_id.strip())
    if known is None or not known.active:
        _refresh(context, book, of_kind, dt.timedelta(0))
    with context.database.session() as session:
        links.set_link(session, book, of_kind, source_id, ledger_id, by=context.actor)
        row = next(r for r in links.listing(session, book, of_kind) if r.source_id == source_id.strip())
    more = f" {row.waiting} held documents waited for it: ./crossfoot batch retry ID." if row.waiting else ""
    emit(row.to_json(), [f"{row.source_id} is linked to “{row.ledger_name}” now.{more}"], as_json=context.as_json)
