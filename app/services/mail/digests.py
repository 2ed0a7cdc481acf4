"""The morning digest of a company: what was posted and paid since the last one, what waits and what is stuck."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain.notices import Entry, Part, Ref, cash, counted
from app.domain.states import STANDING, Role
from app.models.batches import Batch
from app.models.connections import Book
from app.models.payments import PaymentEntry
from app.models.postings import Posting, PostingRecord
from app.services.autosync import ends
from app.services.batches import approvals, attention
from app.services.mail import mail_lists
from app.services.mail.notice_failures import record_link
from app.services.people import access
from app.services.reconcile import drift, looks

#: Lines of a part; the rest stands behind a link.
MOST = 10
ROWS = 5
Window = tuple[dt.datetime, dt.datetime]


def parts(session: Session, book: Book, window: Window, home: str) -> tuple[Part, ...]:
    """What there is to say; empty where that is nothing. The window is (after, up to and with), aware moments."""
    with _only(book):
        found = (
            Part("Posted", tuple(_posted(session, book, window, home))),
            Part("Money received", tuple(_received(session, book, window, home))),
            Part("Waiting", tuple(_waiting(session, book, home))),
            Part("Stuck", tuple(_stuck(session, book, home))),
        )
    return tuple(part for part in found if part.entries)


@contextmanager
def _only(book: Book) -> Iterator[None]:
    """As somebody who may see this company alone: every query in between answers for it."""
    token = access.visible.set(frozenset({book.id or 0}))
    try:
        yield
    finally:
        access.visible.reset(token)


def _sums(cents: dict[str, int]) -> str:
    return ", ".join(cash(amount, currency) for currency, amount in sorted(cents.items()))


def _cut(entries: list[Entry], link: str) -> list[Entry]:
    more = len(entries) - MOST
    return [*entries[:MOST], Entry(f"{more} more", link)] if more > 0 else entries


def _posted(session: Session, book: Book, window: Window, home: str) -> list[Entry]:
    """By batch, with its largest documents."""
    mine = (
        col(Posting.book_id) == book.id, col(Posting.role) == Role.MAIN, col(Posting.state).in_(STANDING),
        col(Posting.posted_at) > window[0], col(Posting.posted_at) <= window[1],
    )  # fmt: skip
    query = (
        columns(col(Posting.batch_id), col(Posting.currency), func.count(), func.sum(Posting.cents))
        .where(*mine)
        .group_by(col(Posting.batch_id), col(Posting.currency))
    )
    counts: dict[int, int] = defaultdict(int)
    cents: dict[int, dict[str, int]] = defaultdict(dict)
    for batch_id, currency, count, amount in session.execute(query):
        counts[batch_id] += count
        cents[batch_id][currency] = int(amount or 0)
    batches = session.exec(select(Batch).where(col(Batch.id).in_(counts)).order_by(col(Batch.id)))
    found = [
        Entry(f"{batch.name}: {counted(counts[batch.id or 0], 'document')}, {_sums(cents[batch.id or 0])}",
              f"{home}/batches/{batch.id}",
              refs=_rows(session, [*mine, col(Posting.batch_id) == batch.id], home) if place < MOST else ())
        for place, batch in enumerate(batches)
    ]  # fmt: skip
    return _cut(found, f"{home}/batches")


def _rows(session: Session, mine: Sequence[ColumnElement[bool]], home: str) -> tuple[Ref, ...]:
    """The largest of these postings, each with the page of its record."""
    query = (
        columns(col(Posting.book_id), col(Posting.number), col(Posting.party), col(Posting.currency),
                col(Posting.cents), func.min(PostingRecord.record), func.min(PostingRecord.kind))
        .join(PostingRecord, col(PostingRecord.posting_id) == col(Posting.id))
        .where(*mine)
        .group_by(col(Posting.id))
        .order_by(func.abs(col(Posting.cents)).desc(), col(Posting.id))
        .limit(ROWS)
    )  # fmt: skip
    return tuple(
        Ref(f"{number} {party} {cash(cents, currency)}".strip(), record_link(home, book_id, kind, record))
        for book_id, number, party, currency, cents, record, kind in session.execute(query)
    )


@dataclass(slots=True)
class _Paid:
    """What came on one invoice."""

    name: str
    currency: str
    amount: Decimal = Decimal(0)


def _received(session: Session, book: Book, window: Window, home: str) -> list[Entry]:
    """What payment syncs brought into the PSA: by batch, with the largest invoices."""
    query = (
        columns(col(Batch.id), col(Batch.name), PaymentEntry, col(Posting.number), col(Posting.party),
                col(Posting.currency))
        .join(PaymentEntry, col(PaymentEntry.batch_id) == col(Batch.id))
        .join(Posting, col(Posting.id) == col(PaymentEntry.posting_id))
        .where(
            col(Batch.book_id) == book.id, col(Batch.ended_at) > window[0], col(Batch.ended_at) <= window[1],
            col(PaymentEntry.what) == "money", col(PaymentEntry.state) == "done",
            col(PaymentEntry.verb).in_(("add", "change")), col(PaymentEntry.by_hand).is_(False),
        )
    )  # fmt: skip
    names: dict[int, str] = {}
    sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows: dict[int, dict[str, _Paid]] = defaultdict(dict)
    for batch_id, name, entry, number, party, currency in session.execute(query):
        amount = entry.amount - (entry.was or 0 if entry.verb == "change" else 0)
        if amount <= 0:
            continue
        names[batch_id] = name
        sums[batch_id][currency] += int(amount * 100)
        owed = rows[batch_id].setdefault(entry.record, _Paid(f"{number} {party}".strip(), currency))
        owed.amount += amount
    found = []
    for batch_id, name in sorted(names.items()):
        largest = sorted(rows[batch_id].items(), key=lambda row: (-row[1].amount, row[1].name))[:ROWS]
        found.append(
            Entry(f"{_sums(sums[batch_id])} on {counted(len(rows[batch_id]), 'invoice')}",
                  f"{home}/batches/{batch_id}", name, tuple(
                      Ref(f"{paid.name} {cash(int(paid.amount * 100), paid.currency)}",
                          record_link(home, book.id or 0, "invoices", record))
                      for record, paid in largest
                  ))
        )  # fmt: skip
    return _cut(found, f"{home}/batches")


def _waiting(session: Session, book: Book, home: str) -> list[Entry]:
    """What waits for somebody's yes, and nothing is wrong with it."""
    asked = session.exec(select(Batch).where(Batch.book_id == book.id, approvals.waiting()).order_by(col(Batch.id)))
    found = [
        Entry(f"{batch.name} waits for approval", f"{home}/batches/{batch.id}/approval",
              f"Prepared by {', '.join(batch.prepared_by)}.")
        for batch in asked
    ]  # fmt: skip
    if held := mail_lists.counts(session, book.id or 0)["held"]:
        found.append(
            Entry(f"{counted(held, 'mail')} to customers {'waits' if held == 1 else 'wait'} for approval",
                  f"{home}/mail/{book.id}?view=held")
        )  # fmt: skip
    return _cut(found, f"{home}/attention")


