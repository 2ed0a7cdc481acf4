"""A whole service whose workers are killed and frozen, again and again, while it posts."""

from __future__ import annotations

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from tests.campaign.service import Row, Service

#: How many kills, unless CROSSFOOT_CAMPAIGN_KILLS says otherwise.
KILLS = int(os.environ.get("CROSSFOOT_CAMPAIGN_KILLS", "54"))
SLOW = 3.0
#: How often the worker that takes over is killed as well, while it looks up what the first one left.
TWICE = 1 / 3
TARGETS = ("children", "parents", "both")


def test_random_kills_of_parents_children_and_both(service: Service, row: Row) -> None:
    service.slow_documents(SLOW)
    chance, row.random = random.Random(), True
    numbers: list[str] = []
    while row.kills < KILLS:
        fresh = service.close_more(3)
        batch = service.engine.submit(*fresh)
        numbers += fresh
        service.ring(batch)
        earlier: set[tuple[int, int]] = set()
        for _ in range(2 if chance.random() < TWICE else 1):  # the one that takes over is killed too
            service.wait_until(partial(_at_work, service, batch), 60)
            time.sleep(chance.uniform(0, SLOW))
            flights = service.flights()
            if service.ended(batch):
                break
            assert service.strike(TARGETS[row.kills % 3]), "there was nobody to kill"
            row.killed(service.under_way(), len(flights - earlier))
            earlier |= flights
            time.sleep(service.engine.waits.lease)
            service.forget_flights()
            service.ring(batch)
        service.finish(batch)
        service.tally(row, *fresh)
    assert service.count() == dict.fromkeys(numbers, 1)
    service.engine.assert_exactly_once()
    assert row.sending >= 0.6 * row.kills or KILLS < 20, "too few of them hit a document on its way"


def _at_work(service: Service, batch: int) -> bool:
    return service.ended(batch) or (bool(service.flights()) and bool(service.children()))


@pytest.mark.parametrize("requestid", ["honoured", "replay_deleted"])
@pytest.mark.parametrize("running", ["wait", "fault"])
def test_a_frozen_child_goes_on_after_another_worker_has_taken_over(
    service: Service, row: Row, requestid: str, running: str
) -> None:
    service.engine.company.switches.update({"requestid": requestid, "requestid_running": running})
    service.slow_documents(1.0)
    fresh = service.close_more(4)
    batch = service.engine.submit(*fresh)
    service.ring(batch)
    service.wait_until(lambda: service.sending() > 0)
    frozen = service.strike("children", signal.SIGSTOP)
    row.killed(service.under_way(), service.sending())
    assert row.sending, "nothing was on its way"
    time.sleep(service.engine.waits.lease + 0.5)
    service.finish(batch)
    for pid in frozen:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    time.sleep(3)
    service.assert_closed_once(batch, *fresh)
    service.tally(row, *fresh)


def test_redis_killed_and_flushed_in_the_middle(service: Service, row: Row) -> None:
    service.slow_documents(2.0)
    fresh = service.close_more(6)
    batch = service.engine.submit(*fresh)
    service.ring(batch)
    service.wait_until(lambda: service.sending() > 0)
    service.flush_redis()
    time.sleep(0.5)
    service.kill_redis()
    row.killed(service.under_way(), service.sending())
    assert row.sending, "nothing was on its way"
    service.finish(batch, within=200)
    service.assert_closed_once(batch, *fresh)
    service.tally(row, *fresh)


def test_the_same_records_from_two_tabs_and_the_command_line_at_once(service: Service, row: Row) -> None:
    fresh = service.close_more(5)
    chosen = [part for record in service.records(fresh) for part in ("--record", record)]
    line = ("batch", "run", "--book", str(service.engine.book_id), "--kind", "invoices", "--accept", "--wait", *chosen)
    started = [service.start_command(*line) for _ in range(3)]
    with ThreadPoolExecutor(2) as tabs:  # what the page's Submit does
        made = list(tabs.map(service.submit_as_a_tab, [fresh, fresh]))
    ends = [*(process.wait(200) for process in started), *made]
    for batch in filter(None, made):
        service.finish(batch)
    assert service.count() == dict.fromkeys(fresh, 1), ends
    service.assert_ours(*fresh)
    service.tally(row, *fresh)
