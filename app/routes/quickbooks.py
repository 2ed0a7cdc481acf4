"""Connecting a QuickBooks company: to Intuit and back, confirmed by the person before anything is stored.

https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import select

from app.connectors.protocols import Company, ConnectionFailedError
from app.connectors.tokens import Tokens
from app.domain.problems import CrossfootError, ValidationError
from app.models.connections import Book
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.connections import connections as service
from app.services.connections import pending_company

quickbooks = Blueprint("quickbooks", __name__)

KIND = "quickbooks_online"
#: Name of the round trip in the session; it ends with the first answer, or after so many seconds.
TRIP = "intuit"
TRIP_SECONDS = 15 * 60


@quickbooks.get("/connections/quickbooks-online/connect")
@requires("admin")
def connect() -> ResponseReturnValue:
    """Send the browser to Intuit; with ``?book=ID`` to connect that company again."""
    try:
        _check_address()
        consent = web().connectors.consent(KIND)
    except CrossfootError as error:
        flash(f"{error.message} {error.remedy}", "bad")
        return redirect(url_for("connections.intuit"))
    state = secrets.token_urlsafe(32)
    session[TRIP] = {
        "state": state,
        "user": me().id,
        "book": request.args.get("book", type=int),
        "auto": request.args.get("confirm") == "auto",
        "until": time.time() + TRIP_SECONDS,
    }
    return redirect(consent.authorize_url(_callback_url(), state))


def _check_address() -> None:
    """Intuit redirects to plain http only for its sandbox keys and for test servers."""
    settings = web().settings
    if settings.qbo_environment == "production" and settings.qbo.are_intuits and not settings.secure:
        raise ValidationError(
            "Intuit sends production companies back only to an https address.",
            "Put a reverse proxy with a certificate in front, and set CROSSFOOT_PUBLIC_URL to its address.",
        )


def _callback_url() -> str:
    return web().settings.public_url + url_for("quickbooks.callback")


@quickbooks.get("/oauth/quickbooks-online/callback")
@requires("admin")
def callback() -> ResponseReturnValue:
    """What Intuit answered: a refusal is one sentence, a company is read and shown before it is stored."""
    trip = session.pop(TRIP, None)
    try:
        realm, tokens = _company_answered(trip)
        company, tokens = service.look_at_company(web().connectors, realm, tokens, web().settings.qbo_environment, KIND)
        if trip["auto"]:
            return _connected(_store(realm, tokens, trip["book"]))
        _must_be_expected(company, trip["book"])
    except CrossfootError as error:
        return _not_connected(error)
    with writing() as db:
        pending_company.hold(db, me().id, realm, tokens, trip["book"])
    return _ask(company, trip["book"])


def _company_answered(trip: Any) -> tuple[str, Tokens]:
    """The realm and the tokens for the code. Raises ValidationError, ConnectionFailedError."""
    args = request.args
    again = "Start again with Connect."
    state = args.get("state", "").encode()
    if not trip or trip["user"] != me().id or not secrets.compare_digest(trip["state"].encode(), state):
        raise ValidationError("This answer from Intuit does not belong to a connection you started here.", again)
    if trip["until"] < time.time():
        raise ValidationError("Signing in at Intuit took longer than 15 minutes.", again)
    if args.get("error") == "access_denied":
        raise ValidationError(
            "You did not allow the connection on Intuit’s page; nothing was stored.",
            "Connect again and choose Connect, as an administrator of the company.",
        )
    if args.get("error"):
        raise ValidationError(f"Intuit did not connect the company (“{args['error'][:80]}”).", again)
    if not args.get("realmId") or not args.get("code"):
        raise ValidationError("Intuit did not say which company was chosen; nothing was stored.", again)
    return args["realmId"], web().connectors.consent(KIND).exchange(_callback_url(), args["code"])


def _must_be_expected(company: Company, book_id: int | None) -> None:
    """Connecting again must reach the same company."""
    book = reading().get(Book, book_id) if book_id else None
    if book and book.ledger_id != company.ledger_id:
        raise ValidationError(
            f"You signed in to “{company.name}”, but “{book.name}” was to be connected again; nothing was changed.",
            f"Connect again and choose “{book.name}”.",
        )


def _store(realm: str, tokens: Tokens, book_id: int | None) -> Book:
    return service.confirm_book(
        web().database,
        web().connectors,
        realm=realm,
        held=tokens,
        environment=web().settings.qbo_environment,
        by=me().email,
        expected_book_id=book_id,
        kind=KIND,
    )


def _connected(book: Book) -> ResponseReturnValue:
    flash(f"“{book.name}” is connected.")
    return redirect(url_for("connections.show"))


def _not_connected(error: CrossfootError) -> ResponseReturnValue:
    status = 502 if isinstance(error, ConnectionFailedError) and not error.systemic else 422
    return render_template("connections/not_connected.html", error=error), status


def _ask(company: Company, book_id: int | None) -> ResponseReturnValue:
    known = reading().exec(select(Book).where(Book.ledger_id == company.ledger_id)).first()
    return render_template(
        "connections/confirm.html",
        company=company,
        known=known,
        again=book_id is not None,
        environment=web().settings.qbo_environment,
    )


@quickbooks.post("/connections/quickbooks-online/confirm")
@requires("admin")
def confirm() -> ResponseReturnValue:
    """Store the company that was shown."""
    try:
        pending = pending_company.held(reading(), me().id)
        book = _store(pending.realm, pending.tokens, pending.book_id)
    except CrossfootError as error:
        return _not_connected(error)
    with writing() as db:
        pending_company.drop(db, me().id)
    flash(f"“{book.name}” is connected.")
    return redirect(url_for("connections.show"), 303)


@quickbooks.post("/connections/quickbooks-online/cancel")
@requires("admin")
def cancel() -> ResponseReturnValue:
    """Not this company: the consent is given back, unless the company was connected before."""
    try:
        pending = pending_company.held(reading(), me().id)
        known = reading().exec(select(Book.id).where(Book.ledger_id == pending.realm)).first()
        if known is None:
            web().connectors.consent(KIND).revoke(pending.tokens)
        flash("Nothing was connected; the consent was given back.")
    except CrossfootError as error:
        flash(f"Nothing was connected. {error.message}", "warn")
    with writing() as db:
        pending_company.drop(db, me().id)
    return redirect(url_for("connections.show"), 303)


@quickbooks.post("/connections/quickbooks-online/<int:book_id>/disconnect")
@requires("admin")
def disconnect(book_id: int) -> ResponseReturnValue:
    """Give the consent back and forget the tokens; links, settings and history stay."""
    remark = service.disconnect_book(web().database, web().connectors, book_id, me().email)
    flash(remark or "Disconnected; its links, settings and history stay.", "warn" if remark else "message")
    return redirect(url_for("connections.show"), 303)
