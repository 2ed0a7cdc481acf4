"""``batch undo``, ``batch rerun`` and ``clear``: taking back, posting again, and marking as posted without sending."""

from __future__ import annotations

import datetime as dt

import click
from sqlmodel import col, select

from app.cli.context import Context, pass_context
from app.cli.here import work_here
from app.cli.options import book_option, command, day, record_kind, source_of, type_of_date
from app.cli.output import say
from app.cli.waiting import finish
from app.domain.states import PostingState, RecordKind
from app.models.postings import Posting
from app.services.batches import batches
from app.services.connections import books, connections
from app.services.posting import rerunning, undoing
from app.services.records import records


def undo_records(context: Context, batch_id: int, chosen: tuple[str, ...]) -> int:
    """Take records of a batch out of QuickBooks and reopen them in the PSA; all that can be, where none is named."""
    with context.database.session() as session:
        found = batches.find(session, batch_id)
        if chosen:
            undoing.ask(session, found, chosen, by=context.actor)
        else:
            undoing.ask_all(session, found, by=context.actor)
        query = select(Posting.id).where(Posting.batch_id == batch_id, Posting.state == PostingState.UNDOING)
        asked = list(session.exec(query))
    work_here(context, batch_id)
    finish(context, found, wait=False)
    with context.database.reading() as session:
        states = session.exec(select(Posting.state).where(col(Posting.id).in_(asked)))
        return 0 if set(states) == {PostingState.UNDONE} else 1


def rerun_batch(context: Context, batch_id: int, *, dry: bool) -> int:
    """Look every posted document of a batch up in the books, say what is missing, and post just that again."""
    with context.database.reading() as session:
        found = batches.find(session, batch_id)
    source = connections.open_source(context.database, context.connectors, found.source_id)
    destination = connections.open_destination(context.database, context.connectors, found.book_id)
    items = rerunning.plan(context.database, source, destination, batch_id)
    for line in rerunning.words(items):
        say(line)
    if dry:
        return finish(context, found, wait=False)
    rerunning.rerun(context.database, batch_id, items, by=context.actor)
    work_here(context, batch_id)
    return finish(context, found, wait=True)


@command(None)
@book_option
@record_kind
@click.option("--record", "chosen", multiple=True, metavar="ID", help="Only this record; may be repeated.")
@click.option("--through", type=type_of_date, metavar="YYYY-MM-DD", help="Every record dated to this day.")
@pass_context
def clear(context: Context, book_ref: str, kind: str, chosen: tuple[str, ...], through: dt.datetime | None) -> int:
    """Mark records as posted in the PSA without sending them to QuickBooks. Undoable with `batch undo`."""
    if bool(chosen) == bool(through):
        raise click.UsageError("Give either --record ID or --through DATE.")
    what = RecordKind(kind)
    with context.database.reading() as session:
        source_id = source_of(books.find_book(session, book_ref))
    source = connections.open_source(context.database, context.connectors, source_id)
    records.refresh(context.database, source, source_id, what)
    with context.database.session() as session:
        book = books.find_book(session, book_ref)
        listed = records.matching(session, source_id, what, records.Filter(through=day(through)))
        made = batches.submit(
            session, book, kind=what, wanted=list(chosen) or listed, by=context.actor, initials="CLI", mode="clear",
            release=bool(chosen), today=books.today_of(book),
        )  # fmt: skip
    work_here(context, made.id or 0)
    return finish(context, made, wait=True)
