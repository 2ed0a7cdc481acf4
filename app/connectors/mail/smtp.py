"""SMTP (RFC 5321): STARTTLS or TLS with a verified certificate; plain only inside this machine or where allowed."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from typing import Any

from app.connectors.addresses import AddressRefusedError, NetRules, trust
from app.connectors.http import Http
from app.connectors.mail import bounces, oauth
from app.connectors.mail.mailer import (
    Bounces,
    Letter,
    MailApp,
    MailGrant,
    MailInDoubtError,
    MailNotSentError,
    MailServer,
    Security,
    Seen,
)
from app.connectors.protocols import ConnectionFailedError

NAME = "Crossfoot"
#: Seconds without an answer. RFC 5321 allows minutes; a person who tests the settings waits for the page.
PATIENCE = 20.0
#: What is kept of the server's words.
MOST_WORDS = 1500


class SmtpMailer:
    """Sends by SMTP, one connection a letter. ``own_name``: the host name that we greet with."""

    def __init__(self, rules: NetRules, own_name: str, patience: float = PATIENCE) -> None:
        self._rules = rules
        self._own_name = own_name
        self._patience = patience
        self._http = Http("The mail provider", rules, connections=2)

    def authorize_url(self, app: MailApp, redirect_uri: str, state: str, verifier: str) -> str:
        from app.connectors.mail import consent  # noqa: PLC0415 -- Authlib, which workers never need

        return consent.authorize_url(app, self._http, redirect_uri, state, verifier)

    def exchange(self, app: MailApp, redirect_uri: str, code: str, verifier: str) -> MailGrant:
        from app.connectors.mail import consent  # noqa: PLC0415 -- Authlib, which workers never need

        return consent.exchange(app, self._http, redirect_uri, code, verifier)

    def renew(self, app: MailApp, grant: MailGrant) -> MailGrant:
        return oauth.refresh(app, self._http, grant)

    def bounces(self, mailbox: MailServer, seen: Seen | None) -> Bounces:
        try:
            self._check_address(mailbox)
        except OSError as error:
            raise ConnectionFailedError(f"{mailbox.host} is not found.", "Check the host.") from error
        return bounces.read(mailbox, seen, self._rules.ca_bundle, self._patience)

    def send(self, server: MailServer, letter: Letter, before_data: Callable[[], None]) -> str:
        said: list[str] = []
        data = wire_form(server, letter)
        with _told(server, said), self._connected(server, said) as smtp:
            self._greet(smtp, server)
            _must(smtp.mail(server.sender), "The server does not take mail from this sender.")
            _must(smtp.rcpt(letter.to), f"The server does not take mail for {letter.to}.")
            _must(smtp.docmd("DATA"), "The server does not take the mail.", wanted=354)
            before_data()
            _hand_over(smtp, data, said)
            with suppress(smtplib.SMTPException, OSError):  # it is taken; how the server says good-bye changes nothing
                smtp.quit()
        return _joined(said)

    @contextmanager
    def _connected(self, server: MailServer, said: list[str]) -> Iterator[smtplib.SMTP]:
        self._check_address(server)
        smtp = self._open(server, said)
        try:
            if smtp.sock:
                self._check_ip(server, smtp.sock.getpeername()[0])  # where we really are
            yield smtp
        finally:
            smtp.close()

    def _open(self, server: MailServer, said: list[str]) -> smtplib.SMTP:
        kind: Any = smtplib.SMTP_SSL if server.security is Security.TLS else smtplib.SMTP
        more = {"context": trust(self._rules.ca_bundle)} if server.security is Security.TLS else {}
        listening = type("Listening", (_Listening, kind), {"said": said})
        smtp: smtplib.SMTP = listening(
            server.host, server.port, local_hostname=self._own_name, timeout=self._patience, **more
        )
        return smtp

    def _check_address(self, server: MailServer) -> None:
        """What the host name stands for must be allowed, before anything is sent there."""
        for found in socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM):
            self._check_ip(server, str(found[4][0]))

    def _check_ip(self, server: MailServer, ip: str) -> None:
        loopback = ipaddress.ip_address(ip.partition("%")[0]).is_loopback
        if server.security is Security.NONE and not (loopback or self._rules.lists(server.host, server.port)):
            raise AddressRefusedError(
                f"{server.host} is not this machine, and without encryption everybody on the way can read the mail.",
                f"Choose STARTTLS or TLS, or add {server.host}:{server.port} to CROSSFOOT_ALLOW_HOSTS.",
            )
        if not loopback:
            self._rules.check_ip(server.host, server.port, ip)

    def _greet(self, smtp: smtplib.SMTP, server: MailServer) -> None:
        smtp.ehlo_or_helo_if_needed()
        if server.security is Security.STARTTLS:
            smtp.starttls(context=trust(self._rules.ca_bundle))
            smtp.ehlo()
        if server.token:
            _sign_in(smtp, server)
        elif server.user:
            smtp.login(server.user, server.password)


def _sign_in(smtp: smtplib.SMTP, server: MailServer) -> None:
    """XOAUTH2: user and token at once; the reason for a refusal comes as a challenge and is answered with nothing."""
    if "XOAUTH2" not in smtp.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError("it does not let people sign in by XOAUTH2.")
    first = f"user={server.user}\x01auth=Bearer {server.token}\x01\x01"
    smtp.auth("XOAUTH2", lambda challenge=None: first if challenge is None else "")


class _Listening:
    """Writes down what the server answers; challenges of a log-in are left out."""

    said: list[str]

    def getreply(self) -> tuple[int, bytes]:
        code, words = super().getreply()  # type: ignore[misc]  # mixed into smtplib's classes
        if code != 334:
            self.said.append(_printable(f"{code} {words.decode('utf-8', 'replace')}"))
        return code, words


class _RefusedError(Exception):
    """An answer that ends the conversation, before the letter went out or after."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def _must(answer: tuple[int, bytes], message: str, wanted: int = 250) -> None:
    if answer[0] not in (wanted, wanted + 1):
        raise _RefusedError(answer[0], message)


