"""Read: what changed in the books, which of our invoices it touches, and what stands on them there now.

Everything that was read is stored in one commit, together with the invoices to look at and the moment from which the
next run goes on: a run that dies before it has read nothing, one that dies after it goes on from the rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, delete, update
from sqlmodel import Session, col, select

from app.connectors.payments import LedgerNews, TellsPayments
from app.database import Database
from app.domain import codec
from app.domain.codec import to_json
from app.domain.documents import DocumentKind
from app.domain.payments import Applied, LedgerPayment
from app.domain.problems import Problem, Severity
from app.domain.states import SectionKey
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import ListEntry
from app.models.payments import (
    AppliedLine,
    LedgerPaymentRow,
    PaymentEntry,
    PaymentMark,
    PaymentRun,
    PaymentTarget,
)
from app.services.batches import approvals, batches
from app.services.payments import one_run, payments
from app.services.payments.one_run import CHUNK, Invoice, Work

#: A ledger may write down a change a little later than the moment that it bears.
OVERLAP = dt.timedelta(minutes=5)
#: What a batch read before this long is no longer good for writing: it may have stood still for days.
STALE = dt.timedelta(minutes=30)
#: Before the version of a payment that only a dry run has read: it is still news to the next run.
LOOKED_AT = "dry:"
#: Notes about money that pays nothing yet; more of them help nobody.
MOST_NOTES = 100


@dataclass
class Findings:
    """What was read. ``touched``: ids of invoices and credit memos whose payments may stand differently now."""

    news: LedgerNews
    known: Mapping[str, LedgerPayment]
    changed: dict[str, LedgerPayment] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)


def read(work: Work) -> None:
    """Read what changed, once per batch. Raises ConnectionFailedError."""
    run = work.run
    with run.database.reading() as session:
        row = session.get_one(PaymentRun, run.batch_id)
        begin = payments.since(session, run.book_id, row.since)
    if row.read_at is not None:
        return
    run.begin(SectionKey.READ)
    news = work.ledger.payments_since(begin - OVERLAP)
    found = _sift(work, news, every=row.since is not None)
    _complete(work, found)
    with run.database.session() as session:
        run.hold_on(session)
        _store(session, work, found)
        run.changed(session)
    run.end(SectionKey.READ)


def is_anything_new(database: Database, ledger: TellsPayments, book_id: int) -> bool:
    """Whether a run would find something: a payment that stands otherwise, an invoice that other payments pay now.

    Writes nothing. Raises ConnectionFailedError.
    """
    with database.reading() as session:
        begin = payments.since(session, book_id, None)
    news = ledger.payments_since(begin - OVERLAP)
    with database.reading() as session:
        known = remembered(session, book_id, [payment.ledger_id for payment in news.payments])
        ours = one_run.documents(session, book_id, set(news.invoices))
        known_links = _linked(session, book_id, ours)
    moved = any(ident not in news.linked or set(news.linked[ident]) != known_links.get(ident, set()) for ident in ours)
    return moved or any(_is_news(known.get(payment.ledger_id), payment) for payment in news.payments)


def _is_news(before: LedgerPayment | None, now: LedgerPayment) -> bool:
    return before is None or before.version.startswith(LOOKED_AT) or not same(before, now)


def begin_anew(work: Work) -> None:
    """A batch that stood still since it read reads again; what it had planned and not begun is forgotten.

    So does one that was approved meanwhile: what it finds now is what must have been approved.
    """
    with work.run.database.session() as session:
        row, batch = session.get_one(PaymentRun, work.run.batch_id), session.get_one(Batch, work.run.batch_id)
        if row.read_at is None or (row.read_at > utcnow() - STALE and batch.approval != "given"):
            return
        if batch.approval == "used":
            batch.approval, work.gated = "given", True
            session.add(batch)
        ready = (col(PaymentEntry.batch_id) == work.run.batch_id, col(PaymentEntry.state) == "ready")
        standing = (col(PaymentEntry.psa_id) != "") | (col(PaymentEntry.verb) == "unpaid")
        stands = case((standing, "done"), else_="gone")
        session.exec(update(PaymentEntry).where(*ready).values(state=stands, verb=""))
        row.read_at = None
        session.add(row)
        session.commit()


def _sift(work: Work, news: LedgerNews, *, every: bool) -> Findings:
    """Which payments are news: those that differ from what we know; ``every``: all of the time that was asked for."""
    with work.run.database.reading() as session:
        found = Findings(news, remembered(session, work.run.book_id, [p.ledger_id for p in news.payments]))
    for payment in news.payments:
        before = found.known.get(payment.ledger_id)
        if every or _is_news(before, payment):
            found.changed[payment.ledger_id] = payment
            found.touched |= _documents(payment) | (_documents(before) if before else set())
    return found


def same(one: LedgerPayment, other: LedgerPayment) -> bool:
    """Whether two readings of a payment say the same about money, whatever its version."""
    return _money(one) == _money(other)


def _money(payment: LedgerPayment) -> tuple[object, ...]:
    return (payment.gone, payment.total, payment.unapplied, payment.date, frozenset(payment.lines))


def _documents(payment: LedgerPayment) -> set[str]:
    return {line.ledger_id for line in payment.lines}


def _complete(work: Work, found: Findings) -> None:
    """All payments of each touched invoice of ours: some may be older than what we know.

    Credit memos are not asked: whatever applies one changes an invoice too.
    """
    with work.run.database.reading() as session:
        named = one_run.documents(session, work.run.book_id, found.touched | set(found.news.invoices))
    ours = {ledger_id: one for ledger_id, one in named.items() if one.kind == DocumentKind.INVOICE}
    if not ours:
        return
    told = {ledger_id: found.news.linked[ledger_id] for ledger_id in ours.keys() & found.news.linked.keys()}
    linked = {**told, **work.ledger.payments_of(sorted(ours.keys() - told.keys()))}
    with work.run.database.reading() as session:
        known = _linked(session, work.run.book_id, ours)
        ids = sorted({ident for idents in linked.values() for ident in idents})
        stored = remembered(session, work.run.book_id, ids)
    strange = set[str]()
    for ledger_id in ours:
        now, before = set(linked.get(ledger_id, ())), known.get(ledger_id, set())
        strange |= (now ^ before) - found.changed.keys()
        if now != before:
            found.touched.add(ledger_id)
    strange |= {ident for ident in ids if ident not in stored and ident not in found.changed}
    for payment in work.ledger.payments(sorted(strange)) if strange else []:
        found.changed[payment.ledger_id] = payment
        found.touched |= _documents(payment)


def _linked(session: Session, book_id: int, ours: Mapping[str, Invoice]) -> dict[str, set[str]]:
    """Document → payments that name it, as far as we know."""
    found: dict[str, set[str]] = {}
    wanted = sorted(ours)
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(AppliedLine.ledger_id, LedgerPaymentRow.ledger_id)
            .join(LedgerPaymentRow, col(LedgerPaymentRow.id) == AppliedLine.payment_id)
            .where(AppliedLine.book_id == book_id, col(LedgerPaymentRow.gone).is_(False))
            .where(col(AppliedLine.ledger_id).in_(wanted[start : start + CHUNK]))
        )
        for document, payment in session.exec(query):
            found.setdefault(document, set()).add(payment)
    return found


# ── what is remembered ───────────────────────────────────────────────────────────────────────────────────────────


def remembered(session: Session, book_id: int, ledger_ids: Iterable[str]) -> dict[str, LedgerPayment]:
    """Those of the payments that we know."""
    wanted, found = list(dict.fromkeys(ledger_ids)), {}
    for start in range(0, len(wanted), CHUNK):
        query = select(LedgerPaymentRow).where(LedgerPaymentRow.book_id == book_id)
        for row in session.exec(query.where(col(LedgerPaymentRow.ledger_id).in_(wanted[start : start + CHUNK]))):
            found[row.ledger_id] = to_payment(row)
    return found


def paying(session: Session, book_id: int, invoices: list[str]) -> list[LedgerPayment]:
    """Every payment that names one of these invoices (at most CHUNK)."""
    naming = select(AppliedLine.payment_id).where(
        AppliedLine.book_id == book_id, col(AppliedLine.ledger_id).in_(invoices)
    )
    query = select(LedgerPaymentRow).where(col(LedgerPaymentRow.id).in_(naming))
    return [to_payment(row) for row in session.exec(query)]


def to_payment(row: LedgerPaymentRow) -> LedgerPayment:
    """The row in domain form."""
    lines = tuple(codec.from_json(Applied, line) for line in row.lines)
    return LedgerPayment(
        row.ledger_id, row.party_id, row.date, row.currency, row.total, row.unapplied, lines, row.reference,
        row.method, row.version, None, row.gone,
    )  # fmt: skip


def _store(session: Session, work: Work, found: Findings) -> None:
    book_id = work.run.book_id
    _remember(session, book_id, found.changed.values(), dry=work.run.mode == "dry")
    targets = _targets(session, work, found)
    session.add_all(targets)
    row = session.get_one(PaymentRun, work.run.batch_id)
    again = row.changed if row.since is None else 0  # what a batch that reads anew has read before is no news to it
    row.read_at, row.until, row.calls = utcnow(), found.news.until, found.news.calls
    row.changed = again + len(found.changed)
    told = {f"payment:{ledger_id}" for ledger_id in found.changed}
    kept = [note for note in row.notes if note.get("subject") not in told]
    row.notes = [*kept, *(to_json(note) for note in _notes(session, work, found))][:MOST_NOTES]
    session.add(row)
    if work.run.mode != "dry":
        _supersede(session, work)
        mark = session.get_one(PaymentMark, book_id)
        mark.until = max(filter(None, (mark.until, found.news.until)))
        session.add(mark)
    work.run.log(session, f"{len(found.changed)} payments changed in QuickBooks; {len(targets)} invoices to look at.")


def _supersede(session: Session, work: Work) -> None:
    """What another batch of the company would have written once it is approved, this one has taken over."""
    mine = (Batch.book_id == work.run.book_id, Batch.kind == payments.KIND, Batch.id != work.run.batch_id)
    for batch in session.exec(select(Batch).where(*mine, approvals.waiting(), col(Batch.ended_at).is_(None))):
        batch.approval, batch.ended_at, batch.rev = "", utcnow(), batch.rev + 1
        session.add(batch)
        batches.log(session, batch.id or 0, "Ended without approval: a later sync has taken over what it found.")


def _remember(session: Session, book_id: int, changed: Iterable[LedgerPayment], *, dry: bool) -> None:
    """In parts, so that what is written is not kept in memory until the last of thousands."""
    payments_ = {payment.ledger_id: payment for payment in changed}
    wanted = sorted(payments_)
    for start in range(0, len(wanted), CHUNK):
        some = {ledger_id: payments_[ledger_id] for ledger_id in wanted[start : start + CHUNK]}
        for written in _remember_some(session, book_id, some, dry=dry):
            session.expunge(written)


def _remember_some(
    session: Session, book_id: int, payments_: Mapping[str, LedgerPayment], *, dry: bool
) -> list[LedgerPaymentRow | AppliedLine]:
    query = select(LedgerPaymentRow).where(LedgerPaymentRow.book_id == book_id)
    rows = {row.ledger_id: row for row in session.exec(query.where(col(LedgerPaymentRow.ledger_id).in_(payments_)))}
    session.exec(delete(AppliedLine).where(col(AppliedLine.payment_id).in_([row.id for row in rows.values()])))
    for ledger_id, payment in payments_.items():
        row = rows.setdefault(ledger_id, LedgerPaymentRow(book_id=book_id, ledger_id=ledger_id, **_values(payment)))
        for name, value in _values(payment).items():
            setattr(row, name, value)
        row.version = f"{LOOKED_AT if dry else ''}{payment.version}"[:40]
    session.add_all(rows.values())
    session.flush()
    lines = [
        AppliedLine(book_id=book_id, payment_id=row.id or 0, ledger_id=document)
        for ledger_id, row in rows.items()
        for document in sorted(_documents(payments_[ledger_id]))
    ]
    session.add_all(lines)
    session.flush()
    return [*rows.values(), *lines]


def _values(payment: LedgerPayment) -> dict[str, Any]:
    names = ("party_id", "date", "currency", "total", "unapplied", "reference", "method", "version", "gone")
    return {**{name: getattr(payment, name) for name in names}, "lines": to_json(payment.lines)}


# ── what is to be looked at ──────────────────────────────────────────────────────────────────────────────────────


def _targets(session: Session, work: Work, found: Findings) -> list[PaymentTarget]:
    """Touched invoices of ours, those that an earlier run left open, and those where something is to be done yet."""
    run = work.run
    waiting = _left_open(session, work)
    ours = one_run.documents(session, run.book_id, None if waiting else found.touched)
    wanted = [one for one in ours.values() if one.ledger_id in found.touched or one.posting_id in waiting]
    own = [one.posting_id for one in wanted]  # of a batch that reads again
    for start in range(0, len(own), CHUNK):
        again = col(PaymentTarget.posting_id).in_(own[start : start + CHUNK])
        session.exec(delete(PaymentTarget).where(col(PaymentTarget.batch_id) == run.batch_id, again))
    return [
        PaymentTarget(
            batch_id=run.batch_id, book_id=run.book_id, posting_id=one.posting_id, record=one.record,
            ledger_id=one.ledger_id, number=one.number, party=one.party, currency=one.currency, cents=one.cents,
        )
        for one in sorted(wanted, key=lambda one: (one.number, one.posting_id))
        if one.kind == DocumentKind.INVOICE
    ]  # fmt: skip


def _left_open(session: Session, work: Work) -> set[int]:
    """Postings of earlier runs' open ends; this run takes them over."""
    run = work.run
    mine = (col(PaymentTarget.book_id) == run.book_id, col(PaymentTarget.state).in_(("open", "planned")))
    found = set(session.exec(select(PaymentTarget.posting_id).where(*mine)))
    session.exec(update(PaymentTarget).where(*mine).values(state="moved"))
    unfinished = col(PaymentEntry.state).in_(("ready", "sending", "in_doubt", "refused"))
    return found | set(
        session.exec(select(PaymentEntry.posting_id).where(PaymentEntry.book_id == run.book_id, unfinished))
    )


def _notes(session: Session, work: Work, found: Findings) -> list[Problem]:
    """Money that pays nothing yet, of payments that changed."""
    loose = [payment for payment in found.changed.values() if payment.unapplied > 0 and not payment.gone]
    if not loose or not work.options.warn:
        return []
    parties = {payment.party_id for payment in loose}
    query = select(ListEntry.ledger_id, ListEntry.name).where(
        ListEntry.book_id == work.run.book_id, ListEntry.kind == "customers"
    )
    names = {ident: name for ident, name in session.exec(query) if ident in parties}
    return [_loose(payment, names.get(payment.party_id, "")) for payment in loose[:MOST_NOTES]]


def _loose(payment: LedgerPayment, party: str) -> Problem:
    who = f" of {party}" if party else ""
    number = f" {payment.reference}" if payment.reference else ""
    day = f"{payment.date:%m/%d/%Y}"
    return Problem(
        "money_unapplied",
        f"{payment.unapplied:,.2f} {payment.currency} of payment{number}{who}, {day}, pays no invoice yet.",
        "Apply it in QuickBooks; the next sync brings it.",
        Severity.WARNING,
        subject=f"payment:{payment.ledger_id}",
    )
