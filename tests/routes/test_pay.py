"""The pages of a link to pay: nothing before the click, the way to Stripe and back, words for what does not work."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from flask import Flask
from sqlmodel import select, update

from app.connectors.addresses import NetRules
from app.connectors.checkouts import Checkouts
from app.connectors.http import Http
from app.connectors.stripe.connector import Stripe
from app.database import Database
from app.domain.states import RecordKind
from app.factory import create_app
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.pay_links import Checkout, PayLink
from app.models.people import Audit
from app.models.postings import Posting, PostingProblem
from app.routes import security
from app.services.batches import batches
from app.services.connections import books
from app.services.paying import pay_links, pay_problems, stripe_keys
from app.settings import Settings
from sandbox.stripe.account import KEY, SECRET, signed
from sandbox.stripe.server import Running, start
from tests.routes.conftest import HOST, TEMPLATES, Browser, Vendors, words
from tests.routes.test_connections import stored
from tests.routes.world import World


class WithStripe(Vendors):
    """Beside PSA and ledger in memory, Stripe's stand-in over HTTP."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def checkouts(self, key: str) -> Checkouts:
        return Stripe(Http("Stripe", NetRules.parse("127.0.0.1:*")), key, self.url)


@pytest.fixture(scope="module")
def stripe() -> Iterator[Running]:
    running = start()
    yield running
    running.stop()


@pytest.fixture
def vendors(stripe: Running) -> WithStripe:
    return WithStripe(stripe.url)


@pytest.fixture
def app(settings: Settings, database: Database, redis_server: redis.Redis, vendors: WithStripe) -> Flask:
    made = create_app(replace(settings, stripe_api=vendors.url), database, redis_server, vendors)
    made.jinja_env.bytecode_cache = TEMPLATES
    security.limiter.reset()
    return made


@pytest.fixture
def token(app: Flask, database: Database, vendors: WithStripe) -> str:
    """A link to pay invoice 39005, of which 214.00 are open."""
    world = World(database, vendors)
    with database.session() as session:
        book = session.exec(select(Book)).one()
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=["39005"], by="ada", accept=True)
    world.work()
    for ident, receipt in world.company.documents.items():
        world.company.documents[ident] = replace(receipt, open=receipt.total)
    stripe_keys.store(database, vendors, 1, KEY, SECRET, "ada")
    with database.session() as session:
        books.set_settings(session, session.get_one(Book, 1), {"payments.stripe": "yes"}, "ada")
        token, link = pay_links.new(session.exec(select(Posting)).one(), 30)
        session.add(link)
        session.commit()
    return token


def test_before_the_click_a_page_says_only_whom_one_pays(stranger: Browser, token: str, stripe: Running) -> None:
    answer = stranger.get(f"/pay/{token}")
    assert "Pay Demo MSP" in words(answer)
    for secret in ("214", "39005", "Acme", "Crossfoot"):
        assert secret not in words(answer)
    assert "Set-Cookie" not in answer.headers
    policy = answer.headers["Content-Security-Policy"]
    assert f"form-action 'self' https: {stripe.url}" in policy
    assert "noindex" in answer.text


def test_the_click_leads_to_stripe_and_back_and_the_payment_is_asked_for(
    stranger: Browser, token: str, stripe: Running, database: Database
) -> None:
    answer = stranger.post(f"/pay/{token}", status=303, follow=False)
    assert answer.headers["Location"].startswith(f"{stripe.url}/c/pay/cs_test_")
    (checkout,) = stored(database, Checkout)
    assert (str(checkout.amount), checkout.currency, checkout.state) == ("214.00", "USD", "open")
    assert "Nothing was paid" in words(stranger.get(f"/pay/return/{checkout.name}/cancelled"))
    stripe.account.pay(checkout.ident)
    assert "Thank you" in words(stranger.get(f"/pay/return/{checkout.name}"))
    assert stored(database, Checkout)[0].look_at <= utcnow()
    with database.session() as session:
        session.exec(update(Checkout).values(state="recorded", live=False))
        session.commit()
    assert "Your payment has arrived" in words(stranger.get(f"/pay/return/{checkout.name}"))


def test_what_does_not_work_is_said_in_words_for_customers(
    stranger: Browser, token: str, database: Database, vendors: WithStripe
) -> None:
    assert "There is no such link" in words(stranger.get("/pay/guessed", status=404))
    assert "There is no such page" in words(stranger.get("/pay/return/guessed", status=404))
    vendors.books["9341"].down = "gone fishing"  # type: ignore[attr-defined]  # the one in memory
    answer = words(stranger.post(f"/pay/{token}", status=503))
    assert "can’t be paid just now" in answer
    assert "fishing" not in answer
    assert stranger.client.get("/pay/x", base_url="http://elsewhere.test").status_code == 302
    assert "can’t be opened like that" in stranger.client.post("/pay/x", base_url="http://elsewhere.test").text
    with database.session() as session:
        session.exec(update(PayLink).values(expires_at=utcnow()))
        session.commit()
    assert "no longer good. Ask Demo MSP for a new one" in words(stranger.get(f"/pay/{token}", status=410)).replace(
        "good Ask", "good. Ask"
    )
    answers = [stranger.client.post("/pay/guessed", base_url=HOST).status_code for _ in range(11)]
    assert set(answers[:9]) == {404}
    assert answers[-1] == 429


