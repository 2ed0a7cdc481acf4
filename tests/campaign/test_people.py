"""People work in both systems between every two steps of a batch: all agrees in the end, or it is said."""

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest

from app.settings import Waits
from tests.faults.rig import Rig

#: A worker is frozen here for a moment, while somebody does something (see ``traps.Trap``).
STEPS = {
    "before Read": ("committed", r"UPDATE batches SET started_at"),
    "listed": ("answer", r"GET .*/unpostedinvoices"),
    "read": ("committed", r"UPDATE postings SET document"),
    "checked": ("committed", r"INSERT INTO creations"),
    "intent": ("committed", r"INSERT INTO calls"),
    "on the wire": ("answer", r"POST .*/invoice\?requestid"),
    "posted": ("committed", r"UPDATE calls SET state=.*'answered'"),
    "closing": ("committed", r"UPDATE postings SET psa_batch=.*'intended'"),
    "closing on the wire": ("answer", r"POST .*/accounting/batches"),
    "closed": ("committed", r"UPDATE postings SET .*'closed'"),
}
NAMES = list(STEPS)
PSA: dict[str, tuple[str, dict[str, Any]]] = {
    "reopened": ("reopen", {}),
    "re-closed with a change": ("change", {"amount": 77}),
    "re-closed as it was": ("change", {}),
    "batched by hand": ("batch_by_hand", {}),
}
BOOKS: dict[str, dict[str, Any]] = {
    "edited": {"changes": {"PrivateNote": "PSA 10395 · see memo"}},
    "voided": {"operation": "void"},
    "deleted": {"operation": "delete"},
    "paid": {"operation": "pay"},
}


def run_until(rig: Rig, step: str, act: Any) -> int:
    """A batch of one record, and ``act`` done while its worker is frozen at the step."""
    rig.engine.waits = Waits(running=0.6, between=0.1, lease=20)
    batch = rig.engine.submit("10395")
    moment, pattern = STEPS[step]
    worker = rig.worker(batch, moment=moment, pattern=pattern, freeze=True)
    rig.wait_frozen(worker)
    act()
    worker.signal(signal.SIGCONT)
    assert worker.ended(30), "the worker does not end"
    rig.take_over(batch)
    return batch


@pytest.mark.parametrize("action", list(PSA))
@pytest.mark.parametrize("step", NAMES[:8])
def test_a_person_in_connectwise_between_two_steps(rig: Rig, step: str, action: str) -> None:
    verb, more = PSA[action]
    batch = run_until(rig, step, lambda: rig.in_connectwise(verb, "10395", **more))
    assert rig.disagreement(batch, "10395") == ""
    sys.stdout.write(f"{rig.seen}\n")


@pytest.mark.parametrize("action", ["unbatch", "reopen", "change"])
@pytest.mark.parametrize("step", NAMES[8:])
def test_a_person_takes_our_batch_apart(rig: Rig, step: str, action: str) -> None:
    def act() -> None:
        rig.in_connectwise("unbatch", "10395")
        if action != "unbatch":
            rig.in_connectwise(action, "10395", amount=77)

    batch = run_until(rig, step, act)
    assert rig.disagreement(batch, "10395") == ""
    sys.stdout.write(f"{rig.seen}\n")


@pytest.mark.parametrize("action", list(BOOKS))
@pytest.mark.parametrize("step", NAMES[5:])
def test_a_person_in_quickbooks_between_post_and_close(rig: Rig, step: str, action: str) -> None:
    batch = run_until(rig, step, lambda: rig.in_quickbooks("10395", **BOOKS[action]))
    assert rig.disagreement(batch, "10395") == ""
    sys.stdout.write(f"{rig.seen}\n")
