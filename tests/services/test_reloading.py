"""Reload GL over real HTTP: reopened, closed, retried; whatever is lost on the way, nothing stays open unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from sqlmodel import col, select, update

from app.domain.problems import ValidationError
from app.domain.states import PostingState
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Posting
from app.models.reloads import Reload
from app.services import connections, reloading
from tests import engine
from tests.engine import BY, Engine


@pytest.fixture
def world(tmp_path: Path, redis_server: redis.Redis) -> Iterator[Engine]:
    made = engine.make(tmp_path, redis_server)
    yield made
    made.both.stop()
    made.database.dispose()


def unmapped(world: Engine) -> tuple[int, str]:
    """A batch with an invoice that was closed without a mapping; answers batch and number."""
    number = next(each.number for each in world.site.invoices.values() if not each.mapped)
    batch_id = world.submit(number)
    world.run(batch_id)
    assert set(world.problems(number)) & set(reloading.CURED)
    return batch_id, number


def edit(world: Engine, **body: Any) -> None:
    answer = requests.post(f"{world.both.connectwise.url}/_edit", json=body, timeout=5)
    assert answer.status_code == 200, answer.text


def ask(world: Engine, batch_id: int, number: str) -> int:
    with world.database.session() as session:
        posting = session.exec(select(Posting).where(Posting.number == number)).one()
        return reloading.ask(session, session.get_one(Batch, batch_id), [posting], by=BY)


def work(world: Engine) -> set[int]:
    again: set[int] = set()
    for _ in range(12):
        again |= reloading.work(world.database, world.connectors, world.source_id)
        with world.database.session() as session:
            session.exec(update(Reload).where(col(Reload.look_at) > utcnow()).values(look_at=None))
            session.commit()
    return again


def state(world: Engine) -> str:
    with world.database.reading() as session:
        return session.exec(select(Reload.state).order_by(col(Reload.id).desc())).first() or ""


def is_open(world: Engine, number: str) -> bool:
    invoice = next(each for each in world.site.invoices.values() if each.number == number)
    return invoice.stamp is None


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_after_the_mapping_is_complete_a_reload_posts_the_invoice(world: Engine, lost: int) -> None:
    batch_id, number = unmapped(world)
    edit(world, action="complete_mapping")
    assert ask(world, batch_id, number) == 1
    if lost:
        fault = {"kind": "lose_answer", "path": "/finance/invoices/", "method": "PATCH", "times": lost}
        requests.post(f"{world.both.connectwise.url}/_faults", json=fault, timeout=5)

    assert work(world) == {batch_id}
    assert state(world) == "done"
    world.run(batch_id)
    assert world.posting(number).state == PostingState.CLOSED


def test_a_record_is_asked_for_once_at_a_time(world: Engine) -> None:
    batch_id, number = unmapped(world)
    ask(world, batch_id, number)
    with pytest.raises(ValidationError):
        ask(world, batch_id, number)


def test_what_somebody_else_has_open_is_left_to_them(world: Engine) -> None:
    batch_id, number = unmapped(world)
    ask(world, batch_id, number)
    invoice = next(each for each in world.site.invoices.values() if each.number == number)
    with world.site.lock:
        world.site.reopen(invoice)
    work(world)
    assert state(world) == "failed"


def test_a_worker_that_died_between_the_steps_leaves_nothing_open(world: Engine) -> None:
    batch_id, number = unmapped(world)
    ask(world, batch_id, number)
    source = connections.open_source(world.database, world.connectors, world.source_id)
    reload = reloading._claim(world.database, world.source_id)
    assert reload is not None
    reloading._step(world.database, source, reload)
    assert is_open(world, number)
    with world.database.session() as session:
        session.exec(update(Reload).values(look_at=None))
        session.commit()
    work(world)
    assert state(world) == "done"
    assert not is_open(world, number)
