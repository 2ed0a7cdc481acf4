"""A Book's settings as a TOML file: to keep, to compare, to carry to another company. Never secrets."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlmodel import Session

from app.domain import book_settings
from app.domain.problems import ValidationError
from app.domain.setting import SettingKind
from app.models.connections import Book
from app.services.connections import books

LARGEST = 200_000


class Loaded(NamedTuple):
    """What a file brought.

    ``changed``: the settings that are new. ``left``: labels of those that name an entry of another company’s lists,
    where the same id is something else; they stay as they were.
    """

    changed: dict[str, str]
    left: list[str]


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


def load(session: Session, book: Book, text: str, *, by: str) -> Loaded:
    """Take the settings of a file, all or none, and commit. Raises ValidationError."""
    if len(text) > LARGEST:
        raise ValidationError("The file is larger than any of these.", "Give one that Export has made.")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValidationError(f"The file is not TOML: {error}.", "Give one that Export has made.") from error
    settings = found.get("settings")
    if not isinstance(settings, Mapping) or not all(isinstance(value, str) for value in settings.values()):
        raise ValidationError("The file has no table “settings” of texts.", "Give one that Export has made.")
    known = {key: book_settings.setting(key) for key in settings}
    foreign = [key for key, setting in known.items() if setting.kind is SettingKind.LEDGER_REF and settings[key]]
    left = foreign if _of_another(book, found.get("company")) else []
    changed = books.set_settings(session, book, {k: v for k, v in settings.items() if k not in left}, by)
    return Loaded(changed, [known[key].label for key in left])


def _of_another(book: Book, company: Any) -> bool:
    named = str(company.get("ledger_id", "")) if isinstance(company, Mapping) else ""
    return named not in ("", book.ledger_id)


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
