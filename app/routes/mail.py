"""Settings ▸ E-mail: the server that takes our mail, a test of it, and what became of every mail."""

from __future__ import annotations

import secrets

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.connectors.mail.mailer import Security
from app.domain.problems import ValidationError
from app.jobs import doorbell
from app.models.mail import Mail
from app.routes.guard import me, requires
from app.routes.mail_sign_in import callback_url
from app.routes.web import reading, web, writing
from app.services.mail import bounces, grants, letters, mail_settings, outbox

mail = Blueprint("mail", __name__)

SECURITIES = (
    (Security.STARTTLS, "STARTTLS (587)"),
    (Security.TLS, "TLS from the first byte (465)"),
    (Security.NONE, "None (only inside this machine)"),
)
BLANK = {"host": "", "port": "587", "security": "starttls", "user": "", "sender": ""}


def ring(sent: Mail) -> None:
    """Wake a worker for a mail that is committed; a lost ring is rung again by the sweep."""
    doorbell.ring(web().settings.redis_url, "send_mail", sent.id or 0)


@mail.get("/settings/mail")
@requires("admin")
def show() -> ResponseReturnValue:
    """The form, and the newest mails."""
    return _page()


def _page(status: int = 200, **context: object) -> ResponseReturnValue:
    server, before = mail_settings.server(reading()), request.args.get("before", type=int)
    values = {name: str(getattr(server, name)) for name in BLANK} if server else BLANK
    typed = {name: request.form[name] for name in BLANK if name in request.form} if status == 422 else {}
    mails = outbox.recent(reading(), before)
    following = mails[-1].id if len(mails) == outbox.PAGE else None
    return render_template(
        "settings/mail.html",
        server=server, values={**values, **typed}, securities=SECURITIES, mails=mails, before=before,
        following=following, public_url=web().settings.public_url, app=grants.app(reading()),
        providers=grants.PROVIDERS, signed_in=grants.signed_in(reading(), server), callback=callback_url(),
        box=bounces.mailbox(reading()), box_wrong=bounces.wrong(reading()), **context,
    ), status  # fmt: skip


@mail.post("/settings/mail")
@requires("admin")
def change() -> ResponseReturnValue:
    """Take the server; with the second button a test mail goes out at once."""
    try:
        with writing() as session:
            mail_settings.store(session, request.form, me().email)
    except ValidationError as error:
        return _page(422, error=error)
    if "test" in request.form:
        return _page(tested=_test())
    flash("Saved.")
    return redirect(url_for("mail.show"), 303)


def _test() -> Mail:
    """A mail to whoever asks, handed over while they wait."""
    with writing() as session:
        words = letters.trial(me().label)
        sent = outbox.queue(
            session, kind=outbox.TRIAL, key=secrets.token_hex(16), to=me().email, words=words,
            home=web().settings.public_url, by=me().email,
        )  # fmt: skip
        session.commit()
    outbox.deliver(web().database, web().mailer, sent.id or 0)
    return reading().get_one(Mail, sent.id)


@mail.post("/settings/mail/forget")
@requires("admin")
def forget() -> ResponseReturnValue:
    """No mail any more."""
    with writing() as session:
        mail_settings.forget(session, me().email)
    flash("No mail is sent any more. One-time links are shown again to whoever makes them.")
    return redirect(url_for("mail.show"), 303)


@mail.post("/settings/mail/<int:mail_id>/again")
@requires("admin")
def send_again(mail_id: int) -> ResponseReturnValue:
    """A failed mail, or one in doubt, goes out (once more)."""
    try:
        with writing() as session:
            outbox.send_again(session, mail_id, me().email)
    except ValidationError as error:
        return _page(422, error=error)
    doorbell.ring(web().settings.redis_url, "send_mail", mail_id)
    flash("It is on its way.")
    return redirect(url_for("mail.show"), 303)


@mail.post("/settings/mail/<int:mail_id>/arrived")
@requires("admin")
def arrived(mail_id: int) -> ResponseReturnValue:
    """A mail in doubt arrived, a person says."""
    try:
        with writing() as session:
            outbox.settle_as_sent(session, mail_id, me().email)
    except ValidationError as error:
        return _page(422, error=error)
    flash("Settled.")
    return redirect(url_for("mail.show"), 303)
