"""Names of batches: proposed, and held to their form. A name is unique in its Book while its batch keeps it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from sqlmodel import Session, col, func, select

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


LONGEST = 40


def from_pattern(session: Session, book: Book, pattern: str, kind: str, now: dt.datetime) -> str:
    """A free name made by a pattern with [company], [kind], [date] and [time]; ``now`` is the company's own clock.

    What a name can't hold becomes a blank, and the company's name is cut where the whole would be too long.
    """
    known = {"kind": kind.capitalize(), "date": f"{now:%Y%m%d}", "time": f"{now:%H%M}"}
    number = 0
    while True:
        end = f"-{number}" if number else ""
        name = _filled(pattern, book.name, known, LONGEST - len(end)) + end
        if not session.exec(select(Batch.id).where(Batch.book_id == book.id, Batch.name_key == name)).first():
            return name
        number = max(number + 1, _next_number(session, book, name.removesuffix(end)))


def _filled(pattern: str, company: str, known: Mapping[str, str], longest: int) -> str:
    rest = re.sub(r"\[(\w+)\]", lambda match: known.get(match[1], match[0]), pattern)
    room = longest - len(rest.replace("[company]", ""))
    whole = rest.replace("[company]", company[: max(room // max(rest.count("[company]"), 1), 0)].strip())
    clean = " ".join(re.sub(r"[^\w .()+-]", " ", whole).split()).lstrip(" .()+-")
    return clean[:longest].strip() or "AutoSync"


def _next_number(session: Session, book: Book, stem: str) -> int:
    """One more than the batches of this name so far: names of a month are not tried one after the other."""
    like = col(Batch.name_key).startswith(f"{stem}-", autoescape=True)
    return 1 + int(session.exec(select(func.count()).where(Batch.book_id == book.id, like)).one())


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
