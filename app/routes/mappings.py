"""Mappings: both lists of a kind side by side, what is linked to what, what may be, and what waits for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Response, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, select

from app.connectors.protocols import ConnectionFailedError
from app.domain.links import NOUNS, Entry, LinkKind, is_category
from app.domain.problems import CrossfootError, ValidationError
from app.domain.source_lists import SourceEntry
from app.jobs import doorbell
from app.models.connections import Book
from app.models.records import UnpostedRow
from app.routes import fragments, mapping_lists, pacing, shell
from app.routes.formats import plural
from app.routes.guard import local_path, me, requires
from app.routes.mapping_lists import TITLES, kind_of
from app.routes.web import reading, web, writing
from app.services.connections import books, connections
from app.services.mapping import entry_changes, link_files, links, lists, proposals, source_lists, workbench
from app.services.mapping.suggestions import Suggestion

mappings = Blueprint("mappings", __name__)

FOUND = 30


@mappings.get("/mappings/<int:book_id>/<kind>")
@requires("viewer")
def show(book_id: int, kind: str) -> ResponseReturnValue:
    """Both lists, filtered by words and by what is linked."""
    context = mapping_lists.context(book_id, kind)
    return fragments.page_or_fragment("mappings/show.html", "mappings/_list.html", **context)


@mappings.get("/mappings/<int:book_id>/<kind>/link")
@requires("viewer")
def choose(book_id: int, kind: str) -> ResponseReturnValue:
    """The drawer in which one link is set; a page of its own without JavaScript."""
    return _drawer(book_id, kind, request.args.get("source_id", ""))


def _drawer(book_id: int, tab: str, source_id: str, status: int = 200, **more: Any) -> ResponseReturnValue:
    session, kind = reading(), kind_of(tab)
    book = books.find_book(session, book_id)
    bench = workbench.bench(session, book, kind)
    line = next((line for line in bench.lines if line.source.ident == source_id), None)
    linked_to = line.entry.ledger_id if line and line.entry else ""
    name = line.source.name if line else name_of(session, book, kind, source_id)
    source = line.source if line else workbench.named(kind, source_id, name)
    words = request.args.get("q", "")
    return fragments.page_or_fragment(
        "mappings/link.html",
        "mappings/_link.html",
        status=status,
        book=book,
        tab=tab,
        kind=kind,
        noun=NOUNS[kind],
        titles=TITLES,
        source_id=source_id,
        name=name or source_id,
        linked=line.entry if line else None,
        waiting=workbench.waiting(session, book, kind).get(source_id, workbench.NONE),
        words=words,
        back=_back_to(),
        offers=offers(session, book, kind, source, words),
        asleep=mapping_lists.asleep(session, book, kind, name, linked_to),
        **more,
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


def offers(session: Session, book: Book, kind: LinkKind, source: SourceEntry, words: str) -> list[Suggestion]:
    """What may be chosen: the likeliest active entries, then the rest of a short list; with words what holds them."""
    bench = workbench.bench(session, book, kind)
    alike = [] if words.strip() else [one for one in bench.matcher.rank(source) if one.entry.active]
    usable = [e for e in bench.entries.values() if e.active and e.its_own and not is_category(e)]
    if alike:
        known = {one.entry.ledger_id for one in alike}
        rest = [Suggestion(e, 0, ()) for e in usable if e.ledger_id not in known]
        return [*alike, *(rest if len(usable) <= FOUND else ())]
    hits = [e for e in usable if all(w in _text(e) for w in words.casefold().split())]
    return [Suggestion(entry, 0, ()) for entry in hits[:FOUND]]


def _text(entry: Entry) -> str:
    return f"{entry.name} {entry.number} {entry.ledger_id} {entry.email} {entry.detail}".casefold()


@mappings.get("/mappings/<int:book_id>/<kind>.csv")
@requires("viewer")
def export(book_id: int, kind: str) -> ResponseReturnValue:
    """The links of a kind as a file, the unlinked ones too."""
    book, of_kind = books.find_book(reading(), book_id), kind_of(kind)
    headers = {"Content-Disposition": f'attachment; filename="crossfoot-{book.id}-{of_kind}.csv"'}
    text = "\ufeff" + link_files.export(reading(), book, of_kind)  # which tells spreadsheets that it is UTF-8
    return Response(text, content_type="text/csv; charset=utf-8", headers=headers)


@mappings.post("/mappings/<int:book_id>/<kind>/file")
@requires("bookkeeper")
def load(book_id: int, kind: str) -> ResponseReturnValue:
    """Take a file's links, all or none."""
    of_kind, given = kind_of(kind), request.files.get("file")
    try:
        text = link_files.text_of(given.read(link_files.LARGEST + 1)) if given else ""
        with writing() as session:
            changed = link_files.load(session, books.find_book(session, book_id), of_kind, text, by=me().email)
        flash(f"{plural(changed, 'link')} of the file {'is' if changed == 1 else 'are'} new or other than before.")
    except ValidationError as error:
        flash(f"{error.message} {error.remedy}", "bad")
    return _back(book_id, kind)


