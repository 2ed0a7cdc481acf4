"""Run New Batch ▸ Invoices, Expenses, Inventory: select what is unposted, see what will happen, submit."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, select

from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import ValidationError
from app.jobs import doorbell
from app.models.batches import Batch
from app.models.connections import Book
from app.routes import formats, fragments, pacing, selecting, shell
from app.routes.guard import me, requires
from app.routes.kinds import PREFIX, in_addresses, kind
from app.routes.selecting import Sight
from app.routes.web import reading, web, writing
from app.services.batches import batches
from app.services.connections import books, connections
from app.services.mapping import lists
from app.services.people import users
from app.services.records import precedents, records, selections, views

run = Blueprint("run", __name__, url_prefix=PREFIX)
in_addresses(run)
#: What the bar's buttons ask for -> the batch's mode.
MODES = {"submit": "post", "dry": "dry", "clear": "clear"}


@run.get("")
@requires("viewer", of=selecting.draft_book)
def show() -> ResponseReturnValue:
    """The selection page; for HTMX its list and what counts it, with ``bar`` also what the ticks come to."""
    whole = not fragments.is_fragment()
    here = _here(bar=whole or "bar" in request.args)
    if here is None:
        return render_template("run/not_connected.html", book=books.default_book(reading()))
    return render_template("run/show.html", **_context(here)) if whole else _parts(here, bar="bar" in request.args)


def _here(*, bar: bool = True) -> Sight | None:
    """The person's draft; None where a side is not connected yet. ``bar``: also what Submit would create."""
    with writing() as session:
        selection = selections.current(session, me().id, kind())
    session = reading()
    book = session.get(Book, selection.book_id) if selection.book_id else None
    if book is None or book.source_id is None:
        return None
    return selecting.sight(session, selection, book, kind(), bar=bar)


def _context(here: Sight, **more: Any) -> dict[str, Any]:
    """What the templates of the page need."""
    session = reading()
    return {
        "here": here,
        "list": selecting.listed(session, here),
        "books": books.list_books(session),
        "names": users.labels(session),
        **more,
    }


def _parts(here: Sight, *, bar: bool = True, **more: Any) -> ResponseReturnValue:
    """The list, and out of band what depends on it; without HTMX the page again."""
    if not fragments.is_fragment():
        return redirect(_page_url(), 303)
    return fragments.answer(render_template("run/_parts.html", bar=bar, **_context(here, **more)))


def _page_url() -> str:
    shown = {name: request.values[name] for name in ("view", "q", "sort", "after") if request.values.get(name)}
    return url_for("run.show", **shown)  # type: ignore[arg-type]  # plain words of the address


# ── the draft ────────────────────────────────────────────────────────────────────────────────────────────────────


@run.post("/options")
@requires("bookkeeper")
def options() -> ResponseReturnValue:
    """Another company, location, date, name or summary level."""
    try:
        with writing() as session:
            changed_book = _take_options(session)
            if not changed_book:  # what was ticked, was for the company before
                _take_ticks(session)
    except ValidationError as error:
        here = _here()
        return redirect(_page_url(), 303) if here is None else _parts(here, opts=True, error=error)
    here = _here()
    if here is None:
        return fragments.go(url_for("run.show"))
    return _parts(here, opts=changed_book or bool({"through", "preset"} & request.form.keys()))


def _take_options(session: Session) -> bool:
    """Remember what differs from before; True where the company does. Raises ValidationError."""
    form, selection = request.form, selections.current(session, me().id, kind())
    wanted = books.find_book(session, form["book"]) if form.get("book") else None
    if wanted and wanted.id != selection.book_id:
        selections.choose_book(session, selection, wanted)
        return True
    book = books.find_book(session, selection.book_id or 0)
    shell.use_book(book)
    before = selecting.sight(session, selection, book, kind(), bar=False)
    values: dict[str, str] = {}
    if "location" in form and form["location"] != before.options.location:
        values["location"] = form["location"]
    if "summary" in form and form["summary"] != before.summary:
        values["summary"] = form["summary"]
    if "name" in form and form["name"].strip() != before.name:
        values["name"] = form["name"].strip()
    text = form.get("preset", form.get("through"))
    if text is not None and (through := _through(text)) != before.options.through:
        values["through"] = through.isoformat() if through else ""
    if values:
        selections.set_options(session, selection, **values)
    return False


