"""Run New Batch ▸ Everything ready: one batch per kind in one go; and the page that shows them together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.jobs import doorbell
from app.models.connections import Book
from app.routes import autosync, formats, fragments, pacing, shell
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.autosync import rounds
from app.services.batches import approvals
from app.services.batches.batches import SUMMARIES
from app.services.connections import books, connections
from app.services.mapping import lists
from app.services.people import users
from app.services.records import everything as service
from app.services.records import records

everything = Blueprint("everything", __name__, url_prefix="/run/everything")


@dataclass(frozen=True)
class Wanted:
    """What the form asks for. ``kinds`` are those to be posted; the others are shown too."""

    book: Book
    kinds: list[RecordKind]
    location: str
    through: dt.date | None
    summary: str

    @property
    def filter(self) -> records.Filter:
        return records.Filter(location=self.location, through=self.through)

    @property
    def query(self) -> str:
        """The same as an address."""
        pairs = [("kind", str(kind)) for kind in self.kinds] or [("kind", "")]
        through = self.through.isoformat() if self.through else "all"
        return urlencode([*pairs, ("location", self.location), ("through", through), ("summary", self.summary)])


@everything.get("")
@requires("viewer")
def first() -> ResponseReturnValue:
    """To the company that the form names, else to the default one."""
    session = reading()
    chosen = request.args.get("book", type=int)
    book = books.find_book(session, chosen) if chosen else books.default_book(session)
    if book is None or book.source_id is None:
        return render_template("run/not_connected.html", book=book, kind="everything", kw=_KW)
    kept = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != "book"])
    return redirect(url_for("everything.show", book_id=book.id) + (f"?{kept}" if kept else ""))


_KW = {"title": "Everything ready", "many": "records"}


@everything.get("/<int:book_id>")
@requires("viewer")
def show(book_id: int) -> ResponseReturnValue:
    """What each kind has; for HTMX only what the options change."""
    wanted = _wanted(books.find_book(reading(), book_id))
    if wanted.book.source_id is None:
        return redirect(url_for("everything.first"))
    return _page(wanted)


def _wanted(book: Book) -> Wanted:
    shell.use_book(book)
    given = request.values
    ticked = set(given.getlist("kind")) if "kind" in given else set(map(str, RecordKind))
    summary = given.get("summary", books.setting_of(book, "sales.summary"))
    summary = "detailed" if books.detailed_because(book) else summary
    return Wanted(
        book,
        [kind for kind in RecordKind if kind in ticked],
        given.get("location", books.setting_of(book, "company.default_location")),
        _through(given.get("preset", given.get("through", "")), book),
        summary if summary in SUMMARIES else "default",
    )


def _through(text: str, book: Book) -> dt.date | None:
    """The last date; ``all`` for none, and today where nothing readable was given."""
    if text == "all":
        return None
    try:
        return formats.parse_date(text) or books.today_of(book)
    except ValueError:
        return books.today_of(book)


def _page(wanted: Wanted, status: int = 200, **more: Any) -> ResponseReturnValue:
    session = reading()
    offers = [service.offer(session, wanted.book, kind, wanted.filter) for kind in RecordKind]
    chosen = [offer for offer in offers if offer.kind in wanted.kinds and offer.ready]
    context = {
        "wanted": wanted,
        "offers": offers,
        "chosen": chosen,
        "whole": _whole(chosen),
        "documents": sum(offer.documents for offer in chosen),
        "approval": approvals.needed(wanted.book),
        "locked": books.detailed_because(wanted.book),
        "asks": any(offer.plan.create or offer.plan.link for offer in chosen),
        "as_of": min((offer.as_of for offer in offers if offer.as_of), default=None),
        "books": books.list_books(session),
        "locations": autosync.locations(session, wanted.book),
        **more,
    }
    name = "run/_everything.html" if fragments.is_fragment() else "run/everything.html"
    return fragments.answer(render_template(name, **context), status=status)


def _whole(chosen: list[service.Offer]) -> dict[str, int]:
    """Totals over kinds, per currency."""
    totals: dict[str, int] = {}
    for offer in chosen:
        for currency, cents in offer.sum.cents.items():
            totals[currency] = totals.get(currency, 0) + cents
    return totals


@everything.post("/<int:book_id>/refresh")
@requires("bookkeeper")
@pacing.asks_vendors
def refresh(book_id: int) -> ResponseReturnValue:
    """Read the PSA's lists anew; then workers look at what is new in them."""
    book = books.find_book(reading(), book_id)
    wanted = _wanted(book)
    try:
        source = connections.open_source(web().database, web().connectors, book.source_id or 0)
        for kind in RecordKind:
            records.refresh(web().database, source, book.source_id or 0, kind)
        destination = connections.open_destination(web().database, web().connectors, book_id)
        lists.refresh(web().database, destination, book_id)
    except ConnectionFailedError as failed:
        flash(f"{failed.message} {failed.remedy}", "bad")
    for kind in RecordKind:
        doorbell.ring(web().settings.redis_url, "look_ahead", book.source_id or 0, str(kind))
    return redirect(f"{url_for('everything.show', book_id=book_id)}?{wanted.query}", 303)


@everything.post("/<int:book_id>")
@requires("bookkeeper")
def submit(book_id: int) -> ResponseReturnValue:
    """One batch per kind, if what is ready is still what the person saw."""
    wanted = _wanted(books.find_book(reading(), book_id))
    offers = [service.offer(reading(), wanted.book, kind, wanted.filter) for kind in wanted.kinds]
    if request.form.get("seen") != "|".join(offer.fingerprint for offer in offers if offer.ready):
        return _page(wanted, 422, changed=True)
    order = rounds.Order(
        location=wanted.location, through=wanted.through, summary=wanted.summary, initials=me().initials,
        accept=request.form.get("accept") == "yes",
    )  # fmt: skip
    try:
        with writing() as session:
            book = books.find_book(session, book_id)
            chosen = {offer.kind: offer.ready for offer in offers}
            made, found, refused = service.submit(session, book, chosen, order, by=me().email)
    except ValidationError as error:
        return _page(wanted, 422, error=error)
    for batch in found:
        doorbell.ring_batch(web().settings.redis_url, batch.id or 0)
    for why in refused:
        flash(f"{why.message} {why.remedy}", "bad")
    return redirect(url_for("everything.show_round", book_id=book_id, round_id=made.id), 303)


@everything.get("/<int:book_id>/<int:round_id>")
@requires("viewer")
def show_round(book_id: int, round_id: int) -> ResponseReturnValue:
    """The batches of one go, together; for HTMX again while something moves."""
    session = reading()
    made, book = rounds.find(session, round_id), books.find_book(session, book_id)
    if made.book_id != book_id:
        abort(404)
    shell.use_book(book)
    view = rounds.view(session, made)
    context = {"book": book, "view": view, "names": users.labels(session), "said": autosync.said(made)}
    if not fragments.is_fragment():
        return render_template("run/round.html", **context)
    status = 200 if view.moving else fragments.STOP_POLLING
    return fragments.answer(render_template("run/_round.html", **context), status=status)
