"""A batch that lasts for many times its lease, under the vendor's limit: one worker keeps it, nothing goes twice."""

from __future__ import annotations

from sqlmodel import select

from app.models.postings import Call
from app.settings import Waits
from tests.faults.rig import THREE, Rig

#: The real lease is 30 s and the real batch lasts for more than 4 minutes: eight leases. After a 429 it waits a minute.
LEASE, LEASES = 0.45, 8


def test_a_batch_that_outlasts_its_lease_many_times_stays_with_its_worker(rig: Rig) -> None:
    rig.engine.waits = Waits(running=0.6, between=0.1, lease=LEASE)
    rig.engine.company.faults.add("429", entity="batch", times=1)
    rig.engine.company.faults.add("slow", entity="batch", seconds=LEASE * LEASES)
    batch = rig.engine.submit(*THREE)
    worker = rig.worker(batch)
    rig.wait_until(lambda: bool(rig.engine.batch(batch).lease_owner))
    owners, renewals = set(), set()
    while not worker.ended(LEASE):
        row = rig.engine.batch(batch)
        owners.add(row.lease_owner)
        renewals.add(row.lease_until)
        other = rig.worker(batch)  # rung again by the sweep: it finds the batch taken, and goes
        assert other.ended(10)
    rig.take_over(batch)
    rig.assert_closed_once(batch, *THREE)
    assert len(owners - {""}) == 1, "a second worker took the batch"
    assert len(renewals) >= LEASES
    with rig.engine.database.reading() as session:
        sent = session.exec(select(Call.sends).where(Call.batch_id == batch, Call.state == "answered")).all()
    assert sent, "nothing was sent"
    assert max(sent) <= 2, "a call went out more often than the limit asked for"
