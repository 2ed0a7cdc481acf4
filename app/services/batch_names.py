"""Names of batches: proposed, and held to their form. A name is unique in its Book while its batch keeps it."""

from __future__ import annotations

import datetime as dt
import re

from sqlmodel import Session, col, select

from app.domain.marks import LETTERS
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.connections import Book

NAME = re.compile(r"^[\w][\w .()+-]{0,39}$")


def validate(session: Session, book: Book, name: str) -> None:
    """Raises ValidationError where it is not a name, or another batch of the Book has it."""
    if not NAME.match(name):
        raise ValidationError(
            "A batch name has up to 40 letters, digits, blanks and - _ . ( ).", "Choose another name, or leave it out."
        )
    if session.exec(select(Batch.id).where(Batch.book_id == book.id, Batch.name_key == name)).first():
        raise ValidationError(f"The batch name “{name}” is taken.", f"Use “{name}-1”, or leave the name out.")


def propose(session: Session, book: Book, kind: RecordKind, initials: str, today: dt.date) -> str:
    """``YYYYMMDD-initials-I``, made unique by ``-1``, ``-2`` …; names given back are proposed again."""
    stem = f"{today:%Y%m%d}-{initials}-{LETTERS[kind]}"
    query = select(Batch.name_key).where(
        Batch.book_id == book.id, col(Batch.name_key).startswith(stem, autoescape=True)
    )
    taken = set(session.exec(query))
    number = 0
    while (name := f"{stem}-{number}" if number else stem) in taken:
        number += 1
    return name
