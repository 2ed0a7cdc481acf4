"""The worst points of an online payment's way into the books. All points: tests/campaign."""

from __future__ import annotations

from tests.faults.pay_points import POINTS, Counter
from tests.faults.rig import Rig
from tests.services.test_pay_links import ZERO

WORST = ("intent committed", "recorded, answer unread")


def test_a_worker_killed_between_intent_and_note_records_no_payment_twice(rig: Rig) -> None:
    counter = Counter(rig)
    for name, moment, pattern, nth in POINTS:
        if name in WORST:
            paid = counter.kill_at(moment, pattern, nth)
            assert (paid.under_way, paid.state, paid.open, paid.payments) == (1, "recorded", ZERO, [paid.owed]), name
