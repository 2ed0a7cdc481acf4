"""``reconcile``: what has drifted, and whether both sides tie out, month by month."""

from __future__ import annotations

import re

import click
from sqlmodel import Session

from app.cli.context import Context, pass_context
from app.cli.options import book_option, command
from app.cli.output import emit, say, table
from app.domain.problems import CrossfootError, NotFoundError
from app.models.connections import Book
from app.models.reconcile import DriftLook
from app.services.batches.feet import cents_text
from app.services.connections import books
from app.services.reconcile import agreements, drift, looks, tie_out, tie_out_files

#: Rows of the drift list that are printed.
MOST = 500


@command(None)
@book_option
@click.option("--month", metavar="YYYY-MM", help="One month, with the records that explain its difference.")
@click.option("--look", is_flag=True, help="Look at both systems first; done anyway where nobody has yet.")
@pass_context
def reconcile(context: Context, book_ref: str, month: str | None, look: bool) -> int:
    """Say what has drifted since it was posted, and tie the PSA out against the books; writes to neither."""
    chosen = _month(month)
    with context.database.reading() as session:
        book = books.find_book(session, book_ref)
        seen = looks.newest(session, book.id or 0)
    if look or seen is None:
        _look(context, book)
    with context.database.reading() as session:
        value, lines = _told(session, book, chosen)
    emit(value, lines, as_json=context.as_json)
    return 0


def _month(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", text)
    if found is None:
        raise click.UsageError(f"--month takes a month like 2026-11, not “{text}”.")
    return int(found[1]), int(found[2])


def _look(context: Context, book: Book) -> None:
    """Here and now; a worker that is at it already is left to it."""
    say(f"Looking at both systems of {book.name}; nothing is written to them.")
    with context.database.session() as session:
        asked = looks.ask(session, books.find_book(session, book.id or 0), by=context.actor)
    done = looks.work(context.database, context.connectors, asked.id or 0)
    while done is not None and done.ended_at is None:
        done = looks.work_again(context.database, context.connectors, asked.id or 0)
    if done is None:
        raise CrossfootError("A worker is looking at this very moment.", "Run the command again in a minute.")
    if done.until is None:
        problem = done.problem or {}
        raise CrossfootError(problem.get("message", "The look failed."), problem.get("remedy", ""))


def _told(session: Session, book: Book, month: tuple[int, int] | None) -> tuple[dict[str, object], list[str]]:
    loaded = tie_out.load(session, book, month)
    if loaded is None:
        raise NotFoundError("Nobody has looked at both systems yet.", "Run it with --look.")
    found = drift.lines(session, book.id or 0, "open", limit=MOST)
    value: dict[str, object] = {
        "book": book.name,
        "as_of": loaded.look.started_at,
        "look": _look_json(loaded.look),
        "drift": [
            {
                "record": line.record, "number": line.posting.number, "kind": line.posting.kind,
                "party": line.posting.party, "side": line.drift.side, "what": line.drift.what,
                "found": line.drift.found_at, "changes": line.drift.changes,
            }
            for line in found
        ],
        "months": [
            {
                "month": f"{year:04}-{number:02}", "currency": currency, "records": total.count,
                "psa": cents_text(total.psa), "books": cents_text(total.books),
                "difference": cents_text(total.difference), "explained_by": differ,
            }
            for (year, number), currency, total, differ in loaded.months()
        ],
    }  # fmt: skip
    lines = [f"{book.name}, both systems as of {loaded.look.started_at:%Y-%m-%d %H:%M} UTC"]
    lines += _drift_lines(found)
    lines += _month_lines(loaded)
    if month is not None:
        statements = [loaded.statement(month, currency) for currency in loaded.currencies(month)]
        missing = agreements.without(session, book.source_id or 0, month)
        value["tie_out"] = [tie_out_files.to_json(statement) for statement in statements]
        value["agreements_without_invoice"] = [
            {"agreement": a.agreement, "name": a.name, "party": a.party} for a in missing
        ]
        for statement in statements:
            lines += _statement_lines(statement)
        lines += [f"Without an invoice: {a.party}, {a.name}" for a in missing]
    return value, lines


def _look_json(look: DriftLook) -> dict[str, object]:
    return {"documents": look.documents, "calls": look.calls, "whole": look.whole}


def _drift_lines(found: list[drift.Line]) -> list[str]:
    if not found:
        return ["Nothing has drifted."]
    rows = [
        (line.posting.number, line.posting.party, line.drift.side, line.drift.what.replace("_", " ")) for line in found
    ]
    return table(rows, ("Number", "Customer", "Where", "What"))


def _month_lines(loaded: tie_out.Loaded) -> list[str]:
    rows = [
        (f"{year:04}-{number:02}", currency, f"{total.count:,}", cents_text(total.psa), cents_text(total.books),
         cents_text(total.difference), str(differ))
        for (year, number), currency, total, differ in loaded.months()
    ]  # fmt: skip
    heads = ("Month", "", "Records", "ConnectWise", "QuickBooks", "Difference", "Explained by")
    return table(rows, heads, right=(2, 3, 4, 5, 6))


def _statement_lines(statement: tie_out.Statement) -> list[str]:
    rows = [
        (tie_out_files.REASONS[item.reason][0], item.number, (item.psa or item.books).party,  # type: ignore[union-attr]  # one side it has
         cents_text(item.psa_cents), cents_text(item.books_cents), cents_text(item.difference))
        for item in statement.explained
    ]  # fmt: skip
    total, verdict = statement.total, "adds up" if statement.adds_up else "DOES NOT ADD UP"
    sides = f"ConnectWise {cents_text(total.psa)}, QuickBooks {cents_text(total.books)}"
    return [
        *table(rows, ("Why", "Number", "Customer", "ConnectWise", "QuickBooks", "Difference"), right=(3, 4, 5)),
        f"{statement.currency}: {sides}, difference {cents_text(total.difference)}: {verdict}.",
    ]
