"""Attachments: the intent to put a file beside a document in the books."""

import datetime as dt

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.columns import Label, Moment


class Attachment(SQLModel, table=True):
    """The PSA's PDF of one document, as the ledger holds it under ``ledger_id``: one row, one file.

    ``state``: ``wanted`` (not before ``look_at``), ``sending`` (committed, perhaps on the wire), ``in_doubt`` (looked
    up by name at ``look_at``; ``absent`` counts the looks that found nothing once it could not be running any more),
    ``done``, ``failed`` (a Problem beside the posting says why).
    """

    __tablename__ = "attachments"
    __table_args__ = (UniqueConstraint("posting_id", "ledger_id"), Index("ix_attachments_batch", "batch_id", "state"))

    id: int | None = Field(default=None, primary_key=True)
    posting_id: int = Field(foreign_key="postings.id")
    batch_id: int = Field(foreign_key="batches.id")
    ledger_id: str = Field(max_length=60)
    name: str = Field(sa_type=Label(200))
    state: str = Field(default="wanted", max_length=10)
    sends: int = 0
    absent: int = 0
    sent_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    look_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    attachment_id: str = Field(default="", max_length=60)
