"""What the supervisor asks of the Linux kernel, so that nothing it started outlives it unseen.

On other systems these calls do nothing: the clean stop still works, only the cover for a killed supervisor is missing.
"""

import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

#: The options of prctl(2) that are used here, from linux/prctl.h.
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def _prctl() -> Callable[[int, int], int] | None:
    """Looked up before any fork: a child between fork and exec must not load libraries."""
    try:
        function = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return None
    return lambda option, value: int(function(option, ctypes.c_ulong(value), 0, 0, 0))


PRCTL = _prctl()


def die_with(parent: int) -> Callable[[], None]:
    """What a child runs before exec so that it is killed when the process `parent` ends in whatever way."""

    def prepare() -> None:
        if PRCTL is not None:
            PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)

    return prepare


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose own parent is killed, so that a stop reaches them too."""
    if PRCTL is not None:
        PRCTL(PR_SET_CHILD_SUBREAPER, 1)


def descendants(root: int) -> list[int]:
    """All living processes below `root`, nearest first."""
    parents = _parents()
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found[1:]


def _parents() -> dict[int, int]:
    """Every process that is not a zombie, with its parent."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state != "Z":
            parents[int(entry.parent.name)] = int(parent)
    return parents


def kill(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone already."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def kill_group(group: int, number: int) -> None:
    """Send a signal to what is left of a process group."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def reap_orphans(known: set[int]) -> None:
    """Collect adopted processes that have ended; those in `known` are somebody else's to collect."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in known:
            return
        os.waitpid(ended.si_pid, 0)
