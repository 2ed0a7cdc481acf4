"""What a look reads of the PSA: all invoices, the lists of unposted records, agreements; and what has drifted there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, insert, update
from sqlmodel import Session, col, select

from app.connectors.overviews import AgreementInPsa, InvoiceInPsa
from app.domain.drift import Change, What
from app.domain.money import cents
from app.domain.states import STANDING, PostingState, RecordKind
from app.domain.tie_out import days_of
from app.models.columns import utcnow
from app.models.postings import Posting, PostingRecord
from app.models.reconcile import PsaAgreement, PsaInvoice
from app.models.records import UnpostedRow
from app.services.batches.feet import cents_text
from app.services.reconcile import agreements as service
from app.services.reconcile import drift
from app.services.reconcile.drift import Found
from app.services.reconcile.looking import Looking
from app.services.records import records

KINDS = tuple(RecordKind)
CHUNK = 500
#: Agreements whose additions one look reads.
MOST_ADDITIONS = 200
#: A document may be dated otherwise than its record: at the edge of what is read, nothing is concluded.
MARGIN = dt.timedelta(days=45)


# ── invoices ─────────────────────────────────────────────────────────────────────────────────────────────────────


def invoices(looking: Looking) -> bool:
    """One page; True with the last one, when what was not seen is gone."""
    number = int(looking.look.cursor.get("page", 1))
    page = looking.source.invoices(looking.look.first_day, number)
    with looking.writing(calls=1, cursor={"page": number + 1}) as session:
        _put_invoices(session, looking.source_id, page.invoices)
        if not page.more:
            session.exec(
                delete(PsaInvoice).where(
                    col(PsaInvoice.source_id) == looking.source_id, col(PsaInvoice.seen_at) < looking.started
                )
            )
    return not page.more


def _put_invoices(session: Session, source_id: int, found: Sequence[InvoiceInPsa]) -> None:
    new = {invoice.record: _row(invoice) for invoice in found}
    known: dict[str, tuple[int, int]] = {}
    for some in _chunks(list(new)):
        query = select(PsaInvoice.record, PsaInvoice.id, PsaInvoice.cents)
        query = query.where(PsaInvoice.source_id == source_id, col(PsaInvoice.record).in_(some))
        known |= {record: (ident or 0, cents) for record, ident, cents in session.exec(query)}
    changed = [known[record][0] for record, row in new.items() if record in known and known[record][1] != row["cents"]]
    if added := [{"source_id": source_id, **row} for record, row in new.items() if record not in known]:
        session.exec(insert(PsaInvoice), params=added)
    if kept := [{"id": known[record][0], **row} for record, row in new.items() if record in known]:
        session.exec(update(PsaInvoice), params=kept)
    for some_ids in _chunks(changed):  # another amount: its accounts are not known any more
        session.exec(update(PsaInvoice).where(col(PsaInvoice.id).in_(some_ids)).values(accounts=None))


def _row(invoice: InvoiceInPsa) -> dict[str, Any]:
    return {
        "record": invoice.record, "number": invoice.number, "psa_type": invoice.psa_type,
        "party_id": invoice.party_id, "party": invoice.party, "date": invoice.date, "currency": invoice.currency,
        "cents": int(invoice.total * 100), "tax_cents": int(invoice.tax * 100), "open_cents": int(invoice.open * 100),
        "tax_code": invoice.tax_code, "status": invoice.status, "closed": invoice.closed, "batch": invoice.batch,
        "agreement_id": invoice.agreement_id, "seen_at": utcnow(),
    }  # fmt: skip


def unposted(looking: Looking) -> bool:
    """One kind's list of unposted records; True after the last."""
    place = int(looking.look.cursor.get("kind", 0))
    fresh = looking.source.unposted(KINDS[place])
    with looking.writing(calls=1, cursor={"kind": place + 1}):
        pass
    with looking.database.session() as session:  # a list of its own, read by every page; its commit is its own
        records.store(session, looking.source_id, KINDS[place], fresh)
    return place + 1 == len(KINDS)


def agreements(looking: Looking) -> bool:
    """All of them, in place of those of before; then the additions of those without an invoice last month."""
    if "after" in looking.look.cursor:
        return _additions(looking)
    found = looking.source.agreements()
    rows = {agreement.agreement: _agreement(agreement) for agreement in found}
    with looking.writing(calls=1, cursor={"after": 0, "read": 0}) as session:
        session.exec(delete(PsaAgreement).where(col(PsaAgreement.source_id) == looking.source_id))
        if rows:
            session.exec(insert(PsaAgreement), params=[{"source_id": looking.source_id, **r} for r in rows.values()])
    return not rows