def _through(text: str) -> Any:
    try:
        return formats.parse_date("" if text == "all" else text)
    except ValueError as error:
        raise ValidationError(str(error), "Give it like 11/30/2026 or 2026-11-30; empty for all.") from error


@run.post("/tick")
@requires("bookkeeper", of=selecting.draft_book)
def tick() -> ResponseReturnValue:
    """The ticks of the shown page, as they stand now; only the bar and the count above the list change."""
    with writing() as session:
        _take_ticks(session)
    here = _here()
    if here is None or not fragments.is_fragment():
        return redirect(_page_url(), 303)
    on_page = len(set(request.form.getlist("record")) & set(here.chosen.records))
    parts = [render_template(f"run/_{part}.html", here=here, on_page=on_page, oob=True) for part in ("bar", "ticked")]
    return fragments.answer("".join(parts))


def _take_ticks(session: Session) -> None:
    """A form carries every record it showed, and those that are ticked."""
    if shown := request.form.getlist("shown"):
        selection = selections.current(session, me().id, kind())
        selections.set_ticks(session, selection, shown, request.form.getlist("record"))


@run.post("/select")
@requires("bookkeeper", of=selecting.draft_book)
def select_many() -> ResponseReturnValue:
    """This page, all that match, all that are ready, or none."""
    which = request.form.get("select", "none")
    here = _here(bar=False)
    if here is None:
        return redirect(_page_url(), 303)
    session = reading()
    verdicts = selecting.judged(session, here)
    every = [row.record for row in here.offered]
    shown = set(request.form.getlist("shown"))
    wanted = {
        "page": [record for record in every if record in shown],
        "ready": [record for record in every if verdicts.get(record) == views.READY],
        "match": _matching(here, verdicts, every),
    }.get(which, [])
    with writing() as db:
        draft = selections.current(db, me().id, kind())
        selections.set_records(db, draft, selecting.selectable(db, here, wanted))
    again = _here()
    return _parts(again or here)


@run.post("/like")
@requires("bookkeeper", of=selecting.draft_book)
def like_last_month() -> ResponseReturnValue:
    """As the batch of last month: its location and summary, to the end of last month, and all of it that is ready."""
    here = _here(bar=False)
    found = precedents.find(reading(), here.book, kind(), here.today) if here else None
    if here is None or found is None:
        return redirect(_page_url(), 303)
    last = found.batch
    with writing() as session:
        draft = selections.current(session, me().id, kind())
        through = precedents.through(here.today).isoformat()
        selections.set_options(session, draft, location=last.location, summary=last.summary, through=through)
    as_then = _here(bar=False) or here
    with writing() as session:
        draft = selections.current(session, me().id, kind())
        selections.set_records(session, draft, selecting.ready(session, as_then))
    again = _here() or here
    missing = precedents.missing(reading(), last, kind(), [row.record for row in again.offered])
    return _parts(again, opts=True, like=found, missing=missing)


def _matching(here: Sight, verdicts: Any, every: list[str]) -> list[str]:
    """What the list shows now, over all its pages."""
    args = request.values
    narrowed = selecting.narrow(here.options, args.get("view", ""), args.get("q", ""), "", verdicts, every)
    return selecting.matching(reading(), here, narrowed)


@run.post("/refresh")
@requires("bookkeeper", of=selecting.draft_book)
@pacing.asks_vendors
def refresh() -> ResponseReturnValue:
    """Read the PSA's list anew; then workers look at what is new in it."""
    here = _here()
    if here is None:
        return fragments.go(url_for("run.show"))
    error = None
    try:
        source = connections.open_source(web().database, web().connectors, here.source_id)
        records.refresh(web().database, source, here.source_id, kind())
        _refresh_lists(here.book)
    except ConnectionFailedError as failed:
        error = failed
        if not fragments.is_fragment():
            flash(f"{failed.message} {failed.remedy}", "bad")
    doorbell.ring(web().settings.redis_url, "look_ahead", here.source_id, str(kind()))
    _end_looks()
    again = _here()
    return _parts(again or here, opts=True, head=True, error=error)


def _refresh_lists(book: Book) -> None:
    """The books' lists decide what is ready; they are read where they are old."""
    destination = connections.open_destination(web().database, web().connectors, book.id or 0)
    lists.refresh(web().database, destination, book.id or 0)


def _end_looks() -> None:
    """What services wrote in sessions of their own is seen from here on."""
    reading().rollback()
    reading().expire_all()


# ── submit ───────────────────────────────────────────────────────────────────────────────────────────────────────


