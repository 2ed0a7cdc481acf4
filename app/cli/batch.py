"""``batch``: submit, watch, decide, stop, resume, retry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
from sqlmodel import Session

from app.cli.context import Context, pass_context
from app.cli.everything import ALL, run_everything
from app.cli.here import work_here
from app.cli.options import (
    book_option,
    command,
    day,
    location_id,
    location_option,
    source_of,
    through_option,
)
from app.cli.output import emit, printable, say, table
from app.cli.undo import rerun_batch, undo_records
from app.cli.waiting import begin, finish, need_a_worker
from app.domain.book_settings import SETTINGS
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.services.autosync import rounds
from app.services.batches import approving, as_json, batches, decisions
from app.services.connections import books, connections
from app.services.records import records

wait_option = click.option("--wait", is_flag=True, help="Wait until the work ends; needs a running ./crossfoot up.")
batch_argument = click.argument("batch_id", metavar="ID", type=int)
SUMMARIES = [value for value, _ in SETTINGS["sales.summary"].choices]


@click.group()
def batch() -> None:
    """Submit batches, and look after them."""


@command(batch)
@book_option
@click.option(
    "--kind",
    type=click.Choice([*(kind.value for kind in RecordKind), ALL]),
    required=True,
    help="What to post; all: a batch of each.",
)
@click.option("--all", "everything", is_flag=True, help="Every record that `unposted` prints with the same options.")
@click.option("--record", "chosen", multiple=True, metavar="ID", help="Only this record; may be repeated.")
@location_option
@through_option
@click.option("--summary", type=click.Choice(SUMMARIES), help="Level of detail. Default: the company's.")
@click.option("--name", default="", help="Name of the batch. Default: made from the date.")
@click.option("--accept", is_flag=True, help="Take exact-name links; create customers, items and terms that lack one.")
@click.option("--dry-run", "dry", is_flag=True, help="Read and check everything, write nothing anywhere; waits.")
@wait_option
@pass_context
def run(context: Context, /, wait: bool, **given: Any) -> int:
    """Post unposted records into QuickBooks, each exactly once, and close them in the PSA."""
    order = Order(**given)
    if order.everything == bool(order.chosen):
        raise click.UsageError("Give either --all or --record ID.")
    if order.kind == ALL and not order.everything:
        raise click.UsageError("--kind all goes with --all: a record is of one kind.")
    with context.database.reading() as session:
        source_id = source_of(books.find_book(session, order.book_ref))
    if wait and not order.dry:
        need_a_worker(context)
    if order.kind == ALL:
        return _run_everything(context, order, wait=wait)
    source = connections.open_source(context.database, context.connectors, source_id)
    records.refresh(context.database, source, source_id, RecordKind(order.kind))
    with context.database.session() as session:
        made = _submit(session, order, source_id, by=context.actor)
    for left in made.left_out:
        say(f"Left out: {left['number'] or left['record']} is {left['why']}.")
    if order.dry:
        work_here(context, made.id or 0)
        return finish(context, made, wait=True)
    begin(context, made)
    return finish(context, made, wait=wait)


@dataclass(frozen=True)
class Order:
    """What `batch run` was told; the names are those of its options."""

    book_ref: str
    kind: str
    everything: bool
    chosen: tuple[str, ...]
    location: str
    through: dt.datetime | None
    summary: str | None
    name: str
    accept: bool
    dry: bool

    @property
    def narrowed(self) -> bool:
        """Whether --location or --through limit what --record may name."""
        return bool(self.location or self.through)


def _submit(session: Session, order: Order, source_id: int, *, by: str) -> Batch:
    """Make the batch from the list just read. Raises ValidationError, NotFoundError."""
    book, kind = books.find_book(session, order.book_ref), RecordKind(order.kind)
    place = location_id(session, source_id, kind, order.location)
    limit = day(order.through) or books.today_of(book)
    listed = records.matching(session, source_id, kind, records.Filter(location=place, through=limit))
    if order.everything and not listed:
        where = f" at {order.location}" if order.location else ""
        raise ValidationError(
            f"There is nothing unposted among the {kind}{where} through {limit:%m/%d/%Y}.",
            "Give another --location or --through.",
        )
    return batches.submit(
        session,
        book,
        kind=kind,
        wanted=listed if order.everything else _only_listed(order, listed),
        by=by,
        initials="CLI",
        name=order.name,
        summary=order.summary or books.setting_of(book, "sales.summary"),
        through=limit if order.everything or order.through else None,
        location=place,
        accept=order.accept,
        release=not order.everything,
        mode="dry" if order.dry else "post",
        today=books.today_of(book),
    )


def _run_everything(context: Context, order: Order, *, wait: bool) -> int:
    with context.database.reading() as session:
        summary = order.summary or books.setting_of(books.find_book(session, order.book_ref), "sales.summary")
    common = rounds.Order(
        summary=summary, accept=order.accept, initials="CLI", mode="dry" if order.dry else "post",
        pattern=f"{order.name} [kind]" if order.name else "",
    )  # fmt: skip
    limit = day(order.through)
    return run_everything(context, order.book_ref, location=order.location, through=limit, order=common, wait=wait)


def _only_listed(order: Order, listed: Sequence[str]) -> list[str]:
    """The records named; beside --location or --through only those that fit, and the others are an error."""
    outside = [record for record in order.chosen if record not in listed] if order.narrowed else []
    if outside:
        raise ValidationError(
            f"Record {outside[0]} is not unposted at that location up to that day.",
            "Leave --location and --through out, or name other records.",
        )
    return list(order.chosen)


@command(batch, "list")
@pass_context
def list_(context: Context) -> None:
    """List all batches, newest first."""
    with context.database.reading() as session:
        found = [as_json.summary_json(session, row) for row in _all(session)]
    rows = [[str(b["batch"]), b["name"], b["book"], b["kind"], b["status"], b["started"] or ""] for b in found]
    heads = ["ID", "NAME", "COMPANY", "KIND", "STATUS", "STARTED"]
    lines = table(rows, heads) if found else ["There is no batch yet."]
    emit({"batches": found}, lines, as_json=context.as_json)


def _all(session: Session) -> list[Batch]:
    found: list[Batch] = []
    while page := batches.listing(session, before=found[-1].id if found else None, limit=500):
        found += page
    return found


@command(batch)
@batch_argument
@pass_context
def show(context: Context, batch_id: int) -> int:
    """Show a batch with its sections, totals and documents."""
    with context.database.reading() as session:
        found = batches.find(session, batch_id)
    finish(context, found, wait=False)
    return 0


@command(batch)
@batch_argument
@pass_context
def stop(context: Context, batch_id: int) -> int:
    """Stop a batch after the calls in flight."""
    with context.database.session() as session:
        found = batches.find(session, batch_id)
        batches.stop(session, found, by=context.actor)
    return finish(context, found, wait=False)


@command(batch)
@batch_argument
@wait_option
@pass_context
def resume(context: Context, batch_id: int, wait: bool) -> int:
    """Let a stopped or failed batch go on."""
    if wait:
        need_a_worker(context)
    with context.database.session() as session:
        found = batches.find(session, batch_id)
        batches.resume(session, found, by=context.actor)
    begin(context, found)
    return finish(context, found, wait=wait)


@command(batch)
@batch_argument
@click.option("--accept", is_flag=True, help="Take exact-name links; create customers, items and terms that lack one.")
@wait_option
@pass_context
def retry(context: Context, batch_id: int, accept: bool, wait: bool) -> int:
    """Check and send again what was held by a problem or refused."""
    if wait:
        need_a_worker(context)
    with context.database.session() as session:
        found = batches.find(session, batch_id)
        batches.retry(session, found, by=context.actor, accept=accept)
    begin(context, found)
    return finish(context, found, wait=wait)


@command(batch)
@batch_argument
@wait_option
@pass_context
def approve(context: Context, batch_id: int, wait: bool) -> int:
    """Let a batch be posted that waits for approval; whoever prepared it cannot."""
    if wait:
        need_a_worker(context)
    with context.database.session() as session:
        found = batches.find(session, batch_id)
        approving.approve(session, found, by=context.actor)
    begin(context, found)
    return finish(context, found, wait=wait)


@command(batch)
@batch_argument
@click.option("--reason", required=True, metavar="TEXT", help="What is to be changed; stands beside its documents.")
@pass_context
def reject(context: Context, batch_id: int, reason: str) -> int:
    """Post nothing of a batch that waits for approval."""
    with context.database.session() as session:
        found = batches.find(session, batch_id)
        approving.reject(session, found, by=context.actor, reason=reason)
    return finish(context, found, wait=False)


@command(batch)
@batch_argument
@click.option("--record", required=True, metavar="ID")
@click.argument("choice", type=click.Choice(decisions.CHOICES))
@click.option("--ledger-id", default="", metavar="ID", help="The QuickBooks document to link, where there are several.")
@click.option("--number", default="", metavar="N", help="With renumber: its number in QuickBooks, like 10404-2.")
@wait_option
@pass_context
def decide(
    context: Context, batch_id: int, *, record: str, choice: str, ledger_id: str, number: str, wait: bool
) -> int:  # fmt: skip
    """Answer a question about a record.

    link: it is this document of the books; post: post it anyway; renumber: post it under another number; skip: leave
    it; keep: accept a difference and close.
    """
    if wait:
        need_a_worker(context)
    with context.database.reading() as session:
        found = batches.find(session, batch_id)
    destination = (
        connections.open_destination(context.database, context.connectors, found.book_id) if choice == "link" else None
    )
    decisions.decide(
        context.database, batch_id, record, choice, by=context.actor, ledger_id=ledger_id, number=number,
        destination=destination,
    )  # fmt: skip
    begin(context, found)
    return finish(context, found, wait=wait)


@command(batch)
@batch_argument
@click.option("--record", "chosen", multiple=True, metavar="ID", help="Only this record; may be repeated.")
@pass_context
def undo(context: Context, batch_id: int, chosen: tuple[str, ...]) -> int:
    """Take posted records out of QuickBooks again and reopen them in the PSA; waits."""
    return undo_records(context, batch_id, chosen)


@command(batch)
@batch_argument
@click.option("--dry-run", "dry", is_flag=True, help="Only say what is still in the books and what is missing.")
@pass_context
def rerun(context: Context, batch_id: int, dry: bool) -> int:
    """Post again what a restore took out of the books; what is still there stays as it is. Waits."""
    return rerun_batch(context, batch_id, dry=dry)


@command(batch)
@batch_argument
@pass_context
def log(context: Context, batch_id: int) -> None:
    """Print the batch's log; it holds no secrets."""
    with context.database.reading() as session:
        found = batches.find(session, batch_id)
        lines = batches.log_lines(session, found)
    value = {
        "batch": found.id,
        "lines": [{"at": line.at, "by": line.by, "text": line.text, "detail": line.detail} for line in lines],
    }
    texts = [f"{line.at:%Y-%m-%d %H:%M:%S}Z  {printable(line.text)}" for line in lines]
    emit(value, texts, as_json=context.as_json)
