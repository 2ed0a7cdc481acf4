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
from app.services.connections import books
from app.services.mail import mail_settings, outbox
from app.services.people import access, invitations, sessions, two_factor
from app.services.people import users as people

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
        users=everybody, roles=ROLES, books=books.list_books(reading()), beside=access.everybodys(reading()),
        form=form, mails=mails, mails_go_out=mails_go_out,
        with_two_factor=two_factor.those_with(reading()), **context,
    ), status  # fmt: skip


@users.post("/settings/users")
@requires("admin")
def add() -> ResponseReturnValue:
    """A new user, and the one-time link: mailed, or to hand over."""
    try:
        with writing() as session:
            by_mail = _by_mail(session)
            user, new = _let_in(session)
            if not new:
                flash(f"{user.email} is there already, and has that role now.")
                return redirect(url_for("users.one", user_id=user.id), 303)
            handed = invitations.invite(session, user, _sender(), by_mail=by_mail)
    except ValidationError as error:
        return _page(422, error=error)
    return _page(whose=user, handed=_rung(handed))


def _let_in(session: Session) -> tuple[User, bool]:
    """The new user, in all companies or in one; or the old one, who gets a role in one more."""
    email, role, ref = (request.form.get(name, "") for name in ("email", "role", "book"))
    if ref:
        return access.let_in(session, email=email, role=role, book=books.find_book(session, ref), by=me().email)
    return people.create_user(session, email=email, role=role, by=me().email), True


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
        books=books.list_books(reading()),
        own=access.own(reading(), user_id),
        mail=outbox.newest_about(reading(), f"user:{user.id}").get(f"user:{user.id}"),
        mails_go_out=mail_settings.server(reading()) is not None,
        two_factor_on=two_factor.is_on(reading(), user.id),
        sessions=sessions.live(reading(), user.id),
        **context,
    ), status


@users.post("/settings/users/<int:user_id>/companies")
@requires("admin")
def change_companies(user_id: int) -> ResponseReturnValue:
    """Roles that hold in one company instead of the user's own."""
    try:
        with writing() as session:
            user = _user(session, user_id)
            ids = [book.id or 0 for book in books.list_books(session)]
            wanted = {i: request.form[f"book-{i}"] for i in ids if f"book-{i}" in request.form}
            changed = access.set_roles(session, user, wanted, me().email)
    except ValidationError as error:
        return _one(user_id, 422, error=error)
    flash("Saved." if changed else "Nothing was different.")
    return redirect(url_for("users.one", user_id=user_id), 303)


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
    """A new one-time link, mailed or shown; the old password and every session end. Who never came is invited again."""
    with writing() as session:
        user = _user(session, user_id)
        hand = invitations.invite if user.invited else invitations.reset
        handed = hand(session, user, _sender(), by_mail=_by_mail(session))
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
    flash(f"{user.email} is {access.words(user.role)} now.")
    return redirect(url_for("users.one", user_id=user_id), 303)
