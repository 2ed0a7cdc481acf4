"""Users: who may come in, in which role; for admins."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from app.domain.problems import NotFoundError, ValidationError
from app.models.people import ROLES, User
from app.routes import mail as mail_pages
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services import invitations, mail_settings, outbox, people, sessions, two_factor

users = Blueprint("users", __name__)


@users.get("/settings/users")
@requires("admin")
def show() -> ResponseReturnValue:
    """Everybody, and the form for one more."""
    return _page()


def _page(status: int = 200, **context: object) -> ResponseReturnValue:
    form = request.form if request.method == "POST" else {}
    everybody = people.list_users(reading())
    mails = outbox.newest_about(reading(), *(f"user:{user.id}" for user in everybody))
    mails_go_out = mail_settings.server(reading()) is not None
    return render_template(
        "settings/users.html",
        users=everybody, roles=ROLES, form=form, mails=mails, mails_go_out=mails_go_out,
        with_two_factor=two_factor.those_with(reading()), **context,
    ), status  # fmt: skip


@users.post("/settings/users")
@requires("admin")
def add() -> ResponseReturnValue:
    """A new user, and the one-time link: mailed, or to hand over."""
    try:
        with writing() as session:
            by_mail = _by_mail(session)
            user = people.create_user(
                session, email=request.form.get("email", ""), role=request.form.get("role", ""), by=me().email
            )
            handed = invitations.invite(session, user, _sender(), by_mail=by_mail)
    except ValidationError as error:
        return _page(422, error=error)
    return _page(whose=user, handed=_rung(handed))


def _by_mail(session: Session) -> bool:
    """Whether a link goes by mail: it does where mail is set up, unless it is to be shown."""
    return "show_link" not in request.form and mail_settings.server(session) is not None


def _sender() -> invitations.Sender:
    return invitations.Sender(me().email, me().label, web().settings.public_url)


def _rung(handed: invitations.Handed) -> invitations.Handed:
    if handed.mail:
        mail_pages.ring(handed.mail)
    return handed


def _user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError("There is no such user.", "Look at the list of users.")
    return user


@users.get("/settings/users/<int:user_id>")
@requires("admin")
def one(user_id: int) -> ResponseReturnValue:
    """Everything about one user."""
    return _one(user_id)


def _one(user_id: int, status: int = 200, **context: object) -> ResponseReturnValue:
    user = _user(reading(), user_id)
    return render_template(
        "settings/user.html",
        user=user,
        roles=ROLES,
        mail=outbox.newest_about(reading(), f"user:{user.id}").get(f"user:{user.id}"),
        mails_go_out=mail_settings.server(reading()) is not None,
        two_factor_on=two_factor.is_on(reading(), user.id),
        sessions=sessions.live(reading(), user.id),
        **context,
    ), status


@users.post("/settings/users/<int:user_id>/two-factor/reset")
@requires("admin")
def reset_two_factor(user_id: int) -> ResponseReturnValue:
    """For somebody who lost app and recovery codes."""
    with writing() as session:
        user = _user(session, user_id)
        two_factor.reset(session, user, me().email)
    flash(f"{user.email} logs in with the password alone until two-factor log-in is turned on again.")
    return redirect(url_for("users.one", user_id=user_id), 303)


@users.post("/settings/users/<int:user_id>/reset")
@requires("admin")
def reset(user_id: int) -> ResponseReturnValue:
    """A new one-time link, mailed or shown; the old password and every session end."""
    with writing() as session:
        user = _user(session, user_id)
        handed = invitations.reset(session, user, _sender(), by_mail=_by_mail(session))
    return _one(user_id, whose=user, handed=_rung(handed))


@users.post("/settings/users/<int:user_id>/disable")
@requires("admin")
def disable(user_id: int) -> ResponseReturnValue:
    """No more log-ins for this user."""
    try:
        with writing() as session:
            user = _user(session, user_id)
            people.disable(session, user, me().email)
    except ValidationError as error:
        return _one(user_id, 422, error=error)
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
        return _one(user_id, 422, error=error)
    flash(f"{user.email} is {user.role} now.")
    return redirect(url_for("users.one", user_id=user_id), 303)
