"""``payments sync``: payments of the books, brought to the PSA."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import click

from app.cli.batch import wait_option
from app.cli.context import Context, pass_context
from app.cli.here import work_here
from app.cli.options import book_option, command, type_of_date
from app.cli.output import emit, printable, table
from app.cli.waiting import begin, need_a_worker, wait_for
from app.models.batches import Batch
from app.models.connections import Book
from app.services.batches import batches
from app.services.connections import books
from app.services.payments import payments as service
from app.services.payments import tally


@click.group()
def payments() -> None:
    """Bring payments from QuickBooks to ConnectWise."""


@command(payments)
@book_option
@click.option(
    "--since", type=type_of_date, metavar="YYYY-MM-DD",
    help="Look at everything that changed since this day. Default: since the last sync.",
)  # fmt: skip
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would change, invoice by invoice; waits.")
@wait_option
@pass_context
def sync(context: Context, book_ref: str, since: dt.datetime | None, dry: bool, wait: bool) -> int:
    """Write what changed: payments, applied credit memos, voids, deletions; each once."""
    if wait and not dry:
        need_a_worker(context)
    with context.database.session() as session:
        book = books.find_book(session, book_ref)
        made = service.submit(
            session, book, by=context.actor, since=_moment(book, since), initials="CLI", mode="dry" if dry else "post"
        )
    if dry:
        work_here(context, made.id or 0)
    else:
        begin(context, made)
    return _finish(context, made, wait=wait or dry)


def _moment(book: Book, day: dt.datetime | None) -> dt.datetime | None:
    """The beginning of a day where the company is."""
    return day.replace(tzinfo=ZoneInfo(books.zone_of(book))) if day else None


def _finish(context: Context, batch: Batch, *, wait: bool) -> int:
    if wait:
        wait_for(context, batch.id or 0)
    with context.database.reading() as session:
        now = batches.find(session, batch.id or 0)
        value = tally.sync_json(session, now)
        status = tally.exit_status(now, tally.of(session, now))
    emit(value, lines(value), as_json=context.as_json)
    return status if wait else 0


def lines(value: dict[str, Any]) -> list[str]:
    """The sync for a person: what changes on which invoice, and what needs somebody."""
    dry = value["mode"] == "dry" or value["status"] == "awaiting_approval"
    head = f"Batch {value['batch']}: {value['status'].replace('_', ' ')}"
    if value["status"] in ("queued", "running"):
        return [head]
    verb = "would change" if dry else "changed"
    rows = [
        [one["number"], printable(one["party"]), one["currency"], one["before"] or "–", one["planned"] or "–",
         one["books"] or "–"]
        for one in value["invoices"]
        if one["before"] != one["planned"]
    ]  # fmt: skip
    heads = ["INVOICE", "CUSTOMER", "", "PAID BEFORE", "AFTER", "IN QUICKBOOKS"]
    found = [f"{head}; {len(rows)} invoices {verb}, {value['payments_read']} payments read."]
    found += table(rows, heads, right=range(3, 6)) if rows else []
    if failure := value["failure"]:
        found.append(printable(f"  {failure['message']} {failure['remedy']}"))
    for problem in value["problems"]:
        number = f"{problem['number']}: " if problem["number"] else ""
        found.append(printable(f"  {number}{problem['message']} {problem['remedy']}"))
    return found
