"""One row of the selection page, without leaving the list: a look at the document, a hold with its reason, a release.

And what the page asks every two seconds while records are still being looked at.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain import codec, shaping
from app.domain.documents import Document
from app.domain.problems import CrossfootError, NotFoundError
from app.models.connections import Book
from app.models.records import UnpostedRow
from app.routes import fragments, selecting
from app.routes.guard import me, requires
from app.routes.kinds import PREFIX, in_addresses, kind
from app.routes.selecting import Sight
from app.routes.web import reading, writing
from app.services.connections import books
from app.services.people import users
from app.services.records import holding, outlook, previews, records, selections

rows = Blueprint("rows", __name__, url_prefix=PREFIX)
in_addresses(rows)
#: What most records wait for: one press instead of typing.
REASONS = ("Price to be agreed", "Customer disputes it", "Purchase order missing", "Next month")


def _here() -> Sight | None:
    with writing() as session:
        selection = selections.current(session, me().id, kind())
    book = reading().get(Book, selection.book_id) if selection.book_id else None
    return selecting.sight(reading(), selection, book, kind(), bar=False) if book and book.source_id else None


def _row(record: str) -> tuple[Sight, UnpostedRow]:
    """Raises NotFoundError: it is no longer unposted."""
    here = _here()
    row = records.one(reading(), here.source_id, kind(), record) if here else None
    if here is None or row is None:
        raise NotFoundError(f"Record {record} is not unposted.", "Refresh the list.")
    return here, row


def _about(here: Sight, row: UnpostedRow) -> dict[str, Any]:
    """What the page knows of a row: nobody is asked for it."""
    session, only = reading(), [row.record]
    return {
        "here": here,
        "row": row,
        "document": _document(here.book, row),
        "problems": previews.readiness(session, here.book, [row])[row.record],
        "standing": records.standings(session, here.source_id, kind(), only).get(row.record, records.FREE),
        "question": outlook.questions(session, here.source_id, kind(), only).get(row.record),
        "names": users.labels(session),
    }


def _document(book: Book, row: UnpostedRow) -> Document | None:
    """As QuickBooks would get it; None before it was looked at."""
    if row.document is None or row.looked_at != row.fingerprint:
        return None
    return shaping.shaped(codec.from_json(Document, row.document), books.rules_of(book))


def _page_of(here: Sight, record: str, endpoint: str) -> str:
    return url_for(endpoint, book_id=here.book.id, kind=kind(), record=record)


@rows.get("/peek/<path:record>")
@requires("viewer", of=selecting.draft_book)
def peek(record: str) -> ResponseReturnValue:
    """The document of the row under the cursor; without HTMX the record's own page."""
    here, row = _row(record)
    page = _page_of(here, record, "records.show")
    return fragments.fragment("run/_peek.html", otherwise=page, **_about(here, row))


@rows.get("/hold/<path:record>")
@requires("bookkeeper", of=selecting.draft_book)
def ask_hold(record: str) -> ResponseReturnValue:
    """What does it wait for? Without HTMX the record's own page asks."""
    here, row = _row(record)
    page = _page_of(here, record, "records.ask_hold")
    return fragments.fragment("run/_hold.html", otherwise=page, reasons=REASONS, **_about(here, row))


@rows.post("/hold/<path:record>")
@requires("bookkeeper", of=selecting.draft_book)
def hold(record: str) -> ResponseReturnValue:
    """Keep it out of batches; the list shows it at once."""
    here, row = _row(record)
    page = _page_of(here, record, "records.show")
    try:
        with writing() as session:
            holding.hold(session, here.source_id, kind(), record, reason=request.form.get("reason", ""), by=me().email)
    except CrossfootError as error:
        more = {"reasons": REASONS, "error": error, **_about(here, row)}
        return fragments.fragment("run/_hold.html", otherwise=page, status=422, **more)
    return fragments.fragment("shell/_no_drawer.html", otherwise=page, events="selection-changed")


@rows.post("/release/<path:record>")
@requires("bookkeeper", of=selecting.draft_book)
def release(record: str) -> ResponseReturnValue:
    """Let it go again, where nobody else has yet."""
    here, _ = _row(record)
    with writing() as session:
        holding.release(session, here.source_id, kind(), record, by=me().email)
    if not fragments.is_fragment():
        return fragments.go(url_for("run.show"))
    return fragments.answer("", status=204, events="selection-changed")


@rows.get("/progress")
@requires("viewer", of=selecting.draft_book)
def progress() -> ResponseReturnValue:
    """What has been looked at since; the rows stay where they are, so that no tick and no word typed is lost."""
    here = _here()
    if here is None:
        return fragments.nothing()
    listed = selecting.listed(reading(), here)
    whole = listed.counts.total()
    if str(listed.looked) == request.args.get("seen") and listed.looked < whole:
        return fragments.nothing()
    context = {"here": here, "list": listed, "names": users.labels(reading()), "oob": True}
    ended = listed.looked == whole
    return fragments.answer(render_template("run/_progress.html", **context), events="all-looked-at" if ended else None)
