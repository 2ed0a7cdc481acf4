"""Exact sliding windows: in no window of S seconds, wherever it starts, are more than N calls let through."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limit:
    """At most `calls` in each `seconds`."""

    calls: int
    seconds: float


class Throttle:
    """Several limits that one call may have to pass together, such as per second, per minute and per minute of batches.

    A refused call is not counted in any window. `clock` is monotonic seconds.
    """

    def __init__(self, limits: Mapping[str, Limit], clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = dict(limits)
        self.enabled = True
        self.refused = 0
        self._clock = clock
        self._calls: dict[str, deque[float]] = {name: deque() for name in limits}
        self._lock = threading.Lock()

    def let_through(self, *names: str) -> bool:
        """Count a call in these windows, all or none; False means that one of them is full."""
        now = self._clock()
        with self._lock:
            if self.enabled and any(self._full(name, now) for name in names):
                self.refused += 1
                return False
            for name in names:
                self._calls[name].append(now)
            return True

    def scale(self, factor: float) -> None:
        """Shorten (below 1) or stretch every window, so that a test needn't wait a minute."""
        with self._lock:
            self.limits = {name: Limit(limit.calls, limit.seconds * factor) for name, limit in self.limits.items()}

    def set_limit(self, name: str, calls: int, seconds: float) -> None:
        with self._lock:
            self.limits[name] = Limit(calls, seconds)
            self._calls.setdefault(name, deque())

    def report(self) -> dict[str, Any]:
        """Whether the limits hold, their values, how full each window is, and how many calls were refused."""
        now = self._clock()
        with self._lock:
            windows = {
                name: {"calls": limit.calls, "seconds": limit.seconds, "used": self._used(name, now)}
                for name, limit in self.limits.items()
            }
            return {"enabled": self.enabled, "windows": windows, "refused": self.refused}

    def _full(self, name: str, now: float) -> bool:
        return self._used(name, now) >= self.limits[name].calls

    def _used(self, name: str, now: float) -> int:
        calls, seconds = self._calls[name], self.limits[name].seconds
        while calls and calls[0] <= now - seconds:
            calls.popleft()
        return len(calls)
