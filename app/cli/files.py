"""Files that commands read and write: one sentence with its remedy for what can't be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from app.domain.problems import ValidationError

file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


def read(file: Path, made_by: str, text_of: Callable[[bytes], str] | None = None) -> str:
    """The text of a file; ``made_by`` names the command that makes such files. Raises ValidationError.

    ``text_of`` makes out the encoding; it is UTF-8 without it.
    """
    try:
        return text_of(file.read_bytes()) if text_of else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(f"{file} can’t be read: {error}.", f"Give a file that `{made_by}` has made.") from error


def write(file: Path, text: str) -> None:
    """Write a text as it is, line ends too. Raises ValidationError."""
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ValidationError(f"{file} can’t be written: {error}.", "Give another file.") from error


@contextmanager
def opened(file: Path) -> Iterator[IO[bytes]]:
    """A file to be written, for its owner only. Raises ValidationError."""
    try:
        with file.open("wb") as target:
            file.chmod(0o600)
            yield target
    except OSError as error:
        raise ValidationError(f"{file} can’t be written: {error}.", "Give another file.") from error