def _additions(looking: Looking) -> bool:
    """Of one agreement: added to what it bills. True after the last, or after as many as a look may ask for."""
    month = service.with_additions(looking.started)
    after, read = int(looking.look.cursor["after"]), int(looking.look.cursor["read"])
    with looking.database.reading() as session:
        left = [row for row in service.without(session, looking.source_id, month) if (row.id or 0) > after]
    if not left or read == MOST_ADDITIONS:
        return True
    row = min(left, key=lambda one: one.id or 0)
    added = int(looking.source.additions(row.agreement, *days_of(month)) * 100)
    with looking.writing(calls=1, cursor={"after": row.id, "read": read + 1}) as session:
        own = update(PsaAgreement).where(col(PsaAgreement.id) == row.id)
        session.exec(own.values(cents=col(PsaAgreement.cents) + added))
    return False


def _agreement(agreement: AgreementInPsa) -> dict[str, Any]:
    row = {field.name: getattr(agreement, field.name) for field in fields(agreement) if field.name != "amount"}
    return {**row, "cents": int(agreement.amount * 100), "seen_at": utcnow()}


# ── accounts, of what Crossfoot has read itself ──────────────────────────────────────────────────────────────────


def accounts(looking: Looking) -> bool:
    """Fill in the accounts of invoices that Crossfoot has a document of; True after the last. No call."""
    after = int(looking.look.cursor.get("after", 0))
    with looking.database.reading() as session:
        query = select(PsaInvoice.id, PsaInvoice.record)
        query = query.where(PsaInvoice.source_id == looking.source_id, col(PsaInvoice.id) > after)
        query = query.where(col(PsaInvoice.accounts).is_(None)).order_by(col(PsaInvoice.id)).limit(CHUNK)
        wanted = {record: ident or 0 for ident, record in session.exec(query)}
        found = _documents(session, looking.source_id, list(wanted))
    if not wanted:
        return True
    rows = [{"id": wanted[record], "accounts": spread(document)} for record, document in found.items()]
    with looking.writing(cursor={"after": max(wanted.values())}) as session:
        if rows:
            session.exec(update(PsaInvoice), params=rows)
    return len(wanted) < CHUNK