def _stuck(session: Session, book: Book, home: str) -> list[Entry]:
    """What goes on only when a person does something: as Needs Attention has it, and what stands beside it."""
    here = attention.page(session)
    found = [
        Entry(f"The last run of AutoSync failed. {trouble.why}",
              f"{home}/run/everything/{book.id}/{trouble.round_id}", trouble.remedy)
        if trouble.round_id
        else Entry(f"AutoSync is paused. {trouble.why}", f"{home}/settings/books/{book.id}/autosync", trouble.remedy)
        for trouble in ends.troubles(session)
    ]  # fmt: skip
    found += [
        Entry(f"{broken.name} must be connected again", f"{home}/settings/connections", broken.why)
        for broken in here.connections
        if broken.side != "source" or broken.id == book.source_id
    ]
    for batch in here.batches:
        said = f"{batch.failure['message']} {batch.failure['remedy']}" if batch.failure else ""
        found.append(Entry(f"{batch.name} stands still", f"{home}/batches/{batch.id}", said.strip()))
    found += [_group(group, home) for group in here.groups]
    found += [
        Entry(
            f"{row.posting.number} {row.posting.party}".strip(),
            record_link(home, book.id or 0, row.batch.kind, row.record),
            "Its undo does not end." if row.kind is attention.Kind.UNDO else "Posted, and not closed in the PSA.",
        )
        for row in here.waiting
    ]
    return _cut([*found, *_counted(session, book, home)], f"{home}/attention")


def _group(group: attention.Group, home: str) -> Entry:
    """Documents with one cause, and the newest of them."""
    return Entry(
        group.problem.message,
        f"{home}/attention/{group.book_id}/{group.state}/{quote(group.key, safe=':')}",
        f"{counted(group.sum.count, 'document')}, {_sums(dict(group.sum.cents))}. {group.problem.remedy}",
        tuple(
            Ref(f"{row.number} {row.party}".strip(), record_link(home, group.book_id, row.kind, row.record))
            for row in group.documents
        ),
    )


def _counted(session: Session, book: Book, home: str) -> list[Entry]:
    """What Needs Attention does not list: mails to customers, and what changed since it was posted."""
    ident = book.id or 0
    mails, found = mail_lists.counts(session, ident), []
    for view, said in (("failed", "did not arrive"), ("in_doubt", "may not have arrived")):
        if mails[view]:
            rows = mail_lists.listing(session, ident, view)[:ROWS]
            refs = tuple(Ref(f"{r.posting.number} to {r.mail.to}", f"{home}/mail/{ident}/{r.mail.id}") for r in rows)
            text = f"{counted(mails[view], 'mail')} to customers {said}"
            found.append(Entry(text, f"{home}/mail/{ident}?view={view}", "", refs))
    if drifted := drift.counts(session, ident).get("open", 0):
        lines = drift.lines(session, ident, limit=ROWS)
        refs = tuple(
            Ref(f"{line.posting.number} {line.posting.party}".strip(), record_link(home, ident, line.kind, line.record))
            for line in lines
        )
        text = f"{counted(drifted, 'document')} changed since posting"
        found.append(Entry(text, f"{home}/reconcile/{ident}/drift", "", refs))
    look = looks.last(session, ident)
    if look is not None and look.ended_at is not None and look.until is None:
        problem = look.problem or {}
        said = f"The last look at both systems did not come to its end. {problem.get('message', '')}".strip()
        found.append(Entry(said, f"{home}/reconcile/{ident}", problem.get("remedy", "")))
    return found
