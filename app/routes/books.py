"""QuickBooks companies and their settings."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from app.domain import book_settings
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.connections import Book
from app.routes import shell
from app.routes.guard import me, requires
from app.routes.web import reading, writing
from app.services import books as service
from app.services import cards, records

books = Blueprint("books", __name__)


@books.get("/settings/books")
@requires("viewer")
def listing() -> ResponseReturnValue:
    """Every company; the only one at once with its settings."""
    found = service.list_books(reading())
    if len(found) == 1:
        return redirect(url_for("books.show", book_id=found[0].id))
    return render_template("settings/books.html", books=found)


@books.get("/settings/books/<int:book_id>")
@requires("viewer")
def show(book_id: int) -> ResponseReturnValue:
    """The Company tab."""
    return _page(service.find_book(reading(), book_id))


def _page(book: Book, status: int = 200, **context: object) -> ResponseReturnValue:
    shell.use_book(book)
    card = next(c for c in cards.cards(reading()) if (c.side, c.id) == ("book", book.id))
    page = render_template(
        "settings/book.html",
        book=book,
        card=card,
        books=service.list_books(reading()),
        settings=book_settings.SETTINGS.values(),
        values={**service.show(book), **_entered()},
        own_zone=book.zone,
        locations=_locations(reading(), book),
        **context,
    )
    return page, status


def _entered() -> dict[str, str]:
    """What was typed stays in the form when it was not taken."""
    return {key: request.form[key] for key in book_settings.SETTINGS if key in request.form}


def _locations(session: Session, book: Book) -> list[records.Location]:
    if book.source_id is None:
        return []
    return records.locations(session, book.source_id, RecordKind.INVOICES, None)


@books.post("/settings/books/<int:book_id>")
@requires("admin")
def change(book_id: int) -> ResponseReturnValue:
    """Take all of it or none."""
    try:
        with writing() as session:
            changed = service.set_settings(session, service.find_book(session, book_id), _entered(), me().email)
    except ValidationError as error:
        return _page(service.find_book(reading(), book_id), 422, error=error)
    flash(f"Saved: {len(changed)} changed." if changed else "Nothing was different.")
    return redirect(url_for("books.show", book_id=book_id), 303)


@books.post("/settings/books/<int:book_id>/default")
@requires("admin")
def make_default(book_id: int) -> ResponseReturnValue:
    """Pages begin with this company."""
    with writing() as session:
        service.set_default(session, service.find_book(session, book_id), me().email)
    flash("Pages begin with this company now.")
    return redirect(url_for("books.show", book_id=book_id), 303)
