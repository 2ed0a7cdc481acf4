"""What users and channels are told: failures at once and together, the rest in the morning, each thing once."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import col, select, update

from app.connectors.addresses import NetRules
from app.connectors.mail.smtp import SmtpMailer
from app.connectors.notices.post import PostMessenger
from app.database import Database
from app.domain.notices import Event
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail
from app.models.notices import Notice, NoticeChannel
from app.models.payments import PaymentEntry
from app.models.people import User
from app.models.postings import Posting
from app.models.reconcile import Drift, DriftLook
from app.models.rounds import Round, RoundBatch
from app.services.batches import batches
from app.services.connections import books
from app.services.mail import channels, mail_settings, notice_wishes, notices, outbox
from app.services.mail.notice_wishes import Wish
from app.services.people import access, users
from tests.fakes import FakeConnectors
from tests.mail_server import Post, mail_server
from tests.routes.world import World
from tests.rows import a_book, a_source
from tests.webhook_server import Hook, webhook_server

HOME = "https://books.example"
DAY = dt.timedelta(days=1)
#: The hour in which the tests began; where the company is, it is noon: no morning comes meanwhile, whatever the hour.
NOON = utcnow().replace(minute=0, second=0, microsecond=0)
ZONE, HOUR_BEHIND = (f"Etc/GMT{NOON.hour - 12 + behind:+d}" for behind in (0, 1))
MAIL = {"host": "localhost", "security": "none", "sender": "crossfoot@shop.test"}


class Office:
    """People, a mail server and a webhook; ``sweep`` also hands over what is due."""

    world: World

    def __init__(self, database: Database, post: Post, hook: Hook) -> None:
        self.database, self.post, self.hook = database, post, hook
        self.messenger = PostMessenger(NetRules.parse(hook.host))
        self.mail_on()
        with database.session() as session:
            session.exec(update(Book).values(zone=ZONE))
            session.commit()
        for name, role in (("ada", "admin"), ("ben", "bookkeeper"), ("vic", "viewer")):
            self.person(name, role)
        notices.sweep(database, HOME)  # what was before is not told

    def mail_on(self) -> None:
        with self.database.session() as session:
            mail_settings.store(session, {**MAIL, "port": str(self.post.port)}, "test")

    def break_off(self, **changes: str) -> None:
        """The company must be connected again: there is something to say each morning."""
        with self.database.session() as session:
            session.exec(update(Book).where(col(Book.id) == 1).values(broken="The consent is gone.", **changes))
            session.commit()

    def person(self, name: str, role: str) -> None:
        with self.database.session() as session:
            user = users.create_user(session, email=f"{name}@shop.test", role=role, by="test")
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

    def post_batch(self, *wanted: str, accept: bool = True) -> int:
        """39007 is on an account that is not linked, so it is held; the others are posted."""
        with self.database.session() as session:
            batch = batches.submit(
                session, session.get_one(Book, 1), kind=RecordKind.INVOICES, wanted=wanted, by="ben", accept=accept
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
    """With documents to post."""
    world = World(database, FakeConnectors())
    with mail_server() as post, webhook_server() as hook:
        office = Office(database, post, hook)
        office.world = world
        yield office


@pytest.fixture
def small(database: Database) -> Iterator[Office]:
    """With a company, and nothing to post."""
    with database.session() as session:
        session.add(a_book())
        session.commit()
    with mail_server() as post, webhook_server() as hook:
        yield Office(database, post, hook)


def morning(days: int = 1) -> dt.datetime:
    """A few minutes past seven there, so many mornings from now."""
    return NOON.replace(minute=4) + dt.timedelta(hours=19) + (days - 1) * DAY


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


def test_people_without_a_log_in_are_told_of_failures_where_the_company_names_them(office: Office) -> None:
    with office.database.session() as session:
        wanted = {"autosync.mail_to": " Ada@shop.test, kim@cpa.test,kim@cpa.test"}
        books.set_settings(session, session.get_one(Book, 1), wanted, "test")
        with pytest.raises(ValidationError, match="kim"):
            books.set_settings(session, session.get_one(Book, 1), {"autosync.mail_to": "kim, lee@cpa.test"}, "test")
    office.post_batch("39005", "39007")
    office.sweep()
    office.sweep()
    assert office.to == ["ada", "ben", "kim"]
    hers = next(text for text in office.post.texts if "stands in this company’s AutoSync settings" in text)
    assert "GL account 4600" in hers


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


# ── the digest ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
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
    assert f"  - 10482 Acme Dental 214.00 USD: {HOME}/records/1/invoices/39005\n" in text
    assert "- Bolt" not in text.replace("39007 Bolt", "")


def test_the_digest_leads_to_each_mail_and_document_that_is_stuck(office: Office) -> None:
    office.post_batch("39005")
    with office.database.session() as session:
        posting = session.exec(select(Posting)).one()
        own: dict[str, Any] = {"kind": "invoice", "book_id": 1, "posting_id": posting.id, "subject": "x", "by": "x"}
        states = ("failed", "in_doubt")
        mails = [Mail(**own, key=state, message_name=state, to="ap@acme.test", state=state) for state in states]
        session.add_all(mails)
        session.add(Drift(book_id=1, posting_id=posting.id or 0, side="books", what="edited", signature="s"))
        problem = {"code": "x", "message": "ConnectWise does not answer.", "remedy": "Look again."}
        session.add(DriftLook(book_id=1, first_day=utcnow().date(), ended_at=utcnow(), problem=problem))
        session.commit()
    office.sweep(morning())
    text = office.post.texts[-1]
    for mail in mails:
        assert f"{HOME}/mail/1/{mail.id}\n" in text
    assert text.count(f"{HOME}/records/1/invoices/39005\n") == 2, "as posted, and as changed since"
    assert f"did not come to its end. ConnectWise does not answer.\n  Look again.\n  {HOME}/reconcile/1\n" in text


def test_batches_of_a_round_are_one_mail_when_the_round_has_ended(office: Office) -> None:
    with office.database.session() as session:
        made = Round(book_id=1, by="AutoSync", auto=True, state="submitted")
        session.add(made)
        session.commit()
        for wanted in ("39007", "39009"):
            session.add(RoundBatch(batch_id=office.post_batch(wanted, accept=False), round_id=made.id or 0))
        session.commit()
    office.sweep()
    assert office.to == []
    with office.database.session() as session:
        session.exec(update(Round).values(state="ended"))
        session.commit()
    office.sweep()
    assert office.to == ["ada", "ben"]
    assert str(office.post.letters[0]["Subject"]) == "Demo MSP: 2 batches, 2 documents not posted"


def test_each_says_which_mails_come_and_only_about_companies_that_may_be_seen(small: Office) -> None:
    small.wish("ada", Wish(failures=True, digest=False))
    small.wish("vic", Wish(failures=False, digest=True))
    with small.database.session() as session:
        access.set_roles(session, session.get_one(User, small.user("ben").id), {1: "none"}, "ada")
        assert notice_wishes.of(session, session.get_one(User, small.user("ben").id)) == []
        assert [user.email for user in notice_wishes.who(session, 1, Event.FAILURES)] == ["ada@shop.test"]
    small.break_off()
    small.sweep(morning())
    assert small.to == ["vic"]


def test_a_morning_with_nothing_to_say_is_silent_and_does_not_speak_later_that_day(small: Office) -> None:
    small.sweep(morning())
    small.break_off()
    small.sweep(morning() + dt.timedelta(hours=3))
    assert small.to == []
    for _ in range(2):
        small.sweep(morning(5))  # those in between were missed
    assert small.to == ["ada", "ben"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_several_sweeps_at_once_write_one_mail_each(small: Office) -> None:
    small.break_off()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: notices.sweep(small.database, HOME, morning()), range(4)))
    small.sweep(morning())
    assert small.to == ["ada", "ben"]


def test_what_was_said_before_mail_was_set_up_is_never_mailed(small: Office) -> None:
    small.break_off()
    with small.database.session() as session:
        mail_settings.forget(session, "ada")
    small.sweep(morning())
    small.mail_on()
    small.sweep(morning() + dt.timedelta(hours=1))
    assert small.to == []


def test_the_morning_is_the_companys_own(small: Office) -> None:
    small.break_off(zone=HOUR_BEHIND)
    small.sweep(morning())
    small.sweep(morning() + dt.timedelta(minutes=50))
    before = small.to
    small.sweep(morning() + dt.timedelta(hours=1))
    assert (before, small.to) == ([], ["ada", "ben"])


def test_several_companies_are_one_mail_and_each_reads_only_of_those_that_may_be_seen(small: Office) -> None:
    with small.database.session() as session:
        session.add(a_book("Other MSP", "9342", zone=ZONE, broken="Intuit has ended the consent."))
        session.commit()
        access.set_roles(session, session.get_one(User, small.user("ben").id), {2: "none"}, "ada")
    small.sweep()
    small.break_off()
    small.sweep(morning())
    read = {str(letter["To"]): text for letter, text in zip(small.post.letters, small.post.texts, strict=True)}
    assert sorted(read) == ["ada@shop.test", "ben@shop.test"]
    assert "Demo MSP: Stuck" in read["ada@shop.test"]
    assert "Intuit has ended the consent." in read["ada@shop.test"]
    assert "Other MSP" not in read["ben@shop.test"]


def test_money_that_came_is_said_with_its_invoices(small: Office) -> None:
    small.sweep()
    with small.database.session() as session:
        batch = Batch(book_id=1, source_id=1, kind="payments", name="20261129-P", by="x", ended_at=utcnow())
        session.add(a_source())
        session.flush()
        session.add(batch)
        session.flush()
        own: dict[str, Any] = {"batch_id": batch.id, "book_id": 1, "currency": "USD", "date": dt.date(2026, 11, 3)}
        invoice = Posting(**own, number="10484", party="Bolt & Nut Co", total=Decimal(50), state="closed")
        session.add(invoice)
        session.flush()
        entry: dict[str, Any] = {
            "book_id": 1,
            "batch_id": batch.id,
            "posting_id": invoice.id,
            "record": "39007",
            "what": "money",
        }
        session.add_all(
            [
                PaymentEntry(**entry, payment="1", amount=Decimal("1234.50"), state="done"),
                PaymentEntry(**entry, payment="2", amount=Decimal(30), was=Decimal(10), verb="change", state="done"),
                PaymentEntry(**entry, payment="3", amount=Decimal(7), by_hand=True, state="done"),
                PaymentEntry(**entry, payment="4", amount=Decimal(9), state="refused"),
            ]
        )
        session.commit()
    small.sweep(morning())
    (text, _) = small.post.texts
    assert f"* 1,254.50 USD on 1 invoice\n  20261129-P\n  {HOME}/batches/1\n" in text
    assert f"  - 10484 Bolt & Nut Co 1,254.50 USD: {HOME}/records/1/invoices/39007" in text


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
