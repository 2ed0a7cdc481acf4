"""What users and channels are told: kinds of event, and the parts of a notice, whatever way it goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """Kinds of event that a channel can be told."""

    FAILURES = "failures"
    PAUSED = "autosync_paused"
    APPROVAL = "approval"
    DIGEST = "digest"


#: As people read it, and what it means.
EVENTS: Mapping[Event, tuple[str, str]] = {
    Event.FAILURES: (
        "Failures",
        "a batch ended with documents that were not posted, or a run of AutoSync failed; one message, not one a record",
    ),
    Event.PAUSED: ("AutoSync paused", "nothing is posted by itself until a person resumes"),
    Event.APPROVAL: ("Approval", "a batch waits for somebody’s yes"),
    Event.DIGEST: ("Morning digest", "at 7:00 in the company’s time zone, on days on which there is something to say"),
}


class ChannelKind(StrEnum):
    """What a channel speaks."""

    WEBHOOK = "webhook"
    TEAMS = "teams"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class Ref:
    """A row that is named, and the address of its page."""

    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what, where it is looked at, what is to be done, and rows it is about."""

    text: str
    link: str
    detail: str = ""
    refs: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Lines under one heading."""

    title: str
    entries: tuple[Entry, ...]


def cash(cents: int, currency: str) -> str:
    """Hundredths as people write them: ``-1,234.50 USD``."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02d} {currency}"


def counted(count: int, one: str) -> str:
    """``1 document``, ``1,200 documents``, ``2 batches``."""
    many = f"{one}es" if one.endswith("ch") else f"{one}s"
    return f"{count:,} {one if count == 1 else many}"
