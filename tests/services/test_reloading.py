"""Reload GL over real HTTP: reopened, closed, retried; whatever is lost on the way, nothing stays open unsaid."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import requests
from sqlmodel import col, select, update

from app.connectors.protocols import CloseOutcome, Slot
from app.connectors.source_abilities import Reopens, StatusInPsa
from app.database import Database
from app.domain.problems import ValidationError
from app.domain.states import PostingState
from app.models.batches import Batch, Section
from app.models.columns import utcnow
from app.models.postings import Posting
from app.models.reloads import Reload
from app.services.batches import progress
from app.services.connections import connections
from app.services.posting import reloading
from tests.engine import BY, Engine
from tests.fakes import FakeSource
from tests.rows import a_source


def unmapped(working: Engine) -> tuple[int, str]:
    """A batch with an invoice that was closed without a mapping; answers batch and number."""
    number = next(each.number for each in working.site.invoices.values() if not each.mapped)
    batch_id = working.submit(number)
    working.run(batch_id)
    assert set(working.problems(number)) & set(reloading.CURED)
    return batch_id, number


def edit(working: Engine, **body: Any) -> None:
    answer = requests.post(f"{working.both.connectwise.url}/_edit", json=body, timeout=5)
    assert answer.status_code == 200, answer.text


def ask(working: Engine, batch_id: int, number: str) -> int:
    with working.database.session() as session:
        posting = session.exec(select(Posting).where(Posting.number == number)).one()
        return reloading.ask(session, session.get_one(Batch, batch_id), [posting], by=BY)


def work(working: Engine) -> set[int]:
    again: set[int] = set()
    for _ in range(12):
        again |= reloading.work(working.database, working.connectors, working.source_id)
        with working.database.session() as session:
            session.exec(update(Reload).where(col(Reload.look_at) > utcnow()).values(look_at=None))
            session.commit()
    return again


def state(working: Engine) -> str:
    with working.database.reading() as session:
        return session.exec(select(Reload.state).order_by(col(Reload.id).desc())).first() or ""


def hours_ago(working: Engine) -> None:
    """What has run so far, ran eight hours ago."""
    with working.database.session() as session:
        for row in (*session.exec(select(Batch)), *session.exec(select(Section))):
            row.started_at, row.ended_at = (at and at - dt.timedelta(hours=8) for at in (row.started_at, row.ended_at))
            session.add(row)
        session.commit()


def is_open(working: Engine, number: str) -> bool:
    invoice = next(each for each in working.site.invoices.values() if each.number == number)
    return invoice.stamp is None


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_after_the_mapping_is_complete_a_reload_posts_the_invoice(working: Engine, lost: int) -> None:
    batch_id, number = unmapped(working)
    edit(working, action="complete_mapping")
    assert ask(working, batch_id, number) == 1
    if lost:
        fault = {"kind": "lose_answer", "path": "/finance/invoices/", "method": "PATCH", "times": lost}
        requests.post(f"{working.both.connectwise.url}/_faults", json=fault, timeout=5)

    hours_ago(working)
    assert work(working) == {batch_id}
    assert state(working) == "done"
    working.run(batch_id)
    assert working.posting(number).state == PostingState.CLOSED
    with working.database.reading() as session:
        batch = session.get_one(Batch, batch_id)
        spent = [section.seconds or 0 for section in progress.view(session, batch).sections]
        assert max(*spent, progress.worked(session, [batch])[batch_id]) < 3600, "the hours between the runs are no work"


def test_a_record_is_asked_for_once_at_a_time(working: Engine) -> None:
    batch_id, number = unmapped(working)
    ask(working, batch_id, number)
    with pytest.raises(ValidationError):
        ask(working, batch_id, number)


def test_what_somebody_else_has_open_is_left_to_them(working: Engine) -> None:
    batch_id, number = unmapped(working)
    ask(working, batch_id, number)
    invoice = next(each for each in working.site.invoices.values() if each.number == number)
    with working.site.lock:
        working.site.reopen(invoice)
    work(working)
    assert state(working) == "failed"


def test_a_worker_that_died_between_the_steps_leaves_nothing_open(working: Engine) -> None:
    batch_id, number = unmapped(working)
    ask(working, batch_id, number)
    source = connections.open_source(working.database, working.connectors, working.source_id)
    reload = reloading._claim(working.database, working.source_id)
    assert reload is not None
    assert isinstance(source, Reopens)
    reloading._step(working.database, source, reload)
    assert is_open(working, number)
    with working.database.session() as session:
        session.exec(update(Reload).values(look_at=None))
        session.commit()
    work(working)
    assert state(working) == "done"
    assert not is_open(working, number)


class Sleepy(FakeSource):
    """While its answer is on the way another worker takes the record over and is done with it."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database, self.set_to = database, list[str]()

    def status(self, record: str) -> StatusInPsa:
        with self.database.session() as session:
            session.exec(update(Reload).values(state="done", look_at=None))
            session.commit()
        return super().status(record)

    def set_status(self, record: str, status: str, slot: Slot) -> CloseOutcome:
        self.set_to.append(status)
        return super().set_status(record, status, slot)


def test_a_worker_that_slept_past_its_lease_reopens_nothing(database: Database) -> None:
    with database.session() as session:
        session.add(a_source())
        session.flush()
        session.add(Reload(source_id=1, kind="invoices", record="5", by=BY))
        session.commit()
    source, taken = Sleepy(database), reloading._claim(database, 1)
    assert taken is not None
    reloading._step(database, source, taken)
    with database.reading() as session:
        assert (session.exec(select(Reload.state)).one(), source.set_to) == ("done", [])
