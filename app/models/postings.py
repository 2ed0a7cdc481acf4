"""Postings: one document on its way into one Book. With them their records, problems and calls."""

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.models.columns import Cents, DecimalText, Json, Label, Moment, new_dict, new_list, utcnow

#: What the live page sums up every two seconds: an index answers it without the documents beside.
FACTS = ("role", "currency", "kind", "cents", "ledger_cents", "checked", "proved")
UNREAD: dict[str, Any] = {"sqlite_where": text("document IS NULL"), "postgresql_where": text("document IS NULL")}
#: What waits for a person: every page counts it.
OPEN: dict[str, Any] = {
    "sqlite_where": text("severity IN ('error', 'doubt')"),
    "postgresql_where": text("severity IN ('error', 'doubt')"),
}


class Posting(SQLModel, table=True):
    """The unit of exactly-once.

    Attributes:
        role: ``main``, or ``cogs`` for the entry of an invoice's cost, which stands ``beside`` another posting: sent
            after it, closed with it, and no part of its batch's totals.
        generation: rises after refused, undone, rerun, "post anyway" and resend; part of mark and request id.
        document: domain Document as JSON, from Read on; ``gl_ids`` close it in the PSA; ``snapshot`` is the PSA's form.
        redated: a person's date for it, in the place of the PSA's, which lies in a closed period.
        total: signed as the customer owes it; ``cents`` the same in hundredths, for exact sums in SQL.
        checked: Check has looked at this generation.
        looked_anyway: a person said "post anyway": only this generation's own mark counts from now on.
        needs_person: in doubt, and only a person can say what it is.
        send_at: while ready: not before, because the ledger said "not now".
        ledger_*: what the books hold; ``receipt`` the ledger's own form, for proof.
        psa_batch: identifier of our accounting batch, committed before it is sent; ``psa_batch_id`` read back after.
        closing: ``""``, ``intended``, ``in_doubt``, ``done``; beside the state posted.
        keep: a person accepted a difference ("keep and close").
        undo_step: while undoing, what is under way: ``""``, ``ledger``, ``psa``; committed before its call is sent.
        proved: Prove found exactly one document, equal, and its records closed.
    """

    __tablename__ = "postings"
    __table_args__ = (
        Index("ix_postings_facts", "batch_id", "state", *FACTS),
        Index("ix_postings_unread", "batch_id", **UNREAD),
        Index("ix_postings_batch_number", "batch_id", "number", "id"),
        Index("ix_postings_beside", "beside"),
        Index("ix_postings_flight", "book_id", "state", "party_key"),
    )

    id: int | None = Field(default=None, primary_key=True)
    batch_id: int = Field(foreign_key="batches.id", index=True)
    book_id: int = Field(foreign_key="books.id")
    role: str = Field(default="main", max_length=10)
    beside: int | None = None
    kind: str = Field(default="invoice", max_length=20)
    psa_type: str = Field(default="", sa_type=Label(30))
    state: str = Field(default="ready", max_length=12)
    generation: int = 1
    number: str = Field(default="", sa_type=Label(60))
    party: str = Field(default="", sa_type=Label(600))
    party_key: str = Field(default="", max_length=80)
    date: dt.date
    redated: dt.date | None = None
    currency: str = Field(max_length=3)
    total: Decimal = Field(sa_type=DecimalText)
    cents: int = Field(default=0, sa_type=Cents)
    document: dict[str, Any] | None = Field(default=None, sa_type=Json)
    gl_ids: list[Any] = Field(default_factory=new_list, sa_type=Json)
    snapshot: dict[str, Any] | None = Field(default=None, sa_type=Json)
    checked: bool = False
    looked_anyway: bool = False
    attempt: int = 0
    needs_person: bool = False
    send_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    ledger_id: str = Field(default="", max_length=60)
    ledger_number: str = Field(default="", sa_type=Label(60))
    ledger_cents: int | None = Field(default=None, sa_type=Cents)
    receipt: dict[str, Any] | None = Field(default=None, sa_type=Json)
    posted_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    psa_batch: str = Field(default="", max_length=50)
    psa_batch_id: str = Field(default="", max_length=60)
    closing: str = Field(default="", max_length=10)
    close_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    closed_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    keep: bool = False
    undo_step: str = Field(default="", max_length=10)
    undo_by: str = Field(default="", max_length=320)
    undo_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    proved: bool = False
    rev: int = 0


