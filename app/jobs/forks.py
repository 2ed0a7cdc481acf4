"""Several workers out of one process: they share the memory of everything that was imported before."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import structlog

log = structlog.get_logger()

ENDING = (signal.SIGTERM, signal.SIGINT)
#: One that ends sooner than this is not started again at once.
SHORT_RUN = 1.0
#: An option of Linux' prctl(2): the signal that a child gets when its parent ends, in whatever way.
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # before any fork


def keep(count: int, work: Callable[[], None]) -> None:
    """Run ``work`` in so many children and start anew what ends, until asked to end; then wait for them to end too."""
    began: dict[int, float] = {}
    ending = False

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal ending
        if not ending:  # a second one would tell RQ's workers to drop what they do
            ending = True
            for pid in began:
                with suppress(ProcessLookupError):  # it has just ended, and was not taken off yet
                    os.kill(pid, signal.SIGTERM)

    for number in ENDING:
        signal.signal(number, end)
    while began or not ending:
        while len(began) < count and not ending:
            with _no_signal():  # one in between would miss the new child
                if not ending:
                    began[_fork(work)] = time.monotonic()
        pid, status = os.wait()
        age = time.monotonic() - began.pop(pid)
        if not ending:
            log.warning("a worker ended, another one is started", pid=pid, status=os.waitstatus_to_exitcode(status))
            time.sleep(max(SHORT_RUN - age, 0))


@contextmanager
def _no_signal() -> Iterator[None]:
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def _fork(work: Callable[[], None]) -> int:
    """A child at work. Signals are held back: in the child one would be ours until it has its own way of ending.

    It ends with us, also where nobody can tell it: else it would work on beside the next installation, as the old one.
    At once, for one that is asked to end while its Redis is gone goes on asking for that first.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    status = 1
    try:
        if os.getppid() == parent:
            work()
        status = 0
    except Exception:
        log.exception("a worker failed")
    finally:
        sys.stdout.flush()
        os._exit(status)
