"""Set-up as steps that are skipped while nothing they depend on has changed."""

import fcntl
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launcher.messages import LauncherError, say


@dataclass(frozen=True)
class Step:
    """One piece of set-up.

    `fingerprint` names everything the result depends on; `is_there` tells whether the result still exists, because
    people delete folders; `run` makes it, raising LauncherError.
    """

    name: str
    fingerprint: Callable[[], str]
    is_there: Callable[[], bool]
    run: Callable[[], None]


@dataclass(frozen=True)
class Stamps:
    """One small file per finished step, holding the fingerprint it was finished with."""

    folder: Path

    def is_current(self, step: Step) -> bool:
        try:
            stamped = (self.folder / step.name).read_text()
        except OSError:
            return False
        return stamped == step.fingerprint() and step.is_there()

    def write(self, step: Step) -> None:
        target = self.folder / step.name
        fresh = target.with_suffix(".new")
        fresh.write_text(step.fingerprint())
        fresh.replace(target)


def digest(*parts: str | bytes | Path) -> str:
    """A short hash over texts and the contents of files; a missing file counts as empty."""
    total = hashlib.sha256()
    for part in parts:
        content = _content(part)
        total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()[:32]


def _content(part: str | bytes | Path) -> bytes:
    if isinstance(part, Path):
        return part.read_bytes() if part.is_file() else b""
    return part.encode() if isinstance(part, str) else part


def all_current(setup: Path, steps: Iterable[Step]) -> bool:
    """Whether there is nothing to do; asked without the lock."""
    stamps = Stamps(setup / "stamps")
    return all(stamps.is_current(step) for step in steps)


def run_chains(setup: Path, chains: Sequence[Sequence[Step]]) -> None:
    """Finish what is due. Steps of one chain follow each other, chains run side by side.

    Only one command sets up at a time; the others wait and then find the work done.
    """
    stamps = Stamps(setup / "stamps")
    with _lock(setup):
        with ThreadPoolExecutor(max_workers=len(chains)) as pool:
            results = [pool.submit(_finish, stamps, chain) for chain in chains]
        for result in results:
            result.result()


def _finish(stamps: Stamps, chain: Sequence[Step]) -> None:
    for step in chain:
        if not stamps.is_current(step):
            step.run()
            stamps.write(step)


@contextmanager
def _lock(setup: Path) -> Iterator[None]:
    """Hold the set-up of this checkout; the lock falls with the process that holds it."""
    try:
        (setup / "stamps").mkdir(parents=True, exist_ok=True)
        handle = (setup / "lock").open("w")
    except OSError as error:
        raise LauncherError(
            f"Crossfoot is not set up, and {setup} cannot be written: {error.strerror}.",
            "Run ./crossfoot setup once as the owner of the folder.",
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another command is setting up Crossfoot; waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