class PostingRecord(SQLModel, table=True):
    """Which PSA records a posting stands for, each with the fingerprint that the person saw.

    A record is live in one posting per role over all Books: the partial unique index says so. ``date_closed`` is when
    the PSA closed it, as its list said it; empty where it didn't.
    """

    __tablename__ = "posting_records"
    __table_args__ = (
        Index(
            "ux_one_live_posting",
            "source_id",
            "kind",
            "record",
            "role",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
        Index("ix_posting_records_record", "source_id", "kind", "record"),
    )

    id: int | None = Field(default=None, primary_key=True)
    posting_id: int = Field(foreign_key="postings.id", index=True)
    source_id: int = Field(foreign_key="sources.id")
    kind: str = Field(max_length=20)
    record: str = Field(max_length=60)
    role: str = Field(default="main", max_length=10)
    fingerprint: str = Field(max_length=64)
    date_closed: str = Field(default="", max_length=40)
    live: bool = True


class PostingProblem(SQLModel, table=True):
    """A Problem that stands beside a posting; deleted when it no longer holds (the log keeps what was)."""

    __tablename__ = "problems"
    __table_args__ = (
        Index("ix_problems_batch_code", "batch_id", "code", "subject"),
        Index("ix_problems_open", "posting_id", "batch_id", **OPEN),
    )

    id: int | None = Field(default=None, primary_key=True)
    posting_id: int = Field(foreign_key="postings.id", index=True)
    batch_id: int = Field(foreign_key="batches.id")
    code: str = Field(max_length=60)
    severity: str = Field(max_length=10)
    section: str = Field(default="", max_length=12)
    blocks_close: bool = False
    message: str
    remedy: str = ""
    field: str = Field(default="", max_length=60)
    subject: str = Field(default="", max_length=220)
    technical: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)


class Call(SQLModel, table=True):
    """One request to a ledger as it went out. What may be repeated is a call, never a posting.

    ``state``: ``open`` (committed, perhaps on the wire), ``paused`` (provably not executed, may go again at
    ``due_at``), ``answered``, ``in_doubt`` (next look at ``due_at``), ``void`` (provably never executed, given up).

    ``ended_by`` is the moment from which it cannot be running at the vendor any more; ``absent`` counts the looks
    after that moment that found none of its members.
    """

    __tablename__ = "calls"
    __table_args__ = (Index("ix_calls_batch_state", "batch_id", "state"),)

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    batch_id: int = Field(foreign_key="batches.id")
    request_id: str = Field(max_length=36, unique=True)
    target: str = Field(max_length=60)
    body: str
    item_ids: list[Any] = Field(default_factory=new_list, sa_type=Json)
    kinds: list[Any] = Field(default_factory=new_list, sa_type=Json)
    state: str = Field(default="open", max_length=10)
    sends: int = 1
    sent_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    ended_by: dt.datetime | None = Field(default=None, sa_type=Moment)
    due_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    looks: int = 0
    absent: int = 0
    technical: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)


class CallMember(SQLModel, table=True):
    """One posting in a call, at its place, with the generation that was sent."""

    __tablename__ = "call_members"

    id: int | None = Field(default=None, primary_key=True)
    call_id: int = Field(foreign_key="calls.id", index=True)
    posting_id: int = Field(foreign_key="postings.id", index=True)
    place: int
    generation: int
    outcome: str = Field(default="", max_length=10)


class Creation(SQLModel, table=True):
    """The intent to create a customer, item or term in a Book: one per (Book, kind, source id), one creator at a time.

    ``state``: ``wanted``, ``sending``, ``in_doubt``, ``done``, ``refused``.
    """

    __tablename__ = "creations"
    __table_args__ = (UniqueConstraint("book_id", "kind", "source_id"), Index("ix_creations_batch", "batch_id", "kind"))

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    batch_id: int = Field(foreign_key="batches.id")
    kind: str = Field(max_length=20)
    source_id: str = Field(max_length=200)
    name: str = Field(sa_type=Label(600))
    draft: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    body: str = ""
    request_id: str = Field(default="", max_length=36)
    generation: int = 1
    state: str = Field(default="wanted", max_length=10)
    ledger_id: str = Field(default="", max_length=60)
    problem: dict[str, Any] | None = Field(default=None, sa_type=Json)
    sent_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    look_at: dt.datetime | None = Field(default=None, sa_type=Moment)


class Heartbeat(SQLModel, table=True):
    """When a long-running process was last seen alive."""

    __tablename__ = "heartbeats"

    name: str = Field(primary_key=True, max_length=60)
    at: dt.datetime = Field(sa_type=Moment)
