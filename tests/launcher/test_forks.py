"""Workers forked from one process: a dead one is replaced, and a stop reaches all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from launcher import kernel

PROGRAM = """
import signal, time
from app.jobs import forks
def work():
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    while not asked:
        time.sleep(0.01)
    print("ended well", flush=True)
forks.keep(2, work)
"""


@pytest.fixture
def pool() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as process:
        yield process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def workers(pool: subprocess.Popen[str], count: int = 2) -> list[int]:
    for _ in range(1000):
        if len(found := kernel.descendants(pool.pid)) == count:
            time.sleep(0.2)  # until both listen
            return found
        time.sleep(0.01)
    raise AssertionError(f"{len(found)} workers")


def test_a_killed_worker_is_replaced_and_the_other_one_left_alone(pool: subprocess.Popen[str]) -> None:
    first, second = workers(pool)
    os.kill(first, signal.SIGKILL)
    while first in kernel.descendants(pool.pid):
        time.sleep(0.01)
    assert second in workers(pool)


def test_a_stop_reaches_every_worker_once_and_ends_with_them(pool: subprocess.Popen[str]) -> None:
    workers(pool)
    pool.send_signal(signal.SIGTERM)
    pool.send_signal(signal.SIGINT)
    said, _ = pool.communicate(timeout=20)
    assert said.count("ended well") == 2
    assert pool.returncode == 0


def test_workers_end_with_the_process_that_forked_them_though_it_was_killed(pool: subprocess.Popen[str]) -> None:
    workers(pool)
    pool.kill()
    said, _ = pool.communicate(timeout=20)  # until the last one has closed its end
    assert not said


#: The stop comes while a child is being made: the parent has it before it knows the child.
AT_BIRTH = (
    """
import os, signal
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
"""
    + PROGRAM
)


def test_a_stop_that_comes_while_a_worker_is_made_reaches_that_one_too() -> None:
    command = [sys.executable, "-c", AT_BIRTH]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as process:
        try:
            process.communicate(timeout=10)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0
