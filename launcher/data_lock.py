"""One `up` per data folder, and what other commands may know of the one that runs."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from launcher.messages import LauncherError

LOCK = "up.lock"
STOP_IT = "Stop it first, or set CROSSFOOT_HOME to another folder."


@dataclass(frozen=True)
class Running:
    """What a running `up` tells the commands beside it."""

    pid: int
    port: int


@contextmanager
def only_one(folder: Path, name: str = LOCK, remedy: str = STOP_IT) -> Iterator[IO[str]]:
    """Hold the data folder; a second `up` on it is refused. The kernel drops the lock however we end."""
    handle = (folder / name).open("a+")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = _read(handle)
            who = f"process {running.pid}, port {running.port}" if running else "another process"
            raise LauncherError(
                f"Crossfoot already runs on the data folder {folder} ({who}).",
                remedy,
            ) from None
        handle.truncate(0)
        yield handle
        handle.truncate(0)


def publish(handle: IO[str], running: Running) -> None:
    """Write down what runs here."""
    handle.seek(0)
    handle.truncate()
    handle.write(json.dumps(asdict(running)))
    handle.flush()


def running_on(folder: Path) -> Running | None:
    """The `up` that serves this data folder now, if any."""
    try:
        with (folder / LOCK).open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(handle)
    except OSError:
        return None
    return None


def _read(handle: IO[str]) -> Running | None:
    handle.seek(0)
    try:
        return Running(**json.loads(handle.read()))
    except (ValueError, TypeError):
        return None
