"""Run New Batch ▸ Payment Sync: from which day on, what would change, and the run itself; then its live page."""

from __future__ import annotations

import datetime as dt
import secrets
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from app.domain.payment_settings import PAYMENTS
from app.domain.problems import ValidationError
from app.jobs import doorbell
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Posting, PostingRecord
from app.routes import formats, fragments, shell
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.batches import approvals, approving, progress, queueing
from app.services.connections import books
from app.services.payments import payments as service
from app.services.payments import tally as payment_tally
from app.services.people import users

payments = Blueprint("payments", __name__)

KIND = service.KIND
#: What may be chosen as the beginning, and how many days it lies back; ``date`` has its own field.
STARTS = {"last": 0, "week": 7, "two_weeks": 14, "month": 30, "date": 0}
HISTORY = 8
#: Parts of the live page that are sent only when they changed.
PARTS = ("head", "wait", "sections", "foot", "problems")


@payments.app_template_filter()
def money_text(value: str) -> str:
    """``1234.5`` → ``1,234.50``, of an amount that is kept as text."""
    return formats.amount(Decimal(value or 0))


@payments.get("/run/payments")
@requires("viewer")
def show() -> ResponseReturnValue:
    """The page before a run; with ``?book=ID`` of that company."""
    book = _chosen(reading(), request.args.get("book", ""))
    return _page(book) if book else render_template("payments/not_connected.html")


def _chosen(session: Session, ref: str) -> Book | None:
    """The company that was named, else the first that is connected on both sides."""
    known = [book for book in books.list_books(session) if book.source_id is not None]
    return next((book for book in known if str(book.id) == ref), None) or next(iter(known), None)


def _page(book: Book, status: int = 200, **more: Any) -> ResponseReturnValue:
    session = reading()
    shell.use_book(book)
    newest = session.exec(
        select(Batch)
        .where(Batch.kind == service.KIND, Batch.book_id == book.id)
        .order_by(col(Batch.id).desc())
        .limit(HISTORY)
    ).all()
    values = books.show(book)
    page = render_template(
        "payments/run.html",
        book=book,
        books=[one for one in books.list_books(session) if one.source_id is not None],
        until=service.until(session, book.id or 0),
        first=service.since(session, book.id or 0, None),
        moving=service.moving(session, book.id or 0),
        rules=[(setting.label, dict(setting.choices).get(values[setting.key], "")) for setting in PAYMENTS[:3]],
        rows=[(batch, progress.status(session, batch), payment_tally.of(session, batch)) for batch in newest],
        names=users.labels(session),
        strict=approvals.needed(book),
        token=secrets.token_urlsafe(16),
        start=request.values.get("start", "last"),
        since=request.values.get("since", ""),
        **more,
    )
    return page, status


@payments.post("/run/payments")
@requires("bookkeeper")
def submit() -> ResponseReturnValue:
    """Look first, or write at once; both are batches, and a second submit of one form leads to the same.

    Whoever goes back further than the last sync is shown first what that would change.
    """
    form = request.form
    if form.get("action") not in ("look", "run"):
        return redirect(url_for("payments.show"), 303)
    book = books.find_book(reading(), form.get("book", ""))
    if not me().may("bookkeeper", book.id):
        abort(403, "bookkeeper")
    try:
        since = _since(book)
        dry = form["action"] == "look" or since is not None
        with writing() as session:
            made = service.submit(
                session, session.get_one(Book, book.id), by=me().email, since=since, initials=me().initials,
                mode="dry" if dry else "post", token=f"{form.get('token') or secrets.token_urlsafe(16)}-{dry:d}",
            )  # fmt: skip
    except ValidationError as error:
        return _page(book, 422, error=error)
    doorbell.ring_batch(web().settings.redis_url, made.id or 0)
    return redirect(url_for("batches.show", batch_id=made.id), 303)


