"""Sends workers off, kills them, lets others take over; people's hands in both systems; and counts."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests
from sqlmodel import col, func, select

from app.database import Database
from app.domain.states import SectionKey
from app.models.attachments import Attachment
from app.models.batches import Section
from app.models.mail import Mail
from app.models.pay_links import Checkout
from app.models.payments import PaymentEntry
from app.models.postings import Call, Creation, Posting, PostingProblem
from app.models.workbench import EntryChange
from app.services.batches import batches
from app.services.posting import undoing
from app.settings import Waits
from tests import engine
from tests.engine import Engine
from tests.faults.counting import wrongs
from tests.faults.forks import Forks, Order, Worker

#: Vendors' time limits, scaled: a doubt ends within a second, a dead worker's batch is free after less than that.
QUICK = Waits(running=0.6, between=0.1, lease=0.6)
#: What is sent; each row says so before its first byte leaves.
SENT = (Posting, Creation, Attachment, Mail, PaymentEntry, Checkout, EntryChange)
#: Clean invoices of the demo PSA, of several customers that QuickBooks doesn't have yet.
THREE = ("10395", "10398", "10401")


@dataclass
class Rig:
    """One installation under test, its workers and its vendors."""

    engine: Engine
    forks: Forks
    redis_url: str
    folder: Path
    seen: str = ""

    # ── workers ──

    def worker(self, batch: int, *, mail: int = 0, job: str = "", **trap: Any) -> Worker:
        """A process that runs the batch once, or does another job, perhaps into a trap: see ``traps.Trap``."""
        if trap:
            trap = {"sign": str(self.sign), **trap}
            self.sign.unlink(missing_ok=True)
        return self.forks.start(
            Order(
                database=self.engine.database.url, key=engine.KEY, redis=self.redis_url,
                qbo=self.engine.both.quickbooks_online.url, batch=batch, allow=engine.ALLOW, speed=engine.SPEED,
                waits=asdict(self.engine.waits), trap=trap, mail=mail, job=job,
                stripe=self.engine.both.stripe.url,
            )
        )  # fmt: skip

    @property
    def sign(self) -> Path:
        """Written by a worker that has stepped into its trap."""
        return self.folder / "trapped"

    def take_over(self, batch: int, *, within: float = 60) -> dict[str, Any]:
        """Other workers, one after the other, until the batch has ended; answers its JSON."""
        end = time.monotonic() + within
        while self.engine.batch(batch).ended_at is None and time.monotonic() < end:
            worker = self.worker(batch)
            if not worker.ended(within):
                worker.kill()
            time.sleep(0.05)
        assert self.engine.batch(batch).ended_at is not None, f"the batch does not end: {self.story(batch)}"
        return self.engine.json(batch)

    def wait_frozen(self, worker: Worker, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not worker.frozen():
            assert not worker.ended(), "the worker ended before it came to the point where it was to be frozen"
            assert time.monotonic() < end, "the worker never came to the point where it was to be frozen"
            time.sleep(0.01)

    def undo(self, batch: int, *numbers: str) -> None:
        """A person asks to take these out of both systems; no worker does it yet."""
        wanted = [p["records"][0] for p in self.engine.json(batch)["postings"] if p["number"] in numbers]
        with self.engine.database.session() as session:
            undoing.ask(session, batches.find(session, batch), wanted, by=engine.BY)

    def assert_undone(self, batch: int, *numbers: str) -> None:
        """In no books, listed as unposted again, and nothing else stands."""
        assert self.states(batch) == dict.fromkeys(numbers, "undone"), self.problems(batch)
        assert not set(self.count()) & set(numbers)
        assert set(numbers) <= self.engine.unposted()
        assert wrongs(self.engine) == []

    def story(self, batch: int) -> str:
        """What the batch waits for, its states, and the end of its log."""
        row = self.engine.batch(batch)
        with self.engine.database.reading() as session:
            lines = [f"{line.at:%X} {line.text}" for line in batches.log_lines(session, row)[-8:]]
        facts = (
            f"waits for {row.waiting}, wakes at {row.wake_at}, leased to {row.lease_owner!r} until {row.lease_until}"
        )
        return "\n".join([facts, str(self.states(batch)), *lines])

    @staticmethod
    def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "it never came to that"
            time.sleep(0.02)

    # ── the database ──

    def backup(self, name: str = "backup.db") -> Path:
        """A copy of the database as it is now, as its owner would make it with sqlite3's own command."""
        target = self.folder / name
        target.unlink(missing_ok=True)
        with self.engine.database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")  # VACUUM is no part of a transaction
            connection.exec_driver_sql(f"VACUUM INTO '{target}'")
        return target

    def restore(self, copy: Path) -> None:
        """Put the copy in the database's place."""
        self.engine.database.dispose()
        place = Path(self.engine.database.url.removeprefix("sqlite:///"))
        for extra in ("-wal", "-shm"):
            place.with_name(place.name + extra).unlink(missing_ok=True)
        shutil.copy(copy, place)
        self.engine.database = Database(self.engine.database.url, (engine.KEY,))

    def states(self, batch: int) -> dict[str, str]:
        """State of each number."""
        return {posting["number"]: posting["state"] for posting in self.engine.json(batch)["postings"]}

    def has_begun(self, batch: int, key: SectionKey) -> bool:
        """Whether a section of the batch has started."""
        with self.engine.database.reading() as session:
            query = select(Section.started_at).where(Section.batch_id == batch, Section.key == key)
            return session.exec(query).one() is not None

    def sending(self) -> int:
        """How many postings are on their way at this moment."""
        with self.engine.database.reading() as session:
            return len(session.exec(select(Posting.id).where(Posting.state == "sending")).all())

    def flights(self) -> set[tuple[int, int]]:
        """Calls with documents that are on their way, and which send of each it is: a dead worker's stay in the set."""
        with self.engine.database.reading() as session:
            return {(call.id or 0, call.sends) for call in session.exec(select(Call).where(Call.state == "open"))}

    def under_way(self) -> int:
        """How many of whatever may be sent to a vendor are on their way at this moment, as the database has it."""
        with self.engine.database.reading() as session:
            return sum(
                session.exec(select(func.count()).select_from(table).where(table.state == "sending")).one()
                for table in SENT
            )

    def problems(self, batch: int) -> dict[str, list[str]]:
        """Problem codes of each number that has any."""
        with self.engine.database.reading() as session:
            query = select(Posting.number, PostingProblem.code).join(
                Posting, col(Posting.id) == PostingProblem.posting_id
            )
            found: dict[str, list[str]] = {}
            for number, code in session.exec(query.where(Posting.batch_id == batch)):
                found.setdefault(number, []).append(code)
            return found

    # ── people at the vendors' own pages ──

    def close_more(self, count: int) -> list[str]:
        """The PSA closes some new invoices; answers their numbers."""
        url = f"{self.engine.both.connectwise.url}/_close"
        return [row["number"] for row in requests.post(url, json={"count": count}, timeout=10).json()]

    def documents(self) -> list[dict[str, Any]]:
        """What the books hold and we put there."""
        found = requests.get(f"{self.engine.both.quickbooks_online.url}/_documents", timeout=10).json()
        return [document for document in found if "CF-" in (document["PrivateNote"] or "")]

    def all_documents(self) -> list[dict[str, Any]]:
        """What the books hold, whoever put it there."""
        found: list[dict[str, Any]] = requests.get(
            f"{self.engine.both.quickbooks_online.url}/_documents", timeout=10
        ).json()
        return found

    def in_quickbooks(self, number: str, **order: Any) -> None:
        """Somebody edits, voids or deletes the document of this number."""
        found = next(d for d in self.documents() if f"PSA {number} " in d["PrivateNote"])
        answer = requests.post(
            f"{self.engine.both.quickbooks_online.url}/_edit",
            json={"entity": found["type"], "id": found["Id"], **order},
            timeout=10,
        )
        assert answer.ok, answer.text

    def in_connectwise(self, action: str, number: str, **more: Any) -> None:
        """Somebody does something with the invoice of this number."""
        answer = requests.post(
            f"{self.engine.both.connectwise.url}/_edit", json={"action": action, "number": number, **more}, timeout=10
        )
        assert answer.ok, answer.text

    # ── counting ──

    def count(self) -> Counter[str]:
        """How often each PSA number is in the books, by our own documents and without those voided or deleted."""
        live = [d for d in self.documents() if d["status"] == "Normal"]
        return Counter(document["PrivateNote"].split()[1] for document in live)

    def assert_closed_once(self, batch: int, *numbers: str) -> None:
        """Each once in the books, closed in the PSA by our own batch, and the engine knows it."""
        assert self.count() == Counter(numbers)
        assert self.states(batch) == dict.fromkeys(numbers, "closed"), self.problems(batch)
        self.assert_ours(*numbers)
        self.engine.assert_exactly_once()
        assert wrongs(self.engine) == []

    def assert_ours(self, *numbers: str) -> None:
        """Each of them is in exactly one accounting batch, which is ours."""
        batches = requests.get(f"{self.engine.both.connectwise.url}/_batches", timeout=10).json()
        for number in numbers:
            names = [batch["identifier"] for batch in batches if number in batch["numbers"]]
            assert len(names) == 1, f"{number} is in the batches {names}"
            assert names[0].startswith("CF-I-"), f"{number} was closed by {names[0]}"

    def disagreement(self, batch: int, number: str) -> str:
        """What is wrong with it; empty where books and PSA hold the same, once each, and the engine says closed, or
        where a Problem is there to be seen.
        """
        invoices = requests.get(f"{self.engine.both.connectwise.url}/_invoices", timeout=10).json()
        invoice = next(row for row in invoices if row["number"] == number)
        live = [d for d in self.all_documents() if d["DocNumber"] == number and d["status"] == "Normal"]
        state, problems = self.states(batch)[number], self.problems(batch).get(number, [])
        agreed = (
            bool(live)
            and f"{live[0]['TotalAmt']:.2f}" == invoice["total"]
            and (invoice["batch"] or "").startswith("CF-I-")
        )
        self.seen = f"{state}, {problems}, books {len(live)}, PSA {invoice['state']} by {invoice['batch']}"
        if len(live) > 1:
            return f"doubled: {self.seen}"
        if state == "closed" and not problems:
            return "" if agreed else f"said to be closed: {self.seen}"
        return "" if problems else f"stuck without a problem: {self.seen}"
