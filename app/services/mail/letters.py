"""What our mails say: plain text, and the same as simple HTML. No picture, no tracking, nothing that is fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.domain.notices import Part
from app.domain.problems import Problem

#: Jinja alone: a worker writes the same mails as the web.
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parents[2] / "templates" / "mail"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENDS = {"text": "txt", "html": "html"}
#: Stands for an address that is not known, or not shown.
NO_LINK = "https://…"
_LINK = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(frozen=True, slots=True)
class Words:
    """A mail before it is dressed. ``link`` and its ``label`` are both empty where there is nothing to open.

    ``parts`` stand between the lines and the link.
    """

    subject: str
    lines: tuple[str, ...]
    label: str = ""
    link: str = ""
    closing: str = ""
    parts: tuple[Part, ...] = ()


def dressed(words: Words, home: str) -> dict[str, str]:
    """``text`` and ``html``; ``home`` is the public address of this Crossfoot, named at the end."""
    return rendered("letter", words=words, home=home)


def without_links(body: Mapping[str, str]) -> dict[str, str]:
    """A letter whose addresses lead nowhere."""
    return {kind: _LINK.sub(NO_LINK, text) for kind, text in body.items()}


def rendered(name: str, **context: object) -> dict[str, str]:
    """``text`` and ``html`` of the templates ``<name>.txt`` and ``<name>.html``."""
    return {kind: _pages.get_template(f"{name}.{end}").render(**context) for kind, end in ENDS.items()}


def invitation(link: str, by: str, days: int) -> Words:
    """To somebody who may come in and has no password yet."""
    return Words(
        "You can use Crossfoot",
        (
            f"{by} has made you an account in Crossfoot, which posts ConnectWise invoices into QuickBooks.",
            f"Choose a password with this link. It works once, for {days} days.",
        ),
        "Choose a password",
        link,
        "If you did not expect this, delete it: without the link nothing happens.",
    )


def new_password(link: str, by: str, life: str) -> Words:
    """To somebody whose password is to be replaced; ``by`` is empty if they asked themselves."""
    why = f"{by} has reset your password in Crossfoot." if by else "Somebody, probably you, asked for a new password."
    closing = "" if by else "If it was not you, delete this mail: your present password goes on working."
    return Words(
        "A new password for Crossfoot",
        (why, f"Choose a new one with this link. It works once, for {life}."),
        "Choose a new password",
        link,
        closing,
    )


def autosync_paused(link: str, book: str, problem: Problem) -> Words:
    """To admins: what would make every further run fail too."""
    return Words(
        f"AutoSync of {book} is paused",
        (
            problem.message,
            problem.remedy,
            "Nothing is lost: what was not posted waits, and runs go on once you resume.",
        ),
        "Look at AutoSync",
        link,
        "A single record that fails never pauses it.",
    )


def autosync_failed(link: str, book: str, problem: Problem, home: str) -> Words:
    """To whoever is told of failures: a run that could not do its work."""
    return Words(
        f"{book}: a run of AutoSync failed",
        (
            problem.message,
            problem.remedy,
            "Nothing is lost: the next run takes up what this one left. You are told again only if that changes.",
        ),
        "Look at the run",
        link,
        f"You choose under {home}/me which mails you get.",
    )


def trial(by: str) -> Words:
    """The test mail of the settings page."""
    return Words("Test mail from Crossfoot", (f"{by} asked for this mail under Settings ▸ E-mail. It arrived.",))


def approval(link: str, batch: str, book: str, prepared_by: Sequence[str]) -> Words:
    """To somebody who may approve a batch."""
    return Words(
        f"{batch} waits for your approval",
        (
            f"{', '.join(prepared_by)} prepared a batch for {book}.",
            "Nothing of it is posted before somebody approves it.",
        ),
        "Look at it",
        link,
        "Whoever prepared a batch cannot approve it.",
    )
