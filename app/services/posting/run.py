"""One run of a batch by one worker: what every stage is given, the lease that makes it the only one, and its lanes."""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, true, update
from sqlmodel import Session, col, select

from app.connectors.protocols import ConnectionFailedError, Destination, Source
from app.database import Database
from app.domain.links import Rules
from app.domain.marks import Mark
from app.domain.problems import Problem
from app.domain.states import RecordKind, Role, SectionKey
from app.models.batches import Batch, Section
from app.models.columns import utcnow
from app.models.postings import Posting
from app.services import leases
from app.services.batches import approvals, batches, queueing
from app.services.mapping.links import CurrentIndex
from app.settings import Waits


class LeaseLostError(Exception):
    """Another worker has the batch now, or may have: this run must not begin anything more."""


class SystemicError(Exception):
    """Every other call would fail too (consent gone, PSA refuses the key): the batch ends with ``problem``."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass
class Run:
    """Context of one run.

    ``size`` is how many documents a new call may have; halved after a time-out. Before ``send_from`` (monotonic
    seconds) the throttle has no slot for documents, so nothing needs to be prepared. ``behind_since`` (monotonic):
    what is left to send waits for another batch's call with the same customers. ``gated``: the batch waits for
    approval, and this run only brings to its end what is under way. ``items_read``: the ledger's items were read anew
    because some of them are to be changed.
    """

    database: Database
    source: Source
    destination: Destination
    waits: Waits
    batch_id: int
    book_id: int
    source_id: int
    source_code: str
    kind: RecordKind
    rules: Rules
    accept: bool
    mode: str
    by: str
    owner: str
    size: int
    lost: threading.Event = field(default_factory=threading.Event)
    abandon: threading.Event = field(default_factory=threading.Event)
    listed: dict[str, str] = field(default_factory=dict)
    listed_at: dt.datetime | None = None
    index: CurrentIndex = field(default_factory=CurrentIndex)
    gated: bool = False
    rates: dict[tuple[str, dt.date], Decimal | None] = field(default_factory=dict)
    send_from: float = 0.0
    behind_since: float | None = None
    items_read: bool = False

    def mark(self, record: str, generation: int, role: str = Role.MAIN) -> Mark:
        """The mark of a record's document."""
        return Mark(self.kind, record, generation, self.source_code, role)

    def still_ours(self) -> ColumnElement[bool]:
        """SQL: the batch is still leased to this run, and approved. Part of every UPDATE that begins something."""
        return exists().where(
            true() if self.gated else col(Batch.approval).not_in(approvals.WAITING),
            col(Batch.id) == self.batch_id,
            col(Batch.lease_owner) == self.owner,
            col(Batch.lease_until) > utcnow(),
            col(Batch.stop_asked).is_(False),
        )

    def hold_on(self, session: Session) -> None:
        """Before writing what was read from a vendor: the batch must still be ours, until the commit.

        A frozen worker goes on with answers from before another one took the batch. Raises LeaseLostError.
        """
        mine = (col(Batch.id) == self.batch_id) & (col(Batch.lease_owner) == self.owner)
        if session.exec(select(Batch.id).where(mine).with_for_update()).first() is None:
            self.lost.set()
            raise LeaseLostError

    def lock(self, session: Session) -> None:
        """Before writing down what must be written whoever has the batch by now: nobody else's rows change meanwhile.

        Whoever writes rows of a batch takes this lock first, people too: so none overwrites what it has not seen, and
        no two wait for each other.
        """
        session.exec(select(Batch.id).where(Batch.id == self.batch_id).with_for_update())

    def changed(self, session: Session, *postings: Posting) -> None:
        """Commit, and let those who watch see it."""
        batches.touch(session, self.batch_id)
        rev = session.exec(select(Batch.rev).where(Batch.id == self.batch_id)).one() if postings else 0
        for posting in postings:
            posting.rev = rev
            session.add(posting)
        session.commit()

    def log(self, session: Session, text: str, posting: Posting | None = None, **detail: Any) -> None:
        batches.log(session, self.batch_id, text, posting=posting, **detail)

    def wait_note(self, reason: str, seconds: float) -> None:
        """Say on the page what the batch waits for; an empty reason takes it away."""
        with self.database.reading() as session:
            said = session.exec(select(Batch.waiting).where(Batch.id == self.batch_id)).one()
        if (said or {}).get("reason", "") == reason:
            return
        until = utcnow() + dt.timedelta(seconds=seconds)
        with self.database.session() as session:
            batch = session.get_one(Batch, self.batch_id)
            batch.waiting = {"reason": reason, "until": until.isoformat()} if reason else None
            session.add(batch)
            self.changed(session)

    def stopping(self) -> bool:
        """True when nothing new may begin: asked to stop, abandoned, its approval is void, or the lease is gone."""
        if self.lost.is_set():
            raise LeaseLostError
        if self.abandon.is_set():
            return True
        with self.database.reading() as session:
            query = select(Batch.lease_owner, Batch.stop_asked, Batch.approval).where(Batch.id == self.batch_id)
            owner, asked, approval = session.exec(query).one()
        if owner != self.owner:
            self.lost.set()
            raise LeaseLostError
        return asked or (not self.gated and approval in approvals.WAITING)

    def asked_to_stop(self) -> bool:
        """A person asked; whatever became of the lease."""
        with self.database.reading() as session:
            return session.get_one(Batch, self.batch_id).stop_asked

    def begin(self, key: SectionKey) -> None:
        """The section runs (again)."""
        self._section(key, started=True)

    def end(self, key: SectionKey) -> None:
        """The section has nothing left to do."""
        self._section(key, started=False)

    def _section(self, key: SectionKey, *, started: bool) -> None:
        now = utcnow()
        with self.database.session() as session:
            query = select(Section).where(Section.batch_id == self.batch_id, Section.key == key)
            if section := session.exec(query).first():
                if not started:
                    section.ended_at = now
                elif section.started_at and section.ended_at:  # the time between two runs is no work
                    section.started_at, section.ended_at = now - (section.ended_at - section.started_at), None
                else:
                    section.started_at = section.started_at or now
                session.add(section)
            self.changed(session)


