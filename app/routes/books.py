"""QuickBooks companies and their settings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from app.domain import book_settings, hooks, line_text, own_currency
from app.domain.links import Entry, LinkKind
from app.domain.problems import ValidationError
from app.domain.setting import Setting
from app.domain.settings_catalogue import TABS
from app.domain.states import RecordKind
from app.jobs import doorbell
from app.models.connections import Book
from app.routes import fragments, shell
from app.routes.guard import installation, me, requires
from app.routes.web import reading, web, writing
from app.services.connections import archives, cards, forgetting, settings_file
from app.services.connections import books as service
from app.services.mail import samples
from app.services.mapping import links, lists
from app.services.paying import stripe_keys
from app.services.people import audit
from app.services.records import records

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
    return _page(service.find_book(reading(), book_id), "company")


@books.get("/settings/books/<int:book_id>/<tab>")
@requires("viewer")
def show_tab(book_id: int, tab: str) -> ResponseReturnValue:
    """One of the other tabs."""
    return _page(service.find_book(reading(), book_id), _known(tab))


def _known(tab: str) -> str:
    return tab if tab in {key for key, _, _ in TABS} else abort(404)


def _page(book: Book, tab: str, status: int = 200, **context: object) -> ResponseReturnValue:
    shell.use_book(book)
    session = reading()
    card = next(c for c in cards.cards(session) if (c.side, c.id) == ("book", book.id))
    name, shown = next(name for key, name, _ in TABS if key == tab), _shown(book, tab)
    customers = links.listing(session, book, LinkKind.CUSTOMERS) if tab in ("sales", "email") else []
    customers = [row for row in customers if own_currency.party(row.source_id) == row.source_id]
    page = render_template(
        "settings/book.html",
        book=book,
        card=card,
        books=service.list_books(session),
        tabs=TABS,
        tab=tab,
        tab_name=name,
        settings=shown,
        values={**service.show(book), **_entered(shown)},
        own_zone=book.zone,
        locations=_locations(session, book),
        entries=_entries(session, book, shown),
        locked=_locked(book),
        customers=customers,
        own=samples.own_texts(book.settings, {row.source_id: row.source_name for row in customers}),
        installed=hooks.installed() if tab == "modules" else None,
        stripe=stripe_keys.keys(session, book.id or 0) if tab == "payments" else None,
        public_url=web().settings.public_url,
        **context,
    )
    return page, status


def _shown(book: Book, tab: str) -> Sequence[Setting]:
    """A tab's settings; of Modules those of the modules that are installed, or were when they were switched on."""
    if tab != "modules":
        return next(part for key, _, part in TABS if key == tab)
    stored = {key: own for key in book.settings if (own := hooks.setting(key))}
    return tuple({**hooks.settings(), **stored}.values())


def _entered(shown: Iterable[Setting]) -> dict[str, str]:
    """What was typed stays in the form when it was not taken."""
    return {setting.key: request.form[setting.key] for setting in shown if setting.key in request.form}


def _locations(session: Session, book: Book) -> list[records.Location]:
    if book.source_id is None:
        return []
    return records.locations(session, book.source_id, RecordKind.INVOICES, None)


def _entries(session: Session, book: Book, shown: Iterable[Setting]) -> dict[str, list[Entry]]:
    """Setting → the ledger's entries that it may be: active ones of a type that fits."""
    chosen = [setting for setting in shown if setting.of]
    found = {kind: lists.entries(session, book.id or 0, LinkKind(kind)) for kind in {one.of for one in chosen}}
    return {
        one.key: [e for e in found[one.of] if e.active and (not one.fits or e.detail in ("", *one.fits))]
        for one in chosen
    }


def _locked(book: Book) -> dict[str, str]:
    """Settings that others decide, with the reason."""
    reason = service.detailed_because(book)
    return {"sales.summary": reason} if reason else {}


@books.post("/settings/books/<int:book_id>")
@requires("admin")
def change(book_id: int) -> ResponseReturnValue:
    """Take all of the Company tab or none."""
    return _change(book_id, "company")


@books.post("/settings/books/<int:book_id>/<tab>")
@requires("admin")
def change_tab(book_id: int, tab: str) -> ResponseReturnValue:
    """Take all of a tab or none."""
    return _change(book_id, _known(tab))


def _change(book_id: int, tab: str) -> ResponseReturnValue:
    try:
        with writing() as session:
            book = service.find_book(session, book_id)
            changed = service.set_settings(session, book, _entered(_shown(book, tab)), me().email)
    except ValidationError as error:
        return _page(service.find_book(reading(), book_id), tab, 422, error=error)
    flash(f"Saved: {len(changed)} changed." if changed else "Nothing was different.")
    _look_again(book_id, changed)
    return redirect(_address(book_id, tab), 303)


def _look_again(book_id: int, changed: Mapping[str, str]) -> None:
    """What unposted records need may be something else now: workers look at them again."""
    book = service.find_book(reading(), book_id)
    if changed and book.source_id:
        for kind in RecordKind:
            doorbell.ring(web().settings.redis_url, "look_ahead", book.source_id, str(kind))


def _address(book_id: int, tab: str) -> str:
    return url_for("books.show", book_id=book_id) + ("" if tab == "company" else f"/{tab}")


