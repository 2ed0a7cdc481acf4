"""Reloads: the intent to reopen and close a record in the PSA, so that it is stamped with today's GL mapping."""

import datetime as dt
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import Json, Moment, utcnow


class Reload(SQLModel, table=True):
    """One record that a person wants reopened and closed again.

    ``state``: ``wanted`` (nothing sent), ``opening``, ``closing`` (committed before their call), ``done``, ``failed``.
    ``back_to`` is the closed status that it had and gets again; ``open_as`` the open one in between. A record is in
    one unfinished reload at a time: the partial unique index says so.
    """

    __tablename__ = "reloads"
    __table_args__ = (
        Index(
            "ux_one_reload", "source_id", "kind", "record", unique=True,
            sqlite_where=text("state NOT IN ('done', 'failed')"),
            postgresql_where=text("state NOT IN ('done', 'failed')"),
        ),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="sources.id")
    kind: str = Field(max_length=20)
    record: str = Field(max_length=60)
    number: str = Field(default="", max_length=60)
    batch_id: int | None = Field(default=None, foreign_key="batches.id")
    posting_id: int | None = Field(default=None, foreign_key="postings.id")
    state: str = Field(default="wanted", max_length=10)
    back_to: str = Field(default="", max_length=20)
    open_as: str = Field(default="", max_length=20)
    by: str = Field(max_length=320)
    at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    look_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    tries: int = 0
    problem: dict[str, Any] | None = Field(default=None, sa_type=Json)
