"""What a translation has to go by."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.documents import Document
from app.domain.links import Links, Rules
from app.domain.marks import Mark


@dataclass(frozen=True, slots=True)
class Given:
    """One document and everything that decides its form in QuickBooks."""

    document: Document
    mark: Mark
    links: Links
    rules: Rules
