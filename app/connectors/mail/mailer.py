"""The seam to mail: a letter, the server that takes it, and the three outcomes of handing it over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from app.domain.problems import CrossfootError


class Security(StrEnum):
    """How the conversation is encrypted: after a plain greeting, from the first byte, or not at all."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Who takes our mail. Without ``user`` nobody logs in. ``sender`` is a bare address.

    With a ``token`` the user logs in by XOAUTH2, and there is no password.
    """

    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class MailApp:
    """Our registration with a provider whose mail servers want XOAUTH2. ``extra``: what else its page is asked."""

    provider: str
    client_id: str
    authorize_url: str
    token_url: str
    scope: str
    client_secret: str = field(default="", repr=False)
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MailGrant:
    """A person's consent: an access token until a moment (aware), and what gets the next one."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes with a letter; ``kind`` is its content type, e.g. ``application/pdf``."""

    name: str
    kind: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one address. ``message_id`` (without brackets) is the same whenever it is tried again.

    ``sender_name`` stands before the sender's address (empty: ours); ``reply_to`` is where answers go (empty: there).
    """

    message_id: str
    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    files: tuple[File, ...] = ()
    sender_name: str = ""
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a mailbox was read: IMAP's UIDVALIDITY, and the last UID."""

    validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail that came back for good: its Message-ID (without brackets), for whom, and why in the server's words."""

    message_id: str
    recipient: str
    said: str


@dataclass(frozen=True, slots=True)
class Bounces:
    """What a look into the mailbox found, and how far it came."""

    found: tuple[Bounce, ...]
    seen: Seen


class MailError(CrossfootError):
    """A letter was not taken. ``said``: the server's own words so far, one answer a line; never what we said."""

    def __init__(self, message: str, remedy: str, said: str = "") -> None:
        super().__init__(message, remedy)
        self.said = said


class MailNotSentError(MailError):
    """Surely not taken; ``final``: trying again will not help before somebody changes something."""

    def __init__(self, message: str, remedy: str, said: str = "", *, final: bool = False) -> None:
        super().__init__(message, remedy, said)
        self.final = final


class MailInDoubtError(MailError):
    """The letter went out and the server's answer never came: taken, or not."""


class Mailer(Protocol):
    """Hands letters to a mail server."""

    def authorize_url(self, app: MailApp, redirect_uri: str, state: str, verifier: str) -> str:
        """Where a person signs in at the provider. ``state`` and ``verifier`` (PKCE) are the caller's secrets.

        Raises ConnectionFailedError.
        """
        ...

    def exchange(self, app: MailApp, redirect_uri: str, code: str, verifier: str) -> MailGrant:
        """The consent for the code that the redirect brought. Raises ConnectionFailedError."""
        ...

    def renew(self, app: MailApp, grant: MailGrant) -> MailGrant:
        """A fresh access token. Raises ConnectionFailedError: ``systemic`` where a person must sign in again."""
        ...

    def bounces(self, mailbox: MailServer, seen: Seen | None) -> Bounces:
        """Delivery reports that came into an IMAP mailbox since; nothing in it is changed.

        Raises ConnectionFailedError.
        """
        ...

    def send(self, server: MailServer, letter: Letter, before_data: Callable[[], None]) -> str:
        """Hand over one letter; answers the server's own words.

        ``before_data`` is called when the next bytes are the letter itself: from then on a lost answer is a doubt.
        Raises MailNotSentError, MailInDoubtError.
        """
        ...
