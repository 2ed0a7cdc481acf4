"""The PSA's list of unposted transactions as last read, and what people selected of it."""

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.columns import Cents, DecimalText, Json, Label, Moment, new_dict, new_list, utcnow

#: Columns that sums and judgements over the whole list need: the index answers them without the documents beside.
BRIEF = (
    "record", "date", "location_id", "location", "currency", "cents", "psa_type", "fingerprint", "looked_at", "seen_at",
)  # fmt: skip


class UnpostedRow(SQLModel, table=True):
    """One record of the stored list. ``cents`` is the total in hundredths: SQL sums and sorts it exactly.

    ``document`` is what the PSA exported for it, to say beforehand what would stop it; it belongs to the fingerprint
    in ``looked_at`` and is never what gets posted: a batch reads anew.
    """

    __tablename__ = "unposted_records"
    __table_args__ = (
        UniqueConstraint("source_id", "kind", "record"),
        Index("ix_unposted_location", "source_id", "kind", "location_id"),
        Index("ix_unposted_brief", "source_id", "kind", *BRIEF),
    )

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="sources.id")
    kind: str = Field(max_length=20)
    record: str = Field(max_length=60)
    number: str = Field(sa_type=Label(60))
    psa_type: str = Field(default="", sa_type=Label(30))
    party_id: str = Field(default="", max_length=60)
    party: str = Field(default="", sa_type=Label(600))
    date: dt.date
    due_date: dt.date | None = None
    currency: str = Field(max_length=3)
    total: Decimal = Field(sa_type=DecimalText)
    cents: int = Field(default=0, sa_type=Cents)
    tax: Decimal = Field(default=Decimal(0), sa_type=DecimalText)
    location_id: str = Field(default="", max_length=60)
    location: str = Field(default="", sa_type=Label(200))
    terms_id: str = Field(default="", max_length=60)
    terms: str = Field(default="", sa_type=Label(120))
    tax_code_id: str = Field(default="", max_length=60)
    tax_code: str = Field(default="", sa_type=Label(120))
    date_closed: str = Field(default="", max_length=40)
    fingerprint: str = Field(max_length=64)
    problems: list[Any] = Field(default_factory=new_list, sa_type=Json)
    facts: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    document: dict[str, Any] | None = Field(default=None, sa_type=Json)
    export_problems: list[Any] = Field(default_factory=new_list, sa_type=Json)
    looked_at: str = Field(default="", max_length=64)
    seen_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)


class Forecast(SQLModel, table=True):
    """What a Book makes of an unposted record before any link is looked up, so that no page reads documents for it.

    True for one document and one set of rules: for the fingerprint in ``looked_at`` and the hash in ``rules``. With
    another of either it counts as not there. ``needs`` are the links that the document wants, ``problems`` what stands
    in its way whatever is linked, ``stops`` whether one of those stops it. Nothing here depends on links or lists.
    """

    __tablename__ = "forecasts"
    __table_args__ = (UniqueConstraint("book_id", "row_id"),)

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    row_id: int = Field(foreign_key="unposted_records.id", ondelete="CASCADE", index=True)
    looked_at: str = Field(max_length=64)
    rules: str = Field(max_length=64)
    stops: bool = False
    problems: list[Any] = Field(default_factory=new_list, sa_type=Json)
    needs: list[Any] = Field(default_factory=new_list, sa_type=Json)


class UnpostedList(SQLModel, table=True):
    """When the list was read, and what had come and gone since the time before."""

    __tablename__ = "unposted_lists"
    __table_args__ = (UniqueConstraint("source_id", "kind"),)

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="sources.id")
    kind: str = Field(max_length=20)
    as_of: dt.datetime = Field(sa_type=Moment)
    came: int = 0
    went: int = 0


class Selection(SQLModel, table=True):
    """A person's draft of a batch: survives refresh, paging, time-outs, another browser.

    ``everything`` is True when all that match are meant, minus ``records``; otherwise ``records`` are the ticked ones.
    ``token`` makes a double Submit lead to the same batch.
    """

    __tablename__ = "selections"
    __table_args__ = (UniqueConstraint("user_id", "kind"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id")
    kind: str = Field(max_length=20)
    book_id: int | None = Field(default=None, foreign_key="books.id")
    options: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    records: list[Any] = Field(default_factory=new_list, sa_type=Json)
    token: str = Field(default="", max_length=40)
    changed_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)


class Hold(SQLModel, table=True):
    """A person wants an unposted record left alone, and says why. It stands until somebody releases it.

    ``fingerprint`` is what the record was like then; a later change of the record is shown, and releases nothing.
    """

    __tablename__ = "holds"
    __table_args__ = (UniqueConstraint("source_id", "kind", "record"),)

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="sources.id")
    kind: str = Field(max_length=20)
    record: str = Field(max_length=60)
    reason: str = Field(max_length=200)
    by: str = Field(max_length=320)
    at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    fingerprint: str = Field(default="", max_length=64)
