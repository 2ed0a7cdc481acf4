"""Runs a set of processes in the foreground, starts again what dies, and stops them all together."""

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable

from launcher import kernel
from launcher.child import Child, Output

#: How long the processes have to finish what they do; with the last ones it stays below the promised ten seconds.
GRACE = 7.0
LAST_GRACE = 1.5
TICK = 0.25
#: After so many short runs in a row it is said that a process cannot start.
HOPELESS = 3
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Children in the order of their start; those begun first are stopped last."""

    def __init__(self, *, grace: float = GRACE) -> None:
        self._grace = grace
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._signals = 0
        self._watches: list[Callable[[], bool]] = []

    @property
    def stopping(self) -> bool:
        return self._signals > 0

    def __enter__(self) -> "Supervisor":
        kernel.adopt_orphans()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake the loop
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        signal.set_wakeup_fd(-1)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        self._wake_reader.close()
        self._wake_writer.close()
        self._selector.close()

    def _on_signal(self, *_: object) -> None:
        self._signals += 1

    def begin(self, child: Child) -> None:
        """Take a process under supervision and start it."""
        self._children.append(child)
        self._start(child)

    def watch(self, happened: Callable[[], bool]) -> None:
        """Ask `happened` once a tick until it says True."""
        self._watches.append(happened)

    def run(self) -> None:
        """Keep everything running until a signal asks for the stop."""
        while not self.stopping:
            self._turn()
            self._watches = [happened for happened in self._watches if not happened()]
            now = time.monotonic()
            for child in self._children:
                if child.is_due(now):
                    self._start(child)

    def tell(self, name: str, text: str) -> None:
        """One line of the common log."""
        write_to_stdout(f"{name:<10}| {text}\n")

    def _start(self, child: Child) -> None:
        try:
            stream = child.start()
        except OSError as error:
            child.short_runs += 1
            child.starts_at = time.monotonic() + 6
            self.tell("crossfoot", f"{child.name} cannot be started: {error.strerror}: {child.command[0]}.")
            return
        self._selector.register(stream, selectors.EVENT_READ, Output(child, stream))

    def _turn(self) -> None:
        for key, _ in self._selector.select(TICK):
            if key.data is None:
                self._wake_reader.recv(4096)
            else:
                self._pass_on(key.data)
        self._collect()

    def _pass_on(self, output: Output) -> None:
        descriptor = output.stream.fileno()
        lines = output.read()
        if lines is None:
            self._selector.unregister(descriptor)
            return
        for line in lines:
            self.tell(output.child.name, line)

    def _collect(self) -> None:
        now = time.monotonic()
        for child in self._children:
            status = child.collect(now)
            if status is not None and not self.stopping:
                self._report(child, status)
        kernel.reap_orphans({child.process.pid for child in self._children if child.process})

    def _report(self, child: Child, status: int) -> None:
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        self.tell("crossfoot", f"{child.name} {how}; starting it again.")
        if child.short_runs == HOPELESS:
            cause = f" Its last words: {child.last_line}" if child.last_line else ""
            self.tell("crossfoot", f"{child.name} cannot start; it is tried again every few seconds.{cause}")

    def _stop(self) -> None:
        """SIGTERM, a grace, SIGKILL; then the same for the process begun first, on which the others may depend."""
        self._signals = max(self._signals, 1)
        first, others = self._children[:1], self._children[1:]
        self._end(others, self._grace)
        for pid in kernel.descendants(os.getpid()):
            if pid not in {child.process.pid for child in first if child.process}:
                kernel.kill(pid, signal.SIGKILL)
        self._end(first, LAST_GRACE)

    def _end(self, children: Iterable[Child], grace: float) -> None:
        children, impatient = list(children), self._signals
        for child in reversed(children):
            child.signal(signal.SIGTERM)
        end = time.monotonic() + grace
        while any(child.process for child in children) and time.monotonic() < end and self._signals <= impatient:
            self._turn()
        for child in children:
            child.signal(signal.SIGKILL)
        while any(child.process for child in children):
            self._turn()


def write_to_stdout(line: str) -> None:
    """A log whose reader has gone must not stop the service."""
    try:
        sys.stdout.write(line)
        sys.stdout.flush()
    except (OSError, ValueError):
        return
