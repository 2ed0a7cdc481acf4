"""Stripe against its stand-in over real HTTP: pages made once, looked at, ended; what has no answer; webhooks."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from app.connectors.checkouts import BadEventError, NewPage, Opened, Page, PageState
from app.connectors.http import Http, NetRules
from app.connectors.protocols import ConnectionFailedError
from app.connectors.stripe import webhooks
from app.connectors.stripe.amounts import from_units, to_units
from app.connectors.stripe.connector import MOST, Stripe
from app.connectors.stripe.pages import to_page
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.models.columns import utcnow
from sandbox.stripe.account import KEY, READING_KEY, SECRET, signed
from sandbox.stripe.server import Running, start
from tests.webhook_server import webhook_server


@pytest.fixture
def vendor() -> Iterator[Running]:
    running = start()
    yield running
    running.stop()


def opened(vendor: Running, key: str = KEY) -> Stripe:
    return Stripe(Http("Stripe", NetRules.parse("127.0.0.1:*")), key, vendor.url)


def a_page(name: str = "0a1b2c3d4e5f", amount: str = "214.00", currency: str = "USD") -> NewPage:
    back = "https://books.test/pay/return/x"
    ends = utcnow() + dt.timedelta(hours=1)
    return NewPage(name, "Invoice 10482", Decimal(amount), currency, back, f"{back}/no", ends)


def made(stripe: Stripe, new: NewPage) -> Page:
    outcome = stripe.open(new)
    assert isinstance(outcome, Opened), outcome
    return outcome.page


def test_a_page_goes_from_open_to_paid_and_tells_payment_and_refund(vendor: Running) -> None:
    stripe = opened(vendor)
    stripe.check()
    page = made(stripe, a_page())
    assert (page.state, page.amount, page.currency, page.name) == ("open", Decimal("214.00"), "USD", "0a1b2c3d4e5f")
    vendor.account.pay(page.ident)
    vendor.account.refund(page.ident, 5000)
    paid = stripe.look(page.ident)
    assert paid is not None
    assert (paid.state, paid.refunded, paid.url, paid.payment[:3]) == ("paid", Decimal("50.00"), "", "pi_")
    assert stripe.end(page.ident) is False, "it is paid"
    assert stripe.look("cs_test_none") is None


def test_of_all_that_was_paid_only_our_pages_are_told_and_all_of_them(vendor: Running) -> None:
    stripe, started = opened(vendor), utcnow() - dt.timedelta(minutes=1)
    names = [f"page{number:03}" for number in range(MOST + 5)]
    for name in names:
        vendor.account.pay(made(stripe, a_page(name)).ident)
        if name.endswith("50"):
            other = dict(vendor.account.sessions[next(reversed(vendor.account.sessions))])
            other |= {"id": f"cs_of_others_{name}", "metadata": {}, "amount_total": None, "currency": None}
            vendor.account.sessions[other["id"]] = other
    made(stripe, a_page("open"))
    assert [page.name for page in stripe.ended_well(started)] == names[::-1]
    assert list(stripe.ended_well(utcnow() + dt.timedelta(minutes=1))) == []


def test_a_bank_debit_is_under_way_until_the_bank_says_yes_or_no(vendor: Running) -> None:
    stripe = opened(vendor)
    for well, state in ((True, PageState.PAID), (False, PageState.FAILED)):
        page = made(stripe, a_page(f"debit{well}"))
        vendor.account.pay(page.ident, "bank")
        told = [stripe.look(page.ident)]
        vendor.account.settle(page.ident, well=well)
        told.append(stripe.look(page.ident))
        assert [one and one.state for one in told] == [PageState.UNDER_WAY, state]


def test_a_lost_answer_is_a_doubt_and_the_same_name_makes_no_second_page(vendor: Running) -> None:
    stripe, new = opened(vendor), a_page()
    vendor.account.faults.add("lose_answer")
    assert isinstance(stripe.open(new), InDoubt)
    page = made(stripe, new)
    assert list(vendor.account.sessions) == [page.ident]
    assert isinstance(stripe.open(a_page(amount="1.00")), Refused), "the name belongs to other contents"
    assert stripe.end(page.ident) is True
    assert stripe.end(page.ident) is True


def test_what_stripe_does_not_take_is_told_apart(vendor: Running) -> None:
    assert isinstance(opened(vendor).open(a_page(amount="0.30")), Refused)
    stranger = opened(vendor, "rk_test_of_somebody_else").open(a_page())
    assert isinstance(stranger, NotDone)
    assert stranger.systemic is not None
    assert stranger.systemic.code == "stripe_key"
    reader = opened(vendor, READING_KEY)
    reader.check()
    assert isinstance(outcome := reader.open(a_page()), NotDone)
    assert "Checkout Sessions: write" in (outcome.systemic.remedy if outcome.systemic else "")
    vendor.account.faults.add("429")
    assert isinstance(opened(vendor).open(a_page()), NotDone)
    vendor.account.faults.add("500_after")
    assert isinstance(opened(vendor).open(a_page("after")), InDoubt)
    with pytest.raises(ConnectionFailedError, match="does not know the key"):
        opened(vendor, "rk_test_of_somebody_else").check()


def test_amounts_are_whole_units_of_their_currency_and_nothing_is_rounded() -> None:
    for amount, currency, units in (("12.30", "USD", 1230), ("1200.00", "JPY", 1200), ("1.25", "KWD", 1250)):
        assert to_units(Decimal(amount), currency) == units
        assert from_units(units, currency) == Decimal(amount)
    with pytest.raises(ValueError, match="no amount of JPY"):
        to_units(Decimal("12.50"), "JPY")


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"amount_total": "100"},
        {"amount_total": True},
        {"currency": None},
        {"status": "new"},
        {"object": "x"},
    ],
)
def test_an_answer_of_another_form_is_never_taken_for_a_page(change: dict[str, object]) -> None:
    good = {"object": "checkout.session", "id": "cs_1", "status": "complete", "payment_status": "paid",
            "amount_total": 100, "currency": "usd", "livemode": True}  # fmt: skip
    assert to_page(good).live
    with pytest.raises(ValueError, match="it"):
        to_page({**good, **change})


def test_events_come_twice_and_in_any_order_and_each_names_its_page(vendor: Running) -> None:
    page = made(opened(vendor), a_page())
    with webhook_server() as hook:
        vendor.account.switches.webhook_url, vendor.account.switches.webhook_twice = hook.url, True
        vendor.account.pay(page.ident, "bank")
        vendor.account.settle(page.ident, well=True)
        for delivery in vendor.account.deliveries:
            delivery.join(5)
    told = [webhooks.session_of(body.encode(), headers["Stripe-Signature"], SECRET) for _, headers, body in hook.came]
    assert told == [page.ident] * 4


def test_a_webhook_is_believed_by_its_signature_and_its_age() -> None:
    event = {"type": "checkout.session.completed", "data": {"object": {"id": "cs_1"}}}
    body = json.dumps(event).encode()
    assert webhooks.session_of(body, signed(body, 1000), SECRET, now=1100) == "cs_1"
    other = json.dumps({**event, "type": "charge.refunded"}).encode()
    assert webhooks.session_of(other, signed(other, 1000), SECRET, now=1100) == ""
    for signature, secret, now in (
        (signed(body, 1000, "whsec_other"), SECRET, 1100), (signed(body, 1000), SECRET, 2000), ("", SECRET, 1000),
        (signed(body, 1000, ""), "", 1000), ("t=x,v1=é", SECRET, 1000),
        (f"t={'9' * 5000},v1=x", SECRET, 1000),
    ):  # fmt: skip
        with pytest.raises(BadEventError):
            webhooks.session_of(body, signature, secret, now=now)
    with pytest.raises(BadEventError, match="can’t be read"):
        webhooks.session_of(b"[]", signed(b"[]", 1000), SECRET, now=1000)
