"""A small IMAP server for tests: one mailbox, read as imaplib reads it; whoever tries to change it is told BAD."""

from __future__ import annotations

import base64
import email
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message

from app.connectors.mail.mailer import MailServer, Security

USER, PASSWORD = "bounces@msp.test", "mailbox pass phrase"


class Mailbox:
    """Its mails by UID, and who may read them."""

    def __init__(self) -> None:
        self.mails: dict[int, bytes] = {}
        self.validity = 77
        self.tokens: set[str] = set()
        self.commands: list[str] = []
        self.port = 0

    def deliver(self, raw: bytes) -> None:
        self.mails[max(self.mails, default=0) + 1] = raw

    def server(self, password: str = PASSWORD, token: str = "") -> MailServer:
        return MailServer("localhost", self.port, Security.NONE, "", USER, password, token)

    def search(self, words: str) -> list[int]:
        """``UID n:*`` or ``SINCE …``, then ``HEADER Content-Type report``; n:* always names the last mail too."""
        found = [uid for uid, raw in self.mails.items() if "report" in str(_parsed(raw)["Content-Type"])]
        start = re.search(r"UID (\d+):\*", words)
        highest = max(self.mails, default=0)
        return [uid for uid in found if start is None or uid >= int(start[1]) or uid == highest]


def _parsed(raw: bytes) -> Message:
    return email.message_from_bytes(raw)


class _Talk(socketserver.StreamRequestHandler):
    """One conversation."""

    box: Mailbox

    def handle(self) -> None:
        self._say("* OK ready")
        while line := self.rfile.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            command, _, words = rest.partition(" ")
            self.box.commands.append(f"{command} {words}".strip())
            if command.upper() == "LOGOUT":
                self._say("* BYE", f"{tag} OK done")
                return
            self._answer(tag, command.upper(), words)

    def _answer(self, tag: str, command: str, words: str) -> None:
        match command:
            case "CAPABILITY":
                self._say("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2", f"{tag} OK done")
            case "LOGIN":
                user, _, password = words.partition(" ")
                good = (user.strip('"'), password.strip('"')) == (USER, PASSWORD)
                self._say(f"{tag} OK done" if good else f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials")
            case "AUTHENTICATE":
                self._say("+ ")
                said = base64.b64decode(self.rfile.readline()).decode()
                good = any(said == f"user={USER}\x01auth=Bearer {token}\x01\x01" for token in self.box.tokens)
                self._say(f"{tag} OK done" if good else f"{tag} NO AUTHENTICATE failed")
            case "EXAMINE":
                following = max(self.box.mails, default=0) + 1
                self._say(
                    f"* {len(self.box.mails)} EXISTS", f"* OK [UIDVALIDITY {self.box.validity}] ok",
                    f"* OK [UIDNEXT {following}] ok", f"{tag} OK [READ-ONLY] done",
                )  # fmt: skip
            case "UID" if words.upper().startswith("SEARCH"):
                self._say(f"* SEARCH {' '.join(map(str, self.box.search(words)))}", f"{tag} OK done")
            case "UID" if words.upper().startswith("FETCH"):
                uid = int(words.split()[1])
                raw = self.box.mails[uid]
                self._say(f"* 1 FETCH (UID {uid} BODY[]<0> {{{len(raw)}}}")
                self.wfile.write(raw)
                self._say(")", f"{tag} OK done")
            case _:
                self._say(f"{tag} BAD {command} is not for a reader")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def imap_server() -> Iterator[Mailbox]:
    """On a free port of this machine."""
    box = Mailbox()
    handler = type("Talk", (_Talk,), {"box": box})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield box
        server.shutdown()
        thread.join()


def report(message_id: str, to: str, *, action: str = "failed", headers_only: bool = False) -> bytes:
    """A delivery report as mail servers write it (RFC 3464)."""
    copy = "text/rfc822-headers" if headers_only else "message/rfc822"
    lines = f"""From: MAILER-DAEMON@mx.test
To: books@msp.test
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.test

Final-Recipient: rfc822; {to}
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{to}>: no such
    user here

--b
Content-Type: {copy}

Message-ID: <{message_id}>
Subject: Invoice 10394

Hello
--b--
"""
    return lines.replace("\n", "\r\n").encode()


def a_mail(subject: str) -> bytes:
    """Something else that lies in the mailbox."""
    mail = EmailMessage()
    mail["Subject"] = subject
    mail.set_content("Hello")
    return mail.as_bytes()
