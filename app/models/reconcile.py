"""Reconcile: looks at both systems, what they saw, and where the books or the PSA have drifted from what was posted."""

import datetime as dt
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.models.columns import Cents, Json, Label, Moment, new_dict, new_list, utcnow

UNFINISHED: dict[str, Any] = {"sqlite_where": text("ended_at IS NULL"), "postgresql_where": text("ended_at IS NULL")}


class DriftLook(SQLModel, table=True):
    """One look at what both systems hold for a Book. It writes to neither.

    One unfinished look per Book: the partial unique index says so. Each step is one call to a vendor and one commit,
    with the place reached in ``stage`` and ``cursor``: a look whose worker died goes on there.

    Attributes:
        whole: every document since ``first_day`` is read; else only what changed since ``since``.
        until: the next look asks for changes since this moment (aware); None while it is not known.
        documents: how many of our documents were compared; ``drifted`` how many differ, of them.
        calls: to both vendors, without repetitions.
        problem: why it ended without an answer, or why it waits.
    """

    __tablename__ = "drift_looks"
    __table_args__ = (
        Index("ux_one_drift_look", "book_id", unique=True, **UNFINISHED),
        Index("ix_drift_looks_book", "book_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    by: str = Field(default="", max_length=320)
    asked_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    started_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    whole: bool = True
    first_day: dt.date
    since: dt.datetime | None = Field(default=None, sa_type=Moment)
    until: dt.datetime | None = Field(default=None, sa_type=Moment)
    stage: str = Field(default="psa", max_length=12)
    cursor: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    calls: int = 0
    documents: int = 0
    drifted: int = 0
    lease_owner: str = Field(default="", max_length=40)
    lease_until: dt.datetime | None = Field(default=None, sa_type=Moment)
    wake_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    tries: int = 0
    problem: dict[str, Any] | None = Field(default=None, sa_type=Json)


class PsaInvoice(SQLModel, table=True):
    """An invoice or credit memo as the PSA showed it last. Amounts in hundredths, as the customer owes them.

    ``accounts`` is what its lines come to by the PSA's GL account string, from the document that Crossfoot has of it;
    None where it has none: ConnectWise tells a list of invoices no accounts.
    """

    __tablename__ = "psa_invoices"
    __table_args__ = (UniqueConstraint("source_id", "record"), Index("ix_psa_invoices_date", "source_id", "date"))

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="sources.id")
    record: str = Field(max_length=60)
    number: str = Field(default="", sa_type=Label(60))
    psa_type: str = Field(default="", sa_type=Label(30))
    party_id: str = Field(default="", max_length=60)
    party: str = Field(default="", sa_type=Label(600))
    date: dt.date
    currency: str = Field(max_length=3)
    cents: int = Field(default=0, sa_type=Cents)
    tax_cents: int = Field(default=0, sa_type=Cents)
    open_cents: int = Field(default=0, sa_type=Cents)
    tax_code: str = Field(default="", sa_type=Label(120))
    status: str = Field(default="", sa_type=Label(60))
    closed: bool = False
    batch: str = Field(default="", sa_type=Label(120))
    agreement_id: str = Field(default="", max_length=60)
    accounts: dict[str, Any] | None = Field(default=None, sa_type=Json)
    seen_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)


class LedgerDocument(SQLModel, table=True):
    """A document of the receivables as the books showed it last, whoever made it. Voided ones stay, with nothing.

    ``kind`` is a DocumentKind, or ``payment`` for money that pays nothing yet (then only ``open_cents`` counts, below
    zero). ``accounts`` is what its lines come to by the ledger's account id; None where that is not told.
    """

    __tablename__ = "ledger_documents"
    __table_args__ = (
        UniqueConstraint("book_id", "kind", "ledger_id"),
        Index("ix_ledger_documents_date", "book_id", "date"),
    )

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    kind: str = Field(max_length=20)
    ledger_id: str = Field(max_length=60)
    number: str = Field(default="", sa_type=Label(60))
    mark: str = Field(default="", max_length=60)
    party_id: str = Field(default="", max_length=60)
    party: str = Field(default="", sa_type=Label(600))
    date: dt.date
    due_date: dt.date | None = None
    currency: str = Field(max_length=3)
    cents: int = Field(default=0, sa_type=Cents)
    tax_cents: int = Field(default=0, sa_type=Cents)
    open_cents: int = Field(default=0, sa_type=Cents)
    voided: bool = False
    accounts: dict[str, Any] | None = Field(default=None, sa_type=Json)
    seen_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)


class Drift(SQLModel, table=True):
    """Where one of our documents is no longer as it was posted; gone once both agree again.

    Attributes:
        side: ``books`` or ``psa``.
        what: ``edited``, ``voided``, ``deleted``; ``reopened``, ``unbatched``, ``other_batch``, ``changed``,
            ``deleted`` in the PSA.
        signature: hash of what differs: an ``ignored`` or ``kept`` row is ``open`` again once it differs otherwise.
        changes: ``[{"field", "before", "now"}]``.
        receipt: what the books hold now, to be kept as the new receipt.
    """

    __tablename__ = "drifts"
    __table_args__ = (UniqueConstraint("posting_id", "side"), Index("ix_drifts_book", "book_id", "state", "id"))

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    posting_id: int = Field(foreign_key="postings.id")
    side: str = Field(max_length=6)
    what: str = Field(max_length=12)
    state: str = Field(default="open", max_length=8)
    signature: str = Field(max_length=64)
    changes: list[Any] = Field(default_factory=new_list, sa_type=Json)
    receipt: dict[str, Any] | None = Field(default=None, sa_type=Json)
    found_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    by: str = Field(default="", max_length=320)
    at: dt.datetime | None = Field(default=None, sa_type=Moment)


class PsaAgreement(SQLModel, table=True):
    """A recurring agreement as the PSA showed it last. ``cents`` is its bill amount, without additions."""

    __tablename__ = "psa_agreements"
    __table_args__ = (UniqueConstraint("source_id", "agreement"),)

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="sources.id")
    agreement: str = Field(max_length=60)
    name: str = Field(default="", sa_type=Label(200))
    party_id: str = Field(default="", max_length=60)
    party: str = Field(default="", sa_type=Label(600))
    currency: str = Field(max_length=3)
    cents: int = Field(default=0, sa_type=Cents)
    cycle: str = Field(default="", sa_type=Label(60))
    starts: dt.date | None = None
    ends: dt.date | None = None
    cancelled: bool = False
    seen_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
