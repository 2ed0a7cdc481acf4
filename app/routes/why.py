"""Why isn't it here? A number typed under the list, and each test that decides over it with its answer."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.problems import CrossfootError, ValidationError
from app.models.connections import Book
from app.routes import fragments, pacing, selecting, shell
from app.routes.guard import me, requires
from app.routes.kinds import PREFIX, in_addresses, kind, words_of
from app.routes.web import reading, web, writing
from app.services.records import explaining, selections
from app.services.records.explaining import Explanation

why = Blueprint("why", __name__, url_prefix=PREFIX)
in_addresses(why)
LONGEST = 60


@why.get("/why")
@requires("viewer", of=selecting.draft_book)
@pacing.asks_vendors
def show() -> ResponseReturnValue:
    """The tests for ``?number=``; without HTMX a page of its own. Reads the PSA's list anew, changes nothing there."""
    number = request.args.get("number", "").strip()
    book, found, error = _book(), None, None
    if book is None:
        return fragments.go(url_for("run.show"))
    shell.use_book(book)
    try:
        found = _explained(book, number)
    except CrossfootError as failed:
        error = failed
    template = "run/_why.html" if fragments.is_fragment() else "run/why.html"
    status = 422 if isinstance(error, ValidationError) else 200
    context = {"book": book, "number": number, "found": found, "error": error}
    return fragments.answer(render_template(template, **context), status=status)


def _book() -> Book | None:
    """The company of the person's draft of this kind; None where a side is not connected."""
    with writing() as session:
        selection = selections.current(session, me().id, kind())
    book = reading().get(Book, selection.book_id) if selection.book_id else None
    return book if book and book.source_id is not None else None


def _explained(book: Book, number: str) -> Explanation:
    """Raises ValidationError without a number, ConnectionFailedError."""
    if not number or len(number) > LONGEST or not number.isprintable():
        raise ValidationError(
            "That is not a number to look for.", f"Type one {words_of(kind()).number.lower()} as ConnectWise shows it."
        )
    reading().rollback()
    return explaining.explain(web().database, web().connectors, book, kind(), number)
