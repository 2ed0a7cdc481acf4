"""``mappings``: which PSA id means which entry of the books."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import click
from sqlmodel import Session

from app.cli import files
from app.cli.context import Context, pass_context
from app.cli.options import book_option, command, link_kind
from app.cli.output import emit, say, table
from app.connectors.protocols import ConnectionFailedError
from app.domain.links import LinkKind
from app.models.connections import Book
from app.services.connections import books, connections
from app.services.mapping import link_files, links, lists, proposals, source_lists, workbench
from app.services.mapping.suggestions import EXACT, Reason


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
    book = _with_names(context, book_ref, of_kind)
    with context.database.reading() as session:
        rows = links.listing(session, book, of_kind)
    cells = [
        [r.source_id, r.source_name, r.ledger_id, r.ledger_name, r.origin.replace("_", " "), str(r.waiting or "")]
        for r in rows
    ]
    heads = ["PSA ID", "PSA NAME", "QUICKBOOKS ID", "QUICKBOOKS NAME", "LINKED BY", "WAITING"]
    lines = table(cells, heads, right=[5]) if rows else ["Nothing of this kind has been seen or linked yet."]
    emit({"links": [row.to_json() for row in rows]}, lines, as_json=context.as_json)


def _with_names(context: Context, book_ref: str, kind: LinkKind) -> Book:
    """The Book, its list read anew; names come from the stored list where QuickBooks can't be asked."""
    with context.database.reading() as session:
        book = books.find_book(session, book_ref)
    try:
        _refresh(context, book, kind, lists.FRESH)
    except ConnectionFailedError as error:
        say(f"{error.message} The names are those of the last time.")
    return book


def _refresh(context: Context, book: Book, kind: LinkKind, max_age: dt.timedelta) -> None:
    with context.database.reading() as session:
        if not lists.is_older(session, book.id or 0, kind, max_age):
            return
    destination = connections.open_destination(context.database, context.connectors, book.id or 0)
    lists.refresh(context.database, destination, book.id or 0, [kind], max_age)


@command(mappings)
@book_option
@link_kind
@pass_context
def suggest(context: Context, book_ref: str, kind: str) -> None:
    """Propose entries of the books for what is not linked yet; links nothing."""
    of_kind = LinkKind(kind)
    book = _with_names(context, book_ref, of_kind)
    with context.database.reading() as session:
        found = link_files.proposals(session, book, of_kind)
    cells = [
        [p.source_id, p.source_name, c.entry.ledger_id, c.entry.name, str(c.score), ", ".join(c.reasons)]
        for p in found
        for c in p.candidates
    ]
    heads = ["PSA ID", "PSA NAME", "QUICKBOOKS ID", "QUICKBOOKS NAME", "SCORE", "WHY"]
    without = sum(not p.candidates for p in found)
    lines = [*(table(cells, heads, right=[4]) if cells else []), f"{without} have nothing like them in QuickBooks."]
    emit({"suggestions": [p.to_json() for p in found]}, lines, as_json=context.as_json)


@command(mappings)
@book_option
@pass_context
def read(context: Context, book_ref: str) -> None:
    """Read the PSA's and the books' lists whole, so that everything that may be linked is proposed."""
    with context.database.session() as session:
        book = books.find_book(session, book_ref)
        source_lists.ask(session, book, by=context.actor)
    source_lists.work(context.database, context.connectors, book.id or 0)
    with context.database.reading() as session:
        problem = source_lists.reading(session, book.source_id).problem
        found = {kind: _counts(session, book, kind) for kind in LinkKind}
    if problem:
        say(f"Not all lists could be read: {problem.message} {problem.remedy}")
    cells = [[kind.replace("_", " "), *map(str, counts.values())] for kind, counts in found.items()]
    lines = table(cells, ["KIND", "PSA", "QUICKBOOKS", "LINKED", "PROPOSED"], right=[1, 2, 3, 4])
    emit({"lists": [{"kind": kind, **counts} for kind, counts in found.items()]}, lines, as_json=context.as_json)


def _counts(session: Session, book: Book, kind: LinkKind) -> dict[str, int]:
    bench = workbench.bench(session, book, kind)
    proposed = sum(len(group.proposals) for group in proposals.groups(session, book, kind))
    linked = sum(line.linked for line in bench.lines)
    return {"psa": len(bench.lines), "quickbooks": len(bench.entries), "linked": linked, "proposed": proposed}


@command(mappings)
@book_option
@link_kind
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    type=click.Choice([str(r) for r in (*EXACT, Reason.SIMILAR)]),
    help="Only these (all exact ones).",
)
@click.option("--yes", is_flag=True, help="Link what is printed, without asking.")
@pass_context
def accept(context: Context, book_ref: str, kind: str, reasons: tuple[str, ...], yes: bool) -> None:
    """Show the exact proposals of a kind, and link them once you say so."""
    of_kind = LinkKind(kind)
    book = _with_names(context, book_ref, of_kind)
    with context.database.reading() as session:
        found = [g for g in proposals.groups(session, book, of_kind) if g.key in (reasons or EXACT)]
    chosen = [(group, proposal) for group in found for proposal in group.proposals]
    cells = [
        [p.line.source.ident, p.line.source.name, p.best.entry.ledger_id, p.best.entry.name, ", ".join(p.best.reasons)]
        for _, p in chosen
    ]
    shown = table(cells, ["PSA ID", "PSA NAME", "QUICKBOOKS ID", "QUICKBOOKS NAME", "WHY"]) if cells else []
    if cells and not yes and not context.as_json:
        say("\n".join(shown))
        yes = sys.stdin.isatty() and click.confirm(f"Link these {len(cells)}?", err=True)
    count = 0
    for group in found if yes else []:
        with context.database.session() as session:
            count += proposals.accept(session, book, of_kind, group.key, group.seen, by=context.actor)
    asked = "" if yes or not cells else " Nothing was written: give --yes to link what is printed."
    value = {"linked": count, "proposals": [{**p.to_json(), "reason": str(group.key)} for group, p in chosen]}
    emit(value, [*(shown if yes else []), f"{count} links made.{asked}"], as_json=context.as_json)


@command(mappings)
@book_option
@link_kind
@files.file_argument
@pass_context
def export(context: Context, book_ref: str, kind: str, file: Path) -> None:
    """Write the links of a kind, and what is not linked, to a CSV FILE."""
    of_kind = LinkKind(kind)
    book = _with_names(context, book_ref, of_kind)
    with context.database.reading() as session:
        text, rows = link_files.export(session, book, of_kind), links.listing(session, book, of_kind)
    files.write(file, text)
    emit({"file": str(file), "links": len(rows)}, [f"{len(rows)} links are in {file}."], as_json=context.as_json)


@command(mappings, "import")
@book_option
@link_kind
@files.file_argument
@pass_context
def import_(context: Context, book_ref: str, kind: str, file: Path) -> None:
    """Link what a CSV FILE says (source_id; ledger_id or the exact ledger_name), all of it or nothing."""
    of_kind = LinkKind(kind)
    text = files.read(file, "mappings export", link_files.text_of)
    book = _with_names(context, book_ref, of_kind)
    with context.database.session() as session:
        changed = link_files.load(session, book, of_kind, text, by=context.actor)
        rows = links.listing(session, book, of_kind)
    value = {"changed": changed, "links": [row.to_json() for row in rows]}
    emit(value, [f"{changed} links are new or other than before."], as_json=context.as_json)


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
