"""Payments: what the books told of them, what stands of it in the PSA, and the runs that bring both together."""

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.columns import Cents, DecimalText, Json, Label, Moment, new_list, utcnow


class PaymentMark(SQLModel, table=True):
    """How far the payments of a Book were read, and whose turn it is.

    Attributes:
        until: everything that changed before this moment is known; None before the first run.
        batch_id: the batch that is at work on the Book's payments; others queue behind it.
        rung_at: when the ledger last told that something changed (a webhook).
    """

    __tablename__ = "payment_marks"

    book_id: int = Field(foreign_key="books.id", primary_key=True)
    until: dt.datetime | None = Field(default=None, sa_type=Moment)
    batch_id: int | None = Field(default=None, foreign_key="batches.id")
    rung_at: dt.datetime | None = Field(default=None, sa_type=Moment)


class LedgerPaymentRow(SQLModel, table=True):
    """A payment as the books told it last (domain.payments.LedgerPayment)."""

    __tablename__ = "ledger_payments"
    __table_args__ = (UniqueConstraint("book_id", "ledger_id"),)

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    ledger_id: str = Field(max_length=60)
    party_id: str = Field(default="", max_length=60)
    date: dt.date
    currency: str = Field(max_length=3)
    total: Decimal = Field(sa_type=DecimalText)
    unapplied: Decimal = Field(sa_type=DecimalText)
    reference: str = Field(default="", sa_type=Label(200))
    method: str = Field(default="", sa_type=Label(200))
    version: str = Field(default="", max_length=40)
    gone: bool = False
    lines: list[Any] = Field(default_factory=new_list, sa_type=Json)


class AppliedLine(SQLModel, table=True):
    """Which invoices and credit memos a payment names: to find the payments of one."""

    __tablename__ = "ledger_payment_lines"
    __table_args__ = (Index("ix_ledger_payment_lines_document", "book_id", "ledger_id"),)

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    payment_id: int = Field(foreign_key="ledger_payments.id", index=True)
    ledger_id: str = Field(max_length=60)


class PaymentRun(SQLModel, table=True):
    """What a batch of payments was asked, and how far its reading came.

    Attributes:
        since: what changed before this moment is not looked at; None: since the last run.
        until: where the next run goes on, once this one has ended.
        changed: payments that had changed.
        notes: Problems of no invoice: money that pays nothing yet.
        written: what became of its writes, once it has ended (payment_tally).
    """

    __tablename__ = "payment_runs"

    batch_id: int = Field(foreign_key="batches.id", primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    since: dt.datetime | None = Field(default=None, sa_type=Moment)
    until: dt.datetime | None = Field(default=None, sa_type=Moment)
    read_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    calls: int = 0
    changed: int = 0
    notes: list[Any] = Field(default_factory=new_list, sa_type=Json)
    written: dict[str, Any] | None = Field(default=None, sa_type=Json)


class PaymentTarget(SQLModel, table=True):
    """One invoice that a run looks at: what stood on it, what the books say, what is done, what stood afterwards.

    Attributes:
        state: ``open`` (to be planned), ``planned``, ``proved``, or ``moved`` (a later run has taken it over).
        steps: what is done, in words for the page: ``[{"verb", "what", "amount", "was"}]``.
        problems: Problems beside it; ``severity`` is that of the worst.
    """

    __tablename__ = "payment_targets"
    __table_args__ = (
        UniqueConstraint("batch_id", "posting_id"),
        Index("ix_payment_targets_state", "book_id", "state"),
        Index("ix_payment_targets_number", "batch_id", "number", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    batch_id: int = Field(foreign_key="batches.id")
    book_id: int = Field(foreign_key="books.id")
    posting_id: int = Field(foreign_key="postings.id", index=True)
    record: str = Field(max_length=60)
    ledger_id: str = Field(max_length=60)
    number: str = Field(default="", sa_type=Label(60))
    party: str = Field(default="", sa_type=Label(600))
    currency: str = Field(max_length=3)
    cents: int = Field(default=0, sa_type=Cents)
    state: str = Field(default="open", max_length=10)
    before_cents: int | None = Field(default=None, sa_type=Cents)
    books_cents: int | None = Field(default=None, sa_type=Cents)
    planned_cents: int | None = Field(default=None, sa_type=Cents)
    after_cents: int | None = Field(default=None, sa_type=Cents)
    steps: list[Any] = Field(default_factory=new_list, sa_type=Json)
    problems: list[Any] = Field(default_factory=new_list, sa_type=Json)
    severity: str = Field(default="", max_length=10)
    rev: int = 0


class PaymentEntry(SQLModel, table=True):
    """One payment, or one applied credit memo, on one of the PSA's invoices: the intent, and what stands of it.

    One row per invoice, ledger payment and credit memo, so that no allocation can be written twice.

    Attributes:
        what: ``money``, ``credit``, or ``paid`` for the invoice's own status and paid date.
        payment: the ledger's id; empty for one entry that stands for all payments of the invoice.
        credit: the PSA's id of the credit memo.
        parts: ids of the payments in it.
        state: ``ready``, ``sending`` (committed before the first byte), ``in_doubt``, ``refused``, ``done``, ``gone``
            (taken away, or never came to be).
        verb: what is (to be) done: ``add``, ``change``, ``remove``, ``paid``; ``back``: it lowers what stands.
        amount, date: what it is to be; ``was`` what stood before.
        by_hand: a person entered it; it counts for this payment and is never touched.
        psa_id: the PSA's id of it; ``seen``: what stood on the invoice before an addition.
        ended_by: from when on the call cannot be running any more; ``absent`` counts later looks that found nothing.
    """

    __tablename__ = "payment_entries"
    __table_args__ = (
        UniqueConstraint("book_id", "record", "what", "payment", "credit"),
        Index("ix_payment_entries_batch", "batch_id", "state"),
        Index("ix_payment_entries_state", "book_id", "state"),
    )

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    batch_id: int = Field(foreign_key="batches.id")
    posting_id: int = Field(foreign_key="postings.id", index=True)
    record: str = Field(max_length=60)
    what: str = Field(max_length=10)
    payment: str = Field(default="", max_length=60)
    credit: str = Field(default="", max_length=60)
    parts: list[Any] = Field(default_factory=new_list, sa_type=Json)
    by_hand: bool = False
    state: str = Field(default="ready", max_length=10)
    verb: str = Field(default="add", max_length=10)
    back: bool = False
    amount: Decimal = Field(sa_type=DecimalText)
    date: dt.date | None = None
    was: Decimal | None = Field(default=None, sa_type=DecimalText)
    status: str = Field(default="", max_length=60)
    generation: int = 1
    reference: str = Field(default="", max_length=60)
    psa_id: str = Field(default="", max_length=60)
    seen: list[Any] = Field(default_factory=new_list, sa_type=Json)
    sends: int = 0
    sent_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    ended_by: dt.datetime | None = Field(default=None, sa_type=Moment)
    look_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    absent: int = 0
    problem: dict[str, Any] | None = Field(default=None, sa_type=Json)
    at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
