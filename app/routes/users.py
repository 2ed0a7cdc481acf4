"""Users: who may come in, in which role; for admins."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from app.domain.problems import NotFoundError, ValidationError
from app.models.people import ROLES, User
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services import people

users = Blueprint("users", __name__)


@users.get("/settings/users")
@requires("admin")
def show() -> ResponseReturnValue:
    """Everybody, and the form for one more."""
    return _page()


def _page(status: int = 200, **context: object) -> ResponseReturnValue:
    form = request.form if request.method == "POST" else {}
    return render_template(
        "settings/users.html", users=people.list_users(reading()), roles=ROLES, form=form, **context
    ), status


@users.post("/settings/users")
@requires("admin")
def add() -> ResponseReturnValue:
    """A new user, and the one-time link to hand over."""
    try:
        with writing() as session:
            user = people.create_user(
                session, email=request.form.get("email", ""), role=request.form.get("role", ""), by=me().email
            )
            token = people.issue_ticket(session, user, me().email)
    except ValidationError as error:
        return _page(422, error=error)
    return _page(link=_link(token), whose=user)


def _link(token: str) -> str:
    return web().settings.public_url + url_for("login.welcome", token=token)


def _user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError("There is no such user.", "Look at the list of users.")
    return user


@users.post("/settings/users/<int:user_id>/reset")
@requires("admin")
def reset(user_id: int) -> ResponseReturnValue:
    """A new one-time link; the old password and every session end."""
    with writing() as session:
        user = _user(session, user_id)
        token = people.reset(session, user, me().email)
    return _page(link=_link(token), whose=user)


@users.post("/settings/users/<int:user_id>/disable")
@requires("admin")
def disable(user_id: int) -> ResponseReturnValue:
    """No more log-ins for this user."""
    try:
        with writing() as session:
            user = _user(session, user_id)
            people.disable(session, user, me().email)
    except ValidationError as error:
        return _page(422, error=error)
    flash(f"{user.email} can no longer log in.")
    return redirect(url_for("users.show"), 303)


@users.post("/settings/users/<int:user_id>/role")
@requires("admin")
def change_role(user_id: int) -> ResponseReturnValue:
    """Another role."""
    try:
        with writing() as session:
            user = _user(session, user_id)
            people.set_role(session, user, request.form.get("role", ""), me().email)
    except ValidationError as error:
        return _page(422, error=error)
    flash(f"{user.email} is {user.role} now.")
    return redirect(url_for("users.show"), 303)
