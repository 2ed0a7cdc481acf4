"""Rounds: batches that were submitted together, one per kind; and AutoSync, which submits them by itself."""

import datetime as dt
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.models.columns import Json, Moment, new_dict, utcnow

#: AutoSync's, and not at its end.
GOING = text("auto AND state <> 'ended'")


class AutoSync(SQLModel, table=True):
    """Whether and since when a Book is synced by itself. Its settings are the Book's (domain/autosync_settings).

    Attributes:
        mark: the last due moment that was taken; only a later one is due. Also moved forward by switching on, resuming
            and changing the schedule, so that nothing is caught up that was not meant.
        schedule: what the settings' schedule was at the last look, as text; another one moves the mark.
        paused: the systemic Problem that stopped it, until a person resumes.
        failures: documents that failed since the last one that did not.
    """

    __tablename__ = "autosyncs"

    book_id: int = Field(primary_key=True, foreign_key="books.id")
    enabled: bool = False
    mark: dt.datetime | None = Field(default=None, sa_type=Moment)
    schedule: str = Field(default="", max_length=600)
    paused: dict[str, Any] | None = Field(default=None, sa_type=Json)
    paused_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    failures: int = 0


class Round(SQLModel, table=True):
    """Batches of several kinds, submitted together by AutoSync or by a person.

    A Book has one open round of AutoSync: the partial unique index says so, whatever the clocks of two schedulers say.

    Attributes:
        due_at: the moment of the schedule; None where a person asked. A Book has one round per due moment.
        auto: by AutoSync's settings (also when a person asked for it now).
        by: ``AutoSync``, or the person.
        state: ``due`` → ``submitted`` → ``ended``; a person's begins as submitted.
        lease_*: which worker reads and submits, and until when.
        found: kind → what became of it: ``{"taken", "parked", "nothing", "problem", "again"}``.
        status: how it ended, a Status of batches; ``skipped`` where nothing was to be posted.
        problem: why it ended without its batches, or paused AutoSync.
    """

    __tablename__ = "rounds"
    __table_args__ = (
        UniqueConstraint("book_id", "due_at"),
        Index("ux_one_open_round", "book_id", unique=True, sqlite_where=GOING, postgresql_where=GOING),
    )

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id", index=True)
    due_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    auto: bool = False
    by: str = Field(max_length=320)
    state: str = Field(default="due", max_length=10, index=True)
    lease_owner: str = Field(default="", max_length=40)
    lease_until: dt.datetime | None = Field(default=None, sa_type=Moment)
    found: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    status: str = Field(default="", max_length=30)
    problem: dict[str, Any] | None = Field(default=None, sa_type=Json)
    at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Moment)


class RoundBatch(SQLModel, table=True):
    """Which round a batch belongs to."""

    __tablename__ = "round_batches"

    batch_id: int = Field(primary_key=True, foreign_key="batches.id")
    round_id: int = Field(foreign_key="rounds.id", index=True)
