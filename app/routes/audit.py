"""The audit log: who did what, when, from where, to which thing; to look through and to take away."""

from __future__ import annotations

import datetime as dt
from itertools import chain
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, request, stream_with_context
from flask.typing import ResponseReturnValue

from app.models.columns import utcnow
from app.routes import fragments, shell
from app.routes.formats import parse_date
from app.routes.guard import requires
from app.routes.web import reading
from app.services.people import audit_log, audit_words, users
from app.services.people.audit_log import Filter

audit = Blueprint("audit", __name__)
#: No number of a row or a Book is larger.
LARGEST = 2**31 - 1


@audit.get("/settings/audit")
@requires("admin")
def show() -> ResponseReturnValue:
    """A page of it, filtered."""
    shell.around()  # dates are those of the default company
    session, wanted, before = reading(), _wanted(), _number("before")
    rows, following = audit_log.page(session, wanted, before)
    return fragments.page_or_fragment(
        "settings/audit.html",
        "settings/_audit.html",
        rows=rows,
        following=following,
        before=before,
        things=audit_log.things(session, rows),
        names=users.labels(session),
        books=audit_log.companies(session),
        actors=audit_log.actors(session),
        actions=audit_log.actions(session),
        words=audit_words,
        wanted=wanted,
        given=_given(),
        query=urlencode(_given()),
    )


@audit.get("/settings/audit.csv")
@requires("admin")
def save() -> ResponseReturnValue:
    """All that the filter leaves; the mark in front tells spreadsheets that it is UTF-8."""
    shell.around()
    pieces = audit_log.as_csv(reading(), _wanted())
    body = stream_with_context(piece.encode() for piece in chain(("\ufeff",), pieces))
    response = Response(body, content_type="text/csv; charset=utf-8")
    name = f"audit {utcnow().date().isoformat()}.csv"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _wanted() -> Filter:
    """The filter in the address; what can't be understood does not narrow."""
    until = _day("through")
    return Filter(
        actor=_text("who"),
        action=_text("action"),
        book_id=_number("book"),
        since=_midnight(_day("from")),
        until=_midnight(until + dt.timedelta(1)) if until and until < dt.date.max else None,
        words=_text("q"),
    )


def _given() -> dict[str, str]:
    """The filter as it stands in the address, without what is empty."""
    return {name: _text(name) for name in ("q", "who", "action", "book", "from", "through") if _text(name)}


def _text(name: str) -> str:
    """PostgreSQL takes no text with a NUL in it."""
    return request.args.get(name, "").replace("\x00", "").strip()


def _number(name: str) -> int | None:
    value = request.args.get(name, type=int)
    return value if value and 0 < value <= LARGEST else None


def _day(name: str) -> dt.date | None:
    try:
        return parse_date(_text(name))
    except ValueError:
        return None


def _midnight(day: dt.date | None) -> dt.datetime | None:
    """When the day begins where the company is."""
    return dt.datetime.combine(day, dt.time(), ZoneInfo(g.zone)) if day and day > dt.date.min else None