def _documents(session: Session, source_id: int, wanted: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The newest document of each record: of its posting, else of the look ahead."""
    mine = (col(UnpostedRow.record).in_(wanted), UnpostedRow.kind == RecordKind.INVOICES)
    ahead = select(UnpostedRow.record, UnpostedRow.document).where(UnpostedRow.source_id == source_id, *mine)
    found: dict[str, Any] = {record: document for record, document in session.exec(ahead) if document}
    query = (
        select(PostingRecord.record, Posting.document)
        .join(Posting, col(Posting.id) == PostingRecord.posting_id)
        .where(PostingRecord.source_id == source_id, PostingRecord.kind == RecordKind.INVOICES)
        .where(col(PostingRecord.record).in_(wanted), Posting.role == "main", col(Posting.document).is_not(None))
        .order_by(col(Posting.id))
    )
    return found | {record: document for record, document in session.exec(query) if document}


def spread(document: Mapping[str, Any]) -> dict[str, int]:
    """What a stored document's lines come to by account, in hundredths as the customer owes them."""
    sign = -1 if document.get("kind") == "credit_memo" else 1
    found: dict[str, int] = {}
    for line in document.get("lines", ()):
        amount = _hundredths(line["amount"]["amount"]) * sign
        found[line.get("account", "")] = found.get(line.get("account", ""), 0) + amount
    return found


def _hundredths(text: str) -> int:
    return int(cents(Decimal(text)) * 100)


# ── what has drifted ─────────────────────────────────────────────────────────────────────────────────────────────


def judge(looking: Looking) -> bool:
    """Compare a chunk of postings with what the PSA shows now; True after the last. No call."""
    after = int(looking.look.cursor.get("after", 0))
    with looking.database.reading() as session:
        postings = _posted(session, looking.look.book_id, looking.look.first_day, after)
        chunk = [(posting, record) for posting, record, _ in postings]
        seen = _seen(session, looking.source_id, [record for _, record in chunk])
        listed = _listed(session, looking.source_id)
        tells_batches = _tells_batches(session, looking.source_id)
    if not postings:
        with looking.writing(drifted=_open(looking)) as session:
            drift.forget(session, looking.look.book_id)
        return True
    found = [
        one
        for posting, record, kind in postings
        if (
            one := _judged(
                posting, record, kind, seen, listed, tells_batches=tells_batches, sure=looking.look.first_day + MARGIN
            )
        )
    ]
    with looking.writing(cursor={"after": postings[-1][0].id}) as session:
        drift.note(session, looking.look.book_id, drift.PSA, [posting.id or 0 for posting, _ in chunk], found)
    return False


def _open(looking: Looking) -> int:
    with looking.database.reading() as session:
        return drift.counts(session, looking.look.book_id).get("open", 0)


def _posted(session: Session, book_id: int, first: Any, after: int) -> list[tuple[Any, str, str]]:
    """Postings of which the PSA keeps a record: (row of columns, record, kind)."""
    columns = (Posting.id, Posting.state, Posting.cents, Posting.date, Posting.psa_batch, Posting.closing)
    query = (
        select(*columns, func.min(PostingRecord.record), func.min(PostingRecord.kind))  # type: ignore[call-overload]  # they end at four
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .where(Posting.book_id == book_id, Posting.role == "main", col(Posting.id) > after, Posting.date >= first)
        .where(col(Posting.state).in_(STANDING))
        .group_by(*columns)
        .order_by(col(Posting.id))
        .limit(CHUNK)
    )
    return [(row, row[6], row[7]) for row in session.exec(query)]


def _seen(session: Session, source_id: int, wanted: Sequence[str]) -> dict[str, Any]:
    columns = (PsaInvoice.record, PsaInvoice.closed, PsaInvoice.status, PsaInvoice.batch, PsaInvoice.cents,
               PsaInvoice.date)  # fmt: skip
    query = select(*columns).where(  # type: ignore[call-overload]  # as above
        PsaInvoice.source_id == source_id, col(PsaInvoice.record).in_(wanted)
    )
    return {row[0]: row for row in session.exec(query)}


def _listed(session: Session, source_id: int) -> set[tuple[str, str]]:
    query = select(UnpostedRow.kind, UnpostedRow.record).where(UnpostedRow.source_id == source_id)
    return {(kind, record) for kind, record in session.exec(query)}


def _tells_batches(session: Session, source_id: int) -> bool:
    """Whether this PSA says of any invoice which batch it is in."""
    query = select(PsaInvoice.id).where(PsaInvoice.source_id == source_id, PsaInvoice.batch != "").limit(1)
    return session.exec(query).first() is not None


def _judged(
    posting: Any,
    record: str,
    kind: str,
    seen: Mapping[str, Any],
    listed: set[tuple[str, str]],
    *,
    tells_batches: bool,
    sure: dt.date,
) -> Found | None:
    """``sure``: from this date on, what is not among the seen invoices is not in the PSA."""
    closed = posting.state == PostingState.CLOSED and posting.closing == "done"
    if closed and (kind, record) in listed:
        return Found(posting.id, What.UNBATCHED, (Change("batch", posting.psa_batch, ""),))
    if kind != RecordKind.INVOICES:
        return None  # of expenses and inventory, the PSA's lists say no more
    row = seen.get(record)
    if row is None:
        return Found(posting.id, What.GONE) if seen and posting.date >= sure else None
    if not row.closed:
        return Found(posting.id, What.REOPENED, (Change("status", "closed", row.status),))
    if closed and tells_batches and row.batch != posting.psa_batch:
        what = What.OTHER_BATCH if row.batch else What.UNBATCHED
        return Found(posting.id, what, (Change("batch", posting.psa_batch, row.batch),))
    if row.cents != posting.cents:
        return Found(posting.id, What.CHANGED, (Change("total", cents_text(posting.cents), cents_text(row.cents)),))
    return None


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


Step = Callable[[Looking], bool]
STAGES = ("psa", "lists", "agreements")
LAST = ("accounts", "judge")
STEPS: Mapping[str, Step] = {
    "psa": invoices, "lists": unposted, "agreements": agreements, "accounts": accounts, "judge": judge,
}  # fmt: skip
