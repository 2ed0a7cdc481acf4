"""The mapping workbench: the PSA's own lists as last read, and what is to change in the ledger's lists."""

import datetime as dt
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.models.columns import Json, Label, Moment, new_dict, utcnow

UNFINISHED = text("state NOT IN ('done', 'refused')")


class SourceEntryRow(SQLModel, table=True):
    """One row of a PSA's list. ``data`` is the rest of domain.source_lists.SourceEntry."""

    __tablename__ = "source_entries"
    __table_args__ = (UniqueConstraint("source_id", "kind", "ident"),)

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="sources.id")
    kind: str = Field(max_length=20)
    ident: str = Field(max_length=200)
    name: str = Field(sa_type=Label(600))
    active: bool = True
    data: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)


class SourceFetch(SQLModel, table=True):
    """When a PSA's list was last read whole (``at``), and since when somebody waits for it (``asked_at``).

    ``problem`` says why the last reading failed.
    """

    __tablename__ = "source_fetches"
    __table_args__ = (UniqueConstraint("source_id", "kind"),)

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="sources.id")
    kind: str = Field(max_length=20)
    at: dt.datetime | None = Field(default=None, sa_type=Moment)
    asked_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    by: str = Field(default="", max_length=320)
    problem: dict[str, Any] | None = Field(default=None, sa_type=Json)


class EntryChange(SQLModel, table=True):
    """The intent to change one entry of the ledger's lists: a customer's data, or an inactive entry made active.

    ``state``: ``proposed`` (a person has not said yes yet), ``wanted``, ``sending`` (committed before its call),
    ``in_doubt``, ``done``, ``refused``. A row without ``ledger_id`` is no change but the wish that a Book's customers
    be compared: ``comparing``, then ``done`` or ``refused``. ``version`` is what the entry was read as: another one is
    never overwritten. ``source_id`` is the PSA id to be linked once an entry is active again. An entry has one
    unfinished change at a time: the partial unique index says so.
    """

    __tablename__ = "entry_changes"
    __table_args__ = (
        Index(
            "ux_one_entry_change", "book_id", "kind", "ledger_id", unique=True,
            sqlite_where=UNFINISHED, postgresql_where=UNFINISHED,
        ),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    kind: str = Field(max_length=20)
    ledger_id: str = Field(max_length=60)
    name: str = Field(default="", sa_type=Label(600))
    source_id: str = Field(default="", max_length=200)
    version: str = Field(default="", max_length=40)
    old: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    new: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    state: str = Field(default="proposed", max_length=10)
    request_id: str = Field(default="", max_length=36)
    body: str = ""
    problem: dict[str, Any] | None = Field(default=None, sa_type=Json)
    by: str = Field(default="", max_length=320)
    at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    look_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    tries: int = 0
