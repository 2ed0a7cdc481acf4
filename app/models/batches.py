"""Batches, their sections and their log."""

import datetime as dt
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.models.columns import Json, Moment, new_dict, new_list, utcnow

#: Those that have not ended: a batch looks for others of its company before it begins.
GOING: dict[str, Any] = {"sqlite_where": text("ended_at IS NULL"), "postgresql_where": text("ended_at IS NULL")}


class Batch(SQLModel, table=True):
    """What a person (or a schedule) submitted.

    Its status is derived (services/batches/progress), not stored; stored is only what rows cannot say:

    Attributes:
        name_key: the name while it is taken; None once a batch that wrote nothing has given it back.
        rev: rises with every change; the live page asks by it.
        token: of the Submit that made it; a second Submit with the same token finds it.
        accept: exact-name links may be taken and missing entries created.
        mode: ``post``; ``clear`` marks the records in the PSA without sending them; ``dry`` writes nothing anywhere.
        lease_*: which worker run holds it, and until when.
        auto: AutoSync submitted it. Such a batch and the others of its company go one after the other.
        queued_at: its place in that queue, since it was resumed; None for the moment of its Submit.
        stop_asked: a person asked to stop after the calls in flight.
        wake_at: when it has something to do again (a doubt, a limit), while no worker holds it; set while one does,
            something was let go again meanwhile, and another run follows.
        waiting: ``{"reason", "until"}`` shown as "waiting for QuickBooks’ limit".
        failure: a systemic Problem that ended it (consent gone, PSA refusing the key).
        approval: ``""`` none is asked for; ``wanted``, ``rejected``: no worker begins anything; ``given``; ``used``
            once writing has begun under it. ``approval_seal`` is what was approved (services/batches/approvals),
            ``approval_by`` who approved or rejected it, ``approval_note`` why it was voided or rejected.
        prepared_by: who submitted it, and who changed it since; none of them can approve it.
    """

    __tablename__ = "batches"
    __table_args__ = (UniqueConstraint("book_id", "name_key"), Index("ix_batches_going", "book_id", **GOING))

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id", index=True)
    source_id: int = Field(foreign_key="sources.id")
    kind: str = Field(max_length=20)
    name: str = Field(max_length=60)
    name_key: str | None = Field(default=None, max_length=60)
    summary: str = Field(default="default", max_length=20)
    through: dt.date | None = None
    location: str = Field(default="", max_length=200)
    accept: bool = False
    mode: str = Field(default="post", max_length=10)
    by: str = Field(max_length=320)
    token: str | None = Field(default=None, max_length=60, unique=True)
    rev: int = 0
    submitted_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    started_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    lease_owner: str = Field(default="", max_length=40)
    lease_until: dt.datetime | None = Field(default=None, sa_type=Moment)
    stop_asked: bool = False
    stopped: bool = False
    wake_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    waiting: dict[str, Any] | None = Field(default=None, sa_type=Json)
    failure: dict[str, Any] | None = Field(default=None, sa_type=Json)
    left_out: list[Any] = Field(default_factory=new_list, sa_type=Json)
    auto: bool = False
    queued_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    approval: str = Field(default="", max_length=10)
    approval_seal: dict[str, Any] | None = Field(default=None, sa_type=Json)
    approval_by: str = Field(default="", max_length=320)
    approval_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    approval_note: str = Field(default="", max_length=600)
    prepared_by: list[Any] = Field(default_factory=new_list, sa_type=Json)


class Section(SQLModel, table=True):
    """How long a stage of a batch took; its counts and status come from the postings.

    From ``started_at`` to ``ended_at`` is the time it was at work: one that begins again takes its beginning along, so
    that the hours between two runs do not count.
    """

    __tablename__ = "sections"
    __table_args__ = (UniqueConstraint("batch_id", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    batch_id: int = Field(foreign_key="batches.id", index=True)
    key: str = Field(max_length=20)
    started_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    skipped: bool = False


class LogLine(SQLModel, table=True):
    """One line of a batch's log and of a document's timeline. Never secrets; vendor request ids in ``detail``."""

    __tablename__ = "log"

    id: int | None = Field(default=None, primary_key=True)
    batch_id: int = Field(foreign_key="batches.id", index=True)
    posting_id: int | None = Field(default=None, foreign_key="postings.id", index=True)
    at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    by: str = Field(default="", max_length=320)
    text: str
    detail: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
