"""Mappings: what of the PSA is linked to what in the books, kind by kind."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, select

from app.connectors.protocols import ConnectionFailedError
from app.domain import book_settings
from app.domain.links import CREATABLE, NOUNS, Entry, LinkKind
from app.domain.problems import ValidationError
from app.models.connections import Book
from app.models.records import UnpostedRow
from app.routes import fragments, shell
from app.routes.guard import local_path, me, requires
from app.routes.web import reading, web, writing
from app.services import books, connections, link_files, links, lists, suggestions

mappings = Blueprint("mappings", __name__)

PAGE = 100
#: Comparisons of names that one page may cost.
EFFORT = 60_000
FOUND = 30
TITLES = {
    LinkKind.CUSTOMERS: ("Customers", "ConnectWise company", "QuickBooks customer"),
    LinkKind.VENDORS: ("Vendors", "ConnectWise vendor or member", "QuickBooks vendor"),
    LinkKind.ITEMS: ("Items", "ConnectWise product or account", "QuickBooks item"),
    LinkKind.ACCOUNTS: ("GL accounts", "ConnectWise GL account", "QuickBooks account"),
    LinkKind.TAX_CODES: ("Tax codes", "ConnectWise tax code", "QuickBooks tax code"),
    LinkKind.TERMS: ("Terms", "ConnectWise billing terms", "QuickBooks terms"),
    LinkKind.CLASSES: ("Classes", "Class segment of ConnectWise’s GL accounts", "QuickBooks class"),
    LinkKind.LOCATIONS: ("Locations", "ConnectWise class segment, territory or location", "QuickBooks location"),
}


def _kind(name: str) -> LinkKind:
    return LinkKind(name) if name in set(LinkKind) else abort(404)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of the list, and what stands around it."""

    rows: list[links.Linked]
    total: int
    unlinked: int
    next: str


@mappings.get("/mappings/<int:book_id>/<kind>")
@requires("viewer")
def show(book_id: int, kind: str) -> ResponseReturnValue:
    """The list, filtered by words and by what is linked."""
    return fragments.page_or_fragment("mappings/show.html", "mappings/_list.html", **_list(book_id, _kind(kind)))


def _list(book_id: int, kind: LinkKind) -> dict[str, Any]:
    session = reading()
    book = books.find_book(session, book_id)
    shell.use_book(book)
    words, view, after = request.values.get("q", ""), request.values.get("view", ""), request.values.get("after", "")
    every = links.listing(session, book, kind)
    entries = lists.entries(session, book_id, kind)
    shown = _shown(every, words, view, after)
    return {
        "book": book,
        "kind": kind,
        "titles": TITLES,
        "noun": NOUNS[kind],
        "shown": shown,
        "words": words,
        "view": view,
        "policy": _policy(book, kind),
        "as_of": lists.as_of(session, book_id, kind),
        "suggested": _suggested(shown.rows, entries),
        "details": {entry.ledger_id: entry for entry in entries},
    }


def _shown(every: list[links.Linked], words: str, view: str, after: str) -> Shown:
    wanted = [row for row in every if _matches(row, words) and (view != "unlinked" or not row.ledger_name)]
    keys = [row.source_id for row in wanted]
    start = keys.index(after) + 1 if after in keys else 0
    rows = wanted[start : start + PAGE]
    more = len(wanted) > start + PAGE
    unlinked = sum(not row.ledger_name for row in every)
    return Shown(rows, len(wanted), unlinked, rows[-1].source_id if more else "")


def _matches(row: links.Linked, words: str) -> bool:
    text = f"{row.source_id} {row.source_name} {row.ledger_id} {row.ledger_name}".casefold()
    return all(word in text for word in words.casefold().split())


