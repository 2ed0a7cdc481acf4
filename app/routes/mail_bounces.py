"""Settings ▸ E-mail ▸ Bounces: the mailbox that mails come back to."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.problems import CrossfootError
from app.routes.formats import plural
from app.routes.guard import me, requires
from app.routes.web import web, writing
from app.services.mail import bounces

mail_bounces = Blueprint("mail_bounces", __name__)


def _back(words: str, tone: str = "message") -> ResponseReturnValue:
    flash(words, tone)
    return redirect(url_for("mail.show") + "#bounces", 303)


@mail_bounces.post("/settings/mail/bounces")
@requires("admin")
def store() -> ResponseReturnValue:
    """Take the mailbox, and look into it at once."""
    try:
        with writing() as session:
            bounces.store(session, request.form, me().email)
        count = bounces.look(web().database, web().mailer)
    except CrossfootError as error:
        return _back(f"{error.message} {error.remedy}", "bad")
    return _back(f"Saved, and looked into: {plural(count, 'mail')} came back.")


@mail_bounces.post("/settings/mail/bounces/forget")
@requires("admin")
def forget() -> ResponseReturnValue:
    """Bounces are not looked for any more."""
    with writing() as session:
        bounces.forget(session, me().email)
    return _back("Bounces are not looked for any more.")
