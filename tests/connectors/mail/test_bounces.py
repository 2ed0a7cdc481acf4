"""Reading delivery reports from a real conversation with a mailbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.connectors.addresses import NetRules
from app.connectors.mail.mailer import Seen
from app.connectors.mail.smtp import SmtpMailer
from app.connectors.protocols import ConnectionFailedError
from tests.imap_server import Mailbox, a_mail, imap_server, report

MAILER = SmtpMailer(NetRules(), "books.test", patience=3)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with imap_server() as box:
        yield box


@pytest.mark.parametrize("headers_only", [True, False])
def test_a_report_says_which_mail_came_back_and_why(box: Mailbox, headers_only: bool) -> None:
    box.deliver(a_mail("An order"))
    box.deliver(report("abc@msp.test", "ann@shop.test", headers_only=headers_only))
    found = MAILER.bounces(box.server(), None)
    (bounce,) = found.found
    assert (bounce.message_id, bounce.recipient) == ("abc@msp.test", "ann@shop.test")
    assert bounce.said == "5.1.1 550 5.1.1 <ann@shop.test>: no such user here"
    assert found.seen == Seen(77, 2)
    assert all(command.split()[0] in ("CAPABILITY", "LOGIN", "EXAMINE", "UID", "LOGOUT") for command in box.commands)


def test_each_report_is_read_once_and_a_new_mailbox_from_its_start(box: Mailbox) -> None:
    box.deliver(report("abc@msp.test", "ann@shop.test"))
    seen = MAILER.bounces(box.server(), None).seen
    assert MAILER.bounces(box.server(), seen).found == ()
    box.deliver(report("def@msp.test", "bob@shop.test"))
    assert [one.message_id for one in MAILER.bounces(box.server(), seen).found] == ["def@msp.test"]
    box.validity = 78
    assert len(MAILER.bounces(box.server(), seen).found) == 2


def test_a_delay_is_no_bounce_and_rubbish_is_passed_over(box: Mailbox) -> None:
    box.deliver(report("abc@msp.test", "ann@shop.test", action="delayed"))
    head = b"Content-Type: multipart/report; boundary=b\r\n\r\n"
    box.deliver(head + b"--b\r\nContent-Type: message/delivery-status\r\n\r\n\xff\xfe")
    box.deliver(b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n")
    assert MAILER.bounces(box.server(), None).found == ()


def test_a_mailbox_that_refuses_us_says_so_in_its_words(box: Mailbox) -> None:
    with pytest.raises(ConnectionFailedError, match="Invalid credentials"):
        MAILER.bounces(box.server(password="wrong"), None)
    box.tokens.add("t0ken")
    assert MAILER.bounces(box.server(password="", token="t0ken"), None).seen == Seen(77, 0)
    with pytest.raises(ConnectionFailedError):
        MAILER.bounces(box.server(password="", token="old"), None)
