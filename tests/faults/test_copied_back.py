"""The database is copied back from a backup, and nothing says so: looking into the books alone must prevent doubles."""

from __future__ import annotations

import pytest

from app.services.batches import batches
from tests.faults.rig import THREE, Rig
from tests.thorough import sampled

#: How exactly the vendor holds out against a second document of the same number, and a second call of the same id.
LENIENT = [("refused", "honoured"), ("allowed", "ignored")]
#: When the backup was made: the moment of a worker's work, as in ``traps.Trap``.
MOMENTS = [
    ("before the batch", "", ""),
    ("after Submit", "submitted", ""),
    ("after Read", "committed", r"UPDATE postings SET document"),
    ("after Check", "committed", r"INSERT INTO creations"),
    ("after the creations", "committed", r"UPDATE sections .*'documents'"),
    ("after the call's intent", "committed", r"INSERT INTO calls"),
    ("with everything posted", "committed", r"UPDATE calls SET state=.*'answered'"),
    ("with a closing intended", "committed", r"UPDATE postings SET psa_batch=.*'intended'"),
]


@pytest.mark.parametrize(
    ("moment", "pattern"), [m[1:] for m in sampled(MOMENTS, 3)], ids=[m[0] for m in sampled(MOMENTS, 3)]
)
def test_a_database_copied_back_over_a_finished_batch_doubles_nothing(rig: Rig, moment: str, pattern: str) -> None:
    rig.engine.company.switches.update({"duplicate_numbers": "allowed", "requestid": "ignored"})
    copy = rig.backup()
    batch = rig.engine.submit(*THREE)
    if moment == "submitted":
        copy = rig.backup()
    elif moment:
        worker = rig.worker(batch, moment=moment, pattern=pattern)
        assert worker.ended(30)
        assert rig.sign.exists()
        copy = rig.backup()
    rig.take_over(batch)
    rig.assert_closed_once(batch, *THREE)
    rig.restore(copy)
    if moment:
        rig.take_over(batch)
        states = rig.states(batch)
        assert set(states.values()) <= {"closed", "held"}, states
        assert {number for number, state in states.items() if state == "held"} <= set(rig.problems(batch)), states
    else:
        assert not rig.engine.unposted() & set(THREE)
    assert rig.count() == dict.fromkeys(THREE, 1)
    rig.assert_ours(*THREE)


@pytest.mark.parametrize(("duplicates", "requestid"), LENIENT, ids=["strict", "lenient"])
def test_what_is_posted_and_not_closed_is_adopted_and_closed_after_the_copy_came_back(
    rig: Rig, duplicates: str, requestid: str
) -> None:
    rig.engine.company.switches.duplicate_numbers = duplicates
    rig.engine.company.switches.requestid = requestid
    copy = rig.backup()
    first = rig.engine.submit(*THREE)
    assert rig.worker(first, moment="committed", pattern=r"UPDATE calls SET state=.*'answered'").ended(30)
    rig.restore(copy)
    batch = rig.engine.submit(*THREE)
    rig.take_over(batch)
    rig.assert_closed_once(batch, *THREE)
    said = rig.problems(batch)
    assert all("found_in_books" in said[number] for number in THREE), said


def test_a_call_that_waited_to_be_sent_again_when_the_backup_was_made_is_looked_up_first(rig: Rig) -> None:
    rig.engine.company.switches.duplicate_numbers = "allowed"
    rig.engine.company.switches.requestid = "ignored"
    rig.engine.company.faults.add("drop_before", entity="batch")
    batch = rig.engine.submit(*THREE)
    assert rig.worker(batch, moment="committed", pattern=r"UPDATE calls SET state=.*'paused'").ended(30)
    assert rig.sign.exists()
    copy = rig.backup()
    rig.take_over(batch)
    rig.restore(copy)
    rig.take_over(batch)
    rig.assert_closed_once(batch, *THREE)


def test_a_later_generation_in_the_books_is_recognised_as_ours_in_the_psa_too(rig: Rig) -> None:
    rig.engine.company.faults.add("refuse", entity="Invoice", code=6000)
    batch = rig.engine.submit("10395")
    rig.engine.run(batch)
    assert rig.states(batch) == {"10395": "refused"}
    copy = rig.backup()
    with rig.engine.database.session() as session:
        batches.retry(session, batches.find(session, batch), by="owner@example.com")
    rig.take_over(batch)
    rig.assert_closed_once(batch, "10395")
    rig.restore(copy)
    with rig.engine.database.session() as session:
        batches.retry(session, batches.find(session, batch), by="owner@example.com")
    rig.take_over(batch)
    assert rig.count() == {"10395": 1}