def _hand_over(smtp: smtplib.SMTP, data: bytes, said: list[str]) -> None:
    """The letter itself. An answer settles it either way; none is a doubt."""
    try:
        smtp.send(re.sub(rb"(?m)^\.", b"..", data) + b".\r\n")
        code, _ = smtp.getreply()
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise MailInDoubtError(
            "The letter went out, but the server’s answer did not come.",
            "Ask the person whether it arrived, then settle it here. It is not sent again by itself.",
            _joined(said),
        ) from error
    _must((code, b""), "The server refused the mail.")


@contextmanager
def _told(server: MailServer, said: list[str]) -> Iterator[None]:
    """Whatever smtplib and the network raise, as what a person can act on. None of it comes after the letter."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise _not_let_in(server, said, error) from error
    except (AddressRefusedError, _RefusedError, smtplib.SMTPException, UnicodeError, OSError) as error:
        raise _not_sent(f"{server.host}:{server.port}", said, error) from error


def _not_let_in(server: MailServer, said: list[str], error: smtplib.SMTPAuthenticationError) -> MailNotSentError:
    if server.token:  # perhaps only out of date: the next try comes with a new one
        return MailNotSentError(
            f"The server refused the sign-in as {server.user}.",
            "If it stays so, sign in again, and allow authenticated SMTP for this mailbox at the provider.",
            _joined(said),
        )
    return MailNotSentError(
        "The server refused user or password.", "Enter them again.", _joined(said), final=error.smtp_code >= 500
    )


def _not_sent(where: str, said: list[str], error: Exception) -> MailNotSentError:
    match error:
        case AddressRefusedError():
            return MailNotSentError(error.message, error.remedy, final=True)
        case _RefusedError():
            final = error.code >= 500
            remedy = "See the server’s words." if final else "It is tried again."
            return MailNotSentError(str(error), remedy, _joined(said), final=final)
        case smtplib.SMTPNotSupportedError():
            message, remedy = f"{where} does not offer what is set: {error}", "Choose another encryption or user."
            return MailNotSentError(message, remedy, _joined(said), final=True)
        case UnicodeError():
            message = "An address or a host name holds characters that mail servers do not take."
            return MailNotSentError(message, "Write it in plain Latin letters.", final=True)
        case ssl.SSLError():
            message = f"No encrypted connection to {where}: {_reason(error)}."
            remedy = "Check host name, port and kind of encryption; port 465 is TLS, 587 STARTTLS."
            return MailNotSentError(message, remedy, _joined(said))
        case _:
            message = f"{where} can’t be reached or broke off: {_reason(error)}."
            return MailNotSentError(message, "Check host and port.", _joined(said))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answered {error.smtp_code}"
    return (getattr(error, "strerror", "") or str(error) or type(error).__name__).rstrip(".")


def wire_form(server: MailServer, letter: Letter) -> bytes:
    """The message as it goes out: plain text and HTML, its files, no picture, nothing that is fetched.

    Raises MailNotSentError.
    """
    message = EmailMessage(policy=WIRE)
    try:
        message["From"] = Address(letter.sender_name or NAME, addr_spec=server.sender)
        message["To"] = Address(addr_spec=letter.to)
        if letter.reply_to:
            message["Reply-To"] = Address(addr_spec=letter.reply_to)
    except (ValueError, IndexError, MessageError) as error:
        raise MailNotSentError(
            f"{letter.to} or {server.sender} is no mail address.", "Correct it.", final=True
        ) from error
    message["Subject"] = _printable(letter.subject)  # names of batches and companies are whatever somebody typed
    message["Date"] = format_datetime(dt.datetime.now(dt.UTC))
    message["Message-ID"] = f"<{letter.message_id}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    for file in letter.files:
        kind, _, subtype = file.kind.partition("/")
        message.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name)
    return message.as_bytes()


def _joined(said: list[str]) -> str:
    return "\n".join(said)[-MOST_WORDS:]


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
