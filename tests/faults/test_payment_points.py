"""The worst points of a payment's way: a worker dies there, another one takes over. All points: tests/campaign."""

from __future__ import annotations

from tests.faults.payment_points import BOOKS, POINTS, Till
from tests.faults.rig import Rig

WORST = ("intent committed", "added, answer unread")


def test_a_worker_killed_between_intent_and_note_writes_no_payment_twice(rig: Rig) -> None:
    till = Till(rig)
    for name, moment, pattern, nth in POINTS:
        if name in WORST:
            under_way, stands = till.kill_at(moment, pattern, nth)
            assert (under_way > 0, stands) == (True, BOOKS), name
