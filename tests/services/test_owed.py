"""What is owed to whom: only what is approved, and on the payable account that the PSA says."""

from __future__ import annotations

import requests

from tests.engine import Engine
from tests.services.test_costs import EXPENSES, assert_crossfoots, settle


def test_an_expense_that_is_not_approved_is_held_and_those_of_its_week_are_posted_without_it(working: Engine) -> None:
    settle(working, purchases__group="member_week")
    added = [("12.10", "ApprovedByTierTwo"), ("30.00", "ApprovedByTierTwo"), ("99.00", "PendingApproval")]
    for amount, status in added:
        body = {"expense": {"member": "mortiz", "amount": amount, "status": status, "leaks": True}}
        assert requests.post(f"{working.both.connectwise.url}/_add", json=body, timeout=10).ok
    working.refresh(EXPENSES)
    numbers = sorted(number for number in working.unposted(EXPENSES) if number > "EXP-9016")
    batch = working.post(*numbers, kind=EXPENSES)
    assert [(p["total"], p["state"]) for p in batch["postings"]] == [("42.10", "closed"), ("99.00", "held")]
    assert_crossfoots(batch)
    working.assert_exactly_once()
