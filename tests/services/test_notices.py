"""What users and channels are told: failures at once and together, the rest in the morning, each thing once."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterator

import pytest
from sqlmodel import col, select, update

from app.connectors.addresses import AddressRefusedError, NetRules
from app.connectors.mail.smtp import SmtpMailer
from app.connectors.notices.post import PostMessenger
from app.database import Database
from app.domain.notices import Event
from app.domain.states import RecordKind
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail
from app.models.notices import Notice, NoticeChannel
from app.models.people import User
from app.models.postings import Posting
from app.services import access, batches, channels, mail_settings, notice_wishes, notices, outbox, people
from app.services.notice_wishes import Wish
from tests.fakes import FakeConnectors
from tests.mail_server import Post, mail_server
from tests.routes.world import World
from tests.rows import a_book
from tests.webhook_server import Hook, webhook_server

HOME = "https://books.example"
DAY = dt.timedelta(days=1)
MAIL = {"host": "localhost", "security": "none", "sender": "crossfoot@shop.test"}


class Office:
    """A world with people, a mail server and a webhook; ``sweep`` also hands over what is due."""

    def __init__(self, database: Database, post: Post, hook: Hook) -> None:
        self.database, self.post, self.hook = database, post, hook
        self.world = World(database, FakeConnectors())
        self.messenger = PostMessenger(NetRules.parse(hook.host))
        with database.session() as session:
            mail_settings.store(session, {**MAIL, "port": str(post.port)}, "test")
        for name, role in (("ada", "admin"), ("ben", "bookkeeper"), ("vic", "viewer")):
            self.person(name, role)
        notices.sweep(database, HOME)  # what was before is not told

    def person(self, name: str, role: str) -> None:
        with self.database.session() as session:
            user = people.create_user(session, email=f"{name}@shop.test", role=role, by="test")
            user.password_hash = "can log in"
            session.add(user)
            session.commit()

    def user(self, name: str) -> User:
        with self.database.reading() as session:
            return session.exec(select(User).where(User.email == f"{name}@shop.test")).one()

    def wish(self, name: str, wish: Wish, book_id: int = 1) -> None:
        with self.database.session() as session:
            notice_wishes.store(session, session.get_one(User, self.user(name).id), {book_id: wish})

    def channel(self, kind: str, *events: Event) -> NoticeChannel:
        with self.database.session() as session:
            form = {"kind": kind, "name": "Accounting", "url": self.hook.url}
            return channels.add(session, self.messenger, form, events, "ada")

    def post_batch(self, *wanted: str) -> int:
        """39007 is on an account that is not linked, so it is held; the others are posted."""
        with self.database.session() as session:
            batch = batches.submit(
                session, session.get_one(Book, 1), kind=RecordKind.INVOICES, wanted=wanted, by="ben", accept=True
            )
        self.world.work(batch.id or 0)
        return batch.id or 0

    def sweep(self, now: dt.datetime | None = None) -> None:
        notices.sweep(self.database, HOME, now)
        mailer = SmtpMailer(NetRules.parse(""), "books.example")
        for mail_id in outbox.due(self.database):
            outbox.deliver(self.database, mailer, mail_id)
        for notice_id in channels.due(self.database):
            channels.deliver(self.database, self.messenger, notice_id)

    @property
    def to(self) -> list[str]:
        return sorted(str(letter["To"]).partition("@")[0] for letter in self.post.letters)

    def notice(self) -> Notice:
        with self.database.reading() as session:
            return session.exec(select(Notice)).one()


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    with mail_server() as post, webhook_server() as hook:
        yield Office(database, post, hook)


def morning(days: int = 1) -> dt.datetime:
    """A few minutes past seven, so many days from now, in UTC."""
    return (utcnow() + days * DAY).replace(hour=7, minute=4, second=0, microsecond=0)


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_batch_with_failures_is_one_mail_to_each_whose_work_it_is(office: Office) -> None:
    batch = office.post_batch("39005", "39007")
    office.sweep()
    office.sweep()
    assert office.to == ["ada", "ben"], "a viewer has not asked for it"
    letter, text = office.post.letters[0], office.post.texts[0]
    assert str(letter["Subject"]).endswith("-I, 1 document not posted")
    assert f"{HOME}/batches/{batch}/problems/account_not_linked:accounts:4600" in text
    assert f"{HOME}/records/1/invoices/39007?batch={batch}" in text
    assert "39005" not in text, "what was posted is no failure"


def test_a_batch_that_went_well_and_a_dry_run_tell_nobody(office: Office) -> None:
    office.post_batch("39005")
    with office.database.session() as session:
        book = session.get_one(Book, 1)
        dry = batches.submit(session, book, kind=RecordKind.INVOICES, wanted=["39007"], by="ben", mode="dry")
    office.world.work(dry.id or 0)
    office.sweep()
    assert office.to == []


def test_a_retry_that_fails_again_is_told_again_and_one_that_ends_with_nothing_new_is_not(office: Office) -> None:
    batch_id = office.post_batch("39007")
    office.sweep()
    with office.database.session() as session:
        batch = batches.find(session, batch_id)
        batch.ended_at = utcnow()  # as after an undo of another document
        session.add(batch)
        session.commit()
    office.sweep()
    assert office.to == ["ada", "ben"]
    with office.database.session() as session:
        batches.retry(session, batches.find(session, batch_id), by="ben")
    office.world.work(batch_id)
    office.sweep()
    assert office.to == ["ada", "ada", "ben", "ben"]


def test_each_says_which_mails_come_and_only_about_companies_that_may_be_seen(office: Office) -> None:
    office.wish("ada", Wish(failures=False, digest=True))
    office.wish("vic", Wish(failures=True, digest=False))
    with office.database.session() as session:
        access.set_roles(session, session.get_one(User, office.user("ben").id), {1: "none"}, "ada")
        assert notice_wishes.of(session, session.get_one(User, office.user("ben").id)) == []
    office.post_batch("39007")
    office.sweep()
    assert office.to == ["vic"]


def test_what_ended_before_mail_was_set_up_is_never_told(office: Office) -> None:
    with office.database.session() as session:
        mail_settings.forget(session, "ada")
    office.post_batch("39007")
    office.sweep()
    with office.database.session() as session:
        mail_settings.store(session, {**MAIL, "port": str(office.post.port)}, "ada")
    office.sweep()
    assert office.to == []


# ── the digest ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_digest_says_what_was_posted_and_what_is_stuck_once_a_morning(office: Office) -> None:
    office.wish("ben", Wish(failures=False, digest=False))
    batch = office.post_batch("39005", "39007")
    office.sweep(morning() - dt.timedelta(minutes=10))
    office.post.letters.clear()
    for minutes in (0, 1, 600):
        office.sweep(morning() + dt.timedelta(minutes=minutes))
    assert office.to == ["ada"]
    assert str(office.post.letters[0]["Subject"]) == "Demo MSP this morning: posted, stuck"
    text = office.post.texts[0]
    assert re.search(rf"1 document, 214\.00 USD\n  {HOME}/batches/{batch}\n", text)
    assert f"{HOME}/attention/1/held/account_not_linked:accounts:4600" in text
    assert f"{HOME}/records/1/invoices/39007" in text
    assert "- Bolt" not in text.replace("39007 Bolt", "")


def test_a_morning_with_nothing_to_say_is_silent_and_does_not_speak_later_that_day(office: Office) -> None:
    office.sweep(morning())
    office.post_batch("39005")
    with office.database.session() as session:
        session.exec(update(Posting).values(posted_at=morning() + dt.timedelta(hours=1)))
        session.commit()
    office.sweep(morning() + dt.timedelta(hours=3))
    assert office.to == []
    office.sweep(morning(2))
    assert office.to == ["ada", "ben"]


def test_mornings_that_were_missed_are_one_mail_and_nothing_of_them_is_lost(office: Office) -> None:
    office.post_batch("39005")
    for _ in range(2):
        office.sweep(morning(5))
    assert office.to == ["ada", "ben"]
    assert "214.00 USD" in office.post.texts[0]


def test_the_morning_is_the_companys_own(office: Office) -> None:
    with office.database.session() as session:
        book = session.get_one(Book, 1)
        book.zone = "Pacific/Honolulu"  # ten hours behind
        session.add(book)
        session.commit()
    office.post_batch("39007")
    office.sweep(morning())
    office.post.letters.clear()
    office.sweep(morning() + dt.timedelta(hours=9))
    before = office.to
    office.sweep(morning() + dt.timedelta(hours=10))
    assert (before, office.to) == ([], ["ada", "ben"])


def test_several_companies_are_one_mail_and_each_reads_only_of_those_that_may_be_seen(office: Office) -> None:
    with office.database.session() as session:
        session.add(a_book("Other MSP", "9342", broken="Intuit has ended the consent."))
        session.commit()
        access.set_roles(session, session.get_one(User, office.user("ben").id), {2: "none"}, "ada")
    office.sweep()
    office.post_batch("39005")
    office.sweep(morning())
    read = {str(letter["To"]): text for letter, text in zip(office.post.letters, office.post.texts, strict=True)}
    assert sorted(read) == ["ada@shop.test", "ben@shop.test"]
    assert "Demo MSP: Posted" in read["ada@shop.test"]
    assert "Intuit has ended the consent." in read["ada@shop.test"]
    assert "Other MSP" not in read["ben@shop.test"]


# ── channels ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_webhook_gets_signed_json_once(office: Office) -> None:
    channel = office.channel("webhook", Event.FAILURES)
    batch = office.post_batch("39007")
    office.sweep()
    office.sweep()
    ((path, headers, body),) = office.hook.came
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    key = base64.b64decode(channel.secrets["key"].removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert (path, headers["webhook-signature"]) == ("/hook/very-secret", f"v1,{expected}")
    (told,) = office.hook.bodies
    assert (told["type"], told["company"], told["id"]) == ("crossfoot.failures", "Demo MSP", headers["webhook-id"])
    (row,) = told["parts"][0]["entries"][0]["rows"]
    assert row == {"text": "10484 Bolt & Nut Co", "link": f"{HOME}/records/1/invoices/39007?batch={batch}"}
    assert (office.notice().state, office.notice().said, office.notice().content) == ("sent", "HTTP 200\nok", {})


@pytest.mark.parametrize(("kind", "state", "times"), [("webhook", "queued", 2), ("slack", "in_doubt", 1)])
def test_a_lost_answer_goes_again_where_the_receiver_knows_it_by_its_id_and_else_waits_for_a_person(
    office: Office, kind: str, state: str, times: int
) -> None:
    office.channel(kind, Event.FAILURES)
    office.hook.hang_up = True
    office.post_batch("39007")
    office.sweep()
    assert office.notice().state == state
    office.hook.hang_up = False
    with office.database.session() as session:
        session.exec(update(Notice).values(due_at=utcnow()))
        session.commit()
    office.sweep()
    assert len(office.hook.came) == times
    if kind == "slack":
        with office.database.session() as session:
            channels.send_again(session, office.notice().id or 0, "ada")
        office.sweep()
    assert office.notice().state == "sent"
    assert len({headers["webhook-id"] for _, headers, _ in office.hook.came}) == 1


@pytest.mark.parametrize(("status", "state"), [(500, "queued"), (429, "queued"), (404, "failed"), (302, "failed")])
def test_what_may_pass_is_tried_again_and_what_stays_has_failed(office: Office, status: int, state: str) -> None:
    office.channel("teams", Event.FAILURES)
    office.hook.status, office.hook.words = status, f"no, said {office.hook.url}"
    office.post_batch("39007")
    office.sweep()
    notice = office.notice()
    assert (notice.state, notice.attempts) == (state, 1)
    assert "very-secret" not in notice.said + notice.problem
    assert (notice.due_at > utcnow()) == (state == "queued")


def test_a_channel_gets_only_the_kinds_of_event_that_it_was_given(office: Office) -> None:
    channel = office.channel("slack", Event.DIGEST)
    office.post_batch("39007")
    office.sweep()
    assert office.hook.came == []
    office.sweep(morning())
    assert "Demo MSP this morning: stuck" in office.hook.bodies[0]["text"]
    with office.database.session() as session:
        channels.set_events(session, channel.id or 0, [], "ada")
    office.sweep(morning(2))
    assert len(office.hook.came) == 1


@pytest.mark.parametrize(
    "url", ["http://psa.example/hook", "https://user:pass@chat.example/", "https:///x", "file:///x"]
)
def test_an_address_that_may_not_be_called_is_no_channel(office: Office, url: str) -> None:
    with office.database.session() as session, pytest.raises(AddressRefusedError):
        channels.add(session, office.messenger, {"kind": "slack", "name": "x", "url": url}, [], "ada")
    with office.database.reading() as session:
        assert session.exec(select(NoticeChannel).order_by(col(NoticeChannel.id))).all() == []


def test_a_name_that_leads_inside_is_refused_when_it_is_called(office: Office) -> None:
    office.channel("slack", Event.FAILURES)
    office.messenger = PostMessenger(NetRules.parse(""))
    with office.database.session() as session:
        made = session.exec(select(NoticeChannel)).one()
        made.secrets = {"url": f"https://localhost:{office.hook.port}/"}
        session.add(made)
        session.commit()
    office.post_batch("39007")
    office.sweep()
    assert office.hook.came == []
    assert (office.notice().state, "inside this network" in office.notice().problem) == ("failed", True)


def test_mails_are_queued_once_however_often_they_are_asked_for(office: Office) -> None:
    office.post_batch("39007")
    for _ in range(3):
        notices.sweep(office.database, HOME)
    with office.database.reading() as session:
        assert sorted(mail.to for mail in session.exec(select(Mail))) == ["ada@shop.test", "ben@shop.test"]