def test_a_key_that_stripe_takes_no_more_is_told_on_every_page_until_it_takes_one(
    stranger: Browser, bookkeeper: Browser, admin: Browser, token: str, database: Database, stripe: Running
) -> None:
    stripe.account.faults.add("401", method="POST")
    assert "can’t be paid just now" in words(stranger.post(f"/pay/{token}", status=503))
    assert "Stripe for Demo MSP must be connected again. Stripe does not know the key." in words(
        bookkeeper.get("/mail/1")
    )
    assert "/settings/books/1/payments#stripe" in admin.get("/attention").text
    admin.post("/settings/books/1/stripe", {"key": KEY})
    assert "must be connected again" not in words(admin.get("/attention"))


def test_a_webhook_is_a_reason_to_look_and_nothing_without_its_signature(
    stranger: Browser, token: str, database: Database
) -> None:
    stranger.post(f"/pay/{token}", status=303, follow=False)
    ident, moment = stored(database, Checkout)[0].ident, int(time.time())
    body = json.dumps({"type": "checkout.session.completed", "data": {"object": {"id": ident}}}).encode()

    def deliver(signature: str, book: int = 1) -> int:
        answer = stranger.client.post(
            f"/webhooks/stripe/{book}", data=body, base_url=HOST, headers={"Stripe-Signature": signature}
        )
        return answer.status_code

    assert [deliver(signed(body, moment, "whsec_other")), deliver("")] == [401, 401]
    assert deliver(signed(body, moment), 2) == 404, "that company takes none"
    assert stored(database, Checkout)[0].look_at > utcnow()
    assert [deliver(signed(body, moment)), deliver(signed(body, moment))] == [200, 200]
    assert stored(database, Checkout)[0].look_at <= utcnow()


def test_a_payment_that_is_stuck_is_shown_and_settled_by_a_bookkeeper(
    bookkeeper: Browser, viewer: Browser, token: str, database: Database
) -> None:
    bookkeeper.post(f"/pay/{token}", status=303, follow=False)
    problem = {"code": pay_problems.TOO_MUCH, "message": "Too much was paid.", "remedy": "Decide.", "severity": "error"}
    with database.session() as session:
        session.exec(update(Checkout).values(state="stuck", payment="pi_1", problem=problem, look_at=None))
        pay_problems.told(session, session.exec(select(Checkout)).one())
        session.commit()
    assert "Questions only a person can answer Too much was paid" in words(bookkeeper.get("/attention"))
    drawer = bookkeeper.get(f"/batches/1/problems/{pay_problems.TOO_MUCH}:online:{stored(database, Checkout)[0].name}")
    assert "/online-payments/1" in drawer.text
    assert "Record it again" not in words(viewer.get("/online-payments/1"))
    viewer.post("/online-payments/1/1", {"how": "settled"}, status=403)
    assert "Too much was paid. Decide." in words(bookkeeper.get("/online-payments/1"))
    assert "is no decision" in words(bookkeeper.post("/online-payments/1/1", {"how": "x"}, status=422))
    assert "Settled" in words(bookkeeper.post("/online-payments/1/1", {"how": "settled"}))
    assert stored(database, PostingProblem) == []
    assert stored(database, Audit)[-1].action == "pay.settled"


def test_links_of_an_invoice_are_taken_back(bookkeeper: Browser, stranger: Browser, token: str) -> None:
    page = words(bookkeeper.get("/mail/1/invoices/1"))
    assert "1 link to pay works" in page
    assert "1 link taken back" in words(bookkeeper.post("/mail/1/invoices/1/revoke"))
    assert "no longer good" in words(stranger.get(f"/pay/{token}", status=410))
    bookkeeper.post("/mail/1/invoices/1/revoke", status=422)


def test_the_key_is_tried_kept_encrypted_and_never_shown(
    admin: Browser, bookkeeper: Browser, token: str, database: Database
) -> None:
    page = admin.get("/settings/books/1/payments")
    assert KEY not in page.text
    assert "rk_test_…0001" in words(page)
    assert "No mail carries a link to pay" in words(page)
    for key, said in (
        ("sk_test_51SandboxHarborPoint", "no restricted key"), ("rk_live_51SandboxHarborPoint", "begins with rk_test_"),
        ("rk_test_of_somebody_else", "does not know the key"),
    ):  # fmt: skip
        assert said in words(admin.post("/settings/books/1/stripe", {"key": key}))
    assert "Stripe takes the key" in words(admin.post("/settings/books/1/stripe", {"key": KEY}))
    with database.engine.connect() as connection:
        assert KEY not in str(connection.exec_driver_sql("SELECT value FROM installation_settings").all())
    bookkeeper.get("/mail/1/invoices/1")
    bookkeeper.post("/settings/books/1/stripe", {"how": "forget"}, status=403)
    admin.post("/settings/books/1/stripe", {"how": "forget"})
    with database.reading() as session:
        assert stripe_keys.keys(session, 1) is None
