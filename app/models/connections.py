"""Sources (PSAs), Books, their cached lists, and the settings that belong to the installation."""

import datetime as dt
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.columns import EncryptedJson, Json, Label, Moment, new_dict, new_list, utcnow


class InstallationSetting(SQLModel, table=True):
    """A value entered under Settings, encrypted because some are secrets (Intuit app keys, set-up code)."""

    __tablename__ = "installation_settings"

    key: str = Field(primary_key=True, max_length=60)
    value: Any = Field(default=None, sa_type=EncryptedJson)


class SourceRow(SQLModel, table=True):
    """A connected PSA. ``code`` is the short letter in marks, empty for the first Source."""

    __tablename__ = "sources"

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=40)
    name: str = Field(sa_type=Label(200))
    code: str = Field(default="", max_length=1)
    settings: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    secrets: dict[str, Any] = Field(default_factory=new_dict, sa_type=EncryptedJson)
    findings: list[Any] = Field(default_factory=new_list, sa_type=Json)
    facts: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    checked_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    last_call_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    broken: str = ""
    created_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)


class Book(SQLModel, table=True):
    """One set of books: a QuickBooks Online company.

    ``settings`` holds only values that differ from their default (domain/book_settings). ``broken`` says in one
    sentence why a person must connect again. ``refresh_*`` is the lock under which one process refreshes the tokens.
    """

    __tablename__ = "books"

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(default="quickbooks_online", max_length=40)
    name: str = Field(sa_type=Label(200))
    ledger_id: str = Field(max_length=60, unique=True)
    environment: str = Field(default="production", max_length=20)
    source_id: int | None = Field(default=None, foreign_key="sources.id")
    is_default: bool = False
    connected: bool = True
    broken: str = ""
    zone: str = Field(default="UTC", max_length=60)
    currency: str = Field(default="USD", max_length=3)
    country: str = Field(default="US", max_length=10)
    settings: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    rules: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    facts: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
    findings: list[Any] = Field(default_factory=new_list, sa_type=Json)
    tokens: dict[str, Any] | None = Field(default=None, sa_type=EncryptedJson)
    tokens_version: int = 0
    refresh_owner: str = Field(default="", max_length=40)
    refresh_until: dt.datetime | None = Field(default=None, sa_type=Moment)
    checked_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    last_call_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    created_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)


class ListEntry(SQLModel, table=True):
    """One cached row of a ledger's list. ``data`` is the rest of domain.links.Entry."""

    __tablename__ = "list_entries"
    __table_args__ = (UniqueConstraint("book_id", "kind", "ledger_id"),)

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id", index=True)
    kind: str = Field(max_length=20)
    ledger_id: str = Field(max_length=60)
    name: str = Field(sa_type=Label(600))
    active: bool = True
    data: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)


class ListFetch(SQLModel, table=True):
    """When a list of a Book was last read whole."""

    __tablename__ = "list_fetches"
    __table_args__ = (UniqueConstraint("book_id", "kind"),)

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    kind: str = Field(max_length=20)
    at: dt.datetime = Field(sa_type=Moment)


class Link(SQLModel, table=True):
    """PSA id ↔ ledger id. ``ledger_id`` is empty for what was seen in the PSA and has no counterpart yet.

    ``origin``: person, exact_name, created; how the link came about. ``to_create``: a person has agreed that just this
    entry is created, or its item gets an account.
    """

    __tablename__ = "links"
    __table_args__ = (UniqueConstraint("book_id", "kind", "source_id"),)

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id", index=True)
    kind: str = Field(max_length=20)
    source_id: str = Field(max_length=200)
    source_name: str = Field(default="", sa_type=Label(600))
    ledger_id: str = Field(default="", max_length=60)
    origin: str = Field(default="", max_length=20)
    by: str = Field(default="", max_length=320)
    at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
