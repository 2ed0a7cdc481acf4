"""What a request needs of the program around it: settings, database, Redis, vendors, mail; and database sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from flask import Flask, current_app, g
from redis import Redis
from sqlmodel import Session

from app.connectors.mail.mailer import Mailer
from app.connectors.notices.messenger import Messenger
from app.connectors.protocols import Connectors
from app.connectors.tokens import Tokens
from app.database import Database
from app.settings import Settings

NAME = "crossfoot"


class Consent(Protocol):
    """OAuth at a vendor with our app's keys. Every verb raises ConnectionFailedError."""

    def authorize_url(self, redirect_uri: str, state: str) -> str: ...

    def exchange(self, redirect_uri: str, code: str) -> Tokens: ...

    def revoke(self, tokens: Tokens) -> None: ...


class Gateway(Connectors, Protocol):
    """Connectors, and the consent without which some can't be opened."""

    def consent(self, kind: str) -> Consent: ...


@dataclass(frozen=True)
class Web:
    """The parts that the factory put together."""

    settings: Settings
    database: Database
    redis: Redis
    connectors: Gateway
    mailer: Mailer
    messenger: Messenger


def install(app: Flask, parts: Web) -> None:
    """Make the parts known to every request of the app."""
    app.extensions[NAME] = parts
    app.teardown_appcontext(_end)


def web() -> Web:
    """The parts of the running app."""
    return cast(Web, current_app.extensions[NAME])


def reading() -> Session:
    """This request's session for looks; it never waits for a writer."""
    if "reading" not in g:
        g.reading_context = web().database.reading()
        g.reading = g.reading_context.__enter__()
    return cast(Session, g.reading)


@contextmanager
def writing() -> Iterator[Session]:
    """A session for a deed. Looks that follow see what it wrote."""
    _forget_looks()
    with web().database.session() as session:
        yield session


def _forget_looks() -> None:
    """End the transaction of earlier looks: it would go on showing the state before the deed."""
    if "reading" in g:
        g.reading.rollback()
        g.reading.expire_all()


def _end(_error: BaseException | None) -> None:
    context: Any = g.pop("reading_context", None)
    g.pop("reading", None)
    if context:
        context.__exit__(None, None, None)
