"""The tab AutoSync of a QuickBooks company: how it stands, what it asks for before it is switched on, its settings."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from app.domain.autosync_settings import AUTOSYNC
from app.domain.clock_words import FULL, WEEKDAYS
from app.domain.problems import ValidationError
from app.domain.setting import SettingKind
from app.domain.settings_catalogue import TABS
from app.domain.states import RecordKind
from app.jobs import doorbell
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.rounds import Round
from app.routes import fragments, shell
from app.routes.formats import date, local
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.autosync import autosync as service
from app.services.autosync import checks as autosync_checks
from app.services.autosync import rounds
from app.services.connections import books
from app.services.mail import mail_settings
from app.services.records import records

autosync = Blueprint("autosync", __name__, url_prefix="/settings/books/<int:book_id>/autosync")
#: So many ticks the strip of last runs has.
RUNS = 30


@autosync.get("")
@requires("viewer")
def show(book_id: int) -> ResponseReturnValue:
    """The tab; for HTMX only how it stands."""
    book = books.find_book(reading(), book_id)
    shell.use_book(book)
    if fragments.is_fragment():
        return fragments.answer(render_template("settings/_autosync.html", book=book, **standing(reading(), book)))
    return _page(book)


def _page(book: Book, status: int = 200, **context: object) -> ResponseReturnValue:
    shell.use_book(book)
    session = reading()
    return render_template(
        "settings/autosync.html",
        book=book,
        books=books.list_books(session),
        tabs=TABS,
        settings=AUTOSYNC,
        values={**books.show(book), **_entered()},
        locked={},
        entries={},
        own_zone=book.zone,
        locations=locations(session, book),
        weekdays=list(zip(WEEKDAYS, FULL, strict=True)),
        **standing(session, book),
        **context,
    ), status


def brief(session: Session, book: Book) -> dict[str, Any]:
    """What the dashboard says of a company's AutoSync."""
    seen = service.view(session, book)
    last = when(seen.last.due_at or seen.last.at) if seen.last else ""
    return {"view": seen, "next": when(seen.next), "last": last}


def standing(session: Session, book: Book) -> dict[str, Any]:
    """The same, with the last runs, and while it is off what it asks for."""
    shown = brief(session, book)
    checks = autosync_checks.checks(session, book) if shown["view"].word == "off" else []
    recent = rounds.recent(session, book.id or 0, RUNS)
    runs = [(made, made.status or "running", said(made)) for made in recent]
    return {**shown, "checks": checks, "runs": runs, "mail": mail_settings.server(session) is not None}


def said(made: Round) -> str:
    """When it was due, and how late it came."""
    if made.due_at is None:
        return f"{when(made.at)}, asked for"
    late = (made.at - made.due_at).total_seconds() > 300
    return f"{when(made.due_at)}{f', caught up {when(made.at)}' if late else ''}"


def when(moment: dt.datetime | None) -> str:
    """``12:00``, ``tomorrow 08:00``, ``Monday 08:00``, ``12/24/2026 08:00``, in the company’s zone; empty for none."""
    if moment is None:
        return ""
    here, today = local(moment), local(utcnow()).date()
    days = (here.date() - today).days
    near = {-1: "yesterday", 0: "", 1: "tomorrow"} | {ahead: FULL[here.weekday()] for ahead in range(2, 7)}
    return f"{near.get(days, date(here.date()))} {here:%H:%M}".strip()


def _entered() -> dict[str, str]:
    """What was typed stays in the form when it was not taken; the ticks of weekdays are one value."""
    found: dict[str, str] = {}
    for setting in AUTOSYNC:
        if setting.kind is SettingKind.WEEKDAYS and request.method == "POST" and "autosync.name" in request.form:
            found[setting.key] = ",".join(request.form.getlist(setting.key))
        elif setting.key in request.form:
            found[setting.key] = request.form[setting.key]
    return found


def locations(session: Session, book: Book) -> list[records.Location]:
    """Those of every kind that have records now."""
    found: dict[str, records.Location] = {}
    for kind in RecordKind:
        for place in records.locations(session, book.source_id or 0, kind, None):
            found.setdefault(place.id, place)
    return sorted(found.values(), key=lambda place: place.name)


def _address(book_id: int) -> str:
    return url_for("autosync.show", book_id=book_id)


@autosync.post("")
@requires("admin")
def change(book_id: int) -> ResponseReturnValue:
    """Take all settings or none."""
    try:
        with writing() as session:
            changed = books.set_settings(session, books.find_book(session, book_id), _entered(), me().email)
    except ValidationError as error:
        return _page(books.find_book(reading(), book_id), 422, error=error)
    flash(f"Saved: {len(changed)} changed." if changed else "Nothing was different.")
    return redirect(_address(book_id), 303)


@autosync.post("/on")
@requires("admin")
def on(book_id: int) -> ResponseReturnValue:
    """Switch it on; with ``override`` whatever the checks say."""
    try:
        with writing() as session:
            book = books.find_book(session, book_id)
            missing = autosync_checks.still_open(session, book)
            override = request.form.get("override") == "yes"
            service.switch_on(session, book, by=me().email, open_checks=missing, override=override, now=utcnow())
    except ValidationError as error:
        return _page(books.find_book(reading(), book_id), 422, error=error)
    flash("AutoSync is on.")
    return redirect(_address(book_id), 303)


@autosync.post("/off")
@requires("admin")
def off(book_id: int) -> ResponseReturnValue:
    """Switch it off; a batch under way goes on."""
    with writing() as session:
        service.switch_off(session, books.find_book(session, book_id), by=me().email)
    flash("AutoSync is off. What it has submitted goes on.")
    return redirect(_address(book_id), 303)


@autosync.post("/resume")
@requires("bookkeeper")
def resume(book_id: int) -> ResponseReturnValue:
    """Go on after a pause, and with the batches that the fault ended."""
    with writing() as session:
        rung = service.resume(session, books.find_book(session, book_id), by=me().email, now=utcnow())
    for batch_id in rung:
        doorbell.ring_batch(web().settings.redis_url, batch_id)
    flash("AutoSync goes on.")
    return redirect(_address(book_id), 303)


@autosync.post("/now")
@requires("bookkeeper")
def now(book_id: int) -> ResponseReturnValue:
    """A run out of turn."""
    try:
        with writing() as session:
            made = service.run_now(session, books.find_book(session, book_id), by=me().email)
    except ValidationError as error:
        return _page(books.find_book(reading(), book_id), 422, error=error)
    doorbell.ring(web().settings.redis_url, "run_autosync", made.id or 0)
    return redirect(url_for("everything.show_round", book_id=book_id, round_id=made.id), 303)