@run.post("")
@requires("bookkeeper", of=selecting.draft_book)
def confirm() -> ResponseReturnValue:
    """Without HTMX also the ticks of the page; then a try, or the question before a batch."""
    try:
        with writing() as session:
            _take_options(session)
            _take_ticks(session)
    except ValidationError as error:
        flash(f"{error.message} {error.remedy}", "bad")
        return redirect(_page_url(), 303)
    action = request.form.get("action", "")
    if action not in MODES:
        return redirect(_page_url(), 303)
    if action == "dry" and (twin := _twin(request.form.get("token", ""))):
        return redirect(url_for("batches.show", batch_id=twin.id), 303)
    here = _here()
    if here is None or not here.chosen.records:
        flash("No record is selected. Tick what is to be posted.", "warn")
        return redirect(_page_url(), 303)
    return _try(here) if action == "dry" else redirect(url_for("run.ask", mode=MODES[action]), 303)


def _try(here: Sight) -> ResponseReturnValue:
    """A dry run needs no question: it writes nothing anywhere."""
    try:
        batch = _submit(here, accept=True, mode="dry")
    except ValidationError as error:
        flash(f"{error.message} {error.remedy}", "bad")
        return redirect(_page_url(), 303)
    doorbell.ring_batch(web().settings.redis_url, batch.id or 0)
    return redirect(url_for("batches.show", batch_id=batch.id), 303)


def _twin(token: str) -> Batch | None:
    """The batch that a form with this token has made already."""
    return reading().exec(select(Batch).where(Batch.token == token, Batch.token != "")).first()


@run.get("/confirm")
@requires("bookkeeper", of=selecting.draft_book)
def ask() -> ResponseReturnValue:
    """What will happen, by name, before it does; the selection where nothing is ticked any more.

    An address of its own: the browser's *Back* leads here, and past a batch that was made, and sends no form again.
    """
    here = _here()
    if here is None or not here.chosen.records:
        return redirect(url_for("run.show"), 303)
    return _ask(here, mode="clear" if request.args.get("mode") == "clear" else "post")


def _ask(here: Sight, status: int = 200, mode: str = "post", **more: Any) -> ResponseReturnValue:
    if mode == "clear":
        return render_template("run/clear.html", here=here, **more), status
    plan = here.plan or selecting.planned(reading(), here.book, here.source_id, kind(), here.chosen.records)
    going = selecting.going(reading(), here, plan)
    return render_template("run/confirm.html", here=here, plan=plan, going=going, **more), status


@run.post("/submit")
@requires("bookkeeper", of=selecting.draft_book)
def submit() -> ResponseReturnValue:
    """Make the batch and wake a worker. A second Submit of the same form leads to the same batch."""
    token = request.form.get("token", "")
    mode = "clear" if request.form.get("mode") == "clear" else "post"
    if twin := _twin(token):
        return redirect(url_for("batches.show", batch_id=twin.id), 303)
    here = _here()
    if here is None or here.selection.token != token:
        raise ValidationError(
            "This page is older than your selection; nothing was posted.", "Open the selection again and submit it."
        )
    if request.form.get("seen") != here.seen:
        return _ask(here, 422, mode, changed=True)
    try:
        batch = _submit(here, accept=request.form.get("accept") == "yes", mode=mode)
    except ValidationError as error:
        return _ask(here, 422, mode, error=error)
    doorbell.ring_batch(web().settings.redis_url, batch.id or 0)
    return redirect(url_for("batches.show", batch_id=batch.id), 303)


def _submit(here: Sight, *, accept: bool, mode: str) -> Batch:
    """The batch; the draft begins anew, unless this was only a try.

    The form, or another tab, may have chosen another company since the guard looked.
    """
    if not me().may("bookkeeper", here.book.id):
        abort(403, "bookkeeper")
    with writing() as session:
        book = session.get_one(Book, here.book.id)
        batch = batches.submit(
            session,
            book,
            kind=kind(),
            wanted=here.chosen.records,
            by=me().email,
            initials=me().initials,
            name=str(here.selection.options.get("name", "")),
            summary=here.summary,
            through=here.options.through,
            location=here.options.location,
            accept=accept,
            release=True,  # what is on hold was ticked singly; "all" never takes it
            mode=mode,
            token=here.selection.token,
            today=books.today_of(book),
        )
        done = selections.tried if mode == "dry" else selections.submitted
        done(session, selections.current(session, me().id, kind()))
    return batch
