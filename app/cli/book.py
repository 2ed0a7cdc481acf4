"""``book``: the QuickBooks companies and their settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli import files
from app.cli.context import Context, pass_context
from app.cli.options import command
from app.cli.output import emit, printable, say, table
from app.domain.problems import ValidationError
from app.models.connections import Book
from app.services.connections import archives, books, forgetting, settings_file
from app.services.people import audit


@click.group()
def book() -> None:
    """QuickBooks companies and their settings."""


@command(book, "list")
@pass_context
def list_(context: Context) -> None:
    """List the QuickBooks companies."""
    with context.database.reading() as session:
        found = [_summary(row) for row in books.list_books(session)]
    rows = [
        [str(b["id"]), b["name"], b["environment"], "yes" if b["connected"] else "no", "yes" if b["default"] else ""]
        for b in found
    ]
    lines = table(rows, ["ID", "NAME", "ENVIRONMENT", "CONNECTED", "DEFAULT"]) if found else [NONE]
    emit({"books": found}, lines, as_json=context.as_json)


NONE = "No QuickBooks company is connected yet. Connect one in the browser, under Settings, Connections."


@command(book)
@click.argument("ref", metavar="BOOK")
@pass_context
def show(context: Context, ref: str) -> None:
    """Show a company and all its settings."""
    with context.database.reading() as session:
        emit_book(context, books.find_book(session, ref))


@command(book, "set")
@click.argument("ref", metavar="BOOK")
@click.argument("pairs", metavar="KEY=VALUE...", nargs=-1, required=True)
@pass_context
def set_(context: Context, ref: str, pairs: tuple[str, ...]) -> None:
    """Change settings, all or none; an empty VALUE goes back to "none"."""
    values = dict(_pair(text) for text in pairs)
    with context.database.session() as session:
        found = books.find_book(session, ref)
        changed = books.set_settings(session, found, values, by=context.actor)
        emit_book(context, found, changed=changed)


@command(book)
@click.argument("ref", metavar="BOOK")
@files.file_argument
@pass_context
def export(context: Context, ref: str, file: Path) -> None:
    """Write a company's settings to a TOML FILE; never secrets."""
    with context.database.reading() as session:
        found = books.find_book(session, ref)
        files.write(file, settings_file.export(found))
        emit_book(context, found, file=str(file))


@command(book)
@click.argument("ref", metavar="BOOK")
@files.file_argument
@pass_context
def archive(context: Context, ref: str, file: Path) -> None:
    """Write all that is known of a company to a ZIP FILE: settings, links, documents, audit log; never secrets."""
    with context.database.reading() as session:
        found = books.find_book(session, ref)
        with files.opened(file) as target:
            archives.write(session, found, target)
        emit_book(context, books.find_book(session, ref), file=str(file))
    with context.database.session() as session:
        audit.record(session, context.actor, "book.archive", f"book:{books.find_book(session, ref).id}")
        session.commit()


@command(book)
@click.argument("ref", metavar="BOOK")
@click.option("--yes", is_flag=True, help="Forget it, without asking.")
@pass_context
def forget(context: Context, ref: str, yes: bool) -> None:
    """Remove a disconnected company and all that is known of it; QuickBooks and the PSA keep what they have."""
    with context.database.session() as session:
        found = books.find_book(session, ref)
        if not yes:
            raise ValidationError(
                f"“{found.name}” was not forgotten: it takes its settings, links and history away for good.",
                "Keep a copy with `book archive`, then give --yes.",
            )
        ident = found.id or 0
        name = forgetting.forget(session, ident, context.actor)
    emit({"id": ident, "name": name, "forgotten": True}, [f"{printable(name)} is forgotten."], as_json=context.as_json)


@command(book, "import")
@click.argument("ref", metavar="BOOK")
@files.file_argument
@pass_context
def import_(context: Context, ref: str, file: Path) -> None:
    """Take the settings of a TOML FILE, all or none."""
    text = files.read(file, "book export")
    with context.database.session() as session:
        found = books.find_book(session, ref)
        changed, left = settings_file.load(session, found, text, by=context.actor)
        if left:
            say(f"The file is another company’s: these stay as they were: {', '.join(left)}.")
        emit_book(context, found, changed=changed)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ValidationError(f"“{text}” is not KEY=VALUE.", "Write it like sales.summary=detailed.")
    return key.strip(), value


def _summary(row: Book) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "environment": row.environment,
        "connected": row.connected and not row.broken,
        "default": row.is_default,
    }


def emit_book(context: Context, row: Book, **more: Any) -> None:
    """Print a Book with its settings."""
    settings = books.show(row)
    value = {**_summary(row), "ledger_id": row.ledger_id, "broken": row.broken, "settings": settings, **more}
    title = f"{printable(row.name)} (id {row.id}, company {row.ledger_id}, {row.environment})"
    emit(value, [title, *(f"  {key} = {printable(text)}" for key, text in settings.items())], as_json=context.as_json)
