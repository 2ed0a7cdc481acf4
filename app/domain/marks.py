"""Marks: how we recognise our own document in the books and our own batch in the PSA.

Deterministic from kind, record and generation, so that a second look always asks for the same thing. The Source's
short code appears only with a second Source (``CF-B.I39005-g1``).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from app.domain.states import RecordKind, Role

LETTERS = {RecordKind.INVOICES: "I", RecordKind.EXPENSES: "E", RecordKind.INVENTORY: "P"}
#: Letters of what stands beside a document.
BESIDE: dict[str, str] = {Role.COGS: "C", Role.BILL: "V"}
#: A record id that a mark can hold as it is, and what it can't hold.
PLAIN, OTHERS = re.compile(r"[0-9A-Za-z_]{1,20}"), re.compile(r"[^0-9A-Za-z_]+")
#: Any mark of ours inside a longer text (QuickBooks' private note).
PATTERN = re.compile(r"CF-(?:[A-Z]\.)?[A-Z][0-9A-Za-z_.]+-g\d+\b")


@dataclass(frozen=True, slots=True)
class Mark:
    """One document's mark. ``record`` is the PSA's record id, of the first record where several make one posting.

    What stands beside a document has a letter of its own, ``CF-C39005-g1``; the document's PSA batch closes both.
    """

    kind: RecordKind
    record: str
    generation: int
    source_code: str = ""
    role: str = Role.MAIN

    @property
    def stem(self) -> str:
        """The mark without its generation, e.g. ``CF-I39005-g``: finds every generation of the document."""
        source = f"{self.source_code}." if self.source_code else ""
        letter = BESIDE.get(self.role) or LETTERS[self.kind]
        return f"CF-{source}{letter}{_token(self.record)}-g"

    def __str__(self) -> str:
        return f"{self.stem}{self.generation}"

    @property
    def psa_batch(self) -> str:
        """Identifier of the accounting batch that closes the record in the PSA, e.g. ``CF-I-39005-g1`` (max 50)."""
        source = f"{self.source_code}." if self.source_code else ""
        return f"CF-{source}{LETTERS[self.kind]}-{_token(self.record)}-g{self.generation}"

    def note(self, number: str) -> str:
        """First words of the ledger's private note: ``PSA 10482 · CF-I39005-g1``."""
        return f"PSA {number} · {self}"


def _token(record: str) -> str:
    """The record's id as it stands in a mark. One with blanks or hyphens is told by its beginning and a checksum."""
    if PLAIN.fullmatch(record):
        return record
    return f"{OTHERS.sub('_', record)[:14]}.{hashlib.sha256(record.encode()).hexdigest()[:6]}"


def marks_in(text: str) -> list[str]:
    """Every mark of ours that a text carries, in order."""
    return PATTERN.findall(text)
