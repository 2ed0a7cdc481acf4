"""Links as a CSV file, to look through, to keep, to fill in elsewhere; and proposals for what is not linked yet."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from app.domain import csv_text
from app.domain.links import LinkKind
from app.domain.problems import ValidationError
from app.models.connections import Book
from app.services.mapping import links, suggestions, workbench

HEAD = ("source_id", "source_name", "ledger_id", "ledger_name", "origin")
LARGEST = 5_000_000
#: Mistakes that are named one by one.
NAMED = 5


def export(session: Session, book: Book, kind: LinkKind) -> str:
    """One line per link, the unlinked ones too, with an empty ledger_id to fill in."""
    rows = links.listing(session, book, kind)
    return csv_text.lines([HEAD, *([getattr(row, name) for name in HEAD] for row in rows)])


def load(session: Session, book: Book, kind: LinkKind, text: str, *, by: str) -> int:
    """Link what the file says, all of it or nothing, and commit; answers how many links are new or other than before.

    Only the columns source_id and ledger_id count; a line without a ledger_id changes nothing.

    Raises:
        ValidationError: no such columns, or lines whose ledger id the books don't have, each with its number.
    """
    wanted = _pairs(text)
    before = {row.source_id: row.ledger_id for row in links.listing(session, book, kind)}
    changed = {source: (line, ledger) for source, (line, ledger) in wanted.items() if before.get(source) != ledger}
    wrong: list[str] = []
    for line, ledger in changed.values():
        try:
            links.linkable(session, book.id or 0, kind, ledger)
        except ValidationError as error:
            wrong.append(f"line {line}: {error.message}")
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise ValidationError(f"Nothing was linked: {' '.join(wrong[:NAMED])}{more}", "Correct these lines.")
    for source, (_, ledger) in changed.items():
        links.put(session, book, kind, source, ledger, by=by)
    session.commit()
    return len(changed)


def _pairs(text: str) -> dict[str, tuple[int, str]]:
    """PSA id → (line, ledger id) of the lines that have both."""
    if len(text) > LARGEST:
        raise ValidationError("The file is larger than any of these.", "Give one that export has made.")
    try:
        rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
        if not {"source_id", "ledger_id"} <= set(rows.fieldnames or ()):
            raise ValidationError("The file has no columns source_id and ledger_id.", "Give one that export has made.")
        found: dict[str, tuple[int, str]] = {}
        for row in rows:
            source, ledger = _cell(row.get("source_id")), _cell(row.get("ledger_id"))
            if source and ledger:
                found[source] = (rows.line_num, ledger)
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
