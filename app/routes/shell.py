"""The frame of every page: which Book, who is logged in, what is alive, which banners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, g
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from app.jobs import workers
from app.models.connections import Book
from app.routes.web import reading, web
from app.services import attention, books, health


@dataclass(frozen=True)
class Around:
    """What the frame shows. ``book`` is the Book that pages begin with; ``attention``: how much waits for a person."""

    book: Book | None
    vitals: health.Vitals
    broken: list[health.Broken]
    attention: int
    demo: bool
    environment: str


def install(app: Flask) -> None:
    """Zone and country for every request, and the frame's data for every page."""
    app.before_request(_settle)
    app.context_processor(_context)


def _settle() -> None:
    g.zone, g.country, g.around = "UTC", "US", None


def around() -> Around | None:
    """The frame's data, read once a request; None where nobody is logged in."""
    if not (current_user and current_user.is_authenticated):
        return None
    if g.get("around") is None:
        session = reading()
        book = books.default_book(session)
        use_book(book)
        broken = health.broken(session)
        g.around = Around(
            book=book,
            vitals=health.vitals(session, workers.known_to(web().redis)),
            broken=broken,
            attention=attention.count(session) + len(broken),
            demo=web().settings.is_demo,
            environment=web().settings.qbo_environment,
        )
    return g.around  # type: ignore[no-any-return]  # flask.g is untyped


def use_book(book: Book | None) -> None:
    """Dates and moments of this request are those of the Book's country and zone."""
    if book is not None:
        g.zone, g.country = books.zone_of(book), book.country or "US"


def _context() -> dict[str, Any]:
    try:
        frame = around()
    except SQLAlchemyError:
        frame = None  # the error page is being made because the database is gone
    return {"around": frame, "person": current_user if frame else None}
