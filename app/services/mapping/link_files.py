"""Links as a CSV file, to look through, to keep, to fill in elsewhere; and proposals for what is not linked yet."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from app.domain import csv_text
from app.domain.links import NOUNS, LinkKind
from app.domain.problems import ValidationError
from app.models.connections import Book
from app.services.mapping import links, suggestions, workbench

HEAD = ("source_id", "source_name", "ledger_id", "ledger_name", "origin")
#: What spreadsheets put between cells, by country.
BETWEEN = (",", ";", "\t")
LARGEST = 5_000_000
#: Mistakes that are named one by one.
NAMED = 5


def export(session: Session, book: Book, kind: LinkKind) -> str:
    """One line per link, the unlinked ones too, with an empty ledger_id to fill in."""
    rows = links.listing(session, book, kind)
    return csv_text.lines([HEAD, *([getattr(row, name) for name in HEAD] for row in rows)])


def text_of(data: bytes) -> str:
    """What a file of a spreadsheet says, in whichever of its encodings it was saved. Raises ValidationError."""
    for encoding in ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8", "cp1252"):
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    raise ValidationError("The file is no text.", "Give one that Export has made, saved as CSV.")


def load(session: Session, book: Book, kind: LinkKind, text: str, *, by: str) -> int:
    """Link what the file says, all of it or nothing, and commit; answers how many links are new or other than before.

    Only source_id and ledger_id count; where the latter is empty, an entry of exactly the name in ledger_name. A line
    without either changes nothing.

    Raises:
        ValidationError: no such columns, or lines whose entry the books don't have, each with its number.
    """
    wanted = _lines(text)
    index = links.Index.load(session, book.id or 0)
    before = {row.source_id: row.ledger_id for row in links.listing(session, book, kind)}
    changed: dict[str, str] = {}
    wrong: list[str] = []
    for source, (line, ledger, name) in wanted.items():
        try:
            ledger = ledger or _by_name(index, kind, name)  # noqa: PLW2901 - the same thing, told by its name
            if before.get(source) != ledger:
                changed[source] = links.linkable(session, book.id or 0, kind, ledger).ledger_id
        except ValidationError as error:
            wrong.append(f"line {line}: {error.message}")
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise ValidationError(f"Nothing was linked: {' '.join(wrong[:NAMED])}{more}", "Correct these lines.")
    for source, ledger in changed.items():
        links.put(session, book, kind, source, ledger, by=by)
    session.commit()
    return len(changed)


def _by_name(index: links.Index, kind: LinkKind, name: str) -> str:
    entry = index.exact(kind, name)
    if entry is None:
        raise ValidationError(f"QuickBooks has no active {NOUNS[kind]} “{name}”, or several.", "Give its id.")
    return entry.ledger_id


def _lines(text: str) -> dict[str, tuple[int, str, str]]:
    """PSA id → (line, ledger id, name) of the lines that say what is meant."""
    if len(text) > LARGEST:
        raise ValidationError("The file is larger than any of these.", "Give one that export has made.")
    text = text.removeprefix("\ufeff")
    between = max(BETWEEN, key=text.partition("\n")[0].count)
    try:
        rows = csv.DictReader(io.StringIO(text), strict=True, delimiter=between)
        if not {"source_id", "ledger_id"} <= set(rows.fieldnames or ()):
            raise ValidationError("The file has no columns source_id and ledger_id.", "Give one that export has made.")
        found: dict[str, tuple[int, str, str]] = {}
        for row in rows:
            source, ledger, name = (_cell(row.get(key)) for key in ("source_id", "ledger_id", "ledger_name"))
            if source and (ledger or name):
                found[source] = rows.line_num, ledger, name
    except csv.Error as error:
        raise ValidationError(f"The file is no CSV: {error}.", "Give one that export has made.") from error
    return found


def _cell(value: str | None) -> str:
    """Without the apostrophe that keeps spreadsheets from calculating."""
    value = (value or "").strip()
    return value[1:] if value.startswith("'") and value[1:2] in csv_text.FORMULA else value


@dataclass(frozen=True, slots=True)
class Proposal:
    """A PSA id without a link, and what it may mean, best first."""

    source_id: str
    source_name: str
    candidates: tuple[suggestions.Suggestion, ...]

    def to_json(self) -> dict[str, Any]:
        """``{"source_id", "source_name", "candidates": [{"ledger_id", "ledger_name", "score", "reasons"}]}``."""
        candidates = [
            {"ledger_id": c.entry.ledger_id, "ledger_name": c.entry.name, "score": c.score, "reasons": list(c.reasons)}
            for c in self.candidates
        ]
        return {"source_id": self.source_id, "source_name": self.source_name, "candidates": candidates}


def proposals(session: Session, book: Book, kind: LinkKind, limit: int = 3) -> list[Proposal]:
    """For everything of a kind that is not linked, also what only the PSA's own list names; nothing is linked by it."""
    bench = workbench.bench(session, book, kind)
    return [
        Proposal(line.source.ident, line.source.name, tuple(bench.matcher.rank(line.source, limit)))
        for line in bench.unlinked
    ]
