"""The outbox: a mail is an intent, written down together with its reason and settled by what the server says."""

import datetime as dt
from typing import Any

from sqlalchemy import Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from app.models.columns import EncryptedJson, Label, Moment, new_dict, utcnow


class Mail(SQLModel, table=True):
    """One mail to one address.

    ``state``: queued → sending → sent, failed (surely not taken) or in_doubt (taken, or not; never resent by itself).
    A mail to a customer begins as preparing (text and PDF are still to be made), or as held until a person approves it;
    what a person drops is dropped, and what came back after it was sent is bounced. ``book_id`` and ``posting_id`` say
    whose invoice it is; ``sender_name`` and ``reply_to`` stand at its head.
    ``key`` names the reason, so that one reason makes one mail; ``about`` what it is about (``user:7``). ``body`` is
    encrypted, because it may hold a one-time link, and emptied once nothing can come of it any more. ``data_at``: from
    then on the letter of this attempt was perhaps on the wire. ``said``: the server's own words.
    """

    __tablename__ = "mails"
    __table_args__ = (Index("ix_mails_book", "book_id", "state"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=120)
    kind: str = Field(max_length=20)
    about: str = Field(default="", max_length=60, index=True)
    to: str = Field(max_length=320)
    subject: str = Field(max_length=300)
    body: dict[str, Any] = Field(default_factory=new_dict, sa_type=EncryptedJson)
    message_name: str = Field(max_length=40)
    state: str = Field(default="queued", max_length=12, index=True)
    attempts: int = 0
    due_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    expires_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    lease_until: dt.datetime | None = Field(default=None, sa_type=Moment)
    data_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    problem: str = Field(default="", max_length=600)
    said: str = Field(default="", sa_type=Text)
    by: str = Field(default="", max_length=320)
    created_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    book_id: int | None = Field(default=None, foreign_key="books.id")
    posting_id: int | None = Field(default=None, foreign_key="postings.id", index=True)
    sender_name: str = Field(default="", sa_type=Label(200))
    reply_to: str = Field(default="", max_length=320)


class MailFile(SQLModel, table=True):
    """A file that goes with a mail; deleted when the mail was sent."""

    __tablename__ = "mail_files"

    id: int | None = Field(default=None, primary_key=True)
    mail_id: int = Field(foreign_key="mails.id", index=True)
    name: str = Field(sa_type=Label(200))
    kind: str = Field(default="application/pdf", max_length=60)
    content: bytes = Field(sa_type=LargeBinary)
