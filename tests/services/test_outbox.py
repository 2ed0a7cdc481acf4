"""Mails are written down first, handed over once, and a doubt is never sent again by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlmodel import Session, select, update

from app.connectors.mail.mailer import (
    Bounces,
    Letter,
    MailApp,
    MailError,
    MailGrant,
    MailInDoubtError,
    MailNotSentError,
    MailServer,
    Seen,
)
from app.database import Database
from app.domain.problems import ValidationError
from app.models.columns import utcnow
from app.models.connections import InstallationSetting
from app.models.mail import Mail
from app.models.people import Audit
from app.services.mail import letters, mail_settings, outbox

FORM = {"host": "smtp.test", "port": "587", "security": "starttls", "sender": "books@shop.test",
        "user": "crossfoot", "password": "relay-secret-1"}  # fmt: skip
LINK = "https://books.test/welcome/sesame"


class FakeMailer:
    """Takes letters, or answers with an error before or after the letter went out."""

    def __init__(self, error: MailError | None = None) -> None:
        self.taken: list[Letter] = []
        self.error = error
        self.meanwhile: Callable[[], None] = lambda: None

    def authorize_url(self, app: MailApp, redirect_uri: str, state: str, verifier: str) -> str:
        raise AssertionError("the outbox never comes to this")

    def exchange(self, app: MailApp, redirect_uri: str, code: str, verifier: str) -> MailGrant:
        raise AssertionError("the outbox never comes to this")

    def renew(self, app: MailApp, grant: MailGrant) -> MailGrant:
        raise AssertionError("the outbox never comes to this")

    def bounces(self, mailbox: MailServer, seen: Seen | None) -> Bounces:
        raise AssertionError("the outbox never comes to this")

    def send(self, server: MailServer, letter: Letter, before_data: Callable[[], None]) -> str:
        if isinstance(self.error, MailNotSentError):
            raise self.error
        self.meanwhile()
        before_data()
        self.taken.append(letter)
        if self.error:
            raise self.error
        return "250 queued"


@pytest.fixture
def mail(session: Session) -> Mail:
    mail_settings.store(session, FORM, "admin")
    return a_mail(session)


def a_mail(session: Session, key: str = "7:1") -> Mail:
    words = letters.invitation(LINK, "Ada", 3)
    mail = outbox.queue(
        session, kind="invitation", key=key, to="ann@shop.test", words=words, home="https://books.test", by="ada",
        about="user:7", life=dt.timedelta(days=3),
    )  # fmt: skip
    session.commit()
    return mail


def now_of(database: Database) -> Mail:
    with database.reading() as session:
        return session.exec(select(Mail).order_by(Mail.id)).all()[-1]  # type: ignore[arg-type]  # SQLModel's columns


def test_a_mail_goes_out_once_however_often_it_is_rung_for(database: Database, mail: Mail) -> None:
    mailer = FakeMailer()
    for ident in [*outbox.due(database), mail.id or 0, mail.id or 0]:
        outbox.deliver(database, mailer, ident)
    sent = now_of(database)
    assert (len(mailer.taken), sent.state, sent.said, sent.body) == (1, "sent", "250 queued", {})
    assert LINK in mailer.taken[0].text
    assert f'href="{LINK}"' in mailer.taken[0].html
    assert outbox.due(database) == []


def test_a_lost_answer_is_a_doubt_and_stays_one_until_a_person_decides(database: Database, mail: Mail) -> None:
    mailer = FakeMailer(MailInDoubtError("No answer.", "", "354 go on"))
    outbox.deliver(database, mailer, mail.id or 0)
    assert outbox.due(database) == []
    assert now_of(database).state == "in_doubt"
    mailer.error = None
    with database.session() as session:
        outbox.send_again(session, mail.id or 0, "ada")
    outbox.deliver(database, mailer, mail.id or 0)
    assert (len(mailer.taken), now_of(database).state) == (2, "sent")
    assert mailer.taken[0].message_id == mailer.taken[1].message_id


def test_a_person_who_knows_settles_a_doubt(database: Database, mail: Mail) -> None:
    outbox.deliver(database, FakeMailer(MailInDoubtError("No answer.", "")), mail.id or 0)
    with database.session() as session:
        outbox.settle_as_sent(session, mail.id or 0, "ada")
        with pytest.raises(ValidationError):
            outbox.send_again(session, mail.id or 0, "ada")
    assert now_of(database).state == "sent"


def test_what_surely_did_not_go_out_is_tried_again_later_and_not_for_ever(database: Database, mail: Mail) -> None:
    mailer = FakeMailer(MailNotSentError("Greylisted.", "", "451 later"))
    for _ in range(len(outbox.TRY_AGAIN) + 1):
        outbox.deliver(database, mailer, mail.id or 0)
        assert outbox.due(database) == []
        with database.session() as session:
            session.exec(update(Mail).values(due_at=utcnow()))
            session.commit()
    assert (now_of(database).state, now_of(database).said) == ("failed", "451 later")


def test_a_final_refusal_is_not_tried_again(database: Database, mail: Mail) -> None:
    outbox.deliver(database, FakeMailer(MailNotSentError("No such user.", "", "550 no", final=True)), mail.id or 0)
    assert now_of(database).state == "failed"


@pytest.mark.parametrize(("on_the_wire", "state"), [(False, "queued"), (True, "in_doubt")])
def test_a_process_that_died_leaves_a_doubt_only_if_the_letter_was_going_out(
    database: Database, mail: Mail, on_the_wire: bool, state: str
) -> None:
    past = utcnow() - dt.timedelta(seconds=1)
    with database.session() as session:
        values = {"state": "sending", "lease_until": past, "data_at": past if on_the_wire else None}
        session.exec(update(Mail).values(**values))
        session.commit()
    outbox.due(database)
    assert now_of(database).state == state


def test_a_process_that_slept_too_long_does_not_send(database: Database, mail: Mail) -> None:
    mailer, other = FakeMailer(), FakeMailer()

    def taken_over() -> None:
        with database.session() as session:
            session.exec(update(Mail).values(lease_until=utcnow() - dt.timedelta(seconds=1)))
            session.commit()
        outbox.due(database)
        outbox.deliver(database, other, mail.id or 0)

    mailer.meanwhile = taken_over
    with pytest.raises(outbox.ClaimLostError):
        outbox.deliver(database, mailer, mail.id or 0)
    assert (len(mailer.taken), len(other.taken), now_of(database).state) == (0, 1, "sent")


def test_a_newer_link_takes_the_place_of_one_that_is_still_waiting(database: Database, mail: Mail) -> None:
    with database.session() as session:
        newer = a_mail(session, "7:2")
    mailer = FakeMailer()
    for ident in (mail.id or 0, newer.id or 0):
        outbox.deliver(database, mailer, ident)
    assert len(mailer.taken) == 1


def test_an_expired_link_is_not_sent(database: Database, mail: Mail) -> None:
    with database.session() as session:
        session.exec(update(Mail).values(expires_at=utcnow() - dt.timedelta(seconds=1)))
        session.commit()
    outbox.deliver(database, FakeMailer(), mail.id or 0)
    assert now_of(database).problem == "Its link has expired meanwhile."


def test_neither_link_nor_password_stands_in_the_database_or_the_audit_log(database: Database, mail: Mail) -> None:
    with database.session() as session:
        bodies = session.connection().exec_driver_sql("SELECT body FROM mails").scalars().all()
        stored = session.connection().exec_driver_sql("SELECT value FROM installation_settings").scalars().all()
        told = [str(row.detail) for row in session.exec(select(Audit))]
    assert "sesame" not in "".join(bodies)
    assert FORM["password"] not in "".join([*stored, *told])


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"host": "smtp.test:587"}, "not a host name"),
     ({"host": "a b"}, "not a host name"), ({"port": "0"}, "not a port"),
     ({"port": "smtp"}, "not a port"), ({"security": "ssl"}, "not a kind"), ({"sender": "me"}, "not an e-mail"),
     ({"sender": "a@b.test\nBcc: c@d.test"}, "not an e-mail")],
)  # fmt: skip
def test_what_the_form_cannot_take_is_said(session: Session, changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        mail_settings.store(session, {**FORM, **changes}, "ada")


def test_the_stored_password_is_never_given_to_another_server(session: Session) -> None:
    mail_settings.store(session, FORM, "ada")
    mail_settings.store(session, {**FORM, "sender": "other@shop.test", "password": ""}, "ada")
    kept = mail_settings.server(session)
    assert kept
    assert kept.password == FORM["password"]
    with pytest.raises(ValidationError, match="another server"):
        mail_settings.store(session, {**FORM, "host": "evil.test", "password": ""}, "ada")
    mail_settings.forget(session, "ada")
    assert session.get(InstallationSetting, "mail") is None