def _back_to() -> str:
    """The page that it was opened from, where it is one of ours; empty where none is named."""
    given = request.values.get("back", "")
    return local_path(given) if given else ""


def _back(book_id: int, tab: str) -> ResponseReturnValue:
    """To where the form says that it stood, else to the list."""
    own = url_for("mappings.show", book_id=book_id, kind=tab)
    return fragments.go(local_path(request.form.get("back") or own))


@mappings.post("/mappings/<int:book_id>/<kind>")
@requires("bookkeeper")
def link(book_id: int, kind: str) -> ResponseReturnValue:
    """Set one link; it counts from now on."""
    wanted, form = kind_of(kind), request.form
    try:
        with writing() as session:
            book = books.find_book(session, book_id)
            links.set_link(session, book, wanted, form.get("source_id", ""), form.get("ledger_id", ""), by=me().email)
    except ValidationError as error:
        return _drawer(book_id, kind, form.get("source_id", ""), 422, error=error)
    if fragments.is_fragment() and form.get("back"):
        return fragments.answer(render_template("shell/_no_drawer.html"), events="links-changed")
    flash("Linked; it counts for every document from now on.")
    return _back(book_id, kind)


@mappings.post("/mappings/<int:book_id>/<kind>/refresh")
@requires("bookkeeper")
@pacing.asks_vendors
def refresh(book_id: int, kind: str) -> ResponseReturnValue:
    """Read the books' list anew."""
    try:
        destination = connections.open_destination(web().database, web().connectors, book_id)
        lists.refresh(web().database, destination, book_id, (kind_of(kind),), dt.timedelta(0))
        flash("The list is read anew.")
    except ConnectionFailedError as error:
        flash(f"{error.message} {error.remedy}", "bad")
    return _back(book_id, kind)


@mappings.post("/mappings/<int:book_id>/lists")
@requires("bookkeeper")
@pacing.asks_vendors
def read_both(book_id: int) -> ResponseReturnValue:
    """Both sides' lists are read whole by a worker, within the vendors' limits."""
    with writing() as session:
        book = books.find_book(session, book_id)
        if book.source_id is None:
            raise ValidationError("No PSA is connected yet.", "Connect ConnectWise under Settings ▸ Connections.")
        source_lists.ask(session, book, by=me().email)
    doorbell.ring(web().settings.redis_url, "read_lists", book_id)
    flash("Both lists are being read; the page shows what is found.")
    return _back(book_id, LinkKind.CUSTOMERS)


@mappings.get("/mappings/<int:book_id>/reading")
@requires("viewer")
def reading_lists(book_id: int) -> ResponseReturnValue:
    """Asked for every three seconds while lists are read; when they are, the page is shown anew."""
    book = books.find_book(reading(), book_id)
    now, back = source_lists.reading(reading(), book.source_id), local_path(request.args.get("back", ""))
    if not now.under_way:
        return fragments.go(back)
    return fragments.answer(render_template("mappings/_reading.html", book=book, lists=now, back=back))


@mappings.post("/mappings/<int:book_id>/<kind>/policy")
@requires("admin")
def change_policy(book_id: int, kind: str) -> ResponseReturnValue:
    """What happens to what has no counterpart."""
    value = request.form.get("policy", "")
    with writing() as session:
        book = books.find_book(session, book_id)
        books.set_settings(session, book, {f"links.{kind_of(kind)}.missing": value}, me().email)
    flash("Saved.")
    return _back(book_id, kind)


