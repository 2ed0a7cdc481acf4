"""One process under supervision: how it is started, read, and started again."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from launcher import kernel

#: Pauses before a restart, in seconds: short after a good run, longer while it keeps failing, always below the
#: ten seconds within which every process is back.
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 6.0)
#: A process that ran this long was well; the next pause is the shortest again.
GOOD_RUN = 20.0
#: No line of a log is longer; a program that never ends its line must not fill the memory.
LONGEST_LINE = 65536


@dataclass
class Child:
    """A command that is to run until it is stopped."""

    name: str
    command: list[str]
    env: Mapping[str, str]
    cwd: Path
    stdin: str = ""
    mute: tuple[str, ...] = ()  # lines that hold one of these are not for the user
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    starts_at: float = 0.0
    short_runs: int = 0
    last_line: str = ""

    def start(self) -> IO[bytes]:
        """Start it and return what it prints. Raises OSError.

        It gets a process group of its own, because Ctrl-C in a terminal is for the supervisor, which then decides;
        but it stays in the supervisor's session, and dies with the supervisor.
        """
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            cwd=self.cwd,
            env=dict(self.env),
            stdin=subprocess.PIPE if self.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=kernel.die_with(os.getpid()),  # noqa: PLW1509 - the supervisor has one thread
        )
        if self.process.stdin:
            self.process.stdin.write(self.stdin.encode())
            self.process.stdin.close()
        assert self.process.stdout is not None  # noqa: S101 - a pipe was asked for
        return self.process.stdout

    def signal(self, number: int) -> None:
        """Signal the process itself, or with SIGKILL its whole group; nothing if it does not run."""
        if self.process is None:
            return
        send = kernel.kill_group if number == signal.SIGKILL else kernel.kill
        send(self.process.pid, number)

    def collect(self, now: float) -> int | None:
        """Its exit status once it has ended. What is left of its group is killed, and the next start is set."""
        status = self.process.poll() if self.process else None
        if self.process is None or status is None:
            return None
        kernel.kill_group(self.process.pid, signal.SIGKILL)
        self.process = None
        self.short_runs = 0 if now - self.started >= GOOD_RUN else self.short_runs + 1
        self.starts_at = now + PAUSES[min(max(self.short_runs - 1, 0), len(PAUSES) - 1)]
        return status

    def is_due(self, now: float) -> bool:
        return self.process is None and now >= self.starts_at


@dataclass
class Output:
    """The lines of one run of a child.

    It is read to its end even when the child is gone: a grandchild may still write, and must not be stopped by a
    closed pipe.
    """

    child: Child
    stream: IO[bytes]
    _rest: bytes = field(default=b"", repr=False)

    def read(self) -> list[str] | None:
        """The lines that have come in, None at the end. The rest of a line waits for its end."""
        chunk = os.read(self.stream.fileno(), LONGEST_LINE)
        if not chunk and not self._rest:
            self.stream.close()
            return None
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk or len(self._rest) >= LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        texts = [text for line in lines if (text := line.decode("utf-8", "replace").rstrip())]
        heard = [text for text in texts if not any(part in text for part in self.child.mute)]
        self.child.last_line = heard[-1] if heard else self.child.last_line
        return heard
