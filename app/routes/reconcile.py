"""Reconcile: what has drifted since it was posted, and the month-end tie-out. A look is a worker's; pages only read."""

from __future__ import annotations

import calendar
import re
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import NotFoundError
from app.domain.tie_out import Reason
from app.jobs import doorbell
from app.models.connections import Book
from app.models.reconcile import PsaAgreement
from app.routes import fragments, pacing, shell
from app.routes.guard import local_path, me, requires
from app.routes.web import reading, web, writing
from app.services.connections import books, connections
from app.services.people import users
from app.services.reconcile import agreements as service
from app.services.reconcile import drift, figures, looks, tie_out, tie_out_files
from app.services.reconcile.tie_out import Loaded, Month, Statement

reconcile = Blueprint("reconcile", __name__)

#: Rows of a page, in lists that may be long.
PAGE = 200
STATES = ("open", "ignored", "kept")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


def _book(book_id: int) -> Book:
    book = books.find_book(reading(), book_id)
    shell.use_book(book)
    return book


def _frame(book: Book) -> dict[str, Any]:
    """What every page of the family shows: the look, and how much has drifted."""
    session = reading()
    return {
        "book": book,
        "books": books.list_books(session),
        "last": looks.last(session, book.id or 0),
        "newest": looks.newest(session, book.id or 0),
        "stages": looks.STAGES,
        "drifted": drift.counts(session, book.id or 0),
        "month_name": month_name,
        "month_key": month_key,
    }


def month_name(month: Month) -> str:
    """``November 2026``."""
    return f"{calendar.month_name[month[1]]} {month[0]}"


def month_key(month: Month) -> str:
    """``2026-11``."""
    return f"{month[0]:04}-{month[1]:02}"


@reconcile.get("/reconcile")
@requires("viewer")
def begin() -> ResponseReturnValue:
    """To the default company's page."""
    book = books.default_book(reading())
    if book is None:
        return render_template("reconcile/empty.html")
    return redirect(url_for("reconcile.show", book_id=book.id))


@reconcile.get("/reconcile/<int:book_id>")
@requires("viewer")
def show(book_id: int) -> ResponseReturnValue:
    """Months, drift in short, and the charts."""
    book = _book(book_id)
    session = reading()
    loaded = tie_out.load(session, book)
    ran = service.with_additions(loaded.look.started_at or loaded.look.asked_at) if loaded else None
    return render_template(
        "reconcile/show.html",
        months=loaded.months() if loaded else [],
        loaded=loaded,
        ran=ran,
        unbilled=_agreements(book, ran) if ran else [],
        ages=figures.receivables(session, book),
        weeks=figures.posted_per_week(session, book),
        waited=figures.close_to_posted(session, book),
        **_frame(book),
    )


# ── looks ────────────────────────────────────────────────────────────────────────────────────────────────────────


@reconcile.post("/reconcile/<int:book_id>/look")
@requires("bookkeeper")
@pacing.asks_vendors
def look(book_id: int) -> ResponseReturnValue:
    """Look at both systems now; a worker does it."""
    with writing() as session:
        book = books.find_book(session, book_id)
        asked = looks.ask(session, book, by=me().email, whole=request.form.get("whole") == "1")
    doorbell.ring(web().settings.redis_url, "look", asked.id or 0)
    return fragments.go(url_for("reconcile.show", book_id=book_id))


@reconcile.get("/reconcile/<int:book_id>/live")
@requires("viewer")
def live(book_id: int) -> ResponseReturnValue:
    """The look that is under way; once it has ended, the page it stands on anew."""
    book = _book(book_id)
    if looks.running(reading(), book_id) is None:
        here = urlsplit(request.headers.get("HX-Current-URL", ""))
        target = f"{here.path}?{here.query}" if here.query else here.path
        return fragments.go(local_path(target) if here.path else url_for("reconcile.show", book_id=book_id))
    otherwise = url_for("reconcile.show", book_id=book_id)
    return fragments.fragment("reconcile/_look.html", otherwise=otherwise, **_frame(book))


# ── drift ────────────────────────────────────────────────────────────────────────────────────────────────────────


@reconcile.get("/reconcile/<int:book_id>/drift")
@requires("viewer")
def drifted(book_id: int) -> ResponseReturnValue:
    """What is no longer as it was posted."""
    book = _book(book_id)
    state = request.args.get("state", "open")
    state = state if state in STATES else "open"
    after = request.args.get("after", 0, type=int)
    found = drift.lines(reading(), book_id, state, after, drift.PAGE + 1)
    shown = found[: drift.PAGE]
    return render_template(
        "reconcile/drift.html",
        lines=shown,
        state=state,
        after=after,
        following=shown[-1].drift.id if len(found) > drift.PAGE else None,
        names=users.labels(reading()),
        **_frame(book),
    )


