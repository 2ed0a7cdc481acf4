"""Where customers pay: one page per link, which says whom one pays, and the pages to come back to. Nobody is logged in.

Opening a page does nothing, for mail programs open links by themselves; the click does.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, TooManyRequests

from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import CrossfootError, NotFoundError
from app.jobs import doorbell
from app.routes import security
from app.routes.guard import public
from app.routes.web import NAME, Web, reading, web
from app.services.paying import pay_links

pay = Blueprint("pay", __name__)
log = structlog.get_logger("crossfoot.web")

#: What the page of a payment that came back says, by its state: title and text.
WORDS = {
    "recorded": ("Thank you", "Your payment has arrived."),
    "under_way": ("Thank you", "Your bank has some days to carry the payment out. You do not have to pay again."),
    "settled": ("Thank you", "This payment is settled."),
    "ended": ("Nothing was paid", "Open the link in the e-mail to try again."),
}
#: Paid, or about to be seen so.
ARRIVED = ("Thank you", "Your payment is on its way to us. You can close this page.")
CANCELLED = ("Nothing was paid", "You can open the link in the e-mail again at any time.")


def _by_link() -> str:
    """Limits count by link, too; the counter's name must not hold it."""
    token = str((request.view_args or {}).get("token", ""))
    return f"pay:{hashlib.sha256(token.encode()).hexdigest()[:32]}"


@pay.get("/pay/<token>")
@security.limiter.limit("60 per minute")
@public
def show(token: str) -> ResponseReturnValue:
    """Whom one pays, and the button."""
    _, book = pay_links.find(reading(), token)
    return render_template("pay/show.html", payee=pay_links.payee(book), token=token)


@pay.post("/pay/<token>")
@security.csrf.exempt  # type: ignore[untyped-decorator]  # flask-wtf ships no types; whoever has the link may press it
@security.limiter.limit("10 per minute")
@security.limiter.limit("30 per hour", key_func=_by_link)
@public
def begin(token: str) -> ResponseReturnValue:
    """To the page that takes the payment."""
    parts = web()
    return redirect(pay_links.begin(parts.database, parts.connectors, token, parts.settings.public_url), 303)


@pay.get("/pay/return/<name>")
@security.limiter.limit("60 per minute")
@public
def back(name: str) -> ResponseReturnValue:
    """The customer comes back; a worker asks what became of it."""
    checkout, book = pay_links.returned(reading(), name)
    if checkout.state in ("open", "under_way") and pay_links.look_now(web().database, checkout.ident):
        doorbell.ring(web().settings.redis_url, "record_payments", checkout.book_id, ttl=300)
    title, text = WORDS.get(checkout.state, ARRIVED)
    return render_template("pay/said.html", title=title, text=text, payee=pay_links.payee(book))


@pay.get("/pay/return/<name>/cancelled")
@security.limiter.limit("60 per minute")
@public
def cancelled(name: str) -> ResponseReturnValue:
    """The customer went back without paying."""
    _, book = pay_links.returned(reading(), name)
    title, text = CANCELLED
    return render_template("pay/said.html", title=title, text=text, payee=pay_links.payee(book))


# ── what does not work, in words for customers ───────────────────────────────────────────────────────────────────


@pay.errorhandler(CrossfootError)
def _not_now(error: CrossfootError) -> ResponseReturnValue:
    if isinstance(error, ConnectionFailedError):
        log.warning("pay.unreachable", reason=error.message, remedy=error.remedy)
        return _say("This can’t be paid just now", "Try again in a few minutes; nothing was paid.", 503)
    status = 404 if isinstance(error, NotFoundError) else 410 if isinstance(error, pay_links.LinkGoneError) else 409
    return _say(error.message.rstrip("."), error.remedy, status)


@pay.errorhandler(TooManyRequests)
def _slower(_error: TooManyRequests) -> ResponseReturnValue:
    return _say("Too many tries", "Wait a few minutes, then try again; nothing was paid.", 429)


@pay.errorhandler(Exception)
def _failed(error: Exception) -> ResponseReturnValue:
    """A bug, or the database is gone: written to the log with its trace, and no word of ours to a customer."""
    if isinstance(error, HTTPException):
        return _say("This address can’t be opened like that", "Open the link in the e-mail, whole.", error.code or 400)
    log.exception("page failed", method=request.method, path=security.logged_path())
    return _say("This page failed", "Try again in a few minutes.", 500)


def _say(title: str, text: str, status: int) -> ResponseReturnValue:
    return render_template("pay/said.html", title=title, text=text, payee=""), status


@pay.record_once
def _let_the_form_lead_on(state: BlueprintSetupState) -> None:
    """Browsers hold a form's redirect to the page's form-action; the provider's page may have a host of its own."""
    parts: Web = state.app.extensions[NAME]
    api = urlsplit(parts.settings.stripe_api)
    stand_in = f" {api.scheme}://{api.netloc}" if api.scheme != "https" else ""
    policy = {**security.CSP, "form-action": f"'self' https:{stand_in}"}
    vars(show)["talisman_view_options"] = {"content_security_policy": policy}
