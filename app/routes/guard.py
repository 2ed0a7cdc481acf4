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

from app.models.columns import utcnow
from app.models.logins import LoginSession
from app.models.people import ROLES, User
from app.routes import fragments
from app.routes.web import web
from app.services import sessions

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

#: Marks a view function with the least role that may call it, or with PUBLIC.
MARK = "needs_role"
PUBLIC = "public"


class Person(UserMixin):  # type: ignore[misc]  # flask-login ships no types
    """The user of a session: a plain value, free of the database session it came from."""

    def __init__(self, user: User, session_id: int) -> None:
        self.id = cast(int, user.id)
        self.session_id = session_id
        self.email = user.email
        self.label = user.label
        self.name = user.name
        self.initials = user.initials
        self.role = user.role
        self.theme = user.theme
        self.shortcuts = user.shortcuts
        self.epoch = user.epoch

    def get_id(self) -> str:
        """What the cookie says: the user, the epoch that a changed password ends, the session that can be ended."""
        return f"{self.id}:{self.epoch}:{self.session_id}"

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


def _load(cookie: str) -> Person | None:
    parts = cookie.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return None
    ident, epoch, session_id = map(int, parts)
    with web().database.reading() as session:
        user, opened = session.get(User, ident), session.get(LoginSession, session_id)
    if user is None or opened is None or user.epoch != epoch or not sessions.is_live(opened, user, utcnow()):
        return None
    if not fragments.is_poll():
        sessions.touch(web().database, opened, request.remote_addr or "", utcnow())
    return Person(user, session_id)


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
