"""Handing a letter to a real mail server, and what is said where that comes to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.connectors.addresses import NetRules
from app.connectors.mail.mailer import Letter, MailInDoubtError, MailNotSentError, Security
from app.connectors.mail.smtp import SmtpMailer
from tests.connectors.test_http import self_signed
from tests.mail_server import USER, Post, mail_server

LETTER = Letter("abc@books.test", "ann@shop.test", "Grüße", "Hello\n.\n..dots\n", "<p>Hello</p>")


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as post:
        yield post


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


def mailer(certificate: Path | None = None) -> SmtpMailer:
    return SmtpMailer(NetRules(ca_bundle=str(certificate or "")), "books.test", patience=3)


def nothing() -> None:
    """Nobody wants to know when the letter goes out."""


def test_a_letter_arrives_as_it_was_written_and_the_server_s_words_come_back(post: Post) -> None:
    moments: list[int] = []
    said = mailer().send(post.server(), LETTER, lambda: moments.append(len(post.letters)))
    letter = post.letters[0]
    assert (letter["From"], letter["To"], letter["Subject"]) == (
        "Crossfoot <books@shop.test>",
        "ann@shop.test",
        "Grüße",
    )
    assert letter["Message-ID"] == "<abc@books.test>"
    assert post.texts == ["Hello\n.\n..dots\n"]
    assert "250 2.0.0 Ok: queued as 4711" in said
    assert moments == [0]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_it_is_encrypted_and_logs_in(certificate: Path, security: Security) -> None:
    with mail_server(certificate, from_first_byte=security is Security.TLS) as post:
        said = mailer(certificate).send(post.server(security, USER), LETTER, nothing)
        assert (len(post.letters), "334" in said) == (1, False)


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with mail_server(certificate) as post, pytest.raises(MailNotSentError, match="self-signed certificate"):
        mailer().send(post.server(Security.STARTTLS, USER), LETTER, nothing)
    assert not post.letters


def test_a_server_without_starttls_gets_no_password(post: Post) -> None:
    with pytest.raises(MailNotSentError, match="STARTTLS") as caught:
        mailer().send(post.server(Security.STARTTLS, USER), LETTER, nothing)
    assert caught.value.final


def test_a_wrong_password_is_said_in_the_server_s_words_without_the_password(certificate: Path) -> None:
    with mail_server(certificate) as post, pytest.raises(MailNotSentError, match="user or password") as caught:
        mailer(certificate).send(post.server(Security.STARTTLS, USER, "wrong-secret"), LETTER, nothing)
    assert "535" in caught.value.said
    assert "wrong-secret" not in caught.value.said + repr(post.server(Security.STARTTLS, USER, "wrong-secret"))


@pytest.mark.parametrize(("answer", "final"), [("550 5.1.1 No such user here", True), ("451 4.7.1 Greylisted", False)])
def test_a_refused_recipient_is_surely_not_sent(post: Post, answer: str, final: bool) -> None:
    post.to_recipient = answer
    with pytest.raises(MailNotSentError) as caught:
        mailer().send(post.server(), LETTER, nothing)
    assert (caught.value.final, answer in caught.value.said) == (final, True)


def test_a_letter_refused_after_it_went_out_is_surely_not_sent_either(post: Post) -> None:
    post.to_data = "554 5.7.1 Spam"
    with pytest.raises(MailNotSentError) as caught:
        mailer().send(post.server(), LETTER, nothing)
    assert caught.value.final


def test_a_lost_answer_after_the_letter_is_a_doubt(post: Post) -> None:
    post.hang_up = True
    with pytest.raises(MailInDoubtError):
        mailer().send(post.server(), LETTER, nothing)
    assert len(post.letters) == 1


def test_nobody_listening_is_surely_not_sent_and_worth_another_try(post: Post) -> None:
    with pytest.raises(MailNotSentError, match="can’t be reached") as caught:
        mailer().send(replace(post.server(), port=1), LETTER, nothing)
    assert not caught.value.final


@pytest.mark.parametrize(
    ("host", "security", "said"),
    [("10.1.2.3", Security.TLS, "inside this network"), ("169.254.169.254", Security.TLS, "special address"),
     ("192.0.2.1", Security.NONE, "is not this machine")],
)  # fmt: skip
def test_where_it_may_not_go_it_does_not_go(host: str, security: Security, said: str) -> None:
    with pytest.raises(MailNotSentError, match=said):
        mailer().send(replace(Post().server(security), host=host), LETTER, nothing)


def test_an_address_that_could_add_a_header_is_refused(post: Post) -> None:
    with pytest.raises(MailNotSentError, match="no mail address"):
        mailer().send(post.server(), replace(LETTER, to="a@b.test\r\nBcc: c@d.test"), nothing)
    assert not post.letters


def test_a_subject_that_could_add_a_header_is_one_line(post: Post) -> None:
    mailer().send(post.server(), replace(LETTER, subject="May\r\nBcc: c@d.test"), nothing)
    assert "Subject: May  Bcc: c@d.test" in str(post.letters[0])