# ── proposals ────────────────────────────────────────────────────────────────────────────────────────────────────


@mappings.get("/mappings/<int:book_id>/<kind>/proposals/<key>")
@requires("viewer")
def propose(book_id: int, kind: str, key: str) -> ResponseReturnValue:
    """Proposals with one reason, each to be looked at before any of it is accepted."""
    return _proposals(book_id, kind_of(kind), key)


def _proposals(book_id: int, kind: LinkKind, key: str, status: int = 200, **more: Any) -> ResponseReturnValue:
    session = reading()
    book = books.find_book(session, book_id)
    shell.use_book(book)
    found = proposals.group(session, book, kind, key)
    start, rows = _start(found, request.args.get("after", "")), found.proposals if found else ()
    page = rows[start : start + mapping_lists.PAGE]
    following = page[-1].line.source.ident if len(rows) > start + mapping_lists.PAGE else ""
    context = {
        "book": book, "kind": kind, "noun": NOUNS[kind], "titles": TITLES, "group": found, "key": key, "rows": page,
        "start": start, "next": following, "title": proposals.TITLES[key],
        "back": _back_to(),
    }  # fmt: skip
    return render_template("mappings/proposals.html", **context, **more), status


def _start(found: proposals.Group | None, after: str) -> int:
    keys = [one.line.source.ident for one in found.proposals] if found else []
    return keys.index(after) + 1 if after in keys else 0


@mappings.post("/mappings/<int:book_id>/<kind>/proposals/<key>")
@requires("bookkeeper")
def accept(book_id: int, kind: str, key: str) -> ResponseReturnValue:
    """Accept all of a group, or the ticked of a page: what was seen, and nothing else."""
    form, of_kind = request.form, kind_of(kind)
    only = None if form.get("which") == "all" else form.getlist("source_id")
    try:
        with writing() as session:
            book = books.find_book(session, book_id)
            count = proposals.accept(session, book, of_kind, key, form.get("seen", ""), by=me().email, only=only)
    except ValidationError as error:
        return _proposals(book_id, of_kind, key, 422, error=error)
    flash(f"{plural(count, 'link')} made; {'it counts' if count == 1 else 'they count'} from now on.")
    return _back(book_id, kind)


# ── inactive entries ─────────────────────────────────────────────────────────────────────────────────────────────


@mappings.post("/mappings/<int:book_id>/<kind>/wake")
@requires("bookkeeper")
def wake(book_id: int, kind: str) -> ResponseReturnValue:
    """Make an inactive entry active again, and link it where a PSA id is given."""
    source_id, _, ledger_id = request.form.get("which", "").partition("=")
    source_id, ledger_id = request.form.get("source_id", source_id), request.form.get("ledger_id", ledger_id)
    try:
        flash(wake_now(book_id, kind_of(kind), ledger_id, source_id))
    except CrossfootError as error:
        flash(f"{error.message} {error.remedy}", "bad")
    return _back(book_id, kind)


@pacing.asks_vendors
def wake_now(book_id: int, kind: LinkKind, ledger_id: str, source_id: str) -> str:
    """The intent, then its call, here and now; what can't be done now is done by a worker. Answers what to say.

    Raises ValidationError where it can't be done at all.
    """
    with writing() as session:
        book = books.find_book(session, book_id)
        change = entry_changes.wake(session, book, kind, ledger_id, by=me().email, source_id=source_id)
        ident, name = change.id or 0, change.name
    entry_changes.work(web().database, web().connectors, book_id, ident)
    with writing() as session:
        now = entry_changes.outcome(session, ident)
        problem = now.problem or {}
    if now.state == "refused":
        raise ValidationError(f"{name} was not made active: {problem.get('message')}", problem.get("remedy", ""))
    if now.state != "done":
        doorbell.ring(web().settings.redis_url, "change_entries", book_id)
        return f"{name} will be active in a moment."
    return f"{name} is active again{', and linked' if source_id else ''}."