@books.post("/settings/books/<int:book_id>/own")
@requires("admin")
def change_own(book_id: int) -> ResponseReturnValue:
    """Give one customer a text of its own, or take it away."""
    form = request.form
    key = form.get("key") or line_text.customer_key(form.get("setting", ""), form.get("customer", ""))
    tab = "email" if key.startswith("email.") else "sales"
    if key.endswith("@"):
        flash("Choose a customer.")
        return redirect(_address(book_id, tab), 303)
    try:
        with writing() as session:
            book = service.find_book(session, book_id)
            changed = service.set_settings(session, book, {key: form.get("text", "")}, me().email)
    except ValidationError as error:
        return _page(service.find_book(reading(), book_id), tab, 422, error=error)
    _look_again(book_id, changed)
    return redirect(_address(book_id, tab), 303)


@books.post("/settings/books/<int:book_id>/try")
@requires("viewer")
def try_out(book_id: int) -> ResponseReturnValue:
    """What a template makes of a document, while it is typed."""
    key, book = request.args.get("key", ""), service.find_book(reading(), book_id)
    try:
        setting = book_settings.setting(key)
        what, text = samples.tried(reading(), book, key, setting.parse(request.form.get(key, "")))
    except ValidationError as error:
        return fragments.fragment("settings/_try.html", otherwise=_address(book_id, "sales"), error=error)
    return fragments.fragment("settings/_try.html", otherwise=_address(book_id, "sales"), what=what, text=text)


@books.get("/settings/books/<int:book_id>/file")
@requires("viewer")
def export(book_id: int) -> ResponseReturnValue:
    """The settings as a file."""
    book = service.find_book(reading(), book_id)
    headers = {"Content-Disposition": f'attachment; filename="crossfoot-{book.id}-settings.toml"'}
    return Response(settings_file.export(book), mimetype="application/toml", headers=headers)


@books.get("/settings/books/<int:book_id>/archive")
@requires("admin")
def archive(book_id: int) -> ResponseReturnValue:
    """All that is known of the company, as a ZIP."""
    pieces = _pieces(book_id)
    next(pieces)  # it is written now, while it is known who asks, and sent from the disk
    with writing() as session:
        audit.record(session, me().email, "book.archive", f"book:{book_id}")
        session.commit()
    headers = {"Content-Disposition": f'attachment; filename="crossfoot-{book_id}.zip"'}
    return Response(pieces, mimetype="application/zip", headers=headers)


def _pieces(book_id: int) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        with web().database.reading() as session:
            archives.write(session, service.find_book(session, book_id), file)
        yield b""
        file.seek(0)
        yield from iter(lambda: file.read(65536), b"")


@books.get("/settings/books/<int:book_id>/forget")
@requires("admin", of=installation)
def forget(book_id: int) -> ResponseReturnValue:
    """What forgetting the company takes away, what stays elsewhere, and what stands in the way."""
    return _forget(book_id)


def _forget(book_id: int, status: int = 200, error: ValidationError | None = None) -> ResponseReturnValue:
    session = reading()
    book = service.find_book(session, book_id)
    shell.use_book(book)
    obstacle, leaves = forgetting.obstacle(session, book), forgetting.leaves(session, book_id)
    page = render_template("settings/forget.html", book=book, obstacle=obstacle, leaves=leaves, error=error)
    return page, status


@books.post("/settings/books/<int:book_id>/forget")
@requires("admin", of=installation)
def forget_now(book_id: int) -> ResponseReturnValue:
    """Remove the company, once its name was typed."""
    try:
        with writing() as session:
            name = forgetting.forget(session, book_id, me().email, typed=request.form.get("name", ""))
    except ValidationError as error:
        return _forget(book_id, 422, error)
    flash(f"“{name}” and all that was known of it are gone from here; both systems keep what they have.")
    return redirect(url_for("connections.show"), 303)


@books.post("/settings/books/<int:book_id>/file")
@requires("admin")
def load(book_id: int) -> ResponseReturnValue:
    """Take a file's settings, all or none."""
    given = request.files.get("file")
    try:
        text = given.read(settings_file.LARGEST + 1).decode() if given else ""
        with writing() as session:
            changed, left = settings_file.load(session, service.find_book(session, book_id), text, by=me().email)
    except UnicodeDecodeError:
        error = ValidationError("The file is no text.", "Give one that Export has made.")
        return _page(service.find_book(reading(), book_id), "company", 422, error=error)
    except ValidationError as error:
        return _page(service.find_book(reading(), book_id), "company", 422, error=error)
    flash(f"Imported: {len(changed)} changed." if changed else "Nothing was different.")
    if left:
        flash(f"The file is another company’s, whose lists have other ids: choose here “{'”, “'.join(left)}”.", "bad")
    _look_again(book_id, changed)
    return redirect(_address(book_id, "company"), 303)


@books.post("/settings/books/<int:book_id>/default")
@requires("admin", of=installation)
def make_default(book_id: int) -> ResponseReturnValue:
    """Pages begin with this company."""
    with writing() as session:
        service.set_default(session, service.find_book(session, book_id), me().email)
    flash("Pages begin with this company now.")
    return redirect(url_for("books.show", book_id=book_id), 303)
