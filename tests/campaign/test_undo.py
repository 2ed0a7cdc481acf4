"""Undo under kills, and with people at work in both systems between every two of its steps."""

from __future__ import annotations

import random
import signal
import sys
import time
from typing import Any

import pytest

from app.settings import Waits
from tests.campaign.service import Row
from tests.faults.counting import wrongs
from tests.faults.rig import Rig

ROUNDS = 6
#: A worker is frozen here while somebody does something (see ``traps.Trap``); "asked": before any worker begins.
STEPS = {
    "asked": ("", ""),
    "looked at": ("answer", r"GET .*/invoice/\d"),
    "ledger's intent": ("committed", r"SET undo_step=\? .*\| \('ledger'"),
    "deleted": ("answer", r"POST .*/invoice\?operation=delete"),
    "PSA's intent": ("committed", r"SET undo_step=\? .*\| \('psa'"),
    "reopened": ("answer", r"DELETE .*/accounting/batches"),
}
NAMES = list(STEPS)
BOOKS: dict[str, dict[str, Any]] = {
    "edited": {"changes": {"PrivateNote": "PSA 10395 · see memo"}},
    "voided": {"operation": "void"},
    "deleted": {"operation": "delete"},
    "paid": {"operation": "pay"},
}


def test_post_undo_and_post_again_each_with_a_kill(rig: Rig, row: Row) -> None:
    rig.engine.company.faults.add("slow", path="invoice", method="POST", times=0, seconds=0.5)
    rig.engine.waits = Waits(running=1.0, between=0.1, lease=0.6)
    chance = random.Random()
    for _ in range(ROUNDS):
        (number,) = rig.close_more(1)
        batch = rig.engine.submit(number)
        _killed(rig, row, batch, chance)
        rig.assert_ours(number)
        rig.undo(batch, number)
        _killed(rig, row, batch, chance)
        assert rig.states(batch) == {number: "undone"}
        again = rig.engine.submit(number, release=True)
        _killed(rig, row, again, chance)
        assert rig.states(again) == {number: "closed"}
        assert rig.count()[number] == 1
        assert wrongs(rig.engine) == []


def _killed(rig: Rig, row: Row, batch: int, chance: random.Random) -> None:
    """Somewhere in its work a worker is killed; others finish."""
    worker = rig.worker(batch)
    time.sleep(chance.uniform(0.1, 2.0))
    if not worker.ended():
        worker.kill()
        row.killed(rig.under_way(), rig.sending())
    rig.take_over(batch)


def undone_until(rig: Rig, step: str, act: Any) -> int:
    """One record posted, its undo asked for, and ``act`` done while a worker is frozen at the step."""
    rig.engine.waits = Waits(running=0.6, between=0.1, lease=30)
    batch = rig.engine.submit("10395")
    rig.take_over(batch)
    rig.undo(batch, "10395")
    moment, pattern = STEPS[step]
    if not moment:
        act()
    else:
        worker = rig.worker(batch, moment=moment, pattern=pattern, freeze=True)
        rig.wait_frozen(worker)
        act()
        worker.signal(signal.SIGCONT)
        assert worker.ended(60), "the worker does not end"
    rig.take_over(batch)
    sys.stdout.write(f"{rig.states(batch)}, {rig.problems(batch)}\n")
    return batch


@pytest.mark.parametrize("action", ["unbatch", "reopen", "change", "batch_by_hand"])
@pytest.mark.parametrize("step", NAMES)
def test_a_person_in_connectwise_between_two_steps_of_an_undo(rig: Rig, step: str, action: str) -> None:
    def act() -> None:
        if step != "reopened":
            rig.in_connectwise("unbatch", "10395")
        if action != "unbatch":
            rig.in_connectwise(action, "10395", **({"amount": 77} if action == "change" else {}))

    batch = undone_until(rig, step, act)
    assert rig.count()["10395"] == 0
    if action == "batch_by_hand":  # it is in no books now, and no list shows it: a person must be told
        assert rig.problems(batch) == {"10395": ["undone_elsewhere"]}
    assert wrongs(rig.engine) == []


@pytest.mark.parametrize("action", list(BOOKS))
@pytest.mark.parametrize("step", NAMES[:3])
def test_a_person_in_quickbooks_between_two_steps_of_an_undo(rig: Rig, step: str, action: str) -> None:
    undone_until(rig, step, lambda: rig.in_quickbooks("10395", **BOOKS[action]))
    assert wrongs(rig.engine) == []
