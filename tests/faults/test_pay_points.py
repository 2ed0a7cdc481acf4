"""The worst points of an online payment's way into the books. All points: tests/campaign."""

from __future__ import annotations

from tests.faults.pay_points import POINTS, Counter
from tests.faults.rig import Rig

WORST = ("intent committed", "recorded, answer unread")


def test_a_worker_killed_between_intent_and_note_records_no_payment_twice(rig: Rig) -> None:
    counter = Counter(rig)
    for name, moment, pattern, nth in POINTS:
        if name in WORST:
            counter.kill_at(moment, pattern, nth)
