"""Payments under kills at every point, and a generated bookkeeper against both stand-ins with everything that fails."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from sqlmodel import col, select

from app.models.payments import PaymentEntry
from tests import engine
from tests.campaign.service import Row
from tests.faults import pay_points
from tests.faults.forks import Forks
from tests.faults.pay_points import Counter
from tests.faults.payment_points import BOOKS, POINTS, Till
from tests.faults.rig import QUICK, Rig
from tests.services.bookkeeper import Bookkeeper
from tests.services.payment_history import ZERO, Entry, Histories, Move, Player

EXAMPLES = int(os.environ.get("CROSSFOOT_HISTORIES", "40"))
#: By customer, of the demo PSA: invoices and credit memos.
CUSTOMERS = ((("10432",), ("10412",)), (("10438",), ("10413",)), (("10450", "10451"), ()), (("10420", "10430"), ()))
FAULTS = {"lose_after": "lose_answer", "lose_before": "drop_before", "throttle": "429"}


def test_a_worker_killed_at_any_point_of_a_sync_doubles_nothing_and_loses_nothing(rig: Rig, row: Row) -> None:
    till, hits = Till(rig), list[str]()
    for name, moment, pattern, nth in POINTS:
        under_way, stands = till.kill_at(moment, pattern, nth)
        row.killed(under_way)
        hits += [name] if under_way else []
        assert stands == BOOKS, name
    flight = _flight(POINTS, "added, not quite written")
    assert hits[: len(flight)] == flight


def test_a_worker_killed_at_any_point_of_an_online_payment_records_it_once(rig: Rig, row: Row) -> None:
    counter, hits = Counter(rig), list[str]()
    for name, moment, pattern, nth in pay_points.POINTS:
        paid = counter.kill_at(moment, pattern, nth)
        row.killed(paid.under_way)
        hits += [name] if paid.under_way else []
        assert (paid.state, paid.open, paid.payments) == ("recorded", ZERO, [paid.owed]), name
    assert hits == _flight(pay_points.POINTS, "recorded, not quite written")


def _flight(points: Sequence[tuple[str, str, str, int]], last: str) -> list[str]:
    """Names of the points at which something is on its way."""
    names = [name for name, *_ in points]
    return names[names.index("intent committed") : names.index(last) + 1]


class BothStandIns:
    """The history's world over real HTTP. Some syncs are worked on by processes that are killed anywhere."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.keeper = Bookkeeper(rig.engine, *(number for pair in CUSTOMERS for part in pair for number in part))
        self.chance = random.Random(7)
        self.kills: list[int] = []  # what was on its way at each
        self.customers = [
            ({n: self.keeper.total(n) for n in invoices}, {n: abs(self.keeper.total(n)) for n in memos})
            for invoices, memos in CUSTOMERS
        ]

    def begin_anew(self) -> None:
        """Everything is taken back, by hand in the books and then by a sync; what people typed goes too."""
        self.rig.engine.both.connectwise.gate.faults.clear()
        company = self.rig.engine.company
        for ident in list(company.tables["Payment"]):
            payment = company.find("Payment", ident)
            if payment and payment.get("Line") and self._ours(payment):
                self.keeper.deletes(ident)
        for invoices, _ in self.customers:
            for number in invoices:
                for entry in self.keeper.in_psa(number):
                    if entry["applied_by"] != "api":
                        self.keeper.by_hand("take_off_payment", payment=entry["id"])
        self.keeper.sync()
        for invoices, _ in self.customers:
            for number in invoices:
                assert not self.keeper.in_psa(number)

    def _ours(self, payment: dict[str, Any]) -> bool:
        ids = {self.keeper.ledger_id(n) for pair in self.customers for part in pair for n in part}
        return any(linked["TxnId"] in ids for line in payment["Line"] for linked in line["LinkedTxn"])

    def pay(self, lines: Sequence[tuple[str, Decimal]], more: Decimal) -> str:
        total = max(Decimal(0), sum((amount for _, amount in lines), Decimal(0))) + more
        return self.keeper.pays(*self._texts(lines), total=str(total))

    def _texts(self, lines: Sequence[tuple[str, Decimal]]) -> list[tuple[str, str]]:
        return [(number, str(amount)) for number, amount in lines]

    def apply(self, payment: str, lines: Sequence[tuple[str, Decimal]], total: Decimal) -> None:
        self.keeper.reapplies(payment, *self._texts(lines), TotalAmt=total)

    def void(self, payment: str) -> None:
        self.keeper.voids(payment)

    def delete(self, payment: str) -> None:
        self.keeper.deletes(payment)

    def type_in(self, invoice: str, amount: Decimal) -> str:
        before = {row["id"] for row in self.keeper.in_psa(invoice)}
        self.keeper.types_in(invoice, str(amount))
        return str(next(row["id"] for row in self.keeper.in_psa(invoice) if row["id"] not in before))

    def take_off(self, invoice: str, ident: str) -> None:
        self.keeper.by_hand("take_off_payment", payment=int(ident))

    def lose(self, word: str) -> None:
        method = self.chance.choice(["POST", "PATCH", "DELETE"])
        self.rig.engine.both.connectwise.gate.faults.add(FAULTS[word], method=method, path="/payments")

    def settle(self, **values: str) -> None:
        self.keeper.settle(**values)

    def sync(self, **options: Any) -> dict[str, Any]:
        batch = self.keeper.submit(**options)
        if self.chance.random() < 0.4:
            worker = self.rig.worker(batch)
            time.sleep(self.chance.uniform(0.05, 0.8))
            worker.kill()
            self.kills.append(self.rig.under_way())
            time.sleep(self.rig.engine.waits.lease + 0.1)
        self.rig.engine.run(batch)
        return self.keeper.json(batch)

    def entries(self, invoice: str) -> list[Entry]:
        rows = self.keeper.in_psa(invoice)
        return [Entry(str(r["id"]), Decimal(r["amount"]), r["reference"], str(r["credit"] or "")) for r in rows]

    def counted(self, invoice: str) -> set[str]:
        with self.rig.engine.database.reading() as session:
            query = select(PaymentEntry.psa_id).where(
                PaymentEntry.record == self.record(invoice), col(PaymentEntry.by_hand), PaymentEntry.state == "done"
            )
            return set(session.exec(query))

    def record(self, number: str) -> str:
        return str(self.keeper.record(number))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, redis_url: str, forks: Forks) -> Iterator[BothStandIns]:
    folder: Path = tmp_path_factory.mktemp("history")
    server = redis.Redis.from_url(redis_url)
    server.flushall()
    made = engine.make(folder, server, waits=QUICK)
    yield BothStandIns(Rig(made, forks, redis_url, folder))
    made.both.stop()
    made.database.dispose()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=Histories)
def test_a_generated_bookkeeper_finds_the_same_in_both_systems(world: BothStandIns, history: list[Move]) -> None:
    world.begin_anew()
    player = Player(world)
    player.play(history)
    world.rig.engine.both.connectwise.gate.faults.clear()
    assert player.finish() == []
    for invoices, _ in world.customers:
        for number in invoices:
            assert world.keeper.applied(number) == player.used(number), "the history itself is told rightly"


def test_histories_were_disturbed(world: BothStandIns, row: Row) -> None:
    for under_way in world.kills:
        row.killed(under_way)
    assert row.kills or EXAMPLES < 5