# ── lease ────────────────────────────────────────────────────────────────────────────────────────────────────────


def free(now: dt.datetime) -> ColumnElement[bool]:
    """SQL: nobody has the batch."""
    return or_(leases.free(col(Batch.lease_until), now), col(Batch.lease_owner) == "")


def take_lease(database: Database, batch_id: int, waits: Waits) -> str | None:
    """Claim the batch for one run; None when it has ended, is stopped or to be approved, or somebody else has it."""
    owner = secrets.token_hex(8)
    now = utcnow()
    with database.session() as session:
        taken = session.exec(
            update(Batch)
            .where(col(Batch.id) == batch_id, col(Batch.ended_at).is_(None), col(Batch.stopped).is_(False), free(now))
            .where(~queueing.blocked(now))
            .where(~approvals.at_rest())
            .values(lease_owner=owner, lease_until=now + dt.timedelta(seconds=waits.lease), wake_at=None)
        ).rowcount
        session.commit()
    return owner if taken == 1 else None


class Lease:
    """Renews a claim in the background; sets ``lost`` when it is somebody else's."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._end.wait(self._run.waits.lease / 3):
            if not renew(self._run.database, self._run.batch_id, self._run.owner, self._run.waits.lease):
                self._run.lost.set()
                return


def renew(database: Database, batch_id: int, owner: str, seconds: float) -> bool:
    """Hold the claim for some more seconds; False when it is not ours any more."""
    with database.session() as session:
        kept = session.exec(
            update(Batch)
            .where(col(Batch.id) == batch_id, col(Batch.lease_owner) == owner)
            .values(lease_until=utcnow() + dt.timedelta(seconds=seconds))
        ).rowcount
        session.commit()
    return kept == 1


def release_lease(database: Database, batch_id: int, owner: str, **values: Any) -> None:
    """Give the claim back and write what the run leaves behind, if it is still ours."""
    with database.session() as session:
        give_back(session, batch_id, owner, **values)
        session.commit()


def give_back(session: Session, batch_id: int, owner: str, **values: Any) -> None:
    """The same in a transaction of the caller's, who commits.

    A ``wake_at`` that stands there already is somebody's who let something go again meanwhile: it stays.
    """
    if "wake_at" in values:
        values["wake_at"] = func.coalesce(col(Batch.wake_at), values["wake_at"])
    mine = (col(Batch.id) == batch_id, col(Batch.lease_owner) == owner)
    given = {"lease_owner": "", "lease_until": None, "rev": Batch.rev + 1, **values}
    session.exec(update(Batch).where(*mine).values(**given), execution_options={"synchronize_session": False})


# ── lanes ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Lanes:
    """Vendor calls under way in threads. Only the vendor's answer is waited for there; rows are the run's own thread's.

    ``go`` starts one; ``settle`` hands each finished answer to the function that was given with it.
    """

    def __init__(self, **sizes: int) -> None:
        self._sizes = sizes
        self._pools = {name: ThreadPoolExecutor(size, thread_name_prefix=name) for name, size in sizes.items()}
        self._busy: Counter[str] = Counter()
        self._done: SimpleQueue[tuple[str, Future[Any], Callable[[Any], None]]] = SimpleQueue()

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=True)
        self.settle(0)

    def free(self, name: str) -> bool:
        return self._busy[name] < self._sizes[name]

    def room(self, name: str) -> int:
        """How many more calls may be under way."""
        return self._sizes[name] - self._busy[name]

    @property
    def busy(self) -> int:
        """Calls whose answers have not been handed on yet."""
        return self._busy.total()

    def go(self, name: str, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._busy[name] += 1
        future = self._pools[name].submit(work)
        future.add_done_callback(lambda done: self._done.put((name, done, then)))

    def drain(self) -> None:
        """Wait for every call under way and hand its answer on."""
        while self.busy:
            self.settle(1.0)

    def settle(self, timeout: float, gather: float = 0.0) -> int:
        """Hand on every finished answer, waiting up to ``timeout`` seconds for a first one; answers how many.

        ``gather``: so many seconds more for those of other calls under way, that one commit may write down several.
        """
        count, until = 0, 0.0
        first_error: Exception | None = None
        while True:
            wait = timeout if not count else until - time.monotonic() if self.busy else 0.0
            try:
                name, future, then = self._done.get(timeout=wait) if wait > 0 else self._done.get_nowait()
            except Empty:
                break
            self._busy[name] -= 1
            until, count = until or time.monotonic() + gather, count + 1
            try:
                then(future.result())
            except (SystemicError, LeaseLostError, ConnectionFailedError) as error:
                first_error = first_error or error  # the other answers must be written down all the same
        if first_error:
            raise first_error
        return count
