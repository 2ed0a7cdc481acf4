"""Coming in and going out: log-in, log-out, the first admin, one-time links, one's own settings."""

from __future__ import annotations

import time

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from app.domain.problems import NotFoundError, ValidationError
from app.jobs import doorbell
from app.models.people import User
from app.routes import security
from app.routes.guard import Person, local_path, me_in, public, requires
from app.routes.guard import me as person
from app.routes.web import reading, web, writing
from app.services.mail import mail_settings, notice_wishes
from app.services.people import invitations, sessions, two_factor, users

login = Blueprint("login", __name__)

FAILED_TRY = 422
#: In the cookie of somebody who still owes the code of the second factor, for so long.
HALF, HALF_SECONDS = "half_in", 300


def failed(response: object) -> bool:
    """Whether an answer counts as a failed try."""
    return getattr(response, "status_code", 0) == FAILED_TRY


def _whose() -> str:
    return f"{request.remote_addr}|{request.form.get('email', '').strip().lower()}"


#: Only failed tries count: per person and address, and per address over all names.
_one_name = security.limiter.limit("5 per 5 minutes", key_func=_whose, methods=["POST"], deduct_when=failed)
_one_address = security.limiter.limit("30 per 5 minutes", methods=["POST"], deduct_when=failed)


@login.get("/login")
@public
def show() -> ResponseReturnValue:
    """The log-in form; on a fresh installation the way to the first admin."""
    if current_user.is_authenticated:
        return redirect(url_for("dashboard.show"))
    if not users.has_admin(reading()):
        return redirect(url_for("login.set_up"))
    return _form()


@login.post("/login")
@_one_address
@_one_name
@public
def enter() -> ResponseReturnValue:
    """Check e-mail and password."""
    email, wanted = request.form.get("email", ""), request.form.get("next", "")
    with writing() as db:
        user = users.authenticate(db, email, request.form.get("password", ""))
    if user is None:
        left = security.tries_left()
        return _form(email=email, next=wanted, wrong=True, left=left), FAILED_TRY
    return _let_in(user, local_path(wanted))


def _form(**context: object) -> str:
    mails_go_out = mail_settings.server(reading()) is not None
    return render_template(
        "people/login.html", **{"email": "", "next": request.args.get("next", ""), **context}, mails_go_out=mails_go_out
    )


def _let_in(user: User, target: str) -> ResponseReturnValue:
    """In, or to the second factor where the user has one."""
    if not two_factor.is_on(reading(), user.id):
        begin_session(user)
        return redirect(target, 303)
    session.clear()
    session[HALF] = {"user": user.id, "epoch": user.epoch, "until": time.time() + HALF_SECONDS, "next": target}
    return redirect(url_for("login.ask_code"), 303)


def begin_session(user: User) -> None:
    """A new session: nothing of the old one is carried over."""
    with writing() as db:
        opened = sessions.begin(db, db.get_one(User, user.id), request.remote_addr or "", request.user_agent.string)
    session.clear()
    session.permanent = True
    login_user(Person(user, opened.id or 0))


def _half_in() -> User | None:
    """Whoever has given the right password and still owes the code."""
    half = session.get(HALF) or {}
    user = reading().get(User, half.get("user")) if half else None
    good = user and user.active and user.epoch == half["epoch"] and half["until"] > time.time()
    return user if good else None


def _half_key() -> str:
    return f"code|{(session.get(HALF) or {}).get('user')}"


@login.get("/login/code")
@public
def ask_code() -> ResponseReturnValue:
    """The form for the second factor."""
    if _half_in() is None:
        return redirect(url_for("login.show"))
    return render_template("people/code.html")


@login.post("/login/code")
@_one_address
@security.limiter.limit("5 per 5 minutes", key_func=_half_key, methods=["POST"], deduct_when=failed)
@public
def take_code() -> ResponseReturnValue:
    """Check the code of the app, or a recovery code."""
    user = _half_in()
    if user is None:
        return redirect(url_for("login.show"), 303)
    target = local_path(session[HALF]["next"])
    with writing() as db:
        good = two_factor.passes(db, db.get_one(User, user.id), request.form.get("code", ""))
    if not good:
        return render_template("people/code.html", wrong=True, left=security.tries_left()), FAILED_TRY
    begin_session(user)
    return redirect(target, 303)


@login.get("/forgot")
@public
def ask_for_link() -> ResponseReturnValue:
    """The form for somebody who has forgotten the password."""
    return render_template("people/forgot.html", email=request.args.get("email", "")[:320])


