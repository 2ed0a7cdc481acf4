"""A real mail server for tests: keeps what it took, and can refuse, ask for a log-in, or hang up after the letter."""

from __future__ import annotations

import base64
import email
import email.policy
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from app.connectors.mail.mailer import MailServer, Security

USER, PASSWORD = "crossfoot", "relay pass phrase"


class Post:
    """The server's memory and manners. ``to_recipient`` and ``to_data``: what it answers instead of taking."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.to_recipient = ""
        self.to_data = ""
        self.hang_up = False
        self.demands = False
        self.tokens: set[str] = set()
        self.port = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.demands and not session.authenticated:
            return "530 5.7.57 Client not authenticated to send mail"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.to_recipient:
            return self.to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.to_data:
            return self.to_data
        content: Any = envelope.content
        parsed: Any = email.message_from_bytes(content, policy=email.policy.default)
        self.letters.append(parsed)
        if self.hang_up:
            transport: Any = server.transport
            transport.abort()
        return "250 2.0.0 Ok: queued as 4711"

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - as above
        """``user=…^Aauth=Bearer …^A^A`` at once; a refusal is a challenge first, answered with nothing."""
        asked = base64.b64decode(args[1]).decode() if len(args) > 1 else ""
        user, _, rest = asked.partition("\x01")
        if user == f"user={USER}" and rest.removeprefix("auth=Bearer ").strip("\x01") in self.tokens:
            return AuthResult(success=True, auth_data=USER)
        await server.challenge_auth('{"status":"400","schemes":"bearer"}')
        await server.push("535 5.7.3 Authentication unsuccessful")
        return AuthResult(success=False, handled=True)

    def server(self, security: Security = Security.NONE, user: str = "", password: str = PASSWORD) -> MailServer:
        """How to reach it."""
        return MailServer("localhost", self.port, security, "books@shop.test", user, password if user else "")

    @property
    def texts(self) -> list[str]:
        """The plain texts of what it took."""
        return [
            body.get_content().replace("\r\n", "\n") for letter in self.letters if (body := letter.get_body(("plain",)))
        ]


def _knows(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@contextmanager
def mail_server(
    certificate: Path | None = None, *, from_first_byte: bool = False, xoauth2: bool = False
) -> Iterator[Post]:
    """A server on a free port of this machine; with a certificate it offers STARTTLS, or is TLS from the first byte.

    With ``xoauth2`` it takes mail only from who signs in so, with one of ``Post.tokens``, and no password.
    """
    post, context = Post(), None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    more: dict[str, Any] = {"authenticator": _knows, "auth_require_tls": not from_first_byte and bool(certificate)}
    if xoauth2:
        more["auth_exclude_mechanism"] = ["LOGIN", "PLAIN"]
        post.demands = True
    if context and not from_first_byte:
        more["tls_context"] = context
    tls = context if from_first_byte else None
    controller = _Anywhere(post, hostname="127.0.0.1", port=0, ssl_context=tls, ready_timeout=20, **more)
    controller.start()
    post.port = controller.port
    yield post
    controller.stop()


class _Anywhere(Controller):
    """On any free port: aiosmtpd's own look at the port that it was given does not know that 0 means that."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped
