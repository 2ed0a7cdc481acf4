"""What is read while a batch runs and after: moments from the app's rows, memory from the kernel, servers' counts."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.vendors import CannotMeasureError, Counts, Vendors

#: Seconds between two looks at memory and counters.
EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Moments:
    """One batch by the clock, in seconds since the epoch.

    ``documents`` runs from the intent of the first call to the last answer's commit, ``closing`` from the first
    posted document to the last one that is closed. ``sections`` are (begin, end) by key.
    """

    documents: tuple[float, float]
    closing: tuple[float, float]
    sections: dict[str, tuple[float, float]]
    states: dict[str, int]
    calls: int
    failure: str

    @property
    def document_seconds(self) -> float:
        return self.documents[1] - self.documents[0]

    @property
    def closing_seconds(self) -> float:
        return self.closing[1] - self.closing[0]

    def seconds(self, *keys: str) -> float:
        """How long some sections took together."""
        return sum(end - begin for key, (begin, end) in self.sections.items() if key in keys)


def moments_of(home: Path, batch: int) -> Moments:
    """Read from the app's own rows: no command prints them to the millisecond."""
    address = f"file:{home / 'crossfoot.db'}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=60)) as rows:
        sent, calls = rows.execute("SELECT min(sent_at), count(*) FROM calls WHERE batch_id = ?", (batch,)).fetchone()
        posted, first, closed = rows.execute(
            "SELECT max(posted_at), min(posted_at), max(closed_at) FROM postings WHERE batch_id = ?", (batch,)
        ).fetchone()
        states = rows.execute(
            "SELECT state, count(*) FROM postings WHERE batch_id = ? GROUP BY state", (batch,)
        ).fetchall()
        sections = rows.execute(
            "SELECT key, started_at, ended_at FROM sections WHERE batch_id = ?", (batch,)
        ).fetchall()
        failure = rows.execute("SELECT failure FROM batches WHERE id = ?", (batch,)).fetchone()[0] or ""
    if not (sent and posted and closed):
        raise CannotMeasureError(f"Batch {batch} posted or closed nothing: {dict(states)} {failure}")
    return Moments(
        (_epoch(sent), _epoch(posted)),
        (_epoch(first), _epoch(closed)),
        {key: (_epoch(begin), _epoch(end)) for key, begin, end in sections if begin and end},
        dict(states),
        int(calls),
        failure,
    )


def seconds_of(home: Path, batch: int) -> float:
    """From the begin of a batch to its end, of whatever kind."""
    address = f"file:{home / 'crossfoot.db'}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=60)) as rows:
        begun, ended = rows.execute("SELECT started_at, ended_at FROM batches WHERE id = ?", (batch,)).fetchone()
    if not ended:
        raise CannotMeasureError(f"Batch {batch} has not ended.")
    return _epoch(ended) - _epoch(begun)


def largest_batch(home: Path) -> tuple[int, int]:
    """Its id, and how many documents it has. Raises CannotMeasureError where there is none."""
    query = "SELECT batch_id, count(*) FROM postings GROUP BY batch_id ORDER BY 2 DESC LIMIT 1"
    with closing(sqlite3.connect(f"file:{home / 'crossfoot.db'}?mode=ro", uri=True, timeout=60)) as rows:
        found = rows.execute(query).fetchone()
    if found is None:
        raise CannotMeasureError("There is no batch to look at.")
    return int(found[0]), int(found[1])


def _epoch(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


class Watch:
    """Samples the servers' counters and the memory of a process session in the background, as long as it is entered."""

    def __init__(self, vendors: Vendors, session: int) -> None:
        self.counts: list[Counts] = []
        self.peak: Counter[str] = Counter()
        self.busy = 0.0
        self.processor = 0.0
        self._vendors = vendors
        self._session = session
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Watch:
        self._began, self._spent = _jiffies(), processor_of(self._session)
        self.counts.append(self._vendors.counts())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self.counts.append(self._vendors.counts())
        self.processor = processor_of(self._session) - self._spent
        (idle, total), (idle_before, total_before) = _jiffies(), self._began
        self.busy = 1 - (idle - idle_before) / max(1, total - total_before)

    @property
    def refused(self) -> int:
        """Answers 429 of both servers meanwhile."""
        return self.counts[-1].refused - self.counts[0].refused

    def _sample(self) -> None:
        while not self._end.wait(EVERY):
            with suppress(CannotMeasureError):
                self.counts.append(self._vendors.counts())
            memory = memory_of(self._session)
            if memory.total() > self.peak.total():
                self.peak = memory


def _jiffies() -> tuple[int, int]:
    """Idle and total time of all cores since the machine started."""
    numbers = [int(part) for part in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return numbers[3] + numbers[4], sum(numbers[:8])


def processor_of(session: int) -> float:
    """Seconds of processor time that a session's processes, and their children that have ended, have used so far."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == session:
                    ticks += sum(int(part) for part in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────


def memory_of(session: int) -> Counter[str]:
    """Proportional set size in MB of every process of a session, by what it is; the launcher is not counted."""
    found: Counter[str] = Counter()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in {session, os.getpid()}:
            with suppress(OSError, ValueError, IndexError):
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[3]) == session:
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[_part(command)] += _pss(entry)
    return found


def _pss(entry: Path) -> int:
    """Kilobytes; the kernel has summed them up over all mappings."""
    lines = (entry / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _part(command: str) -> str:
    for words, name in (
        ("rq_worker", "workers"),
        ("rq_scheduler", "scheduler"),
        ("gunicorn", "web"),
        ("-server", "redis"),
    ):
        if words in command:
            return name
    return "other"


@dataclass(slots=True)
class Stopwatch:
    """How long the whole thing takes, for the foot of the table."""

    began: float = field(default_factory=time.monotonic)

    @property
    def minutes(self) -> float:
        return (time.monotonic() - self.began) / 60
