"""Notices: who wants which mail, what was told already, channels beside mail, and what goes out through them."""

import datetime as dt
from typing import Any

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.columns import EncryptedJson, Json, Label, Moment, new_dict, new_list, utcnow


class NoticeWish(SQLModel, table=True):
    """What a user wants to be mailed about a company; without a row the role decides (services/mail/notice_wishes)."""

    __tablename__ = "notice_wishes"
    __table_args__ = (UniqueConstraint("user_id", "book_id"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id")
    book_id: int = Field(foreign_key="books.id")
    failures: bool
    digest: bool


class NoticeMark(SQLModel, table=True):
    """How far a company has been spoken of.

    ``since``: batches that ended before are not told; ``digest_until``: the due moment up to which the digest spoke.
    """

    __tablename__ = "notice_marks"

    book_id: int = Field(primary_key=True, foreign_key="books.id")
    since: dt.datetime = Field(sa_type=Moment)
    digest_until: dt.datetime = Field(sa_type=Moment)


class NoticeBatch(SQLModel, table=True):
    """This end of a batch was looked at; ended anew (after a retry, or an undo) it is looked at once more.

    ``newest``: when the newest problem that was told then came up; only newer ones are news.
    """

    __tablename__ = "notice_batches"

    batch_id: int = Field(primary_key=True, foreign_key="batches.id")
    ended_at: dt.datetime = Field(sa_type=Moment)
    newest: dt.datetime | None = Field(default=None, sa_type=Moment)


class NoticeChannel(SQLModel, table=True):
    """A place beside mail: ``kind`` is ``webhook``, ``teams`` or ``slack``.

    ``secrets``: ``url`` (whoever knows Teams' or Slack's may post there) and a webhook's ``key``; only ``host`` is
    shown. ``events``: which kinds go there; with none it is off.
    """

    __tablename__ = "notice_channels"

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=10)
    name: str = Field(max_length=80)
    host: str = Field(max_length=260)
    events: list[Any] = Field(default_factory=new_list, sa_type=Json)
    secrets: dict[str, Any] = Field(default_factory=new_dict, sa_type=EncryptedJson)
    by: str = Field(max_length=320)
    created_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)


class Notice(SQLModel, table=True):
    """One message to one channel: an intent, written down with its reason.

    ``state``: queued → sending → sent, failed, or in_doubt (chats only: nothing tells them that it is the same message
    again; a webhook's receiver knows it by ``message_name``). ``key`` names the reason, so that one makes one message.
    ``content`` is emptied once it was sent. ``said``: the other side's own words.
    """

    __tablename__ = "notices"

    id: int | None = Field(default=None, primary_key=True)
    channel_id: int = Field(foreign_key="notice_channels.id", index=True)
    book_id: int | None = Field(default=None, foreign_key="books.id")
    key: str = Field(unique=True, max_length=120)
    event: str = Field(max_length=20)
    title: str = Field(sa_type=Label(300))
    content: dict[str, Any] = Field(default_factory=new_dict, sa_type=EncryptedJson)
    message_name: str = Field(max_length=40)
    state: str = Field(default="queued", max_length=12, index=True)
    attempts: int = 0
    due_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    lease_until: dt.datetime | None = Field(default=None, sa_type=Moment)
    problem: str = Field(default="", max_length=600)
    said: str = Field(default="", sa_type=Text)
    created_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Moment)
