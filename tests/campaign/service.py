"""`./crossfoot up` as a person starts it: its own data folder, Redis, workers and scheduler; to be killed in parts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import redis
import requests
from sqlalchemy import update
from sqlmodel import col, select

from app.database import Database
from app.domain.problems import ValidationError
from app.jobs import doorbell
from app.models.connections import Book, SourceRow
from app.models.postings import Posting
from app.models.records import UnpostedRow
from app.settings import PROJECT, Waits
from launcher import kernel
from tests import engine
from tests.faults.forks import Forks
from tests.faults.rig import Rig
from tests.journeys.installation import environment

#: A call may take 3 s at the stand-in; nobody waits for longer than is needed to be sure.
SCALED = Waits(running=4.0, between=0.3, lease=2.0)


@dataclass
class Row:
    """One line of the campaign's table: what was done, and what was counted afterwards.

    ``sending``: kills while a posting was; ``hits``: while anything was on its way to a vendor, a customer, a payment,
    a file as well. ``random``: at moments that chance chose while a batch was posted.
    """

    scenario: str
    random: bool = False
    kills: int = 0
    sending: int = 0
    hits: int = 0
    doubled: int = 0
    lost: int = 0
    stuck: int = 0

    def killed(self, under_way: int, sending: int = 0) -> None:
        """One more kill, or freeze, and what was counted on its way at that moment."""
        self.kills += 1
        self.sending += sending > 0
        self.hits += under_way > 0


@dataclass
class Service(Rig):
    """An installation that serves. The rig's own engine uses its database beside it, as a command would."""

    process: subprocess.Popen[bytes] | None = None
    env: dict[str, str] | None = None
    port: int = 0

    @property
    def home(self) -> Path:
        return self.folder

    # ── the whole of it ──

    def up(self) -> None:
        """Start it and wait until it is ready."""
        with (self.home / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(PROJECT / "crossfoot"), "up", "--port", str(self.port), "--workers", "2"],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.wait_until(self._ready, 120)

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.home / "up.log").read_text()[-1000:]
        with suppress(requests.RequestException):
            return requests.get(f"http://localhost:{self.port}/readyz", timeout=5).status_code == 200
        return False

    def down(self) -> None:
        """Stop it as Ctrl-C does."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    # ── its parts ──

    def _below(self, words: str) -> list[int]:
        assert self.process is not None
        return [pid for pid in kernel.descendants(self.process.pid) if words in _command(pid)]

    def parents(self) -> list[int]:
        """RQ's workers: those that fork; also a job whose worker is dead."""
        workers = self._below("app.jobs.rq_worker")
        roots = [pid for pid in workers if _parent(pid) not in workers]
        pools = [pid for pid in roots if any(_parent(other) == pid for other in workers)]
        return [pid for pid in workers if _parent(pid) in pools or (pid in roots and pid not in pools)]

    def children(self) -> list[int]:
        """Forked by a worker, to do one job."""
        parents = self.parents()
        return [pid for pid in self._below("app.jobs.rq_worker") if _parent(pid) in parents]

    def strike(self, target: str, number: signal.Signals = signal.SIGKILL) -> list[int]:
        """Send a signal to the ``parents``, the ``children`` or ``both``; answers to whom."""
        pids = self.children() if target != "parents" else []
        pids += self.parents() if target != "children" else []
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    @property
    def redis_address(self) -> str:
        """The private Redis of the service."""
        link = self.home / "redis.path"
        return f"unix://{link.read_text().strip() if link.exists() else self.home / 'redis.sock'}"

    def forget_flights(self) -> None:
        """As if 150 s had gone by: slots of killed workers count as given back."""
        with redis.Redis.from_url(self.redis_address) as server:
            for key in server.scan_iter("crossfoot:throttle:*:flight"):
                server.delete(key)

    def ring(self, batch: int) -> None:
        doorbell.ring(self.redis_address, "run_batch", batch)

    # ── what happens ──

    def ended(self, batch: int) -> bool:
        return self.engine.batch(batch).ended_at is not None

    def finish(self, batch: int, *, within: float = 120) -> None:
        """Ring now and then, as the scheduler does more rarely, until the batch has ended."""
        end = time.monotonic() + within
        while not self.ended(batch):
            assert time.monotonic() < end, f"the batch does not end: {self.story(batch)}"
            self.ring(batch)
            until = time.monotonic() + 2
            while time.monotonic() < until and not self.ended(batch):
                time.sleep(0.1)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of this installation, in a process of its own."""
        return subprocess.run(
            [str(PROJECT / "crossfoot"), *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start_command(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The same, not waited for."""
        return subprocess.Popen(
            [str(PROJECT / "crossfoot"), *arguments], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def submit_as_a_tab(self, numbers: Sequence[str]) -> int | None:
        """Submit, as a page does; None where somebody else has taken all of them."""
        try:
            batch = self.engine.submit(*numbers)
        except ValidationError:
            return None
        self.ring(batch)
        return batch

    def records(self, numbers: Sequence[str]) -> list[str]:
        """Ids of the PSA's records with these numbers, as the stored list has them."""
        self.engine.refresh()
        with self.engine.database.reading() as session:
            query = select(UnpostedRow.record).where(col(UnpostedRow.number).in_(numbers))
            return list(session.exec(query))

    def flush_redis(self) -> None:
        """Everything that it knew is forgotten: rings, workers, the calls of the last minute."""
        with redis.Redis.from_url(self.redis_address) as server:
            server.flushall()

    def kill_redis(self) -> None:
        """The private server dies; the supervisor starts a new, empty one."""
        for pid in [*self._below("valkey-server"), *self._below("redis-server")]:
            os.kill(pid, signal.SIGKILL)

    def tally(self, row: Row, *numbers: str) -> None:
        """Count the numbers in both systems, write it into the table, and fail if any of it is wrong."""
        found = self.count()
        row.doubled += sum(found[number] > 1 for number in numbers)
        row.lost += sum(found[number] == 0 for number in numbers)
        row.stuck += sum(state != "closed" for number, state in self.latest(numbers).items())
        assert (row.doubled, row.lost, row.stuck) == (0, 0, 0), f"{row}: {self.latest(numbers)}"
        self.assert_ours(*numbers)

    def latest(self, numbers: Sequence[str]) -> dict[str, str]:
        """State of the newest posting of each number."""
        with self.engine.database.reading() as session:
            query = select(Posting.number, Posting.state).where(col(Posting.number).in_(numbers))
            return dict(session.exec(query.order_by(col(Posting.id))).all())

    def slow_documents(self, seconds: float) -> None:
        """QuickBooks takes so long for every call with documents; everything else is quick."""
        for path in ("batch", "invoice"):
            self.engine.company.faults.add("slow", path=path, method="POST", times=0, seconds=seconds)


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


@contextmanager
def serving(folder: Path, forks: Forks, redis_url: str, waits: Waits = SCALED) -> Iterator[Service]:
    """Both stand-ins, everything connected, and the service up; all gone at the end."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    (home / "encryption.key").write_text(engine.KEY)
    database = Database(f"sqlite:///{home / 'crossfoot.db'}", (engine.KEY,))
    made = engine.make(home, redis.Redis.from_url(redis_url), waits=waits, database=database)
    with database.session() as session:  # as if its calls were long ago: the new Redis need not fear for the limits
        for table in (SourceRow, Book):
            session.exec(update(table).values(last_call_at=None))
        session.commit()
    env = environment(home, made.both) | {
        "CROSSFOOT_DOUBT_WAIT": str(waits.running), "CROSSFOOT_DOUBT_BETWEEN": str(waits.between),
        "CROSSFOOT_LEASE": str(waits.lease),
    }  # fmt: skip
    service = Service(made, forks, redis_url, home, env=env, port=random.randint(20000, 60000))
    service.up()
    try:
        yield service
    finally:
        service.down()
        made.both.stop()
        made.database.dispose()
