"""Customer data: what differs between ConnectWise and QuickBooks, field by field, and brought over only if accepted."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain import entry_data
from app.domain.links import LinkKind
from app.domain.problems import ValidationError
from app.jobs import doorbell
from app.models.workbench import EntryChange
from app.routes import fragments, pacing, shell
from app.routes.formats import plural
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.connections import books
from app.services.mapping import customer_data, entry_changes, lists

updates = Blueprint("updates", __name__)
PAGE = 100
WORDS = {"address": "Address", "email": "E-mail", "terms": "Billing terms", "active": "Active",
         "account": "Income account", "cost_account": "Expense account"}  # fmt: skip
STATES = {
    "wanted": ("ready", "waiting"), "sending": ("sending", "sending"), "in_doubt": ("in_doubt", "in doubt"),
    "done": ("completed", "done"), "refused": ("refused", "refused"),
}  # fmt: skip


@updates.get("/mappings/<int:book_id>/customers/updates")
@requires("viewer")
def show(book_id: int) -> ResponseReturnValue:
    """What differs, as it was compared last; and what became of what was accepted."""
    session = reading()
    book = books.find_book(session, book_id)
    shell.use_book(book)
    every, after = entry_changes.proposed(session, book), request.args.get("after", "")
    start = next((place + 1 for place, row in enumerate(every) if str(row.id) == after), 0)
    page = every[start : start + PAGE]
    names = {
        field: {entry.ledger_id: entry.name for entry in lists.entries(session, book_id, kind)}
        for field, kind in (
            ("terms", LinkKind.TERMS),
            ("account", LinkKind.ACCOUNTS),
            ("cost_account", LinkKind.ACCOUNTS),
        )
    }
    return render_template(
        "mappings/updates.html",
        book=book,
        fields=customer_data.fields_of(book),
        last=customer_data.last(session, book),
        words=WORDS,
        rows=[(row, _changes(row, names)) for row in page],
        count=len(every),
        start=start,
        next=str(page[-1].id) if len(every) > start + PAGE else "",
        recent=[(row, _changes(row, names), *STATES[row.state]) for row in entry_changes.recent(session, book)],
    )


def _changes(row: EntryChange, names: dict[str, dict[str, str]]) -> list[tuple[str, str, str]]:
    """Field, old and new, in words."""
    return [
        (WORDS[field], entry_data.in_words(field, row.old.get(field), names.get(field)) if field in row.old else "none",
         entry_data.in_words(field, value, names.get(field)))
        for field, value in row.new.items()
    ]  # fmt: skip


@updates.post("/mappings/<int:book_id>/customers/updates/compare")
@requires("bookkeeper")
@pacing.asks_vendors
def compare(book_id: int) -> ResponseReturnValue:
    """Both sides' customers are to be read and compared; a worker does it, and writes nothing to either."""
    try:
        with writing() as session:
            customer_data.ask(session, books.find_book(session, book_id), by=me().email)
    except ValidationError as error:
        flash(f"{error.message} {error.remedy}", "bad")
        return _back(book_id)
    doorbell.ring(web().settings.redis_url, "compare_customers", book_id)
    return _back(book_id)


@updates.get("/mappings/<int:book_id>/customers/updates/live")
@requires("viewer")
def live(book_id: int) -> ResponseReturnValue:
    """Asked for while customers are compared; when they are, the page is shown anew."""
    book = books.find_book(reading(), book_id)
    last = customer_data.last(reading(), book)
    if last is None or not last.under_way:
        return fragments.go(url_for("updates.show", book_id=book_id))
    return fragments.answer(render_template("mappings/_comparing.html", book=book, last=last))


@updates.post("/mappings/<int:book_id>/customers/updates")
@requires("bookkeeper")
def accept(book_id: int) -> ResponseReturnValue:
    """Bring over what is ticked, or all that was shown; a worker writes each by itself."""
    form: Any = request.form
    with writing() as session:
        book = books.find_book(session, book_id)
        chosen = form.getlist("change", type=int)
        if form.get("which") == "all":
            shown = set(form.getlist("every", type=int))
            chosen = [row.id or 0 for row in entry_changes.proposed(session, book) if row.id in shown]
        count = entry_changes.accept(session, book, chosen, by=me().email)
    doorbell.ring(web().settings.redis_url, "change_entries", book_id)
    flash(f"{plural(count, 'customer')} will be changed in QuickBooks.")
    return _back(book_id)


def _back(book_id: int) -> ResponseReturnValue:
    return redirect(url_for("updates.show", book_id=book_id), 303)
