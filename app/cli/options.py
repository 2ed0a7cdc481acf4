"""Options and arguments that several commands share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import click
from sqlmodel import Session

from app.domain.links import LinkKind
from app.domain.problems import NotFoundError, ValidationError
from app.domain.states import RecordKind
from app.models.connections import Book
from app.services.records import records

type_of_date = click.DateTime(["%Y-%m-%d"])

book_option = click.option("--book", "book_ref", required=True, metavar="BOOK", help="QuickBooks company: id or name.")
record_kind = click.option(
    "--kind", type=click.Choice([kind.value for kind in RecordKind]), required=True, help="What to post."
)
link_kind = click.option("--kind", type=click.Choice([kind.value for kind in LinkKind]), required=True)
location_option = click.option(
    "--location", default="", metavar="LOCATION", help="Only this location: id or exact name. Default: all."
)
through_option = click.option(
    "--through", type=type_of_date, metavar="YYYY-MM-DD", help="Only records dated to this day. Default: today."
)
json_option = click.option("--json", is_flag=True, expose_value=False, help="Print one JSON value.")


def command(group: click.Group | None = None, name: str | None = None) -> Callable[[Callable[..., Any]], click.Command]:
    """A click command that shows --json in its help; the root takes the option out before."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        made = click.command(name)(json_option(function))
        if group:
            group.add_command(made)
        return made

    return decorate


def day(value: dt.datetime | None) -> dt.date | None:
    """A date from click's moment."""
    return value.date() if value else None


def source_of(book: Book) -> int:
    """The PSA that the Book's records come from. Raises ValidationError before one is connected."""
    if book.source_id is None:
        raise ValidationError(
            "No PSA is connected yet.", "Connect it: ./crossfoot connect connectwise --help tells how."
        )
    return book.source_id


def location_id(session: Session, source_id: int, kind: RecordKind, ref: str) -> str:
    """Id of the location with this id or exact name; empty for all. Raises NotFoundError that names those there are."""
    if not ref:
        return ""
    there_are = records.locations(session, source_id, kind, None)
    found = [loc for loc in there_are if ref == loc.id] or [loc for loc in there_are if ref == loc.name]
    if not found:
        names = ", ".join(f"{loc.name} (id {loc.id})" for loc in there_are)
        raise NotFoundError(
            f"No unposted record has the location “{ref}”.", f"There are: {names}." if names else "There is none now."
        )
    return found[0].id
