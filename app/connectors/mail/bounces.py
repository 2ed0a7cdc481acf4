"""Bounces: delivery reports (RFC 3464) in an IMAP mailbox (RFC 3501), read without changing anything in it."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any

from app.connectors.addresses import trust
from app.connectors.mail.mailer import Bounce, Bounces, MailServer, Security, Seen
from app.connectors.protocols import ConnectionFailedError

#: The first look goes so far back; how many reports are read at once, and how much of each.
FIRST_LOOK = dt.timedelta(days=7)
MOST, LARGEST = 200, 200_000
MESSAGE_ID = re.compile(r"<([^<>\s]+@[^<>\s]+)>")


def read(mailbox: MailServer, seen: Seen | None, ca_bundle: str, patience: float) -> Bounces:
    """Reports that came since ``seen``. Raises ConnectionFailedError."""
    with _told(mailbox), _opened(mailbox, ca_bundle, patience) as imap:
        _must(imap.select("INBOX", readonly=True))
        validity, following = (_number(imap, name) for name in ("UIDVALIDITY", "UIDNEXT"))
        known = seen is not None and seen.validity == validity
        first = seen.uid + 1 if seen and known else 1
        since = (dt.datetime.now(dt.UTC) - FIRST_LOOK).strftime("%d-%b-%Y")
        narrow = ("UID", f"{first}:*") if known else ("SINCE", since)
        found = _must(imap.uid("SEARCH", *narrow, "HEADER", "Content-Type", "report"))
        uids = [uid for uid in map(int, (found[0] or b"").split()) if uid >= first][:MOST]
        bounces = [bounce for uid in uids for bounce in _bounces(_message(imap, uid))]
        last = max(uids, default=max(first, following) - 1)
        return Bounces(tuple(bounces), Seen(validity, last))


@contextmanager
def _opened(mailbox: MailServer, ca_bundle: str, patience: float) -> Iterator[imaplib.IMAP4]:
    if mailbox.security is Security.TLS:
        imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            mailbox.host, mailbox.port, ssl_context=trust(ca_bundle), timeout=patience
        )
    else:
        imap = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=patience)
    try:
        if mailbox.security is Security.STARTTLS:
            imap.starttls(trust(ca_bundle))
        if mailbox.token:
            words = f"user={mailbox.user}\x01auth=Bearer {mailbox.token}\x01\x01"
            imap.authenticate("XOAUTH2", lambda _: words.encode())
        else:
            imap.login(mailbox.user, mailbox.password)
        yield imap
    finally:
        with suppress(imaplib.IMAP4.error, OSError):
            imap.logout()


def _number(imap: imaplib.IMAP4, name: str) -> int:
    """What the server said of the mailbox when it was opened; 0 where it said nothing."""
    said = imap.response(name)[1]
    return int(said[0]) if said and said[0] else 0


def _must(answer: tuple[str, list[Any]]) -> list[Any]:
    word, data = answer
    if word != "OK":
        raise imaplib.IMAP4.error(" ".join(str(part) for part in data)[:200])
    return data


def _message(imap: imaplib.IMAP4, uid: int) -> EmailMessage:
    data = _must(imap.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{LARGEST}>)"))
    raw = next((part[1] for part in data if isinstance(part, tuple)), b"")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return message if isinstance(message, EmailMessage) else EmailMessage()


def _bounces(message: EmailMessage) -> list[Bounce]:
    """What a report says went wrong for good; nothing for a delay, or for what is no report."""
    original = _original(message)
    if not original:
        return []
    return [
        Bounce(original, _word(fields, "Final-Recipient"), _said(fields))
        for fields in _recipients(message)
        if str(fields.get("Action", "")).strip().casefold() == "failed"
    ]


def _recipients(message: EmailMessage) -> Iterator[Any]:
    """The fields of each recipient; the first block of a delivery status is about the report itself."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            yield from blocks[1:] if isinstance(blocks, list) else []


def _original(message: EmailMessage) -> str:
    """The Message-ID of the mail that came back, from the copy of it, or of its head."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "text/rfc822-headers":
            text = str(part.get_payload())
        elif kind == "message/rfc822":
            inner: Any = part.get_payload()
            text = f"Message-ID: {inner[0].get('Message-ID', '')}" if isinstance(inner, list) and inner else ""
        else:
            continue
        found = re.search(r"(?im)^message-id:\s*<([^<>\s]+)>", text)
        if found:
            return found[1]
    found = MESSAGE_ID.search(str(message.get("References", "")) or str(message.get("In-Reply-To", "")))
    return found[1] if found else ""


def _word(fields: Any, name: str) -> str:
    """``rfc822; ann@shop.test`` → ``ann@shop.test``."""
    return " ".join(str(fields.get(name, "")).partition(";")[2].split())[:254]


def _said(fields: Any) -> str:
    status, code = str(fields.get("Status", "")).strip(), _word(fields, "Diagnostic-Code")
    return f"{status} {code}".strip()[:400]


@contextmanager
def _told(mailbox: MailServer) -> Iterator[None]:
    """Whatever imaplib and the network raise, as what a person can act on."""
    where = f"{mailbox.host}:{mailbox.port}"
    try:
        yield
    except (imaplib.IMAP4.error, ssl.SSLError, OSError, UnicodeError) as error:
        said = str(error).removeprefix("b'").rstrip("'")[:200] or type(error).__name__
        raise ConnectionFailedError(
            f"The bounce mailbox at {where} can’t be read: {said}.",
            "Check host, port, encryption, user and password under Settings ▸ E-mail; IMAP must be on for it.",
            code="bounce_mailbox",
        ) from error
