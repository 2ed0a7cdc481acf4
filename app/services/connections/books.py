"""Books: finding one, its settings, its default, its day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select, update

from app.domain import book_settings, codec, line_text
from app.domain.links import LinkKind, Rules
from app.domain.problems import NotFoundError, ValidationError
from app.domain.setting import SettingKind
from app.domain.states import RecordKind
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.records import UnpostedRow
from app.services.mapping import links, lists
from app.services.people import audit


def list_books(session: Session) -> list[Book]:
    """All Books, the default first, then by name."""
    return list(session.exec(select(Book).order_by(col(Book.is_default).desc(), Book.name, col(Book.id))))


def find_book(session: Session, ref: str | int) -> Book:
    """A Book by its id or its exact name.

    Raises NotFoundError that names those there are, ValidationError where several have the name.
    """
    books, text = list_books(session), str(ref).strip()
    found = [b for b in books if str(b.id) == text] or [b for b in books if b.name == text]
    if len(found) > 1:
        ids = " or ".join(str(book.id) for book in found)
        raise ValidationError(f"{len(found)} QuickBooks companies are named “{text}”.", f"Give its id: {ids}.")
    if not found:
        raise NotFoundError(f"There is no QuickBooks company “{text}”.", _candidates(books))
    return found[0]


def _candidates(books: list[Book]) -> str:
    if not books:
        return "Connect QuickBooks first, in the browser under Settings, Connections."
    return f"Connected are: {', '.join(f'{book.name} (id {book.id})' for book in books)}."


def default_book(session: Session) -> Book | None:
    """The Book that pages begin with: the default one, else the first; None before any is connected."""
    return next(iter(list_books(session)), None)


def show(book: Book) -> dict[str, str]:
    """Every setting with the value that holds."""
    keys = dict.fromkeys((*book_settings.SETTINGS, *book.settings))
    values = {key: book_settings.value_of(book.settings, key) for key in keys}
    return {**values, "company.zone": zone_of(book)}


def setting_of(book: Book, key: str) -> str:
    """The value of one setting that holds for a Book."""
    return show(book)[key]


def set_settings(session: Session, book: Book, values: Mapping[str, str], by: str) -> dict[str, str]:
    """Change settings, all or none, and commit; returns those that really changed. Raises ValidationError."""
    wanted = {key: book_settings.setting(key).parse(value) for key, value in values.items()}
    before, detailed = show(book), bool(detailed_because(book))
    _check_entries(session, book, {key: value for key, value in wanted.items() if value != before.get(key, "")})
    stored = {**book.settings, **wanted}
    book.settings = {k: v for k, v in stored.items() if v != book_settings.value_of({}, k)}
    after = show(book)
    changed = {key: after.get(key, "") for key in wanted if after.get(key, "") != before.get(key, "")}
    if changed:
        old = {key: before.get(key, "") for key in changed}
        named = _names(session, book, old, changed)
        audit.record(session, by, "book.settings", f"book:{book.id}", old=old, new=changed, **named)
    if detailed != bool(detailed_because(book)):  # what was looked at was exported at the other level
        invoices = (col(UnpostedRow.source_id) == book.source_id, col(UnpostedRow.kind) == RecordKind.INVOICES)
        session.exec(update(UnpostedRow).where(*invoices).values(looked_at=""))
    session.add(book)
    session.commit()
    return changed


def _check_entries(session: Session, book: Book, chosen: Mapping[str, str]) -> None:
    """What is chosen from a list of the ledger stands there, as far as the list was ever read."""
    for key, value in chosen.items():
        setting = book_settings.setting(key)
        if setting.kind is SettingKind.LEDGER_REF and value:
            kind = LinkKind(setting.of)
            try:
                if lists.as_of(session, book.id or 0, kind):
                    links.linkable(session, book.id or 0, kind, value)
            except ValidationError as error:
                raise ValidationError(f"{setting.label}: {error.message}", error.remedy) from error


def _names(session: Session, book: Book, *told: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """``{"names": {key=id: name}}`` of what was chosen from the ledger's lists: the log is read by people."""
    found: dict[str, str] = {}
    for key, value in ((key, value) for values in told for key, value in values.items()):
        setting = book_settings.setting(key)
        if setting.kind is SettingKind.LEDGER_REF and value:
            entry = lists.entry(session, book.id or 0, LinkKind(setting.of), value)
            found |= {f"{key}={value}": f"{entry.number} {entry.name}".strip()} if entry else {}
    return {"names": found} if found else {}


def set_default(session: Session, book: Book, by: str) -> None:
    """Make this the Book that pages begin with."""
    session.exec(update(Book).values(is_default=False))
    book.is_default = True
    session.add(book)
    audit.record(session, by, "book.default", f"book:{book.id}", new=book.name)
    session.commit()


def source_of(book: Book) -> int:
    """The PSA whose records go into a connected Book. Raises ValidationError."""
    if book.source_id is None:
        raise ValidationError("No PSA is connected yet.", "Connect ConnectWise under Settings ▸ Connections.")
    if not book.connected:
        raise ValidationError(f"“{book.name}” is not connected.", "Connect it again under Settings ▸ Connections.")
    return book.source_id


def zone_of(book: Book) -> str:
    """Name of the Book's time zone."""
    return book_settings.value_of(book.settings, "company.zone") or book.zone


def today_of(book: Book, now: dt.datetime | None = None) -> dt.date:
    """Which day it is where the company is."""
    return (now or utcnow()).astimezone(ZoneInfo(zone_of(book))).date()


def summary_of(book: Book) -> str:
    """The level at which its invoices are exported where nobody asks for another."""
    return "detailed" if detailed_because(book) else setting_of(book, "sales.summary")


def detailed_because(book: Book) -> str:
    """Why its invoices are exported Detailed whatever level is asked for; empty where they are not."""
    return line_text.needs_detailed(rules_of(book))


def rules_of(book: Book) -> Rules:
    """What translation must know of a Book: the company's rules, overlaid by its settings."""
    return book_settings.rules_from(codec.from_json(Rules, book.rules), book.settings)
