"""First day: read both sides whole, confirm links by their reason, mark history as posted, then the first batch."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from app.connectors.protocols import ConnectionFailedError
from app.domain.links import LinkKind
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.jobs import doorbell
from app.models.connections import Book
from app.routes import formats, pacing, shell
from app.routes.guard import me, requires
from app.routes.mapping_lists import TITLES
from app.routes.web import reading, web, writing
from app.services.batches import progress
from app.services.connections import books, connections
from app.services.mapping import proposals, source_lists, workbench
from app.services.records import first_day as service
from app.services.records import records

first_day = Blueprint("first_day", __name__)

#: In the order in which it is sensible to look: what nothing can be posted without comes first.
KINDS = (
    LinkKind.ACCOUNTS, LinkKind.TAX_CODES, LinkKind.TERMS, LinkKind.CUSTOMERS, LinkKind.VENDORS, LinkKind.ITEMS,
    LinkKind.CLASSES, LinkKind.LOCATIONS,
)  # fmt: skip


@first_day.get("/first-day/<int:book_id>")
@requires("viewer")
def show(book_id: int) -> ResponseReturnValue:
    """The page."""
    return _page(book_id)


def _page(book_id: int, status: int = 200, **more: Any) -> ResponseReturnValue:
    session = reading()
    book = books.find_book(session, book_id)
    shell.use_book(book)
    through = _through(request.values.get("through", ""), book)
    listed = [records.as_of(session, book.source_id or 0, kind) for kind in RecordKind]
    context = {
        "book": book,
        "lists": source_lists.reading(session, book.source_id),
        "kinds": [_kind(session, book, kind) for kind in KINDS],
        "titles": TITLES,
        "group_titles": proposals.TITLES,
        "through": through,
        "plan": service.plan(session, book, through) if through and book.source_id else None,
        "records_as_of": min((one.as_of for one in listed if one), default=None) if all(listed) else None,
        "cleared": [(batch, progress.status(session, batch)) for batch in service.cleared(session, book)],
    }
    return render_template("first_day/show.html", **context, **more), status


def _through(text: str, book: Book) -> dt.date | None:
    """The cut-over day that is asked about; the end of last month to begin with."""
    if not text:
        return books.today_of(book).replace(day=1) - dt.timedelta(days=1)
    try:
        return formats.parse_date(text)
    except ValueError as error:
        raise ValidationError(str(error), "Give it like 11/30/2026 or 2026-11-30.") from error


def _kind(session: Session, book: Book, kind: LinkKind) -> dict[str, Any]:
    """How much of a kind is linked, and what is proposed for the rest."""
    bench = workbench.bench(session, book, kind)
    linked = sum(line.linked for line in bench.lines)
    return {
        "kind": kind,
        "theirs": sum(entry.active and entry.its_own for entry in bench.entries.values()),
        "ours": len(bench.lines),
        "linked": linked,
        "groups": proposals.groups(session, book, kind),
        "nothing": proposals.nothing_alike(session, book, kind),
    }


@first_day.post("/first-day/<int:book_id>/records")
@requires("bookkeeper")
@pacing.asks_vendors
def read_records(book_id: int) -> ResponseReturnValue:
    """Read what is unposted, of every kind; then workers look at what is new in it."""
    book = books.find_book(reading(), book_id)
    try:
        source = connections.open_source(web().database, web().connectors, book.source_id or 0)
        for kind in RecordKind:
            records.refresh(web().database, source, book.source_id or 0, kind)
            doorbell.ring(web().settings.redis_url, "look_ahead", book.source_id or 0, str(kind))
    except ConnectionFailedError as error:
        flash(f"{error.message} {error.remedy}", "bad")
    through = request.form.get("through", "")
    return redirect(url_for("first_day.show", book_id=book_id, through=through) + "#cut-over", 303)


@first_day.post("/first-day/<int:book_id>/cut-over")
@requires("bookkeeper")
def cut_over(book_id: int) -> ResponseReturnValue:
    """Mark as posted what was shown; one clearing batch per kind, each of which can be undone."""
    try:
        with writing() as session:
            book = books.find_book(session, book_id)
            through = _through(request.form.get("through", ""), book) or dt.date.min
            seen = request.form.get("seen", "")
            made = service.submit(session, book, through, seen, by=me().email, initials=me().initials)
            batches = [batch.id or 0 for batch in made]
    except ValidationError as error:
        return _page(book_id, 422, error=error)
    for ident in batches:
        doorbell.ring_batch(web().settings.redis_url, ident)
    flash("Marked as posted; nothing was sent to QuickBooks.")
    return redirect(url_for("first_day.show", book_id=book_id) + "#cut-over", 303)
