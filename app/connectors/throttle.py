"""Vendors' call limits, kept by all our processes together: a window log in Redis.

A vendor counts a call when it arrives, which is some moment between our grant and its answer. So a call counts as
"now" for as long as it is under way, and is logged at the moment of its answer: our windows are never shorter than the
vendor's. Redis' own clock is used, so several machines agree.

What Redis doesn't know is assumed to have happened: after a restart or a flush every window is full, unless the
database remembers that the last call was longer ago.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import redis

from app.connectors import throttle_scripts
from app.connectors.protocols import SLOT_SECONDS, ConnectionFailedError, Slot, Wait

log = logging.getLogger(__name__)

#: Longest sleep between two looks, so that a stop or a lifted penalty is noticed.
LOOK_AGAIN = 1.0
#: CLOCK_BOOTTIME also counts while the machine is suspended; where there is none, the monotonic clock must do.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class RedisGoneError(ConnectionFailedError):
    """Without Redis nobody knows how many calls are under way: nothing is sent."""

    def __init__(self) -> None:
        super().__init__(
            "Redis is gone: nothing is sent until it is back.",
            "Start Redis again, or check CROSSFOOT_REDIS_URL; the work then goes on by itself.",
            code="redis_gone",
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``calls`` in every window of ``seconds``. ``words`` name it: ``QuickBooks’ limit (40 batch calls …)``.

    ``spare`` of the calls are held back in normal running and are what may be made at once after Redis has lost its
    memory, when everything else of the window must be taken as used up.
    """

    key: str
    calls: int
    seconds: float
    words: str
    spare: int = 0


class GrantedSlot:
    """Leave to make one call (protocols.Slot)."""

    def __init__(self, give_back: Callable[[bool], None]) -> None:
        self._give_back = give_back
        self._granted = time.clock_gettime(CLOCK)
        self._released = False

    @property
    def age(self) -> float:
        return time.clock_gettime(CLOCK) - self._granted

    def release(self, *, sent: bool = True) -> None:
        """Give it back. ``sent=False``: no call was made, so none is counted. A second release does nothing."""
        if not self._released:
            self._released = True
            self._give_back(sent)


@contextmanager
def used(slot: Slot) -> Iterator[None]:
    """One call in its slot, which is given back when the call has ended, however it ends."""
    try:
        yield
    finally:
        slot.release()


