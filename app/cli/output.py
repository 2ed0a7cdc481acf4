"""What commands say: one JSON value or plain lines on stdout; messages for people on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from app.domain.problems import CrossfootError, Problem
from app.models.columns import dumps


def say(sentence: str) -> None:
    """Tell a person something; never mixed with the result."""
    click.echo(sentence, err=True)


def emit(value: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """The result of a command. Amounts and moments become strings in JSON."""
    if as_json:
        click.echo(dumps(value))
        return
    for line in lines:
        click.echo(line)


def fail(error: CrossfootError, *, as_json: bool) -> None:
    """One sentence and the remedy; in JSON as ``{"error", "remedy"}``, with what else the error carries."""
    say(f"crossfoot: {error.message} {error.remedy}".rstrip())
    if as_json:
        click.echo(dumps({"error": error.message, "remedy": error.remedy, **getattr(error, "facts", {})}))


def table(rows: Sequence[Sequence[str]], heads: Sequence[str], right: Iterable[int] = ()) -> list[str]:
    """Plain columns; those whose index is in ``right`` are aligned to the right."""
    whole = [list(heads), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in whole) for place in range(len(heads))]
    columns = set(right)
    return [
        "  ".join(
            cell.rjust(width) if place in columns else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in whole
    ]


def printable(text: str) -> str:
    """Without control characters: names come from other systems, and a terminal obeys what it is shown."""
    return "".join(c if c.isprintable() else "�" for c in text)


def finding_lines(findings: Iterable[Problem]) -> list[str]:
    """Each finding with its remedy."""
    return [f"  {f.severity.upper()}: {printable(f.message)} {printable(f.remedy)}".rstrip() for f in findings]


def on_terminal() -> bool:
    """Whether a person watches stderr."""
    return sys.stderr.isatty()
