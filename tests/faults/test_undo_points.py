"""Every point of an undo at which something is written: the worker dies there, another one takes over."""

from __future__ import annotations

import signal

import pytest

from app.settings import Waits
from tests.faults.forks import Worker
from tests.faults.rig import Rig
from tests.kills import Kills

#: As in ``test_write_points``.
POINTS = [
    ("looked at in the books", "answer", r"GET .*/invoice/\d"),
    ("ledger's intent not quite committed", "commit", r"SET undo_step=\? .*\| \('ledger'"),
    ("ledger's intent committed", "committed", r"SET undo_step=\? .*\| \('ledger'"),
    ("first byte of the deletion", "request", r"POST .*/invoice\?operation=delete"),
    ("deleted, answer unread", "answer", r"POST .*/invoice\?operation=delete"),
    ("deleted, not quite written", "commit", r"SET undo_step=\? WHERE postings\.id = \? \| \('to_psa'"),
    ("deleted and written", "committed", r"SET undo_step=\? WHERE postings\.id = \? \| \('to_psa'"),
    ("PSA's intent not quite committed", "commit", r"SET undo_step=\? .*\| \('psa'"),
    ("PSA's intent committed", "committed", r"SET undo_step=\? .*\| \('psa'"),
    ("first byte of the reopening", "request", r"DELETE .*/accounting/batches"),
    ("reopened, answer unread", "answer", r"DELETE .*/accounting/batches"),
    ("undone, not quite written", "commit", r"UPDATE postings SET .*'undone'"),
    ("undone and written", "committed", r"UPDATE postings SET .*'undone'"),
]


@pytest.mark.parametrize(("moment", "pattern"), [p[1:] for p in POINTS], ids=[p[0] for p in POINTS])
def test_a_worker_killed_inside_an_undo_leaves_nothing_in_one_system_only(
    rig: Rig, kills: Kills, moment: str, pattern: str
) -> None:
    batch = rig.engine.submit("10395")
    rig.take_over(batch)
    rig.undo(batch, "10395")
    assert rig.worker(batch, moment=moment, pattern=pattern).ended(30)
    assert rig.sign.exists(), "the worker never came to this point"
    kills.killed(rig.sending())
    rig.take_over(batch)
    rig.assert_undone(batch, "10395")


@pytest.mark.parametrize("when", ["while it is being undone", "when it is undone"])
def test_a_late_answer_does_not_bring_back_what_is_undone(rig: Rig, when: str) -> None:
    rig.engine.waits = Waits(running=0.6, between=0.1, lease=1.0)
    batch = rig.engine.submit("10395")
    late = rig.worker(batch, moment="answer", pattern=r"POST .*/invoice\?requestid", freeze=True)
    rig.wait_frozen(late)
    rig.take_over(batch)
    rig.assert_closed_once(batch, "10395")
    rig.undo(batch, "10395")
    if when == "when it is undone":
        rig.take_over(batch)
        _thaw(late)
    else:
        rig.engine.waits = Waits(running=0.6, between=0.1, lease=30)
        other = rig.worker(batch, moment="committed", pattern=r"WHERE postings\.id = \? \| \('to_psa'", freeze=True)
        rig.wait_frozen(other)
        _thaw(late)
        _thaw(other)
        rig.take_over(batch)
    rig.assert_undone(batch, "10395")
    again = rig.engine.submit("10395", release=True)
    rig.take_over(again)
    rig.assert_closed_once(again, "10395")
    assert rig.states(batch) == {"10395": "undone"}


def _thaw(worker: Worker) -> None:
    worker.signal(signal.SIGCONT)
    assert worker.ended(30), "the worker does not end"