def _suggested(rows: list[links.Linked], entries: list[Entry]) -> dict[str, suggestions.Suggestion]:
    """The likeliest entry for what is unlinked, as far as the page may take its time."""
    unlinked = [row for row in rows if not row.ledger_name]
    affordable = unlinked[: max(5, EFFORT // max(1, len(entries)))]
    found = {row.source_id: suggestions.rank(entries, row.source_name, 1) for row in affordable}
    return {source_id: best[0] for source_id, best in found.items() if best}


def _policy(book: Book, kind: LinkKind) -> dict[str, Any] | None:
    if kind not in CREATABLE:
        return None
    setting = book_settings.SETTINGS[f"links.{kind}.missing"]
    return {"setting": setting, "value": books.setting_of(book, setting.key)}


@mappings.get("/mappings/<int:book_id>/<kind>/link")
@requires("viewer")
def choose(book_id: int, kind: str) -> ResponseReturnValue:
    """The drawer in which one link is set; a page of its own without JavaScript."""
    return _drawer(book_id, _kind(kind), request.args.get("source_id", ""))


def _drawer(book_id: int, kind: LinkKind, source_id: str, status: int = 200, **context: Any) -> ResponseReturnValue:
    session = reading()
    book = books.find_book(session, book_id)
    row = next((row for row in links.listing(session, book, kind) if row.source_id == source_id), None)
    row = row or links.Linked(source_id, name_of(session, book, kind, source_id), "", "", "", 0)
    words = request.args.get("q", "")
    return fragments.page_or_fragment(
        "mappings/link.html",
        "mappings/_link.html",
        status=status,
        book=book,
        kind=kind,
        noun=NOUNS[kind],
        titles=TITLES,
        row=row,
        words=words,
        back=request.values.get("back", ""),
        offers=offers(session, book_id, kind, row.source_name, words),
        **context,
    )


def name_of(session: Session, book: Book, kind: LinkKind, source_id: str) -> str:
    """What the PSA's list calls something that no batch has read yet; accounts are called by their id."""
    columns: dict[LinkKind, tuple[Any, Any]] = {
        LinkKind.CUSTOMERS: (UnpostedRow.party_id, UnpostedRow.party),
        LinkKind.TAX_CODES: (UnpostedRow.tax_code_id, UnpostedRow.tax_code),
        LinkKind.TERMS: (UnpostedRow.terms_id, UnpostedRow.terms),
    }
    if kind not in columns:
        return source_id.removeprefix("account:")
    ident, name = columns[kind]
    query = select(name).where(UnpostedRow.source_id == book.source_id, ident == source_id)
    return str(session.exec(query).first() or "")


def offers(session: Session, book_id: int, kind: LinkKind, name: str, words: str) -> list[suggestions.Suggestion]:
    """What may be chosen: the likeliest entries, else the list; with words those that hold all of them."""
    alike = [] if words.strip() else suggestions.suggest(session, book_id, kind, name)
    if alike:
        return alike
    usable = [e for e in lists.entries(session, book_id, kind) if e.active and e.its_own]
    hits = [e for e in usable if all(w in _text(e) for w in words.casefold().split())]
    return [suggestions.Suggestion(entry, 0, ()) for entry in hits[:FOUND]]


def _text(entry: Entry) -> str:
    return f"{entry.name} {entry.number} {entry.ledger_id} {entry.email} {entry.detail}".casefold()


@mappings.get("/mappings/<int:book_id>/<kind>.csv")
@requires("viewer")
def export(book_id: int, kind: str) -> ResponseReturnValue:
    """The links of a kind as a file, the unlinked ones too."""
    book, of_kind = books.find_book(reading(), book_id), _kind(kind)
    headers = {"Content-Disposition": f'attachment; filename="crossfoot-{book.id}-{of_kind}.csv"'}
    return Response(link_files.export(reading(), book, of_kind), mimetype="text/csv", headers=headers)


@mappings.post("/mappings/<int:book_id>/<kind>/file")
@requires("bookkeeper")
def load(book_id: int, kind: str) -> ResponseReturnValue:
    """Take a file's links, all or none."""
    of_kind, given = _kind(kind), request.files.get("file")
    try:
        text = given.read(link_files.LARGEST + 1).decode() if given else ""
        with writing() as session:
            changed = link_files.load(session, books.find_book(session, book_id), of_kind, text, by=me().email)
        flash(f"Linked from the file: {changed} are new or other than before.")
    except UnicodeDecodeError:
        flash("The file is no text. Give one that Export has made.")
    except ValidationError as error:
        flash(f"{error.message} {error.remedy}")
    return redirect(url_for("mappings.show", book_id=book_id, kind=of_kind), 303)


@mappings.post("/mappings/<int:book_id>/<kind>")
@requires("bookkeeper")
def link(book_id: int, kind: str) -> ResponseReturnValue:
    """Set one link; it counts from now on."""
    wanted, form = _kind(kind), request.form
    try:
        with writing() as session:
            book = books.find_book(session, book_id)
            links.set_link(session, book, wanted, form.get("source_id", ""), form.get("ledger_id", ""), by=me().email)
    except ValidationError as error:
        return _drawer(book_id, wanted, form.get("source_id", ""), 422, error=error)
    if fragments.is_fragment() and form.get("back"):
        return fragments.answer(render_template("shell/_no_drawer.html"), events="links-changed")
    flash("Linked; it counts for every document from now on.")
    return fragments.go(local_path(form.get("back") or url_for("mappings.show", book_id=book_id, kind=kind)))


@mappings.post("/mappings/<int:book_id>/<kind>/refresh")
@requires("bookkeeper")
def refresh(book_id: int, kind: str) -> ResponseReturnValue:
    """Read the books' list anew."""
    try:
        destination = connections.open_destination(web().database, web().connectors, book_id)
        lists.refresh(web().database, destination, book_id, (_kind(kind),), dt.timedelta(0))
        flash("The list is read anew.")
    except ConnectionFailedError as error:
        flash(f"{error.message} {error.remedy}", "bad")
    return redirect(url_for("mappings.show", book_id=book_id, kind=kind), 303)


@mappings.post("/mappings/<int:book_id>/<kind>/policy")
@requires("admin")
def change_policy(book_id: int, kind: str) -> ResponseReturnValue:
    """What happens to what has no counterpart."""
    value = request.form.get("policy", "")
    with writing() as session:
        book = books.find_book(session, book_id)
        books.set_settings(session, book, {f"links.{_kind(kind)}.missing": value}, me().email)
    flash("Saved.")
    return redirect(url_for("mappings.show", book_id=book_id, kind=kind), 303)
