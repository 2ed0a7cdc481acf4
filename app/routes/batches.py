"""Batches: the history, and the page of one batch that follows it while it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, func, select

from app.connectors.protocols import ConnectionFailedError, Destination, Source
from app.domain.documents import DocumentKind
from app.domain.states import PostingState, RecordKind, SectionKey
from app.jobs import doorbell
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting
from app.routes import fragments, pacing, payments, shell
from app.routes.formats import plural
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.batches import approving, files, lookups, overview, progress, queueing
from app.services.batches import batches as service
from app.services.batches import history as batch_history
from app.services.batches import rows as batch_rows
from app.services.batches.history import Filter
from app.services.connections import connections
from app.services.people import users
from app.services.posting import rerunning, undo_plan, undoing

batches = Blueprint("batches", __name__)

FILTERS = ("q", "book", "kind", "standing")
#: No number of a row is larger.
LARGEST = 2**31 - 1
#: Parts of the page that are sent only when they changed.
PARTS = ("head", "wait", "sections", "foot", "problems")


@batches.get("/batches")
@requires("viewer")
def history() -> ResponseReturnValue:
    """Every batch, newest first, narrowed as the address says."""
    session, given = reading(), _given()
    wanted = Filter(_number("book"), given.get("kind", ""), given.get("standing", ""), given.get("q", ""))
    page = batch_history.page(session, wanted, _number("before"))
    return fragments.page_or_fragment(
        "batches/history.html",
        "batches/_history.html",
        rows=page.rows,
        worked=progress.worked(session, [batch for batch, _ in page.rows]),
        sums=overview.sums(session, [batch.id or 0 for batch, _ in page.rows]),
        books={book.id: book for book in session.exec(select(Book).order_by(col(Book.name)))},
        names=users.labels(session),
        following=page.following,
        paged="before" in request.args,
        wanted=wanted,
        given=given,
        query=urlencode(given),
    )


def _given() -> dict[str, str]:
    """The filter as it stands in the address, without what is empty; PostgreSQL takes no text with a NUL in it."""
    texts = {name: request.args.get(name, "").replace("\x00", "").strip() for name in FILTERS}
    return {name: text for name, text in texts.items() if text}


def _number(name: str) -> int | None:
    value = request.args.get(name, type=int)
    return value if value and 0 < value <= LARGEST else None


@batches.get("/batches/<int:batch_id>")
@requires("viewer")
def show(batch_id: int) -> ResponseReturnValue:
    """The page of one batch."""
    batch = service.find(reading(), batch_id)
    if batch.kind == payments.KIND:
        return payments.batch_page(batch)
    context = _context(batch)
    _, seen = fragments.changed_parts(context["view"].rev, _parts(context))
    return render_template("batches/show.html", seen=seen, **context, **_rows(batch))


def _context(batch: Batch) -> dict[str, Any]:
    """What the live parts show."""
    session = reading()
    book = session.get_one(Book, batch.book_id)
    view = progress.view(session, batch)
    shell.use_book(book)
    return {
        "batch": batch,
        "book": book,
        "view": view,
        "lookup": lookups.of_batch(session, batch.id or 0) if view.states.get(PostingState.IN_DOUBT) else None,
        "sending": view.states.get(PostingState.SENDING, 0),
        "ahead": queueing.ahead(session, batch) if view.moving else None,
        "worked": progress.worked(session, [batch]).get(batch.id or 0),
        "to_go": _seconds_to_go(view),
        "names": users.labels(session),
        "approvers": [user.email for user in approving.may(session, batch)] if batch.approval == "wanted" else [],
    }


def _seconds_to_go(view: progress.BatchView) -> int | None:
    """A guess from how fast documents went so far; None before there is a pace."""
    section = next((s for s in view.sections if s.key == SectionKey.DOCUMENTS), None)
    if not section or not view.moving or not section.done or not section.seconds or section.done >= section.total:
        return None
    return round(section.seconds / section.done * (section.total - section.done))


def _parts(context: dict[str, Any]) -> list[str]:
    return [render_template(f"batches/_{name}.html", oob=True, **context) for name in PARTS]


@batches.get("/batches/<int:batch_id>/live")
@requires("viewer")
def live(batch_id: int) -> ResponseReturnValue:
    """Only the parts that changed since ``seen``, out of band; 204 for none, 286 at the end."""
    batch = service.find(reading(), batch_id)
    if batch.kind == payments.KIND:
        return payments.batch_live(batch)
    context = _context(batch)
    changed, seen = fragments.changed_parts(context["view"].rev, _parts(context))
    moving = context["view"].watched
    if not changed and moving:
        return fragments.nothing()
    html = render_template("batches/_live.html", changed=changed, seen=seen, **context)
    events = "rows-changed" if not moving or _rows_changed(batch, context["view"].states) else None
    return fragments.answer(html, status=200 if moving else fragments.STOP_POLLING, events=events)


def _rows_changed(batch: Batch, states: Mapping[str, int]) -> bool:
    """Whether a document of the shown page is newer than what the page knows."""
    seen = request.args.get("seen", "").partition(".")[0]
    known = int(seen) if seen.isdecimal() else -1
    newest = batch_rows.newest_change(reading(), batch, **_place())
    return newest > known or _counts(states) != request.args.get("counts", "")


def _place() -> dict[str, str]:
    """Which page of the table is shown."""
    args = request.args
    return {"state": args.get("state", ""), "sort": args.get("sort", "number"), "after": args.get("after", "")}


def _counts(states: Mapping[str, int]) -> str:
    """How many documents are in each state, in short."""
    return ".".join(f"{name}{count}" for name, count in sorted(states.items()))


def _states(session: Session, batch: Batch) -> dict[str, int]:
    query = select(Posting.state, func.count()).where(Posting.batch_id == batch.id).group_by(Posting.state)
    return dict(session.exec(query).all())


def _rows(batch: Batch) -> dict[str, Any]:
    """What the table of documents shows; with the addresses of each in both systems."""
    session, place = reading(), _place()
    page, states = batch_rows.rows(session, batch, **place), _states(session, batch)
    return {
        "page": page,
        "states": states,
        "warned": overview.warned(session, batch.id or 0),
        **place,
        "counts": _counts(states),
        "addresses": _addresses(batch, page),
    }


def _addresses(batch: Batch, page: batch_rows.Rows) -> dict[int, tuple[str, str]]:
    """Posting → its address in the PSA and in the books; empty where there is none."""
    source, destination = _opened(batch)
    return {
        posting.id or 0: (
            source.url(RecordKind(batch.kind), page.records.get(posting.id or 0, "")) if source else "",
            destination.url(DocumentKind(posting.kind), posting.ledger_id) if destination and posting.ledger_id else "",
        )
        for posting in page.rows
    }


def _opened(batch: Batch) -> tuple[Source | None, Destination | None]:
    """Both sides, for their addresses only; a side that is disconnected has none."""
    source: Source | None = None
    destination: Destination | None = None
    try:
        source = connections.open_source(web().database, web().connectors, batch.source_id)
        destination = connections.open_destination(web().database, web().connectors, batch.book_id)
    except ConnectionFailedError:
        return source, destination
    return source, destination


@batches.get("/batches/<int:batch_id>/rows")
@requires("viewer")
def rows(batch_id: int) -> ResponseReturnValue:
    """The table of documents alone."""
    batch = service.find(reading(), batch_id)
    if batch.kind == payments.KIND:
        return payments.batch_rows(batch)
    shell.use_book(reading().get_one(Book, batch.book_id))
    if not fragments.is_fragment():
        return redirect(url_for("batches.show", batch_id=batch_id) + "?" + request.query_string.decode())
    return fragments.answer(render_template("batches/_rows.html", batch=batch, **_rows(batch)))


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────


@batches.post("/batches/<int:batch_id>/stop")
@requires("bookkeeper")
def stop(batch_id: int) -> ResponseReturnValue:
    """Stop after the calls in flight."""
    with writing() as session:
        service.stop(session, service.find(session, batch_id), by=me().email)
    return fragments.go(url_for("batches.show", batch_id=batch_id))


@batches.post("/batches/<int:batch_id>/resume")
@requires("bookkeeper")
def resume(batch_id: int) -> ResponseReturnValue:
    """Go on where it was."""
    with writing() as session:
        service.resume(session, service.find(session, batch_id), by=me().email)
    doorbell.ring_batch(web().settings.redis_url, batch_id)
    return fragments.go(url_for("batches.show", batch_id=batch_id))


@batches.post("/batches/<int:batch_id>/retry")
@requires("bookkeeper")
def retry(batch_id: int) -> ResponseReturnValue:
    """Check and send again what is held by a problem or was refused; with ``posting`` only that one."""
    only = request.form.getlist("posting", type=int) or None
    with writing() as session:
        count = service.retry(session, service.find(session, batch_id), by=me().email, postings=only)
    doorbell.ring_batch(web().settings.redis_url, batch_id)
    flash("1 document goes again." if count == 1 else f"{count} documents go again.")
    shown = {name: value for name, value in _place().items() if value and name in request.args}
    return fragments.go(url_for("batches.show", batch_id=batch_id, **shown))  # type: ignore[arg-type]  # plain words of the address


# ── the whole batch taken back ───────────────────────────────────────────────────────────────────────────────────


@batches.get("/batches/<int:batch_id>/undo")
@requires("bookkeeper")
@pacing.asks_vendors
def ask_undo(batch_id: int) -> ResponseReturnValue:
    """What an undo would take out, and what it would leave; both systems are asked."""
    batch, book = _batch_and_book(batch_id)
    unseen: ConnectionFailedError | None = None
    items: list[undo_plan.Item] = []
    try:
        source, destination = _both(batch)
        items = undo_plan.plan(web().database, source, destination, batch_id)
    except ConnectionFailedError as error:
        unseen = error
    return render_template(
        "batches/undo.html",
        batch=batch, book=book, unseen=unseen, seen=_undoable(reading(), batch_id),
        going=[item for item in items if item.refusal is None],
        refused=[item for item in items if item.refusal is not None],
        undo_sums=undo_plan.sums, undo_reason=undo_plan.reason,
    )  # fmt: skip


def _undoable(session: Session, batch_id: int) -> str:
    """In short what could be undone of a batch now: a page that showed other documents must not undo these."""
    mine = (Posting.batch_id == batch_id, col(Posting.state).in_(undo_plan.FIRST_STEP))
    rows = session.exec(select(Posting.id, Posting.generation).where(*mine).order_by(col(Posting.id)))
    return hashlib.sha256(repr(list(map(tuple, rows))).encode()).hexdigest()[:16]


def _other_than_seen(session: Session, batch_id: int) -> ResponseReturnValue:
    """A button that was pressed twice, or a page that is old."""
    under_way = select(Posting.id).where(Posting.batch_id == batch_id, Posting.state == PostingState.UNDOING)
    if session.exec(under_way).first() is not None:
        return fragments.go(url_for("batches.show", batch_id=batch_id))
    flash("Other documents could be undone by now, so nothing was done. This is how it stands.", "warn")
    return fragments.go(url_for("batches.ask_undo", batch_id=batch_id))


@batches.post("/batches/<int:batch_id>/undo")
@requires("bookkeeper")
def undo(batch_id: int) -> ResponseReturnValue:
    """Take everything of the batch out that can be; a worker does it, and each document has its own answer."""
    with writing() as session:
        if request.form.get("seen") != _undoable(session, batch_id):
            return _other_than_seen(session, batch_id)
        count = undoing.ask_all(session, service.find(session, batch_id), by=me().email)
    doorbell.ring_batch(web().settings.redis_url, batch_id)
    flash(f"{plural(count, 'document is', 'documents are')} being undone.")
    return fragments.go(url_for("batches.show", batch_id=batch_id))


@batches.get("/batches/<int:batch_id>/rerun")
@requires("bookkeeper")
@pacing.asks_vendors
def ask_rerun(batch_id: int) -> ResponseReturnValue:
    """What is still in the books, and what is missing there and would go again."""
    batch, book = _batch_and_book(batch_id)
    unseen: ConnectionFailedError | None = None
    items: list[rerunning.Item] = []
    try:
        items = rerunning.plan(web().database, *_both(batch), batch_id)
    except ConnectionFailedError as error:
        unseen = error
    return render_template(
        "batches/rerun.html",
        batch=batch, book=book, unseen=unseen, items=items, of=rerunning.of, undo_sums=undo_plan.sums,
    )  # fmt: skip


@batches.post("/batches/<int:batch_id>/rerun")
@requires("bookkeeper")
@pacing.asks_vendors
def rerun(batch_id: int) -> ResponseReturnValue:
    """Look once more, and let what is missing go again; a worker does it."""
    items = rerunning.plan(web().database, *_both(service.find(reading(), batch_id)), batch_id)
    count = rerunning.rerun(web().database, batch_id, items, by=me().email)
    doorbell.ring_batch(web().settings.redis_url, batch_id)
    flash(f"{plural(count, 'document goes', 'documents go')} again; what is there is compared once more.")
    return fragments.go(url_for("batches.show", batch_id=batch_id))


def _batch_and_book(batch_id: int) -> tuple[Batch, Book]:
    batch = service.find(reading(), batch_id)
    book = reading().get_one(Book, batch.book_id)
    shell.use_book(book)
    return batch, book


def _both(batch: Batch) -> tuple[Source, Destination]:
    """Raises ConnectionFailedError where one side is disconnected."""
    source = connections.open_source(web().database, web().connectors, batch.source_id)
    return source, connections.open_destination(web().database, web().connectors, batch.book_id)


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────


@batches.get("/batches/<int:batch_id>/errors.csv")
@requires("viewer")
def errors(batch_id: int) -> ResponseReturnValue:
    """Every problem of every document."""
    batch = service.find(reading(), batch_id)
    return _file(files.errors_csv(reading(), batch), f"{batch.name} errors.csv", "text/csv")


@batches.get("/batches/<int:batch_id>/invoices.csv")
@requires("viewer")
def invoices(batch_id: int) -> ResponseReturnValue:
    """A payment sync, invoice by invoice."""
    batch = service.find(reading(), batch_id)
    return _file(files.payments_csv(reading(), batch), f"{batch.name} invoices.csv", "text/csv")


@batches.get("/batches/<int:batch_id>/log")
@requires("viewer")
def log(batch_id: int) -> ResponseReturnValue:
    """The whole log."""
    batch = service.find(reading(), batch_id)
    return _file(files.log_text(reading(), batch), f"{batch.name} log.txt", "text/plain")


def _file(text: str, name: str, kind: str) -> Response:
    """A download; the mark in front tells spreadsheets that it is UTF-8."""
    response = Response(("\ufeff" + text).encode(), content_type=f"{kind}; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
