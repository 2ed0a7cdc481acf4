"""The dashboard: where everything is, what wants a person, the last runs, the way to the first batch."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from app.domain.links import LinkKind
from app.domain.states import RecordKind
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.records import Selection
from app.routes import autosync, fragments, shell
from app.routes.formats import local
from app.routes.guard import requires
from app.routes.web import reading, web
from app.services.batches import attention, batches, overview, progress
from app.services.connections import books, cards, intuit_keys
from app.services.records import records, selections
from app.services.records.records import Sum

dashboard = Blueprint("dashboard", __name__)
RUNS = 30
#: Causes that the dashboard names; Needs Attention has the others.
GROUPS = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One step to the first batch. ``state`` is ``done``, ``next`` or ``later``."""

    words: str
    state: str
    url: str = ""
    button: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class KindStanding:
    """How much of a kind waits, is stuck and was posted this month; ``as_of`` is None where nobody has read it yet.

    ``others`` are listed too, but not offered unless one asks: dated later, or at another location than the company's.
    """

    kind: RecordKind
    as_of: dt.datetime | None
    waiting: Sum
    others: int
    stuck: Sum
    posted: Sum


@dashboard.get("/")
@requires("viewer")
def show() -> ResponseReturnValue:
    """The page."""
    session = reading()
    frame = shell.around()
    newest = batches.listing(session, limit=RUNS)
    return render_template(
        "dashboard/show.html",
        today=local(utcnow()).date(),
        cards=cards.cards(session),
        runs=[(batch, progress.status(session, batch)) for batch in reversed(newest)],
        steps=_steps(bool(newest), frame.book if frame else None),
        syncs=_syncs(),
        **_standing(frame.book if frame else None),
    )


@dashboard.get("/fragments/standing")
@requires("viewer")
def standing() -> ResponseReturnValue:
    """The sums alone; asked for every 30 seconds."""
    frame = shell.around()
    return fragments.answer(render_template("dashboard/_standing.html", **_standing(frame.book if frame else None)))


def _standing(book: Book | None) -> dict[str, object]:
    session = reading()
    if book is None or book.source_id is None:
        return {"standing": [], "as_of": None, "attention": []}
    month = local(utcnow()).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    standing = [_kind(session, book, kind, month) for kind in RecordKind]
    return {
        "standing": standing,
        "as_of": min((row.as_of for row in standing if row.as_of), default=None),
        "month": month,
        "attention": attention.page(session).groups[:GROUPS],
    }


def _syncs() -> list[dict[str, Any]]:
    """AutoSync of each company, where it is on, and of the one that the page is about also where it is off."""
    session = reading()
    frame = shell.around()
    shown = [{"book": book, **autosync.brief(session, book)} for book in books.list_books(session)]
    own = frame.book.id if frame and frame.book else None
    return [sync for sync in shown if sync["view"].word != "off" or sync["book"].id == own]


def _kind(session: Session, book: Book, kind: RecordKind, month: dt.datetime) -> KindStanding:
    source_id = book.source_id or 0
    offered = selections.wanted(Selection(user_id=0, kind=kind), book, books.today_of(book))
    waiting = records.summed(session, source_id, kind, offered)
    listing = records.as_of(session, source_id, kind)
    return KindStanding(
        kind,
        listing.as_of if listing else None,
        waiting,
        records.summed(session, source_id, kind, records.Filter()).count - waiting.count,
        overview.stuck(session, kind),
        overview.posted_since(session, kind, month),
    )


def _steps(has_batch: bool, book: Book | None) -> list[Step]:
    """The checklist; gone once a batch has been run."""
    session = reading()
    known = cards.cards(session)
    psa = any(card.side == "source" for card in known)
    keys = intuit_keys.keys(session, web().settings).complete
    connected = any(card.side == "book" for card in known)
    connect = "/connections/quickbooks-online/connect" if keys else "/settings/connections/intuit"
    first_day = f"/first-day/{book.id}" if book else "/mappings"
    linked = book is not None and overview.has_links(session, book.id or 0, LinkKind.ACCOUNTS)
    ran = {mode for mode in ("post", "dry") if has_batch and overview.has_run(session, mode)}
    done = [psa, connected, linked, bool(ran), "post" in ran]
    words = [
        ("Connect ConnectWise PSA", "/settings/connections/connectwise", "Connect", "API keys of an API member"),
        ("Connect QuickBooks Online", connect, "Connect", "You choose the company at Intuit" if keys else
         "First the keys of your app at Intuit"),
        ("Link both sides’ lists", first_day, "Link lists", "Accounts must be; customers and products may come later"),
        ("Try it with a dry run", "/run/invoices", "Select invoices", "Shows every document; writes nothing anywhere"),
        ("Run the first invoice batch", "/run/invoices", "Select invoices", "Nothing is posted before you submit"),
    ]  # fmt: skip
    following = done.index(False) if False in done else len(done)
    return [
        Step(word, "done" if done[i] else "next" if i == following else "later", url, button, remark)
        for i, (word, url, button, remark) in enumerate(words)
    ]
