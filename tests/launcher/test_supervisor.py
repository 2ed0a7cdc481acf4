"""What dies is back within ten seconds, and a stop leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launcher.child import PAUSES
from launcher.kernel import descendants
from launcher.project import this_project


class Running:
    """A supervisor in a process of its own, with its log."""

    def __init__(self, log: Path, *extra: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "tests.launcher.small_up", *extra]
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=this_project().root, stdout=output, stderr=subprocess.STDOUT)

    def wait_for(self, text: str, seconds: float = 15) -> re.Match[str]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := re.search(text, self.log.read_text()):
                return found
            time.sleep(0.02)
        raise AssertionError(f"{text!r} never came:\n{self.log.read_text()}")

    def children(self) -> list[int]:
        """The processes that it started itself."""
        return [pid for pid in descendants(self.process.pid) if parent(pid) == self.process.pid]

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Signal it; returns how many seconds the end took."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(15)
        return time.monotonic() - started


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(*extra: str) -> Running:
        running.append(Running(tmp_path / f"log-{len(running)}", *extra))
        running[-1].wait_for(r"worker runs[\s\S]*worker runs")
        return running[-1]

    yield start
    for one in running:
        one.process.kill()
        one.process.wait()


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if pid in descendants(1)]


def until_dead(pids: list[int]) -> bool:
    end = time.monotonic() + 5
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pids)


def test_a_process_that_is_killed_is_back_within_ten_seconds(supervise: Callable[..., Running]) -> None:
    running = supervise()
    pid = running.children()[1]
    started = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    running.wait_for("worker was ended by SIGKILL; starting it again")
    running.wait_for(r"SIGKILL[\s\S]*worker runs")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_ends_everything_and_says_so(supervise: Callable[..., Running], number: int) -> None:
    running = supervise()
    below = descendants(running.process.pid)
    assert running.stop(number) < 10
    assert running.process.returncode == 0
    assert running.log.read_text().rstrip().endswith("stopped")
    assert until_dead(below)


def test_a_process_that_ignores_the_stop_is_killed_within_ten_seconds(supervise: Callable[..., Running]) -> None:
    running = supervise("stubborn")
    running.wait_for("stubborn runs")
    below = descendants(running.process.pid)
    assert running.stop() < 10
    assert until_dead(below)


def test_grandchildren_of_a_killed_worker_end_with_the_stop(supervise: Callable[..., Running]) -> None:
    running = supervise()
    below = descendants(running.process.pid)
    os.kill(running.children()[1], signal.SIGKILL)
    running.wait_for("starting it again")
    running.stop()
    assert until_dead(below)


def test_nothing_outlives_a_supervisor_that_is_killed(supervise: Callable[..., Running]) -> None:
    running = supervise()
    children = running.children()
    running.stop(signal.SIGKILL)
    assert until_dead(children)


def test_children_stay_in_the_session_of_the_supervisor(supervise: Callable[..., Running]) -> None:
    running = supervise()
    assert {os.getsid(pid) for pid in descendants(running.process.pid)} == {os.getsid(running.process.pid)}


def test_a_process_that_cannot_start_is_reported_with_its_last_words(supervise: Callable[..., Running]) -> None:
    running = supervise("broken")
    assert running.wait_for("broken cannot start.*no such table")


def test_every_pause_before_a_restart_is_below_ten_seconds() -> None:
    assert max(PAUSES) < 8


def test_a_program_that_is_missing_is_said_and_the_others_run_on(supervise: Callable[..., Running]) -> None:
    running = supervise("web")
    running.wait_for("web cannot be started: No such file or directory: /nowhere/python")
    assert len(running.children()) == 2