@login.post("/forgot")
@security.limiter.limit("20 per 5 minutes", methods=["POST"])
@security.limiter.limit("3 per 5 minutes", key_func=_whose, methods=["POST"])
@public
def mail_link() -> ResponseReturnValue:
    """A link by mail, if there is such a user; the answer is the same, and as quick, if there is none."""
    email = request.form.get("email", "").strip()[:320]
    with writing() as db:
        sent = invitations.forgotten(db, email, web().settings.public_url)
    doorbell.ring(web().settings.redis_url, "send_mail", sent.id if sent and sent.id else 0)
    return render_template("people/forgot.html", asked=email)


@login.get("/logout")
@public
def ask_to_leave() -> ResponseReturnValue:
    """A form, because a link may be followed by accident."""
    return render_template("people/logout.html")


@login.post("/logout")
@public
def leave() -> ResponseReturnValue:
    """End the session of this browser."""
    if current_user.is_authenticated:
        with writing() as db:
            sessions.leave(db, current_user.session_id)
    logout_user()
    session.clear()
    return redirect(url_for("login.show"), 303)


@login.get("/setup")
@public
def set_up() -> ResponseReturnValue:
    """The form for the first admin, only while there is none."""
    if users.has_admin(reading()):
        return redirect(url_for("login.show"))
    return render_template("people/setup.html", form={})


@login.post("/setup")
@_one_address
@public
def make_admin() -> ResponseReturnValue:
    """The first admin, by the one-time code."""
    form = request.form
    try:
        _same_twice()
        with writing() as db:
            user = users.set_up(
                db,
                code=form.get("code", ""),
                email=form.get("email", ""),
                password=form.get("password", ""),
                name=form.get("name", ""),
            )
    except ValidationError as error:
        return render_template("people/setup.html", form=form, error=error), FAILED_TRY
    begin_session(user)
    return redirect(url_for("dashboard.show"), 303)


def _same_twice() -> None:
    if request.form.get("password", "") != request.form.get("again", request.form.get("password", "")):
        raise ValidationError("The two passwords are not the same.", "Type the same one twice.")


@login.get("/welcome/<token>")
@public
def welcome(token: str) -> ResponseReturnValue:
    """A one-time link: choose a password."""
    try:
        user = users.ticket_holder(reading(), token)
    except NotFoundError as error:
        return render_template("people/welcome.html", error=error), 404
    return render_template("people/welcome.html", user=user, token=token, name=user.name)


@login.post("/welcome/<token>")
@_one_address
@public
def come_in(token: str) -> ResponseReturnValue:
    """Set the password and log in; the link is used up."""
    try:
        _same_twice()
        with writing() as db:
            user = users.redeem_ticket(db, token, request.form.get("password", ""), request.form.get("name", ""))
    except ValidationError as error:
        holder = users.ticket_holder(reading(), token)
        page = render_template(
            "people/welcome.html", user=holder, token=token, name=request.form.get("name", ""), error=error
        )
        return page, FAILED_TRY
    return _let_in(user, url_for("dashboard.show"))


@login.get("/me")
@requires("viewer")
def me() -> ResponseReturnValue:
    """One's own settings."""
    return _mine()


def _mine(**context: object) -> str:
    on = two_factor.is_on(reading(), person().id)
    return render_template(
        "people/me.html",
        sessions=sessions.live(reading(), person().id),
        two_factor_on=on,
        wishes=notice_wishes.of(reading(), me_in(reading())),
        mail_on=mail_settings.server(reading()) is not None,
        **context,
    )


@login.post("/me")
@requires("viewer")
def change_me() -> ResponseReturnValue:
    """Name, theme, keyboard shortcuts."""
    with writing() as db:
        users.change_profile(
            db,
            me_in(db),
            name=request.form.get("name", ""),
            theme=request.form.get("theme", ""),
            shortcuts="shortcuts" in request.form,
        )
    flash("Saved.")
    return redirect(url_for("login.me"), 303)


@login.post("/me/password")
@requires("viewer")
@security.limiter.limit("5 per 5 minutes", methods=["POST"], deduct_when=failed)
def change_password() -> ResponseReturnValue:
    """A new password; every other browser is logged out."""
    try:
        _same_twice()
        with writing() as db:
            user = me_in(db)
            users.change_password(db, user, request.form.get("old", ""), request.form.get("password", ""))
    except ValidationError as error:
        return _mine(error=error), FAILED_TRY
    begin_session(user)
    flash("The password is changed; other browsers are logged out.")
    return redirect(url_for("login.me"), 303)
