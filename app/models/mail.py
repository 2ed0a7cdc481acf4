"""The outbox: a mail is an intent, written down together with its reason and settled by what the server says."""

import datetime as dt
from typing import Any

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from app.models.columns import EncryptedJson, Moment, utcnow


class Mail(SQLModel, table=True):
    """One mail to one address.

    ``state``: queued → sending → sent, failed (surely not taken) or in_doubt (taken, or not; never resent by itself).
    ``key`` names the reason, so that one reason makes one mail; ``about`` what it is about (``user:7``). ``body`` is
    encrypted, because it may hold a one-time link, and emptied once nothing can come of it any more. ``data_at``: from
    then on the letter of this attempt was perhaps on the wire. ``said``: the server's own words.
    """

    __tablename__ = "mails"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=120)
    kind: str = Field(max_length=20)
    about: str = Field(default="", max_length=60, index=True)
    to: str = Field(max_length=320)
    subject: str = Field(max_length=300)
    body: dict[str, Any] = Field(default_factory=dict, sa_type=EncryptedJson)
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
