"""One run of a batch of payments: what every stage of it is given."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from app.connectors.payments import PaymentOutcome, TakesPayments, TellsPayments
from app.domain.codec import to_json
from app.domain.documents import DocumentKind
from app.domain.payment_plan import Key, Known, What
from app.domain.payment_settings import Options
from app.domain.problems import WORST_FIRST, Problem
from app.domain.states import IN_BOOKS
from app.models.payments import PaymentEntry, PaymentTarget
from app.models.postings import Posting, PostingRecord
from app.services.posting.run import Run

#: Ids in one IN list.
CHUNK = 500


@dataclass
class Work:
    """The run, both sides, and what the settings want.

    ``answers``: outcomes that came and are not written down yet, each with the moment of its intent. ``flying``:
    records with a call under way, by entry. ``turns_over``: turns of writing that have nothing left. ``gated``: another
    person has not approved yet, so nothing new is written.
    """

    run: Run
    ledger: TellsPayments
    psa: TakesPayments
    options: Options
    gated: bool = False
    answers: list[tuple[int, dt.datetime, PaymentOutcome]] = field(default_factory=list)
    flying: dict[int, set[str]] = field(default_factory=dict)
    turns_over: int = 0


@dataclass(frozen=True, slots=True)
class Invoice:
    """One of our documents in the books, and its record in the PSA. ``owed``: its total there, where it is another."""

    posting_id: int
    record: str
    ledger_id: str
    kind: str
    number: str
    party: str
    currency: str
    cents: int
    date: dt.date
    owed: int | None


def documents(session: Session, book_id: int, ledger_ids: set[str] | None = None) -> dict[str, Invoice]:
    """Ours that are in the books, by the ledger's id: invoices and credit memos; of all, or of some."""
    query = (
        select(
            Posting.id, PostingRecord.record, Posting.ledger_id, Posting.kind, Posting.number, Posting.party,
            Posting.currency, Posting.cents, Posting.date, Posting.ledger_cents,
        )  # type: ignore[call-overload]  # its overloads end at four columns
        .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
        .where(Posting.book_id == book_id, col(Posting.state).in_(IN_BOOKS), Posting.role == "main")
        .where(col(Posting.kind).in_((DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO)), Posting.ledger_id != "")
        .where(PostingRecord.kind == "invoices")
    )  # fmt: skip
    if ledger_ids is None or len(ledger_ids) > 4 * CHUNK:
        rows = session.exec(query).all()
    else:
        wanted = sorted(ledger_ids)
        parts = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
        rows = [row for part in parts for row in session.exec(query.where(col(Posting.ledger_id).in_(part)))]
    found = {row[2]: Invoice(*row) for row in rows}
    return found if ledger_ids is None else {key: one for key, one in found.items() if key in ledger_ids}


def entries(session: Session, book_id: int, records: list[str]) -> dict[str, list[PaymentEntry]]:
    """Everything remembered of these invoices, by record."""
    found: dict[str, list[PaymentEntry]] = {}
    for start in range(0, len(records), CHUNK):
        part = records[start : start + CHUNK]
        query = select(PaymentEntry).where(PaymentEntry.book_id == book_id, col(PaymentEntry.record).in_(part))
        for row in session.exec(query.order_by(col(PaymentEntry.id))):
            found.setdefault(row.record, []).append(row)
    return found


def key_of(row: PaymentEntry) -> Key:
    """Which entry a row is."""
    return Key(What(row.what), row.payment, row.credit)


def known(rows: list[PaymentEntry]) -> list[Known]:
    """What planning must know of an invoice's rows; those that never stood, or stand no more, are left out."""
    return [
        Known(key_of(row), row.psa_id, frozenset(row.parts), row.by_hand, busy=row.state in ("sending", "in_doubt"))
        for row in rows
        if row.what != "paid" and row.state != "gone" and (row.psa_id or row.state in ("sending", "in_doubt"))
    ]


def say(target: PaymentTarget, *problems: Problem) -> None:
    """Put problems beside an invoice of the run, in the place of those that stood there."""
    target.problems = [to_json(problem) for problem in problems]
    target.severity = min((problem.severity for problem in problems), key=WORST_FIRST.index, default="")
