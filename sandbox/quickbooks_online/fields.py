"""The table of what a request may carry, read from `fields.txt`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Field:
    """One property: its kind (see the head of `fields.txt`), longest text, whether a list, whether only answered."""

    name: str
    kind: str
    max_length: int
    many: bool
    read_only: bool


@cache
def table() -> dict[str, dict[str, Field]]:
    """Type -> property -> what may stand there."""
    lines = (Path(__file__).parent / "fields.txt").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    types: dict[str, dict[str, Field]] = {}
    for name, body in re.findall(r"^(\w+) = ((?:.|\n(?!\w))*)", text, re.MULTILINE):
        types[name] = {field.name: field for field in map(_field, body.split())}
    return types


def read_only(entity: str) -> set[str]:
    """Properties that only answers carry."""
    return {name for name, field in table()[entity].items() if field.read_only}


def _field(word: str) -> Field:
    name, _, rest = word.partition(":")
    kind = rest.rstrip("!").removesuffix("[]")
    text = re.fullmatch(r"s(\d*)", kind)
    limit = int(text[1] or 0) if text else 0
    return Field(name, "s" if text else kind, limit, "[]" in rest, rest.endswith("!"))
