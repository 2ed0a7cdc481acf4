"""The sweep rings for everything that is due, whatever one of its parts runs into."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import cast

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlmodel import select

from app.connectors.mail.mailer import Mailer
from app.connectors.notices.messenger import Messenger
from app.connectors.protocols import Connectors
from app.database import Database
from app.domain.states import RecordKind
from app.jobs import doorbell, sweeping
from app.jobs.runtime import Runtime
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail
from app.services.batches import batches
from app.services.posting import running
from tests.fakes import FakeConnectors
from tests.routes.conftest import settings_at
from tests.routes.world import World


def test_a_fault_in_one_part_keeps_nothing_else_from_being_rung_for(
    database: Database, tmp_path: Path, redis_url: str, redis_server: redis.Redis
) -> None:
    World(database, FakeConnectors())
    with database.session() as session:
        book = session.exec(select(Book)).one()
        batches.submit(session, book, kind=RecordKind.INVOICES, wanted=["39005"], by="a", name="n")
        book.zone = "Nowhere/At_all"  # the daily look asks for its hour there
        session.add(book)
        session.add(Mail(kind="test", key="k", to="a@b.example", subject="s", message_name="m"))
        session.commit()
    here = Runtime(
        settings_at(tmp_path, redis_url), database, cast(Connectors, None), cast(Mailer, None), cast(Messenger, None)
    )
    with pytest.raises(ExceptionGroup):
        sweeping.ring(here)
    rung = [job.func_name for job in Queue(doorbell.QUEUE, connection=redis_server, serializer=JSONSerializer).jobs]
    assert rung == ["app.jobs.tasks.run_batch", "app.jobs.tasks.send_mail"]


@pytest.mark.parametrize("moment", ["lease_until", "wake_at"])
def test_a_batch_whose_worker_died_by_a_clock_that_was_wrong_by_a_year_goes_on(database: Database, moment: str) -> None:
    world = World(database, FakeConnectors())
    with database.session() as session:
        made = batches.submit(
            session, session.exec(select(Book)).one(), kind=RecordKind.INVOICES, wanted=["39005"], by="a", accept=True
        )
        made.lease_owner = "dead" if moment == "lease_until" else ""
        setattr(made, moment, utcnow() + dt.timedelta(days=365))
        session.add(made)
        session.commit()
    assert running.due(database) == [1]
    world.work()
    assert world.company.total_booked() == 214
