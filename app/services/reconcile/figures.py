"""The figures that a look is better at than a table: posted per week, receivables by age, time from close to posted."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from app.domain.charts import Chart, Point
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Posting, PostingRecord
from app.models.reconcile import LedgerDocument
from app.services.connections import books

WEEKS = 26
#: Upper bounds in days, and what is below them.
WAITED = ((1, "0"), (2, "1"), (4, "2–3"), (8, "4–7"), (15, "8–14"), (31, "15–30"))
LONGER = "30+"
#: Days overdue, and the words.
AGES = ((1, "Not due"), (31, "1–30"), (61, "31–60"), (91, "61–90"))
OLDEST = "Over 90"


def posted_per_week(session: Session, book: Book, now: dt.datetime | None = None) -> Chart:
    """Documents that arrived in the books, by the Monday of the week, the last half year."""
    zone = ZoneInfo(books.zone_of(book))
    today = (now or utcnow()).astimezone(zone).date()
    this = today - dt.timedelta(days=today.weekday())
    weeks = [this - dt.timedelta(weeks=back) for back in reversed(range(WEEKS))]
    since = dt.datetime.combine(weeks[0], dt.time(), zone)
    query = select(Posting.posted_at).where(Posting.book_id == book.id, col(Posting.posted_at) >= since)
    days = [moment.astimezone(zone).date() for moment in session.exec(query) if moment]
    counts = Counter(day - dt.timedelta(days=day.weekday()) for day in days)
    points = tuple(Point(f"{week.day} {week:%b}", counts[week]) for week in weeks)
    return Chart("Posted per week", f"{sum(counts.values()):,} documents in {WEEKS} weeks, by Monday.", points)


def receivables(session: Session, book: Book) -> list[tuple[str, Chart]]:
    """What customers still owe by how long it is overdue, a chart for each currency; as the last look saw it."""
    today = books.today_of(book)
    columns: tuple[Any, ...] = (LedgerDocument.currency, LedgerDocument.due_date, LedgerDocument.date,
                                func.sum(LedgerDocument.open_cents))  # fmt: skip
    query = (
        select(*columns)
        .where(LedgerDocument.book_id == book.id, LedgerDocument.open_cents != 0)
        .group_by(col(LedgerDocument.currency), col(LedgerDocument.due_date), col(LedgerDocument.date))
    )
    sums: dict[str, Counter[str]] = {}
    for currency, due, date, cents in session.exec(query):
        sums.setdefault(currency, Counter())[_age((today - (due or date)).days)] += int(cents)
    names = [name for _, name in AGES] + [OLDEST]
    return [
        (currency, _ages(currency, [(name, own[name]) for name in names])) for currency, own in sorted(sums.items())
    ]


def _ages(currency: str, parts: Sequence[tuple[str, int]]) -> Chart:
    points = tuple(Point(name, cents, f"{Decimal(cents) / 100:,.0f}".replace("-", "−")) for name, cents in parts)
    total = Decimal(sum(cents for _, cents in parts)) / 100
    about = f"{total:,.2f} {currency} still to be paid, by days overdue; credits and unapplied money count against."
    return Chart(f"Receivables still open, {currency}", about, points)


def _age(days: int) -> str:
    return next((name for bound, name in AGES if days < bound), OLDEST)


def close_to_posted(session: Session, book: Book, now: dt.datetime | None = None) -> Chart:
    """How long invoices waited between their closing in the PSA and the books, the last half year."""
    since = (now or utcnow()) - dt.timedelta(weeks=WEEKS)
    query = (
        select(Posting.posted_at, PostingRecord.date_closed)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .join(Batch, col(Batch.id) == Posting.batch_id)
        .where(Posting.book_id == book.id, Posting.role == "main", col(Posting.posted_at) >= since)
        .where(PostingRecord.date_closed != "")
    )
    waited = [days for posted, closed in session.exec(query) if posted and (days := _days(closed, posted)) is not None]
    counts = Counter(next((name for bound, name in WAITED if days < bound), LONGER) for days in waited)
    points = tuple(Point(name, counts[name]) for name in (*(name for _, name in WAITED), LONGER))
    typical = f"Half of them within {_typical(waited)}." if waited else "Nothing posted yet."
    return Chart("Days from closed in ConnectWise to posted", typical, points)


def _days(closed: str, posted: dt.datetime) -> float | None:
    try:
        moment = dt.datetime.fromisoformat(closed)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(0.0, (posted - moment).total_seconds() / 86400)


def _typical(days: Sequence[float]) -> str:
    half = sorted(days)[len(days) // 2]
    if half < 1:
        return f"{max(1, round(half * 24))} hours"
    return f"{round(half)} days" if round(half) != 1 else "a day"
