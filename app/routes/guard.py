"""Who may do what: log-in, roles, and the check that every route and fragment carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, cast
from urllib.parse import urlsplit

from flask import Flask, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user
from sqlmodel import Session

from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.logins import LoginSession
from app.models.people import User
from app.routes import fragments
from app.routes.web import reading, web
from app.services.people import access, sessions

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

#: Marks a view function with the least role that may call it, or with PUBLIC.
MARK = "needs_role"
PUBLIC = "public"


class Person(UserMixin):  # type: ignore[misc]  # flask-login ships no types
    """The user of a session: a plain value, free of the database session it came from."""

    def __init__(
        self, user: User, session_id: int, roles: Mapping[int, str] | None = None, sees: frozenset[int] | None = None
    ) -> None:
        self.id = cast(int, user.id)
        self.session_id = session_id
        self.email = user.email
        self.label = user.label
        self.name = user.name
        self.initials = user.initials
        self.role = user.role
        self.roles, self.visible = roles or {}, sees
        self.theme = user.theme
        self.shortcuts = user.shortcuts
        self.epoch = user.epoch

    def get_id(self) -> str:
        """What the cookie says: the user, the epoch that a changed password ends, the session that can be ended."""
        return f"{self.id}:{self.epoch}:{self.session_id}"

    @property
    def is_admin(self) -> bool:
        """Of the installation: users, mail, keys, and every company."""
        return self.role == "admin"

    def sees(self, book_id: int) -> bool:
        """Whether the company is there for the person at all."""
        return self.visible is None or book_id in self.visible

    def may(self, role: str, book_id: int | None = None) -> bool:
        """Whether the person's role is at least this one: in a company, else in the one that the page is about.

        On a page about none, whether it is so in any company; but admin then means the installation's.
        """
        here = book_id or g.get("book_here")
        if here is not None:
            return access.at_least(access.role_in(self.role, self.roles, here), role)
        if role == "admin":
            return self.is_admin
        return role == "viewer" or any(access.at_least(own, role) for own in (self.role, *self.roles.values()))


def install(app: Flask) -> None:
    """Log-in by session cookie."""
    manager = LoginManager()
    manager.session_protection = None  # the address may change on the way; the cookie is signed and ends by epoch
    manager.user_loader(_load)
    manager.unauthorized_handler(ask_to_log_in)
    manager.init_app(app)
    app.before_request(_see_all)
    app.teardown_request(_see_all)


def _see_all(_error: BaseException | None = None) -> None:
    """What a person may see holds for one request: the next one on this thread is another person's."""
    access.visible.set(None)


def _load(cookie: str) -> Person | None:
    parts = cookie.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return None
    ident, epoch, session_id = map(int, parts)
    with web().database.reading() as session:
        user, opened = session.get(User, ident), session.get(LoginSession, session_id)
        roles, sees = access.seen_by(session, user) if user else ({}, frozenset[int]())
    if user is None or opened is None or user.epoch != epoch or not sessions.is_live(opened, user, utcnow()):
        return None
    if not fragments.is_poll():
        sessions.touch(web().database, opened, request.remote_addr or "", utcnow())
    access.visible.set(sees)
    return Person(user, session_id, roles, sees)


def me() -> Person:
    """The person whose request this is; only behind ``requires``."""
    return cast(Person, current_user)


def me_in(session: Session) -> User:
    """The person's row, for a deed on it."""
    return session.get_one(User, me().id)


def ask_to_log_in() -> ResponseReturnValue:
    """To the log-in page and then back; a fragment sends the whole page there."""
    wanted = urlsplit(request.headers.get("HX-Current-URL", "")).path if fragments.is_fragment() else request.full_path
    target = url_for("login.show", next=wanted.rstrip("?")) if wanted not in ("", "/") else url_for("login.show")
    return fragments.go(target) if fragments.is_fragment() else redirect(target)


def requires(
    role: str, of: Callable[[Mapping[str, Any]], int | None] | None = None
) -> Callable[[View[P]], View[P]]:  # fmt: skip
    """The view is for people with at least this role: ``viewer``, ``bookkeeper`` or ``admin``.

    In the company that the address names, or that ``of`` finds from its arguments; one that the person may not see
    does not exist (404). Where neither names one: in any; ``admin`` then means the installation's.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if not current_user.is_authenticated:
                return ask_to_log_in()
            _admit(role, (of or book_named)(kwargs))
            return view(*args, **kwargs)

        setattr(guarded, MARK, role)
        return guarded

    return decorate


def _admit(role: str, book_id: int | None) -> None:
    if book_id is not None:
        if not me().sees(book_id):
            abort(404)
        g.book_here = book_id
    if not me().may(role):
        abort(403, role)


#: Arguments of addresses that name a company, or something of one. Another one is added here on purpose.
NAMES_A_BOOK = ("book_id", "batch_id", "ident")


def book_named(arguments: Mapping[str, Any]) -> int | None:
    """The company that an address names: itself, or by a batch of it."""
    if "book_id" in arguments:
        return int(arguments["book_id"])
    if arguments.get("side") == "book":
        return int(arguments["ident"])
    if "batch_id" in arguments:
        batch = reading().get(Batch, arguments["batch_id"])
        if batch is None and me().visible is not None:
            abort(404)
        return batch.book_id if batch else None
    return None


def installation(_arguments: Mapping[str, Any]) -> None:
    """For ``requires``: it is about the whole installation, whatever company the address names."""


def public(view: View[P]) -> View[P]:
    """The view is for anybody who can reach the server."""
    setattr(view, MARK, PUBLIC)
    return view


def local_path(path: str) -> str:
    """The path if it stays on this server, else that of the dashboard: no redirect to elsewhere.

    Browsers leave out tabs and line breaks, and then ``///elsewhere`` is a host.
    """
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if ours else url_for("dashboard.show")
