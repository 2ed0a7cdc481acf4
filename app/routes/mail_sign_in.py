"""Signing in at the mail provider: our app there, to its page and back, and out again."""

from __future__ import annotations

import secrets
import time
from typing import Any

from flask import Blueprint, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from app.connectors.mail.mailer import MailGrant
from app.domain.problems import CrossfootError, ValidationError
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.mail import grants, mail_settings

mail_sign_in = Blueprint("mail_sign_in", __name__)

#: Name of the round trip in the session; it ends with the first answer, or after so many seconds.
TRIP, TRIP_SECONDS = "mail_provider", 15 * 60


def callback_url() -> str:
    """What is registered with the provider as the redirect address."""
    return web().settings.public_url + "/oauth/mail/callback"


@mail_sign_in.post("/settings/mail/app")
@requires("admin")
def store_app() -> ResponseReturnValue:
    """Take our registration at the provider."""
    try:
        with writing() as db:
            grants.store_app(db, request.form, me().email)
    except ValidationError as error:
        return _back(f"{error.message} {error.remedy}", "bad")
    return _back("Saved. Now sign in.")


def _back(words: str, tone: str = "message") -> ResponseReturnValue:
    flash(words, tone)
    return redirect(url_for("mail.show") + "#sign-in", 303)


@mail_sign_in.get("/settings/mail/sign-in")
@requires("admin")
def begin() -> ResponseReturnValue:
    """Send the browser to the provider."""
    app, server = grants.app(reading()), mail_settings.server(reading())
    if app is None or server is None or not server.user:
        return _back("Enter server, user and the app first: the sign-in is only used with that server and user.", "bad")
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    try:
        address = web().mailer.authorize_url(app, callback_url(), state, verifier)
    except CrossfootError as error:
        return _back(f"{error.message} {error.remedy}", "bad")
    session[TRIP] = {"state": state, "verifier": verifier, "user": me().id, "until": time.time() + TRIP_SECONDS}
    return redirect(address)


@mail_sign_in.get("/oauth/mail/callback")
@requires("admin")
def callback() -> ResponseReturnValue:
    """What the provider answered."""
    trip = session.pop(TRIP, None)
    try:
        grant = _granted(trip)
        with writing() as db:
            server = mail_settings.server(db)
            if server is None:
                raise ValidationError("The mail server was taken away meanwhile.", "Enter it again, then sign in.")
            grants.keep(db, grant, server, me().email)
    except CrossfootError as error:
        return _back(f"{error.message} {error.remedy}", "bad")
    return _back(f"Signed in. Mail goes out as {server.user}; send yourself a test mail.")


def _granted(trip: Any) -> MailGrant:
    """The consent for the answer's code. Raises ValidationError, ConnectionFailedError."""
    args, state = request.args, request.args.get("state", "").encode()
    if not trip or trip["user"] != me().id or not secrets.compare_digest(trip["state"].encode(), state):
        raise ValidationError("This answer does not belong to a sign-in that you started here.", "Sign in again.")
    if trip["until"] < time.time():
        raise ValidationError("Signing in took longer than 15 minutes.", "Sign in again.")
    if args.get("error") or not args.get("code"):
        said = (args.get("error_description") or args.get("error") or "no code")[:200]
        raise ValidationError(f"The provider did not let us in ({said}).", "Sign in again, and agree there.")
    app = grants.app(reading())
    if app is None:
        raise ValidationError("The app was taken away meanwhile.", "Enter it again, then sign in.")
    return web().mailer.exchange(app, callback_url(), args["code"], trip["verifier"])


@mail_sign_in.post("/settings/mail/sign-out")
@requires("admin")
def sign_out() -> ResponseReturnValue:
    """Back to the password."""
    with writing() as db:
        grants.forget(db, me().email)
    return _back("Signed out. Mail logs in with the password again; revoke the app at the provider too.")
