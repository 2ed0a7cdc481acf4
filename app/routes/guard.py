"""Who may do what: log-in, roles, and the check that every route and fragment carries."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, cast
from urllib.parse import urlsplit

from flask import Flask, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user
from sqlmodel import Session

from app.models.people import ROLES, User
from app.routes import fragments
from app.routes.web import web

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

#: Marks a view function with the least role that may call it, or with PUBLIC.
MARK = "needs_role"
PUBLIC = "public"


class Person(UserMixin):  # type: ignore[misc]  # flask-login ships no types
    """The user of a session: a plain value, free of the database session it came from."""

    def __init__(self, user: User) -> None:
        self.id = cast(int, user.id)
        self.email = user.email
        self.label = user.label
        self.name = user.name
        self.initials = user.initials
        self.role = user.role
        self.theme = user.theme
        self.shortcuts = user.shortcuts
        self.epoch = user.epoch

    def get_id(self) -> str:
        """The id in the session cookie; with the epoch, so that a changed password ends every other session."""
        return f"{self.id}:{self.epoch}"

    def may(self, role: str) -> bool:
        """Whether the person's role is at least this one."""
        return ROLES.index(self.role) >= ROLES.index(role)


def install(app: Flask) -> None:
    """Log-in by session cookie."""
    manager = LoginManager()
    manager.session_protection = None  # the address may change on the way; the cookie is signed and ends by epoch
    manager.user_loader(_load)
    manager.unauthorized_handler(ask_to_log_in)
    manager.init_app(app)


def _load(session_id: str) -> Person | None:
    ident, _, epoch = session_id.partition(":")
    if not ident.isdecimal():
        return None
    with web().database.reading() as session:
        user = session.get(User, int(ident))
    return Person(user) if user and user.active and str(user.epoch) == epoch else None


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


def requires(role: str) -> Callable[[View[P]], View[P]]:
    """The view is for people with at least this role: ``viewer``, ``bookkeeper`` or ``admin``."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if not current_user.is_authenticated:
                return ask_to_log_in()
            if not me().may(role):
                abort(403, role)
            return view(*args, **kwargs)

        setattr(guarded, MARK, role)
        return guarded

    return decorate


def public(view: View[P]) -> View[P]:
    """The view is for anybody who can reach the server."""
    setattr(view, MARK, PUBLIC)
    return view


def local_path(path: str) -> str:
    """The path if it stays on this server, else that of the dashboard: no redirect to elsewhere."""
    parts = urlsplit(path)
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and "\\" not in path
    return path if ours else url_for("dashboard.show")
