"""A Book's settings as a TOML file: to keep, to compare, to carry to another company. Never secrets."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping

from sqlmodel import Session

from app.domain import book_settings
from app.domain.problems import ValidationError
from app.models.connections import Book
from app.services.connections import books

LARGEST = 200_000


def export(book: Book) -> str:
    """The file's text: every setting, those at their default too, so that a later default changes nothing unseen."""
    lines = [
        "# Settings of a QuickBooks company in Crossfoot; import takes all of them or none.",
        "[company]",
        f"name = {_text(book.name)}",
        f"ledger_id = {_text(book.ledger_id)}",
        "",
        "[settings]",
    ]
    lines += [f"{_text(key)} = {_text(value)}" for key, value in sorted(books.show(book).items())]
    return "\n".join(lines) + "\n"


def load(session: Session, book: Book, text: str, *, by: str) -> dict[str, str]:
    """Take the settings of a file, all or none, and commit; returns those that changed. Raises ValidationError."""
    if len(text) > LARGEST:
        raise ValidationError("The file is larger than any of these.", "Give one that Export has made.")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValidationError(f"The file is not TOML: {error}.", "Give one that Export has made.") from error
    settings = found.get("settings")
    if not isinstance(settings, Mapping) or not all(isinstance(value, str) for value in settings.values()):
        raise ValidationError("The file has no table “settings” of texts.", "Give one that Export has made.")
    for key in settings:
        book_settings.setting(key)
    return books.set_settings(session, book, dict(settings), by)


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
