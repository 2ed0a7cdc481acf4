"""Read: what changed in the books, which of our invoices it touches, and what stands on them there now.

Everything that was read is stored in one commit, together with the invoices to look at and the moment from which the
next run goes on: a run that dies before it has read nothing, one that dies after it goes on from the rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, delete, update
from sqlmodel import Session, col, select

from app.connectors.payments import LedgerNews, TellsPayments
from app.database import Database
from app.domain.codec import to_json
from app.domain.documents import DocumentKind
from app.domain.payments import LedgerPayment
from app.domain.problems import Problem, Severity
from app.domain.states import IN_BOOKS, SectionKey
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import ListEntry
from app.models.payments import PaymentEntry, PaymentMark, PaymentRun, PaymentTarget
from app.models.postings import Posting, PostingRecord
from app.services.batches import approvals, batches
from app.services.payments import one_run, payments
from app.services.payments.one_run import CHUNK, Work
from app.services.payments.remembering import documents_of, is_news, naming, paying, remember, remembered, together

#: A document may have become ours by a commit that ended a little later than the moment that it bears.
OVERLAP = dt.timedelta(minutes=5)
#: What a batch read before this long is no longer good for writing: it may have stood still for days.
STALE = dt.timedelta(minutes=30)
#: Notes about money that pays nothing yet; more of them help nobody.
MOST_NOTES = 100
KINDS = (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO)


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
    news = work.ledger.payments_since(begin)
    found = _sift(work, news, every=row.since is not None)
    with run.database.reading() as session:
        late = _newly_ours(session, run.book_id, begin - OVERLAP)
    found.touched |= late.paid
    _complete(work, found, late.unknown)
    with run.database.reading() as session:
        found.touched = together(session, run.book_id, found.touched)
    with run.database.session() as session:
        run.hold_on(session)
        _store(session, work, found)
        run.changed(session)
    run.end(SectionKey.READ)


def is_anything_new(database: Database, ledger: TellsPayments, book_id: int) -> bool:
    """Whether a run would find something: a payment that stands otherwise, an invoice that other payments pay now.

    Where nothing is, the next run begins here: what this look has seen is asked for no more. Raises
    ConnectionFailedError.
    """
    with database.reading() as session:
        begin, known_until = payments.since(session, book_id, None), payments.until(session, book_id)
    news = ledger.payments_since(begin)
    with database.reading() as session:
        known = remembered(session, book_id, [payment.ledger_id for payment in news.payments])
        ours = one_run.documents(session, book_id, set(news.invoices))
        known_links = naming(session, book_id, ours)
        late = _newly_ours(session, book_id, begin - OVERLAP)
    moved = any(ident not in news.linked or set(news.linked[ident]) != known_links.get(ident, set()) for ident in ours)
    if moved or late.paid or any(is_news(known.get(payment.ledger_id), payment) for payment in news.payments):
        return True
    if late.unknown and any(ledger.payments_of(sorted(late.unknown)).values()):
        return True
    if known_until is not None and news.until > known_until:
        with database.session() as session:
            same_ = (col(PaymentMark.book_id) == book_id, col(PaymentMark.until) == known_until)
            session.exec(update(PaymentMark).where(*same_).values(until=news.until))
            session.commit()
    return False


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
        if every or is_news(before, payment):
            found.changed[payment.ledger_id] = payment
            found.touched |= documents_of(payment) | (documents_of(before) if before else set())
    return found


@dataclass(frozen=True, slots=True)
class _Late:
    """Ledger ids: ``paid`` by payments that are remembered; ``unknown``: invoices of which nothing was ever read."""

    paid: set[str]
    unknown: set[str]


def _newly_ours(session: Session, book_id: int, since: dt.datetime) -> _Late:
    """What Crossfoot has learnt only since then that it holds: found after a doubt, adopted, linked by a person.

    What pays such a document may have been read while it was nobody's, or before there was any sync: no change tells of
    it any more. What a sync has looked at since is left out.
    """
    looked_at = (PaymentTarget.posting_id == Posting.id, PaymentTarget.ledger_id == Posting.ledger_id)
    columns: tuple[Any, ...] = (
        Posting.ledger_id, Posting.kind, PostingRecord.record, Posting.attempt, Posting.looked_anyway
    )  # fmt: skip
    query = (
        select(*columns)
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .where(Posting.book_id == book_id, col(Posting.posted_at) >= since, col(Posting.kind).in_(KINDS))
        .where(col(Posting.state).in_(IN_BOOKS), Posting.role == "main", Posting.ledger_id != "")
        .where(~select(PaymentTarget.id).where(*looked_at).exists())
    )
    rows = session.exec(query).all()
    invoices = {
        ledger_id: anyway or not sent for ledger_id, kind, _, sent, anyway in rows if kind == DocumentKind.INVOICE
    }
    memos = {record: ledger_id for ledger_id, kind, record, _, _ in rows if kind == DocumentKind.CREDIT_MEMO}
    if memos:
        applied = select(PaymentEntry.credit).where(PaymentEntry.book_id == book_id, PaymentEntry.credit != "")
        memos = {record: memos[record] for record in memos.keys() - set(session.exec(applied))}
    new, paid = [*invoices, *memos.values()], set[str]()
    for start in range(0, len(new), CHUNK):
        for payment in paying(session, book_id, new[start : start + CHUNK]):
            paid |= set() if payment.gone else documents_of(payment)
    return _Late(paid, {ledger_id for ledger_id, older in invoices.items() if older})


def _complete(work: Work, found: Findings, unknown: Set[str]) -> None:
    """All payments of each touched invoice of ours, and of those of which nothing is known: some may be older.

    Credit memos are not asked: whatever applies one changes an invoice too.
    """
    with work.run.database.reading() as session:
        named = one_run.documents(session, work.run.book_id, found.touched | set(found.news.invoices) | unknown)
    ours = {ledger_id: one for ledger_id, one in named.items() if one.kind == DocumentKind.INVOICE}
    if not ours:
        return
    told = {ledger_id: found.news.linked[ledger_id] for ledger_id in ours.keys() & found.news.linked.keys()}
    linked = {**told, **work.ledger.payments_of(sorted(ours.keys() - told.keys()))}
    with work.run.database.reading() as session:
        known = naming(session, work.run.book_id, ours)
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
        found.touched |= documents_of(payment)


def _store(session: Session, work: Work, found: Findings) -> None:
    book_id = work.run.book_id
    remember(session, book_id, found.changed.values(), dry=work.run.mode == "dry")
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
