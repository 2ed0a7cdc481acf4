"""Two-factor log-in of one's own: turn it on, get other recovery codes, turn it off."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.problems import ValidationError
from app.routes import login, security
from app.routes.guard import me, me_in, requires
from app.routes.web import reading, writing
from app.services.people import two_factor as service

two_factor = Blueprint("two_factor", __name__)

#: Guesses of password or code, by whoever sits at a browser that is logged in.
_tries = security.limiter.limit(
    "5 per 5 minutes", key_func=lambda: f"two_factor|{me().id}", methods=["POST"], deduct_when=login.failed
)


@two_factor.get("/me/two-factor")
@requires("viewer")
def show() -> ResponseReturnValue:
    """How it stands, with the one form that is next."""
    return _page()


def _page(status: int = 200, **context: object) -> Response:
    """Never kept by a browser: it may show a secret."""
    user = me_in(reading())
    secret = service.unconfirmed(reading(), user)
    html = render_template(
        "people/two_factor.html",
        on=service.is_on(reading(), user.id),
        left=service.codes_left(reading(), user),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        picture=service.picture(user, secret) if secret else "",
        **context,
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response


@two_factor.post("/me/two-factor/begin")
@requires("viewer")
@_tries
def begin() -> ResponseReturnValue:
    """A secret for the app, by the password."""
    try:
        with writing() as session:
            service.begin(session, me_in(session), request.form.get("password", ""))
    except ValidationError as error:
        return _page(login.FAILED_TRY, error=error)
    return redirect(url_for("two_factor.show"), 303)


@two_factor.post("/me/two-factor/confirm")
@requires("viewer")
@_tries
def confirm() -> ResponseReturnValue:
    """On from now, by a code of the app; shows the recovery codes."""
    try:
        with writing() as session:
            user = me_in(session)
            codes = service.confirm(session, user, request.form.get("code", ""))
    except ValidationError as error:
        return _page(login.FAILED_TRY, error=error)
    login.begin_session(user)
    return _page(codes=codes)


@two_factor.post("/me/two-factor/codes")
@requires("viewer")
@_tries
def new_codes() -> ResponseReturnValue:
    """Other recovery codes, by a code."""
    try:
        with writing() as session:
            codes = service.new_codes(session, me_in(session), request.form.get("code", ""))
    except ValidationError as error:
        return _page(login.FAILED_TRY, error=error)
    return _page(codes=codes)


@two_factor.post("/me/two-factor/off")
@requires("viewer")
@_tries
def turn_off() -> ResponseReturnValue:
    """Off, by password and code."""
    try:
        with writing() as session:
            form = request.form
            service.turn_off(session, me_in(session), form.get("password", ""), form.get("code", ""))
    except ValidationError as error:
        return _page(login.FAILED_TRY, error=error)
    flash("Two-factor log-in is off.")
    return redirect(url_for("login.me"), 303)