class Throttle:
    """The limits of one vendor account. Slots are granted for all limits of a call together or not at all.

    Args:
        server: the Redis that all processes share.
        name: names the account whose limits these are, e.g. ``qbo:9130347``.
        limits: every limit of that account; the key is what ``costs`` speak of.
        vendor: the vendor's name, for sentences.
        lanes: calls under way at once; None: no limit.
        last_contact: the database's memory of the last call (aware; None: there was none ever). Asked only when Redis
            knows nothing; without it the windows are then taken as full.
        speed: how many times faster than life the vendor's windows and time limits run (test servers).
        margin: seconds added to every window, against the vendor's clock.
        lease: seconds after which a slot that was never given back counts as its holder's death.
        lane_lease: the same for its lane; so much shorter that a batch whose worker died goes on soon.
    """

    def __init__(
        self,
        server: redis.Redis,
        name: str,
        limits: Sequence[Limit],
        *,
        vendor: str,
        lanes: int | None = None,
        last_contact: Callable[[], dt.datetime | None] | None = None,
        speed: float = 1.0,
        margin: float = 0.5,
        lease: float = 150.0,
        lane_lease: float = 60.0,
    ) -> None:
        self.limits = tuple(limits)
        self._vendor = vendor
        self._lanes = lanes
        self._last_contact = last_contact
        self._windows = [int((limit.seconds / speed + margin) * 1000) for limit in limits]
        self._lease = int(lease / speed * 1000)
        self._lane_lease = int(lane_lease / speed * 1000)
        root = f"crossfoot:throttle:{{{name}}}"
        self._keys = [f"{root}:{part}" for part in ("memory", "gate", "flight", *(limit.key for limit in limits))]
        self._acquire = server.register_script(throttle_scripts.ACQUIRE)
        self._release = server.register_script(throttle_scripts.RELEASE)
        self._remember = server.register_script(throttle_scripts.REMEMBER)
        self._penalize = server.register_script(throttle_scripts.PENALIZE)

    def try_acquire(self, costs: Mapping[str, int] | None = None, *, lane: bool = True) -> GrantedSlot | Wait:
        """A slot, or how long to wait and for whose limit.

        ``costs`` says how much of which limit the call uses (absent: nothing); without it, one of each. Without
        ``lane`` it needs no free lane: a look-up must not wait for the lanes of a dead worker.
        Raises RedisGoneError.
        """
        costs = {limit.key: 1 for limit in self.limits} if costs is None else costs
        amounts = [costs.get(limit.key, 0) for limit in self.limits]
        if unknown := set(costs) - {limit.key for limit in self.limits}:
            raise ValueError(f"There is no limit named {unknown}.")
        for limit, amount in zip(self.limits, amounts, strict=True):
            if amount > limit.calls - limit.spare:
                raise ValueError(f"A call that costs {amount} can never pass {limit.words}.")
        return self._asked(amounts, f"{uuid.uuid4().hex}|{'|'.join(map(str, amounts))}", lane=lane)

    def acquire(
        self,
        costs: Mapping[str, int] | None = None,
        waiting: Callable[[Wait], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> GrantedSlot:
        """A slot, waiting for it: for reads. ``waiting`` is told before every sleep and may raise to give up."""
        while isinstance(answer := self.try_acquire(costs, lane=False), Wait):
            if waiting:
                waiting(answer)
            sleep(min(answer.seconds, LOOK_AGAIN) + random.uniform(0, 0.02))  # noqa: S311 -- jitter, not a secret
        return answer

    def penalize(self, seconds: float) -> None:
        """Close the gate for everybody, as the vendor has asked for (429). A longer penalty stands."""
        self._run(self._penalize, [int(seconds * 1000)])

    def _asked(self, amounts: list[int], member: str, *, lane: bool) -> GrantedSlot | Wait:
        lanes = self._lanes or 0 if lane else 0
        arguments: list[Any] = [member, self._lease, lanes, int(SLOT_SECONDS * 1000), self._lane_lease]
        for limit, window, amount in zip(self.limits, self._windows, amounts, strict=True):
            arguments += [limit.calls - limit.spare, window, amount]
        verdict, milliseconds, which = self._run(self._acquire, arguments)
        if verdict == throttle_scripts.FORGOTTEN:
            self._assume_the_worst()
            verdict, milliseconds, which = self._run(self._acquire, arguments)
        if verdict == throttle_scripts.FORGOTTEN:  # flushed once more in between
            return Wait(LOOK_AGAIN, f"{self._vendor}: the calls of the last minute are not known")
        if verdict == throttle_scripts.GRANTED:
            return GrantedSlot(lambda sent: self._give_back(member, amounts, sent=sent))
        return Wait(max(milliseconds, 10) / 1000, self._reason(which))

    def _reason(self, which: int) -> str:
        if which == throttle_scripts.GATE:
            return f"{self._vendor} has asked us to slow down"
        if which == throttle_scripts.LANES:
            return f"{self._vendor} takes {self._lanes} calls at once"
        return self.limits[which - 1].words

    def _assume_the_worst(self) -> None:
        """Fill the windows that Redis knows nothing about, as of the last call that the database knows of."""
        ago: float | None = 0.0
        if self._last_contact:
            moment = self._last_contact()
            # A call may still have left up to SLOT_SECONDS after its intent was written.
            ago = (dt.datetime.now(dt.UTC) - moment).total_seconds() - SLOT_SECONDS if moment else None
        arguments: list[Any] = []
        for limit, window in zip(self.limits, self._windows, strict=True):
            fill = 0 if ago is None else max(limit.calls - 2 * limit.spare, 0)
            arguments += [fill, window, int(max(ago or 0, 0) * 1000)]
        self._run(self._remember, arguments)

    def _give_back(self, member: str, amounts: list[int], *, sent: bool) -> None:
        arguments: list[Any] = [member, int(sent)]
        for window, amount in zip(self._windows, amounts, strict=True):
            arguments += [window, amount]
        try:
            self._run(self._release, arguments)
        except RedisGoneError:
            # The answer in hand matters more. Redis counts the slot until its lease ends, or has forgotten everything.
            log.warning("A slot for %s could not be given back: Redis is gone.", self._vendor)

    def _run(self, script: Any, arguments: list[Any]) -> list[int]:
        try:
            return cast("list[int]", script(keys=self._keys, args=arguments))
        except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError):
            raise RedisGoneError from None
