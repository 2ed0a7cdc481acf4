"""Classes in QuickBooks' form: on every line, or one for the document, as the company's own setting says."""

from __future__ import annotations

from typing import Any

from app.domain.documents import Document, Line
from app.domain.links import LinkKind, Links, Rules


def class_of_line(line: Line, links: Links, rules: Rules) -> dict[str, Any]:
    """``ClassRef`` where the company keeps classes by line."""
    return _class(line.gl_class, links) if _kept(rules) == "line" else {}


def class_of_header(document: Document, links: Links, rules: Rules) -> dict[str, Any]:
    """``ClassRef`` where the company keeps one class a document: its only one, else the header account's."""
    if _kept(rules) != "document":
        return {}
    named = {line.gl_class for line in document.lines if line.gl_class}
    return _class(named.pop() if len(named) == 1 else document.header_class, links)


def _kept(rules: Rules) -> str:
    """``off``, ``line`` or ``document``."""
    return rules.extra.get("classes", "line") if rules["categories.classes"] == "yes" else "off"


def _class(name: str, links: Links) -> dict[str, Any]:
    entry = links.get((LinkKind.CLASSES, name)) if name else None
    return {"ClassRef": {"value": entry.ledger_id}} if entry else {}
