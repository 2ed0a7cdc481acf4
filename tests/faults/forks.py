"""Workers by fork, as RQ makes them: ``python -m tests.faults.forks`` reads one order a line and answers with a pid."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import redis

from app.connectors.addresses import NetRules
from app.connectors.connectwise import opening as _connectwise
from app.connectors.mail.smtp import SmtpMailer
from app.connectors.quickbooks_online import opening as _quickbooks_online
from app.connectors.quickbooks_online.settings import App
from app.connectors.registry import Registry
from app.connectors.stripe import connector as _stripe
from app.database import Database
from app.services.mail import outbox
from app.services.mapping import customer_data, entry_changes
from app.services.paying import pay_recording
from app.services.posting import amending, billing, reloading, running
from app.settings import Endpoints, Waits
from tests.faults.traps import Trap, dying_at_exit

PRELOADED = (_connectwise, _quickbooks_online, _stripe)


@dataclass
class Order:
    """Run a batch once: on which database and Redis, against which QuickBooks, with which waits and traps.

    With ``mail`` it hands over that mail instead; ``job`` is another one of JOBS, ``batch`` then its id.
    """

    database: str
    key: str
    redis: str
    qbo: str
    batch: int
    allow: str
    speed: float
    waits: dict[str, float]
    trap: dict[str, Any] = field(default_factory=dict)
    mail: int = 0
    job: str = ""
    stripe: str = ""


#: What workers do beside batches, by the module of their services.
JOBS: dict[str, Callable[[Database, Registry, int, Waits], object]] = {
    "amending": lambda database, connectors, ident, _: amending.work(database, connectors, ident),
    "billing": lambda database, connectors, ident, _: billing.work(database, connectors, ident),
    "reloading": lambda database, connectors, ident, _: reloading.work(database, connectors, ident),
    "pay_recording": pay_recording.work,
    "entry_changes": lambda database, connectors, ident, _: entry_changes.work(database, connectors, ident),
    "comparing": lambda database, connectors, ident, _: customer_data.work(database, connectors, ident),
}


class Forks:
    """The parent of the workers: has imported everything, so that a worker starts at once."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, order: Order) -> Worker:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        return Worker(int(self._process.stdout.readline()))

    def stop(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Worker:
    """A process that runs a batch."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle: int | None
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = None

    def ended(self, seconds: float = 0) -> bool:
        """Whether it is gone, waiting up to ``seconds`` for it."""
        if self._handle is None:
            return True
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        gone = bool(poll.poll(int(seconds * 1000)))
        if gone:
            os.close(self._handle)
            self._handle = None
        return gone

    def signal(self, number: signal.Signals) -> None:
        if not self.ended() and self._handle is not None:
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.ended(10)

    def frozen(self) -> bool:
        """Whether it is stopped by a signal."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
        except OSError:
            return False


def work(order: Order) -> None:
    """One run; the tokens in the database are good for an hour, so the app's keys are never needed."""
    database = Database(order.database, (order.key,))
    if order.trap:
        Trap(**order.trap).set(database.engine)
    if order.mail:
        outbox.deliver(database, SmtpMailer(NetRules.parse(order.allow), "books.test"), order.mail)
        return
    keys = App("", "", Endpoints(order.qbo, "", "", ""), "sandbox")
    server = redis.Redis.from_url(order.redis)
    connectors = Registry(server, NetRules.parse(order.allow), lambda: keys, speed=order.speed, stripe=order.stripe)
    if order.job:
        JOBS[order.job](database, connectors, order.batch, Waits(**order.waits))
    else:
        running.run(database, connectors, order.batch, Waits(**order.waits))


def main() -> None:
    """Fork a worker for every order until the input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            with dying_at_exit():
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.dup2(2, 1)
                work(Order(**json.loads(line)))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
