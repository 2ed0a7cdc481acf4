"""The throttle against a real server: exact in every window, safe when Redis forgets or dies."""

from __future__ import annotations

import datetime as dt
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from app.connectors.protocols import Wait
from app.connectors.throttle import GrantedSlot, Limit, RedisGoneError, Throttle
from tests.redis_server import start_redis

A_MINUTE = Limit("calls", 5, 60, "the limit of 5 calls a minute")


def never() -> None:
    return None


def a_throttle(server: redis.Redis, *limits: Limit, **rest: Any) -> Throttle:
    options: dict[str, Any] = {"vendor": "Vendor", "last_contact": never, "margin": 0.05, "speed": 100}
    return Throttle(server, "test", limits or (A_MINUTE,), **{**options, **rest})


def used(throttle: Throttle, calls: int) -> None:
    for _ in range(calls):
        throttle.acquire().release()


def granted(answer: GrantedSlot | Wait) -> GrantedSlot:
    assert isinstance(answer, GrantedSlot), answer
    return answer


def refused(answer: GrantedSlot | Wait) -> Wait:
    assert isinstance(answer, Wait)
    return answer


def test_a_full_window_says_how_long_to_wait_and_for_whose_limit(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server)
    used(throttle, 5)

    wait = refused(throttle.try_acquire())

    assert wait.reason == "the limit of 5 calls a minute"
    assert 0.3 < wait.seconds <= 0.66


def test_no_window_of_any_start_holds_more_calls_than_the_limit(redis_server: redis.Redis) -> None:
    arrivals: list[float] = []

    def work() -> None:
        throttle = a_throttle(redis_server, speed=200)
        for _ in range(5):
            slot = throttle.acquire()
            arrivals.append(time.monotonic())
            slot.release()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    arrivals.sort()
    assert len(arrivals) == 15
    assert all(later - earlier > 0.3 for earlier, later in zip(arrivals, arrivals[5:], strict=False))


def test_a_call_under_way_counts_until_its_answer_and_a_window_longer(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server, Limit("calls", 1, 60, "one a minute"))
    slot = throttle.acquire()
    time.sleep(0.7)
    assert refused(throttle.try_acquire())

    slot.release()

    assert refused(throttle.try_acquire()).seconds > 0.5


def test_a_slot_that_was_not_used_is_free_again_at_once(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server, Limit("calls", 1, 60, "one a minute"))

    throttle.acquire().release(sent=False)

    assert granted(throttle.try_acquire())


def test_a_dead_workers_slot_comes_back_when_its_lease_ends(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server, Limit("calls", 9, 0.01, "nine"), lanes=1, lease=50)
    throttle.acquire()
    assert refused(throttle.try_acquire()).reason == "Vendor takes 1 calls at once"
    time.sleep(0.55)

    assert granted(throttle.try_acquire())


def test_the_call_of_a_dead_worker_counts_in_a_window_that_is_longer_than_its_lease(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server, Limit("calls", 1, 6000, "one"), lease=0.1)
    throttle.acquire()
    time.sleep(0.15)

    assert refused(throttle.try_acquire()).reason == "one"


def test_a_call_pays_every_limit_it_touches_or_none(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server, Limit("calls", 9, 60, "calls"), Limit("batches", 4, 60, "batches"))
    throttle.acquire({"calls": 1, "batches": 3}).release()

    assert refused(throttle.try_acquire({"calls": 1, "batches": 2})).reason == "batches"
    for _ in range(8):
        granted(throttle.try_acquire({"calls": 1})).release()
    assert refused(throttle.try_acquire({"calls": 1})).reason == "calls"


def test_a_penalty_closes_the_gate_for_every_process(redis_server: redis.Redis) -> None:
    used(a_throttle(redis_server), 1)
    a_throttle(redis_server).penalize(0.3)
    a_throttle(redis_server).penalize(0.1)

    wait = refused(a_throttle(redis_server).try_acquire())

    assert wait.reason == "Vendor has asked us to slow down"
    assert 0.2 < wait.seconds <= 0.3


def test_a_redis_that_was_flushed_is_taken_as_full(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server, last_contact=None)
    throttle.try_acquire()
    redis_server.flushall()

    assert refused(throttle.try_acquire()).reason == "the limit of 5 calls a minute"


def test_after_a_flush_the_spare_calls_may_be_made_at_once_and_no_more(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server, Limit("calls", 10, 60, "ten", spare=3), last_contact=None)
    granted(throttle.try_acquire()).release()
    used(throttle, 2)

    assert refused(throttle.try_acquire())


def test_the_databases_memory_of_an_old_call_opens_a_new_redis(redis_server: redis.Redis) -> None:
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)

    assert granted(a_throttle(redis_server, last_contact=lambda: long_ago).try_acquire())


def test_the_databases_memory_of_a_recent_call_keeps_a_new_redis_shut(redis_server: redis.Redis) -> None:
    just_now = dt.datetime.now(dt.UTC)

    assert refused(a_throttle(redis_server, last_contact=lambda: just_now).try_acquire())


def test_without_redis_nothing_is_granted(tmp_path: Path) -> None:
    with start_redis(tmp_path) as url:
        throttle = a_throttle(redis.Redis.from_url(url))
        slot = throttle.acquire()

    with pytest.raises(RedisGoneError, match="nothing is sent until it is back"):
        throttle.try_acquire()
    slot.release()


def test_a_slot_grows_older_from_its_grant_on(redis_server: redis.Redis) -> None:
    slot = a_throttle(redis_server).acquire()
    time.sleep(0.05)

    assert 0.04 < slot.age < 1


def test_who_waits_is_told_why_before_every_sleep(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server, Limit("calls", 1, 60, "one a minute"), speed=600)
    used(throttle, 1)
    told: list[Wait] = []

    throttle.acquire(waiting=told.append)

    assert {wait.reason for wait in told} == {"one a minute"}


def test_a_dead_workers_lanes_are_free_before_its_slots_are_and_a_look_needs_none(redis_server: redis.Redis) -> None:
    throttle = a_throttle(redis_server, Limit("calls", 9, 0.01, "nine"), lanes=1, lease=60, lane_lease=0.3)
    held = throttle.try_acquire()  # its holder dies: it is never given back
    assert not isinstance(held, Wait)
    assert isinstance(throttle.try_acquire(), Wait)
    throttle.acquire().release()
    time.sleep(0.35)
    assert not isinstance(throttle.try_acquire(), Wait)
