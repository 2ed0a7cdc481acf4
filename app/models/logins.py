"""How people come in: the second factor, its recovery codes, and the sessions that are open."""

import datetime as dt

from sqlmodel import Field, SQLModel

from app.models.columns import EncryptedJson, Moment, utcnow


class SecondFactor(SQLModel, table=True):
    """The secret that a user's authenticator app shares with us. Not asked for before ``confirmed_at``.

    ``last_step``: the newest 30-second step whose code was taken; no code of it, or of an older one, works again.
    """

    __tablename__ = "second_factors"

    user_id: int = Field(primary_key=True, foreign_key="users.id")
    secret: str = Field(sa_type=EncryptedJson)
    confirmed_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    last_step: int = 0


class RecoveryCode(SQLModel, table=True):
    """A code that works once in the place of the app's. Only its hash; the row goes when it is used."""

    __tablename__ = "recovery_codes"

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    digest: str = Field(max_length=64)


class LoginSession(SQLModel, table=True):
    """One browser in which a user is logged in. ``seen_at`` lags behind by some minutes.

    It has ended with ``ended_at``, and with its user's epoch.
    """

    __tablename__ = "login_sessions"

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    epoch: int
    created_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    seen_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    address: str = Field(default="", max_length=45)
    agent: str = Field(default="", max_length=300)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Moment)
