"""Connections: their health cards, the Test button, and connecting ConnectWise."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.connectors.protocols import Check, ConnectionFailedError
from app.domain.links import LinkKind
from app.domain.problems import Problem, ValidationError
from app.models.connections import SourceRow
from app.routes import fragments, pacing
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.batches import overview
from app.services.connections import books, cards, intuit_keys
from app.services.connections import connections as service

connections = Blueprint("connections", __name__)

FIELDS = ("site", "company_id", "public_key", "client_id")


@connections.get("/settings/connections")
@requires("viewer")
def show() -> ResponseReturnValue:
    """Every connection with its state, and what can be connected."""
    session = reading()
    book = books.default_book(session)
    unlinked = book is not None and not overview.has_links(session, book.id or 0, LinkKind.ACCOUNTS)
    return render_template(
        "connections/show.html",
        cards=cards.cards(session),
        keys=intuit_keys.keys(session, web().settings),
        to_link=book if unlinked else None,
    )


@connections.get("/fragments/health")
@requires("viewer")
def health() -> ResponseReturnValue:
    """The cards alone; asked for every 30 seconds."""
    return fragments.answer(render_template("connections/_health.html", cards=cards.cards(reading())))


@connections.post("/connections/<side>/<int:ident>/test")
@requires("bookkeeper")
@pacing.asks_vendors
def test(side: str, ident: int) -> ResponseReturnValue:
    """Ask the vendor now; the card says what it answered."""
    if (side, ident) not in {(card.side, card.id) for card in cards.cards(reading())}:
        abort(404)
    check = _checks(side)(web().database, web().connectors, ident)
    card = next(card for card in cards.cards(reading()) if (card.side, card.id) == (side, ident))
    if not fragments.is_fragment():
        flash(_tested(check), "ok" if service.connects(check) else "bad")
    return fragments.fragment(
        "connections/_card.html", otherwise=url_for("connections.show"), card=card, tested=_tested(check)
    )


def _checks(side: str) -> Any:
    return {"source": service.recheck_source, "book": service.recheck_book}[side]


def _tested(check: Check) -> str:
    if not check.findings:
        return f"{check.name} answered; nothing is missing."
    return f"{check.name}: {len(check.findings)} to look at."


# ── ConnectWise ──────────────────────────────────────────────────────────────────────────────────────────────────


@connections.get("/settings/connections/connectwise")
@requires("admin")
def connectwise() -> ResponseReturnValue:
    """The form; with ``?source=ID`` filled with what is stored, but never a key that is secret."""
    row = reading().get(SourceRow, request.args.get("source", type=int) or 0)
    return _form(row.settings if row else {}, known=row is not None)


def _form(
    values: Any, findings: tuple[Problem, ...] = (), status: int = 200, *, known: bool = False
) -> ResponseReturnValue:
    page = render_template("connections/connectwise.html", values=values, findings=findings, known=known)
    return page, status


@connections.post("/settings/connections/connectwise")
@requires("admin")
def connect_connectwise() -> ResponseReturnValue:
    """Check everything at once; stored only if it works."""
    form = request.form
    settings = {name: form.get(name, "").strip() for name in FIELDS}
    secrets = {"private_key": form.get("private_key", "").strip()}
    try:
        check = service.connect_source(
            web().database, web().connectors, settings=settings, secrets=secrets, by=me().email
        )
    except (ConnectionFailedError, ValidationError) as error:
        return _form(settings, (Problem("not_connected", error.message, error.remedy),), 422)
    if not service.connects(check):
        return _form(settings, check.findings, 422)
    flash(_connected(check))
    return redirect(url_for("connections.show"), 303)


def _connected(check: Check) -> str:
    more = f" {len(check.findings)} things will hurt; they stand on its card." if check.findings else ""
    return f"{check.name} is connected.{more}"


# ── Intuit's app keys ────────────────────────────────────────────────────────────────────────────────────────────


@connections.get("/settings/connections/intuit")
@requires("admin")
def intuit() -> ResponseReturnValue:
    """The form for the keys of our app at Intuit, with what has to be registered there."""
    return _intuit()


def _intuit(status: int = 200, **context: object) -> ResponseReturnValue:
    settings = web().settings
    keys = intuit_keys.keys(reading(), settings)
    callback = settings.public_url + url_for("quickbooks.callback")
    page = render_template(
        "connections/intuit.html",
        keys=keys,
        callback=callback,
        environment=settings.qbo_environment,
        webhooks=bool(intuit_keys.verifier(reading())),
        webhook=settings.public_url + url_for("webhooks.quickbooks_online"),
        **context,
    )
    return page, status


@connections.post("/settings/connections/intuit/webhooks")
@requires("admin")
def store_webhooks() -> ResponseReturnValue:
    """Take Intuit's notices of changes, or none."""
    try:
        with writing() as session:
            intuit_keys.store_verifier(session, request.form.get("verifier", ""), me().email)
    except ValidationError as error:
        return _intuit(422, error=error)
    flash("Saved.")
    return redirect(url_for("connections.intuit"), 303)


@connections.post("/settings/connections/intuit")
@requires("admin")
def store_intuit() -> ResponseReturnValue:
    """Keep the keys, encrypted."""
    form = request.form
    if intuit_keys.keys(reading(), web().settings).fixed:
        return _intuit(422, error=ValidationError("The keys come from the environment.", "Change them there."))
    try:
        with writing() as session:
            intuit_keys.store(session, form.get("client_id", ""), form.get("client_secret", ""), me().email)
    except ValidationError as error:
        return _intuit(422, error=error)
    flash("The keys are stored. Now connect the QuickBooks company.")
    return redirect(url_for("connections.show"), 303)