@reconcile.post("/reconcile/<int:book_id>/drift/<int:drift_id>")
@requires("bookkeeper")
def say(book_id: int, drift_id: int) -> ResponseReturnValue:
    """Keep, resend, ignore, or watch again."""
    choice = request.form.get("choice", "")
    if choice == "resend":
        batch_id = _resend(book_id, drift_id)
        flash("It goes again, in its own batch; Check looks once more before anything is sent.")
        return fragments.go(url_for("batches.show", batch_id=batch_id))
    with writing() as session:
        drift.say(session, book_id, drift_id, choice, by=me().email)
    flash({"keep": "Kept as it stands now.", "ignore": "Ignored until it changes again."}.get(choice, "Watched again."))
    return fragments.go(url_for("reconcile.drifted", book_id=book_id, state=request.form.get("state", "open")))


@pacing.asks_vendors
def _resend(book_id: int, drift_id: int) -> int:
    book = _book(book_id)
    if book.source_id is None:
        raise ConnectionFailedError("No PSA is connected.", "Look under Settings ▸ Connections.")
    source = connections.open_source(web().database, web().connectors, book.source_id)
    destination = connections.open_destination(web().database, web().connectors, book_id)
    batch_id = drift.resend(web().database, source, destination, book_id, drift_id, by=me().email)
    doorbell.ring_batch(web().settings.redis_url, batch_id)
    return batch_id


# ── tie-out ──────────────────────────────────────────────────────────────────────────────────────────────────────


@reconcile.get("/reconcile/<int:book_id>/month/<month>")
@requires("viewer")
def month(book_id: int, month: str) -> ResponseReturnValue:
    """One month in one currency: the foot, what explains the difference, and the tables beside it."""
    book = _book(book_id)
    chosen = _month(month)
    loaded = _loaded(book, chosen)
    currencies = loaded.currencies(chosen)
    currency = request.args.get("currency", "")
    currency = currency if currency in currencies else next(iter(_first(currencies, book.currency)), "")
    statement = loaded.statement(chosen, currency)
    whole = request.args.get("all") == "1"
    return render_template(
        "reconcile/month.html",
        statement=statement,
        loaded=loaded,
        currencies=currencies,
        reasons=tie_out_files.REASONS,
        agreements=_agreements(book, chosen),
        added=service.with_additions(loaded.look.started_at or loaded.look.asked_at),
        explained=_from(statement, request.args.get("after", ""), whole=whole),
        whole=whole,
        after=request.args.get("after", ""),
        limit=None if whole else PAGE,
        Reason=Reason,
        **_frame(book),
    )


def _first(currencies: list[str], home: str) -> list[str]:
    return sorted(currencies, key=lambda currency: (currency != home, currency))


def _from(statement: Statement, after: str, *, whole: bool) -> list[Any]:
    """Explained records behind the one with this key, one more than a page."""
    found = statement.explained
    if whole:
        return found
    keys = [f"{item.reason}|{item.key}" for item in found]
    start = keys.index(after) + 1 if after in keys else 0
    return found[start : start + PAGE + 1]


def _loaded(book: Book, month: Month) -> Loaded:
    loaded = tie_out.load(reading(), book, month)
    if loaded is None:
        raise NotFoundError("Nobody has looked at both systems yet.", "Press “Look now” under Reconcile first.")
    return loaded


def _month(text: str) -> Month:
    found = _MONTH.fullmatch(text)
    if found is None:
        raise NotFoundError(f"“{text[:20]}” is not a month.", "Months are written like 2026-11.")
    return int(found[1]), int(found[2])


def _agreements(book: Book, chosen: Month) -> list[PsaAgreement]:
    return service.without(reading(), book.source_id or 0, chosen)


@reconcile.get("/reconcile/<int:book_id>/month/<month>/<currency>/tie-out.csv")
@requires("viewer")
def as_csv(book_id: int, month: str, currency: str) -> ResponseReturnValue:
    """Every record of the month."""
    book, statement = _statement(book_id, month, currency)
    content = "\ufeff" + tie_out_files.to_csv(statement)
    return _file(content.encode(), _name(book, statement, "csv"), "text/csv")


@reconcile.get("/reconcile/<int:book_id>/month/<month>/<currency>/tie-out.xlsx")
@requires("viewer")
def as_xlsx(book_id: int, month: str, currency: str) -> ResponseReturnValue:
    """A sheet for each table."""
    book, statement = _statement(book_id, month, currency)
    title = f"{book.name}, {month_name(statement.month)}, {currency}"
    content = tie_out_files.to_xlsx(statement, _agreements(book, statement.month), title)
    return _file(content, _name(book, statement, "xlsx"), XLSX)


def _statement(book_id: int, month: str, currency: str) -> tuple[Book, Statement]:
    book = _book(book_id)
    chosen = _month(month)
    loaded = _loaded(book, chosen)
    if currency not in loaded.currencies(chosen):
        raise NotFoundError(f"Nothing is dated in {month_name(chosen)} in “{currency[:10]}”.", "Choose another month.")
    return book, loaded.statement(chosen, currency)


def _name(book: Book, statement: Statement, form: str) -> str:
    return f"{book.name} tie-out {month_key(statement.month)} {statement.currency}.{form}"


def _file(content: bytes, name: str, kind: str) -> Response:
    response = Response(content, content_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
