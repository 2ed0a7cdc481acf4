"""Links to pay by Stripe: from the mail over the page to the books and back to the PSA, and what stands in between."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from sqlmodel import col, select, update

from app.database import Database
from app.domain.problems import NotFoundError
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.pay_links import Checkout, PayLink
from app.services.batches import batches
from app.services.connections import books
from app.services.mail import customer_mail, mail_settings, outbox
from app.services.paying import online_payments, pay_finding, pay_links, pay_recording, stripe_keys
from app.services.posting import undoing
from sandbox.stripe.account import KEY
from tests import engine
from tests.engine import Engine
from tests.mail_server import mail_server
from tests.services.bookkeeper import Bookkeeper
from tests.services.test_customer_mail import MAILER

HOME = "https://books.test"
ZERO = Decimal(0)
HOUR = dt.timedelta(hours=1)
MAILED = "10394"
OTHERS = ("10395", "10398", "10399", "10401", "10440", "10442", "10426", "10430", "10432", "10435",
          "10437", "10438", "10439", "10450", "10420", "10441", "10451")  # fmt: skip


@dataclass
class Till:
    """One posted invoice, and a link to pay it."""

    keeper: Bookkeeper
    number: str
    token: str

    @property
    def engine(self) -> Engine:
        return self.keeper.engine

    @property
    def account(self) -> Any:
        return self.engine.both.stripe.account

    def click(self) -> str:
        return pay_links.begin(self.engine.database, self.engine.connectors, self.token, HOME)

    def work(self) -> None:
        """Whatever the sweep would ring for, again and again while something is under way."""
        for _ in range(200):
            self.due_now()
            for book_id in pay_recording.due(self.engine.database):
                pay_recording.work(self.engine.database, self.engine.connectors, book_id, self.engine.waits)
            with self.engine.database.reading() as session:
                moving = col(Checkout.state).in_(("paid", "sending", "in_doubt"))
                if not session.exec(select(Checkout.id).where(moving)).all():
                    return

    def due_now(self) -> None:
        """Time goes by: all looks are due, and no call can be running any more."""
        with self.engine.database.session() as session:
            waits = col(Checkout.look_at).is_not(None)
            session.exec(update(Checkout).where(waits).values(look_at=utcnow(), ended_by=utcnow()))
            session.commit()

    def pay(self, how: str = "card") -> None:
        self.account.pay(self.checkout().ident, how)

    def checkout(self) -> Checkout:
        with self.engine.database.reading() as session:
            mine = select(Checkout).where(Checkout.posting_id == self.engine.posting(self.number).id)
            found = session.exec(mine.order_by(col(Checkout.id).desc())).first()
        assert found is not None
        return found

    def payments(self) -> list[dict[str, Any]]:
        """What QuickBooks has of payments that we recorded for this invoice."""
        ours = f"PSA {self.number} · CF-S"
        return [row for row in self.engine.company.visible("Payment") if row.get("PrivateNote", "").startswith(ours)]

    def open(self) -> Decimal:
        """What QuickBooks says is open."""
        found = self.engine.company.find("Invoice", self.engine.posting(self.number).ledger_id)
        assert found is not None
        return Decimal(found["Balance"])

    def decide(self, how: str) -> None:
        with self.engine.database.session() as session:
            online_payments.decide(session, self.engine.book_id, self.checkout().id or 0, how, engine.BY)
        self.work()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Bookkeeper]:
    """One company for all tests, with its key at Stripe; each test has an invoice of its own."""
    yield from open_shop(tmp_path_factory.mktemp("pay"), redis_url)


def open_shop(home: Path, redis_url: str, database: Database | None = None) -> Iterator[Bookkeeper]:
    server = redis.Redis.from_url(redis_url)
    server.flushall()
    made = engine.make(home, server, database=database)
    stripe_keys.store(made.database, made.connectors, made.book_id, KEY, "", engine.BY)
    wanted = {"email.pay_link": "yes", "payments.stripe": "yes"}
    with made.database.session() as session:
        books.set_settings(session, session.get_one(Book, made.book_id), wanted, engine.BY)
    yield Bookkeeper(made, MAILED, *OTHERS)
    made.both.stop()
    made.database.dispose()


def till_of(keeper: Bookkeeper, number: str) -> Till:
    """A link that is not mailed."""
    with keeper.engine.database.session() as session:
        token, link = pay_links.new(keeper.engine.posting(number), 60)
        session.add(link)
        session.commit()
    return Till(keeper, number, token)


def mailed(keeper: Bookkeeper, number: str) -> Till:
    """The link in the mail that the customer gets."""
    made = keeper.engine
    with mail_server() as post:
        form = {"host": "localhost", "port": str(post.port), "security": "none", "user": "", "sender": "ar@msp.test"}
        with made.database.session() as session:
            mail_settings.store(session, form, engine.BY)
            customer_mail.by_hand(session, made.book_id, made.posting(number).id or 0, "ap@x.test", "t", engine.BY)
        customer_mail.prepare(made.database, made.connectors, made.book_id, HOME)
        for mail_id in outbox.due(made.database):
            outbox.deliver(made.database, MAILER, mail_id)
    found = re.search(rf"{HOME}/pay/([\w-]{{22}})\b", post.texts[0])
    assert found, post.texts
    return Till(keeper, number, found[1])


def test_a_paid_invoice_is_recorded_once_in_the_books_and_comes_to_the_psa(shop: Bookkeeper) -> None:
    till = mailed(shop, MAILED)
    total, url = till.open(), till.click()
    assert till.click() == url, "a second click leads to the same page"
    assert str(total) in requests.get(url, timeout=10).text.replace(",", "")
    assert requests.post(url, data={"how": "card"}, allow_redirects=False, timeout=10).status_code == 303
    till.work()
    (payment,) = till.payments()
    assert (Decimal(payment["TotalAmt"]), Decimal(payment["UnappliedAmt"]), till.open()) == (total, ZERO, ZERO)
    mark = f"CF-S{till.checkout().name}-g1"
    assert payment["PaymentRefNum"] == mark
    assert payment["PrivateNote"] == f"PSA {MAILED} · {mark} · Stripe {till.checkout().payment}"
    with pytest.raises(pay_links.NotPayableError, match="already paid"):
        till.click()
    shop.sync()
    assert shop.amounts(MAILED) == [str(total)]


@pytest.mark.parametrize(
    ("number", "fault"), [("10395", "lose_answer"), ("10398", "drop_before"), ("10399", "500_after")]
)
def test_a_lost_answer_of_quickbooks_is_looked_up_and_nothing_is_recorded_twice(
    shop: Bookkeeper, number: str, fault: str
) -> None:
    till = till_of(shop, number)
    till.click()
    till.pay()
    shop.engine.company.faults.add(fault, path="payment", method="POST")
    till.work()
    assert (till.checkout().state, till.open()) == ("recorded", ZERO)
    assert len(till.payments()) == 1
    assert till.checkout().sends == (2 if fault == "drop_before" else 1)


def test_what_was_paid_twice_is_told_and_can_be_kept_as_money_that_pays_nothing_yet(shop: Bookkeeper) -> None:
    till = till_of(shop, "10401")
    till.click()
    shop.pays(("10401", str(till.open())))
    till.pay()
    till.work()
    assert (till.payments(), till.checkout().state) == ([], "stuck")
    assert shop.engine.problems("10401") == ["online_payment_too_much"]
    with pytest.raises(pay_links.NotPayableError, match="already paid"):
        till.click()
    till.decide("loose")
    assert till.checkout().state == "recorded", till.checkout().problem
    (payment,) = till.payments()
    assert payment["UnappliedAmt"] == payment["TotalAmt"] == till.checkout().amount
    assert shop.engine.problems("10401") == []


def test_after_a_part_payment_a_click_asks_for_the_rest_and_the_old_page_ends(shop: Bookkeeper) -> None:
    till = till_of(shop, "10440")
    till.click()
    first = till.checkout().ident
    shop.pays(("10440", "10.00"))
    till.click()
    assert (till.account.find(first)["status"], till.checkout().amount) == ("expired", till.open())
    till.pay()
    till.work()
    assert (till.checkout().state, till.open()) == ("recorded", ZERO)


def test_money_for_an_invoice_that_was_taken_back_meanwhile_is_told(shop: Bookkeeper) -> None:
    till = till_of(shop, "10442")
    till.click()
    posting = shop.engine.posting("10442")
    with shop.engine.database.session() as session:
        batch = batches.find(session, posting.batch_id)
        records = next(p for p in shop.engine.json(posting.batch_id)["postings"] if p["number"] == "10442")["records"]
        undoing.ask(session, batch, records, by=engine.BY)
    shop.engine.run(posting.batch_id)
    till.pay()
    till.work()
    assert (till.checkout().state, till.payments()) == ("stuck", [])
    with pytest.raises(pay_links.NotPayableError, match="taken back"):
        till.click()
    till.decide("settled")
    assert (till.checkout().state, till.checkout().live, till.payments()) == ("settled", False, [])


def test_what_was_given_back_before_it_was_recorded_is_a_persons(shop: Bookkeeper) -> None:
    till = till_of(shop, "10426")
    till.click()
    till.pay()
    till.account.refund(till.checkout().ident, 100)
    till.work()
    assert (till.payments(), shop.engine.problems("10426")) == ([], ["online_payment_refunded"])


def test_a_bank_debit_is_waited_for_and_when_it_fails_the_invoice_can_be_paid_again(shop: Bookkeeper) -> None:
    till = till_of(shop, "10430")
    till.click()
    till.pay("bank")
    till.work()
    with pytest.raises(pay_links.NotPayableError, match="under way"):
        till.click()
    till.account.settle(till.checkout().ident, well=False)
    till.work()
    till.click()
    till.pay("bank")
    till.account.settle(till.checkout().ident, well=True)
    till.work()
    assert (till.open(), len(till.payments())) == (ZERO, 1)


def test_clicks_at_one_moment_and_a_lost_answer_of_stripe_make_one_page(shop: Bookkeeper) -> None:
    till, before = till_of(shop, "10432"), len(shop.engine.both.stripe.account.sessions)
    till.account.faults.add("lose_answer", method="POST")
    with pytest.raises(pay_links.NotPayableError, match="could not be made"):
        till.click()
    with ThreadPoolExecutor(3) as customers:
        assert len({address.result() for address in [customers.submit(till.click) for _ in range(3)]}) == 1
    assert len(till.account.sessions) == before + 1


@pytest.mark.parametrize("known", ["nothing", "recorded", "ended"])
def test_a_payment_that_a_database_copied_back_knows_nothing_of_is_found_again(shop: Bookkeeper, known: str) -> None:
    number = {"nothing": "10437", "recorded": "10438", "ended": "10450"}[known]
    till, made = till_of(shop, number), shop.engine
    till.click()
    till.pay()
    if known == "recorded":
        till.work()
    with made.database.session() as session:
        if known == "ended":
            session.exec(
                update(Checkout).where(col(Checkout.id) == till.checkout().id).values(state="ended", live=False)
            )
        else:
            session.delete(till.checkout())
        session.commit()
    pay_finding.look(made.database, made.connectors)
    pay_finding.look(made.database, made.connectors)
    assert till.checkout().state == "open"
    till.work()
    assert (till.checkout().state, len(till.payments()), till.open()) == ("recorded", 1, ZERO)


def test_what_is_given_back_after_it_was_recorded_is_told_once(shop: Bookkeeper) -> None:
    till, made = till_of(shop, "10439"), shop.engine
    till.click()
    till.pay()
    till.work()
    till.account.refund(till.checkout().ident, 500)
    pay_finding.look(made.database, made.connectors)
    assert made.problems("10439") == ["online_payment_refunded"]
    till.decide("settled")
    pay_finding.look(made.database, made.connectors)
    assert made.problems("10439") == []


def test_what_is_given_back_between_paid_and_recorded_is_told(shop: Bookkeeper) -> None:
    till, made = till_of(shop, "10420"), shop.engine
    till.click()
    till.pay()
    made.company.faults.add("drop_before", method="GET", times=50)
    till.due_now()
    pay_recording.work(made.database, made.connectors, made.book_id, made.waits)
    made.company.faults.clear()
    assert (till.checkout().state, till.payments()) == ("paid", [])
    till.account.refund(till.checkout().ident, 500)
    till.work()
    assert (till.checkout().state, len(till.payments())) == ("recorded", 1)
    pay_finding.look(made.database, made.connectors)
    assert made.problems("10420") == ["online_payment_refunded"]


def test_a_page_that_only_another_accounts_key_shows_is_a_persons_until_that_key_is_back(shop: Bookkeeper) -> None:
    till, made = till_of(shop, "10441"), shop.engine
    till.click()
    ident = till.checkout().ident
    elsewhere = till.account.sessions.pop(ident)
    with pytest.raises(pay_links.NotPayableError, match="could not be made"):
        till.click()
    with made.database.session() as session:
        session.exec(update(Checkout).where(col(Checkout.ident) == ident).values(expires_at=utcnow() - 2 * HOUR))
        session.commit()
    till.work()
    assert (till.checkout().state, made.problems("10441")) == ("stuck", ["online_payment_unknown"])
    till.decide("again")
    assert (till.checkout().state, till.payments()) == ("stuck", []), "what is not known to be paid is not recorded"
    with pytest.raises(pay_links.NotPayableError, match="can’t be paid online"):
        till.click()
    till.account.sessions[ident] = elsewhere
    till.pay()
    pay_finding.look(made.database, made.connectors)
    assert (till.checkout().state, made.problems("10441")) == ("open", [])
    till.work()
    assert (till.checkout().state, len(till.payments()), till.open()) == ("recorded", 1, ZERO)


def test_of_two_pages_of_one_invoice_that_are_paid_at_once_one_is_recorded_and_one_is_told(shop: Bookkeeper) -> None:
    till, made = till_of(shop, "10451"), shop.engine
    till.click()
    first = till.checkout().ident
    with made.database.session() as session:  # as in a database that was copied back
        session.exec(update(Checkout).where(col(Checkout.ident) == first).values(state="ended", live=False))
        session.commit()
    till.click()
    till.account.pay(first)
    till.pay()
    pay_finding.look(made.database, made.connectors)
    till.due_now()
    with ThreadPoolExecutor(2) as workers:
        both = [
            workers.submit(pay_recording.work, made.database, made.connectors, made.book_id, made.waits) for _ in "12"
        ]
        assert [each.result() for each in both] == [None, None]
    till.work()
    mine = select(Checkout.state).where(Checkout.posting_id == made.posting("10451").id)
    with made.database.reading() as session:
        assert sorted(session.exec(mine)) == ["recorded", "stuck"]
    assert (len(till.payments()), till.open()) == (1, ZERO)
    assert made.problems("10451")[0] in {"online_payment_too_much", "online_payment_refused"}


def test_a_link_that_was_taken_back_or_has_expired_leads_nowhere(shop: Bookkeeper) -> None:
    till, database = till_of(shop, "10435"), shop.engine.database
    till.click()
    with database.session() as session:
        assert pay_links.revoke(session, shop.engine.book_id, till.engine.posting("10435").id or 0, engine.BY) == 1
    for book_id in pay_recording.due(database):  # the page that was open is ended, too
        pay_recording.work(database, shop.engine.connectors, book_id, shop.engine.waits)
    page = till.checkout()
    assert (page.state, till.account.find(page.ident)["status"]) == ("ended", "expired")
    late = till_of(shop, "10435")
    with database.session() as session:
        session.exec(update(PayLink).where(col(PayLink.revoked_at).is_(None)).values(expires_at=utcnow()))
        session.commit()
    for gone in (till, late):
        with pytest.raises(pay_links.LinkGoneError):
            gone.click()
    with pytest.raises(NotFoundError):
        Till(shop, "10435", "guessed").click()
    with database.session() as session:
        session.exec(
            update(PayLink).where(col(PayLink.revoked_at).is_(None)).values(expires_at=utcnow() - 2 * pay_links.KEPT)
        )
        session.commit()
    pay_links.forget(database)
    with pytest.raises(NotFoundError):
        late.click()
