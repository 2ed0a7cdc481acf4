"""The seam to channels beside mail: a message, where it goes, and the outcomes of handing it over."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.notices import ChannelKind, Part
from app.domain.problems import CrossfootError


@dataclass(frozen=True, slots=True)
class Channel:
    """Where messages go. ``key``: what a webhook is signed with, ``whsec_`` and base64; empty for chats."""

    kind: ChannelKind
    url: str = field(repr=False)
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``name`` is the same whenever it is tried again; ``at`` is aware, when it was written down."""

    name: str
    event: str
    at: dt.datetime
    title: str
    lines: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    label: str = ""
    link: str = ""
    book: str = ""


class MessageError(CrossfootError):
    """A message was not taken. ``said``: the other side's own words, without the channel's address."""

    def __init__(self, message: str, remedy: str, said: str = "") -> None:
        super().__init__(message, remedy)
        self.said = said


class MessageNotSentError(MessageError):
    """Surely not taken; ``final``: trying again will not help. ``wait``: seconds that the other side asked for."""

    def __init__(self, message: str, remedy: str, said: str = "", *, final: bool = False, wait: float = 0) -> None:
        super().__init__(message, remedy, said)
        self.final, self.wait = final, wait


class MessageInDoubtError(MessageError):
    """It went out and no answer came: taken, or not."""


class Messenger(Protocol):
    """Hands messages to channels."""

    def check(self, url: str) -> str:
        """The host of an address that may be called. Raises CrossfootError where the address rules refuse it."""
        ...

    def send(self, channel: Channel, message: Message) -> str:
        """Hand over one message; answers the other side's own words.

        Raises MessageNotSentError, MessageInDoubtError.
        """
        ...
