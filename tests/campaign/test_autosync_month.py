"""A month of AutoSync at a fast clock: 15-minute runs, restarts of everything, a day of 25 hours, batches by hand.

The clock of the schedule is moved by the test; vendors, database, throttle and workers are real. So a month's calls go
out in minutes, and the stand-ins, which refuse what goes over a limit, would answer 429 to any that is too fast.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
import redis
import requests
from sqlmodel import col, select

from app.domain.problems import ValidationError
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting, PostingRecord
from app.models.rounds import AutoSync, Round
from app.services.autosync import autosync
from app.services.connections import books
from app.services.posting import running
from tests import engine
from tests.campaign.service import Row
from tests.engine import BY, Engine

HOME = "https://books.example"
#: From the 20th of October to the 20th of November: Chicago's clocks go back on the first of November.
BEGIN = dt.datetime(2026, 10, 20, 5, tzinfo=dt.UTC)
END = dt.datetime(2026, 11, 20, 6, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


class Died(BaseException):
    """What a killed process leaves behind: whatever was committed."""


class Month:
    """The schedule's clock, schedulers that come and go, and workers that die now and then."""

    def __init__(self, working: Engine, seed: int) -> None:
        self.at, self.working, self.random = BEGIN, working, random.Random(seed)
        self.off: list[tuple[dt.datetime, dt.datetime]] = []
        self.deaths = self.by_hand = 0
        self.rung: set[int] = set()
        self.lost: list[dt.datetime] = []
        # One location: the others are left to whoever posts by hand.
        values = {
            "autosync.accept": "yes", "autosync.interval": "15", "autosync.location": "4",
            "company.zone": "America/Chicago",
        }  # fmt: skip
        with working.database.session() as session:
            book = session.get_one(Book, working.book_id)
            books.set_settings(session, book, values, by=BY)
            autosync.switch_on(session, book, by=BY, open_checks=[], now=self.at)

    def go(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every few minutes to the end; two schedulers look at the same time, and both ring."""
        with ThreadPoolExecutor(2) as schedulers:
            while self.at < END:
                self.at += MINUTE * self.random.choice((4, 7, 9, 11))
                if self.random.random() < 0.003:
                    self._everything_is_off()
                if self.random.random() < 0.005:
                    self._somebody_posts_by_hand()
                looks = list(schedulers.map(lambda _: autosync.tick(self.working.database, HOME, self.at), range(2)))
                self._note_what_is_lost()
                for made in sorted({made for look in looks for made in look}):
                    self._work(made, monkeypatch)
                if self.random.random() < 0.02:
                    self._close_invoices()
                self._run_what_is_due(now_and_then=True)
        self._run_what_is_due(now_and_then=False)
        autosync.tick(self.working.database, HOME, self.at)

    def _note_what_is_lost(self) -> None:
        """After a look the newest due moment has its run, if no earlier run goes on."""
        due = BEGIN + QUARTER * ((self.at - BEGIN) // QUARTER)
        with self.working.database.reading() as session:
            taken = session.get_one(AutoSync, self.working.book_id).mark
            going = session.exec(select(Round.id).where(col(Round.auto), Round.state != "ended")).first()
        if going is None and taken != due:
            self.lost.append(due)

    def _everything_is_off(self) -> None:
        start = self.at
        self.at += MINUTE * self.random.randint(10, 700)
        self.off.append((start, self.at))

    def _work(self, made: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker submits; one in fifty dies at one of the places where it may, and another comes after its lease."""
        place = self.random.choice(("records.refresh", "rounds.submit", "rounds.tie", "ends.settle"))
        if self.random.random() > 0.02:
            self.rung |= set(autosync.work(self.working.database, self.working.connectors, made, HOME))
            return
        module, _, name = place.partition(".")
        with monkeypatch.context() as patch:
            patch.setattr(getattr(autosync, module), name, _die)
            try:
                autosync.work(self.working.database, self.working.connectors, made, HOME)
            except Died:
                self.deaths += 1
        with self.working.database.session() as session:
            row = session.get_one(Round, made)
            row.lease_until = None  # its five minutes are over
            session.add(row)
            session.commit()

    def _close_invoices(self) -> None:
        """The PSA closes some more."""
        body = {"count": self.random.randint(2, 6)}
        assert requests.post(f"{self.working.both.connectwise.url}/_close", json=body, timeout=30).ok

    def _somebody_posts_by_hand(self) -> None:
        """A bookkeeper submits whatever is there at this moment, beside AutoSync."""
        try:
            self.rung.add(self.working.submit())
            self.by_hand += 1
        except ValidationError:
            pass  # there was nothing

    def _run_what_is_due(self, *, now_and_then: bool) -> None:
        """Workers take what may go; mostly, so that batches meet each other."""
        while due := running.due(self.working.database):
            if now_and_then and self.random.random() < 0.7:
                return
            for batch_id in due:
                self.working.run(batch_id)


def _die(*_: object, **__: object) -> None:
    raise Died


@pytest.fixture
def month(tmp_path: Path, redis_server: redis.Redis) -> Iterator[Month]:
    made = engine.make(tmp_path, redis_server)
    yield Month(made, seed=20261101)
    made.both.stop()
    made.database.dispose()


def test_a_month_of_quarter_hours_loses_no_run_doubles_none_and_meets_no_limit(
    month: Month, monkeypatch: pytest.MonkeyPatch, row: Row
) -> None:
    month.go(monkeypatch)
    working = month.working
    with working.database.reading() as session:
        rounds = list(session.exec(select(Round).where(col(Round.auto)).order_by(col(Round.due_at))))
        state = session.get_one(AutoSync, working.book_id)
        own = list(session.exec(select(Batch).order_by(col(Batch.id))))
        live = Counter(session.exec(select(PostingRecord.record).where(col(PostingRecord.live))))
        states = Counter(session.exec(select(Posting.state)))
    assert month.lost == []
    assert not state.paused
    assert {made.state for made in rounds} == {"ended"}
    _assert_no_moment_is_lost_or_doubled(month, rounds)
    assert max(live.values()) == 1
    assert month.deaths > 10
    assert month.by_hand > 5
    assert len(month.off) > 2
    assert sum(batch.auto for batch in own) > 20
    _assert_none_beside_another(own)
    working.assert_exactly_once()
    psa, ledger = (side.url for side in (working.both.connectwise, working.both.quickbooks_online))
    stats = [requests.get(f"{url}/_stats", timeout=30).json() for url in (psa, ledger)]
    assert [side["throttle"]["refused"] for side in stats] == [0, 0]
    assert "429" not in stats[0]["by_status"]
    row.kills = month.deaths
    tell(
        f"{len(rounds)} runs, {sum(made.status != 'skipped' for made in rounds)} with something to post",
        f"{len(own)} batches, {month.by_hand} by hand; {month.deaths} deaths; documents {dict(states)}",
        f"{stats[0]['calls']} calls to ConnectWise",
    )


def tell(*lines: str) -> None:
    """Figures, for whoever runs the campaign."""
    sys.stdout.write("\n" + "".join(f"{line}\n" for line in lines))


def _assert_no_moment_is_lost_or_doubled(month: Month, rounds: list[Round]) -> None:
    """Every quarter has its run, but for those that a longer run, or the machine being off, puts off to the next."""
    moments = [made.due_at for made in rounds if made.due_at]
    assert moments == sorted(set(moments))
    every = [BEGIN + QUARTER * number for number in range(1, 1 + (END - BEGIN) // QUARTER)]
    assert set(moments) <= set(every)
    missing = [moment for moment in every if moment not in set(moments)]
    last = max(moments)
    assert not [moment for moment in missing if moment > last and END - moment > HOUR], "after these no run came"
    off = sum((end - start for start, end in month.off), dt.timedelta())
    tell(f"{len(missing)} moments were taken over by the run after them; everything was off for {off}")


def _assert_none_beside_another(own: list[Batch]) -> None:
    """One of AutoSync and any other one never worked at the same time."""
    ran = sorted((b for b in own if b.started_at and b.ended_at), key=lambda b: b.started_at or BEGIN)
    for one, other in pairwise(ran):
        if one.auto or other.auto:
            assert one.ended_at is not None
            assert other.started_at is not None
            assert other.started_at >= one.ended_at, f"{one.name} and {other.name}"