def _since(book: Book) -> dt.datetime | None:
    """The moment that was chosen, a day that was typed before all else; None for where the last run ended.

    Raises ValidationError.
    """
    start, text = request.form.get("start", "last"), request.form.get("since", "").strip()
    if start not in STARTS:
        raise ValidationError("No such start is known.", "Choose one of those on the page.")
    if text or start == "date":
        return _day(book, text)
    return utcnow() - dt.timedelta(days=STARTS[start]) if STARTS[start] else None


def _day(book: Book, text: str) -> dt.datetime:
    shell.use_book(book)
    try:
        day = formats.parse_date(text)
    except ValueError as error:
        raise ValidationError(str(error), "Give it like 11/30/2026 or 2026-11-30.") from error
    if day is None:
        raise ValidationError("No day was given.", "Give it like 11/30/2026 or 2026-11-30.")
    return dt.datetime.combine(day, dt.time(), ZoneInfo(books.zone_of(book)))


# ── the live page of a batch of payments ─────────────────────────────────────────────────────────────────────────


def batch_page(batch: Batch) -> ResponseReturnValue:
    """The whole page."""
    context = _context(batch)
    _, seen = fragments.changed_parts(context["view"].rev, _parts(context))
    return render_template("payments/batch.html", seen=seen, **context, **_rows(batch))


def batch_live(batch: Batch) -> ResponseReturnValue:
    """Only the parts that changed since ``seen``, out of band; 204 for none, 286 at the end."""
    context = _context(batch)
    changed, seen = fragments.changed_parts(context["view"].rev, _parts(context))
    moving = context["view"].watched
    if moving and not changed:
        return fragments.nothing()
    html = render_template("batches/_live.html", changed=changed, seen=seen, **context)
    return fragments.answer(html, status=200 if moving else fragments.STOP_POLLING, events="rows-changed")


def batch_rows(batch: Batch) -> ResponseReturnValue:
    """The table of invoices alone."""
    shell.use_book(reading().get_one(Book, batch.book_id))
    if not fragments.is_fragment():
        return redirect(url_for("batches.show", batch_id=batch.id) + "?" + request.query_string.decode())
    return fragments.answer(render_template("payments/_rows.html", batch=batch, **_rows(batch)))


def _context(batch: Batch) -> dict[str, Any]:
    session = reading()
    book, tally = session.get_one(Book, batch.book_id), payment_tally.of(session, batch)
    shell.use_book(book)
    return {
        "batch": batch, "book": book, "view": progress.view(session, batch), "tally": tally,
        "worked": progress.worked(session, [batch]).get(batch.id or 0),
        "ahead": queueing.ahead(session, batch) if batch.ended_at is None else None,
        "causes": payment_tally.causes(session, batch, tally),
        "names": users.labels(session), "stopped_once": bool(batch.stop_asked), "strict": approvals.needed(book),
        "approvers": [user.email for user in approving.may(session, batch)] if batch.approval == "wanted" else [],
    }  # fmt: skip


def _parts(context: dict[str, Any]) -> list[str]:
    folders = {"sections": "batches"}
    return [render_template(f"{folders.get(name, 'payments')}/_{name}.html", oob=True, **context) for name in PARTS]


def _rows(batch: Batch) -> dict[str, Any]:
    args, session = request.args, reading()
    place = {"state": args.get("state", ""), "sort": args.get("sort", "number"), "after": args.get("after", "")}
    page = payment_tally.rows(session, batch, **place)
    memos = {str(step["credit"]) for row in page.rows for step in row.steps if step["credit"]}
    return {
        **place, "page": page, "counts": payment_tally.counts(session, batch),
        "problems": {row.id: payment_tally.problems_of(row) for row in page.rows},
        "memos": _numbers(session, memos),
    }  # fmt: skip


def _numbers(session: Session, records: set[str]) -> dict[str, str]:
    """Numbers of credit memos by their records."""
    query = (
        select(PostingRecord.record, Posting.number)
        .join(Posting, col(Posting.id) == PostingRecord.posting_id)
        .where(PostingRecord.kind == "invoices", col(PostingRecord.record).in_(sorted(records)))
    )
    return dict(session.exec(query).all())
