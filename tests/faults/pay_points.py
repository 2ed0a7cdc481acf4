"""A customer who has paid online, and a worker that dies while it is found out and recorded in the books."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.models.connections import Book
from app.services.connections import books
from app.services.paying import stripe_keys
from sandbox.stripe.account import KEY
from tests import engine
from tests.faults.rig import Rig
from tests.services.bookkeeper import Bookkeeper
from tests.services.test_pay_links import till_of

NUMBER = "10395"
SENDING, RECORDED = r"UPDATE checkouts SET .*'sending'", r"UPDATE checkouts SET .*'recorded'"
#: What it is, the moment (see ``traps.Trap``), what is written or asked there, and which time it must come by.
POINTS = [
    ("paid, not written", "answer", r"GET .*/checkout/sessions/cs_", 1),
    ("paid, not quite committed", "commit", r"UPDATE checkouts SET .*'paid'", 1),
    ("paid, committed", "committed", r"UPDATE checkouts SET .*'paid'", 1),
    ("looked for, nothing sent", "answer", r"GET .*/query", 1),
    ("intent not quite committed", "commit", SENDING, 1),
    ("intent committed", "committed", SENDING, 1),
    ("first byte", "request", r"POST .*/payment\?", 1),
    ("recorded, answer unread", "answer", r"POST .*/payment\?", 1),
    ("recorded, not quite written", "commit", RECORDED, 1),
    ("recorded and written", "committed", RECORDED, 1),
]


@dataclass(frozen=True)
class Paid:
    """What was on its way when the worker died; then what the customer owed, and what there is in the end."""

    under_way: int
    owed: Decimal
    state: str
    open: Decimal
    payments: list[Decimal]


class Counter:
    """One posted invoice that is paid by Stripe again and again; each round begins with it open."""

    def __init__(self, rig: Rig) -> None:
        self.rig, made = rig, rig.engine
        stripe_keys.store(made.database, made.connectors, made.book_id, KEY, "", engine.BY)
        with made.database.session() as session:
            wanted = {"payments.stripe": "yes"}
            books.set_settings(session, session.get_one(Book, made.book_id), wanted, engine.BY)
        self.keeper = Bookkeeper(made, NUMBER)

    def kill_at(self, moment: str, pattern: str, nth: int) -> Paid:
        """A worker dies at the point, another one goes on: what was counted. Then the invoice is open again."""
        till = till_of(self.keeper, NUMBER)
        total = till.open()
        assert total > 0
        till.click()
        till.pay()
        till.due_now()
        worker = self.rig.worker(
            self.rig.engine.book_id, job="pay_recording", moment=moment, pattern=pattern, nth=nth
        )  # fmt: skip
        assert worker.ended(30)
        assert self.rig.sign.exists(), "the worker never came to this point"
        under_way = self.rig.under_way()
        till.work()
        held = till.payments()
        paid = Paid(under_way, total, till.checkout().state, till.open(), [row["TotalAmt"] for row in held])
        for payment in held:
            self.keeper.deletes(payment["Id"])
        return paid
