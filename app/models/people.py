"""Users, and the audit rows that say who did what."""

import datetime as dt
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.columns import Json, Moment, new_dict, utcnow

ROLES = ("viewer", "bookkeeper", "admin")
#: Of a user who may only see the companies that a BookRole names; and of one who may not see a company.
NO_ROLE = "none"


class User(SQLModel, table=True):
    """A person who logs in. ``email`` is stored in lower case. ``ticket`` is a hash: one-time link or set-up code.

    ``role`` holds for every company, also those to come; admin is the installation's admin. A BookRole says otherwise
    for one company. ``none``: only what BookRoles say.
    """

    __tablename__ = "users"

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=320)
    name: str = Field(default="", max_length=120)
    role: str = Field(default="viewer", max_length=20)
    password_hash: str = ""
    active: bool = True
    #: Rises whenever every session of the user must end (password changed, disabled).
    epoch: int = 0
    ticket_hash: str = ""
    ticket_until: dt.datetime | None = Field(default=None, sa_type=Moment)
    theme: str = Field(default="", max_length=10)
    shortcuts: bool = True
    created_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    last_login_at: dt.datetime | None = Field(default=None, sa_type=Moment)

    @property
    def initials(self) -> str:
        """Up to three capitals for batch names; from the name, else from the address."""
        words = (self.name or self.email.split("@")[0]).replace(".", " ").replace("-", " ").split()
        return "".join(word[0] for word in words if word[0].isalnum())[:3].upper() or "X"

    @property
    def label(self) -> str:
        """How the user is named to others."""
        return self.name or self.email

    @property
    def invited(self) -> bool:
        """Added, and never there yet."""
        return self.active and not self.password_hash and self.last_login_at is None


class BookRole(SQLModel, table=True):
    """What a user may do in one company, in place of the user's own role; an installation's admin has none."""

    __tablename__ = "book_roles"
    __table_args__ = (UniqueConstraint("user_id", "book_id"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id")
    book_id: int = Field(foreign_key="books.id")
    role: str = Field(max_length=20)


class Audit(SQLModel, table=True):
    """One deed: who, when, what, to which thing, with old and new where something changed. Never secrets.

    ``address`` is where the request came from, empty for the command line and for what runs by itself. ``book_id`` is
    the company that it was about; no foreign key, because a row outlives everything it speaks of.
    """

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment, index=True)
    actor: str = Field(max_length=320, index=True)
    address: str = Field(default="", max_length=45)
    book_id: int | None = Field(default=None, index=True)
    action: str = Field(max_length=60, index=True)
    subject: str = Field(default="", max_length=120, index=True)
    detail: dict[str, Any] = Field(default_factory=new_dict, sa_type=Json)
