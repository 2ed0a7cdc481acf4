"""The frame of every page: which Book, who is logged in, what is alive, which banners."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from flask import Flask, g
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from app.jobs import workers
from app.models.connections import Book
from app.routes.web import reading, web
from app.services.autosync import ends
from app.services.batches import attention
from app.services.connections import books, health
from app.services.mail import mail_lists
from app.services.reconcile import drift


class Around:
    """What the frame shows, each thing read when a template first asks for it: a fragment needs next to none."""

    def __init__(self, book: Book | None) -> None:
        """``book`` is the Book that pages begin with."""
        self.book = book
        self.demo = web().settings.is_demo
        self.environment = web().settings.qbo_environment

    @cached_property
    def workers(self) -> list[str]:
        """Those alive."""
        return workers.known_to(web().redis)

    @cached_property
    def vitals(self) -> health.Vitals:
        """Whether documents are waiting, and anybody is there to work on them."""
        return health.vitals(reading(), self.workers)

    @cached_property
    def broken(self) -> list[health.Broken]:
        """Connections that a person must mend."""
        return health.broken(reading())

    @cached_property
    def troubles(self) -> list[ends.Trouble]:
        """Companies whose AutoSync waits for a person, or whose last run failed."""
        return ends.troubles(reading())

    @cached_property
    def drifted(self) -> int:
        """How many posted documents are no longer as they were, and nobody has said anything to it."""
        return drift.open_count(reading())

    @cached_property
    def mails(self) -> int:
        """How many mails to customers wait for a person."""
        return mail_lists.waiting(reading())

    @cached_property
    def attention(self) -> int:
        """How much waits for a person."""
        return attention.count(reading()) + len(self.broken)


def install(app: Flask) -> None:
    """Zone and country for every request, and the frame's data for every page."""
    app.before_request(_settle)
    app.context_processor(_context)


def _settle() -> None:
    g.zone, g.country, g.book_chosen, g.around = "UTC", "US", False, None


def around() -> Around | None:
    """The frame's data, the same all through a request; None where nobody is logged in."""
    if not (current_user and current_user.is_authenticated):
        return None
    if "around" not in g:
        _settle()  # a form was refused before its request came to us
    if g.around is None:
        book = books.default_book(reading())
        if not g.book_chosen:
            use_book(book)
        g.around = Around(book)
    return g.around  # type: ignore[no-any-return]  # flask.g is untyped


def use_book(book: Book | None) -> None:
    """Dates and moments of this request are those of the Book's country and zone."""
    if book is not None:
        g.zone, g.country, g.book_chosen = books.zone_of(book), book.country or "US", True


def about(book: Book) -> None:
    """The page is about this company: also what the person may do is."""
    use_book(book)
    g.book_here = book.id


def _context() -> dict[str, Any]:
    try:
        frame = around()
    except SQLAlchemyError:
        frame = None  # the error page is being made because the database is gone
    return {"around": frame, "person": current_user if frame else None}
