"""A small `up` for the supervisor's tests: `python -m tests.launcher.small_up NAME …` supervises these children.

`first` and `worker` are always there; a worker has a child in another process group, as RQ's workers do; `stubborn`
ignores the stop; `broken` cannot start; any other name is a program that does not exist.
"""

import os
import signal
import sys
import time
from pathlib import Path

from launcher.child import Child
from launcher.supervisor import Supervisor

KINDS = {"first", "worker", "stubborn", "broken"}


def run(kind: str) -> None:
    """What one of the children does."""
    if kind == "broken":
        raise SystemExit("no such table")
    if kind == "worker" and os.fork() == 0:
        os.setpgrp()
    if kind == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(1, f"{kind} runs {os.getpid()}\n".encode())
    time.sleep(60)


def child(kind: str) -> Child:
    python = sys.executable if kind in KINDS else "/nowhere/python"
    return Child(kind, [python, "-m", "tests.launcher.small_up", "--run", kind], os.environ, Path.cwd())


def main(names: list[str]) -> None:
    if names[:1] == ["--run"]:
        return run(names[1])
    with Supervisor(grace=1.0) as supervisor:
        for name in ("first", "worker", *names):
            supervisor.begin(child(name))
        supervisor.run()
    sys.stdout.write("stopped\n")
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
