"""Every point at which something is written, here or at a vendor: the worker dies there, another one takes over."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from app.models.postings import Call
from tests.faults.rig import THREE, Rig
from tests.kills import Kills

#: What it is, the moment (see ``traps.Trap``), what is written there, and which time it must come by.
POINTS = [
    ("lease taken", "committed", r"UPDATE batches SET lease_owner", 1),
    ("list read, not stored", "answer", r"GET .*/unpostedinvoices", 1),
    ("export asked for", "request", r"POST .*/export", 1),
    ("exported, not stored", "answer", r"POST .*/export", 1),
    ("documents not quite stored", "commit", r"UPDATE postings SET document", 1),
    ("documents stored", "committed", r"UPDATE postings SET document", 1),
    ("looked into the books, not settled", "commit", r"INSERT INTO creations", 1),
    ("check settled", "committed", r"INSERT INTO creations", 1),
    ("creation's intent not quite committed", "commit", r"UPDATE creations SET name=.*'sending'", 1),
    ("creation's intent committed", "committed", r"UPDATE creations SET name=.*'sending'", 1),
    ("first byte of a creation", "request", r"POST .*/customer\?", 1),
    ("customer created, answer unread", "answer", r"POST .*/customer\?", 1),
    ("customer created, not quite written", "commit", r"UPDATE creations SET state=.*'done'", 2),
    ("customer created and written", "committed", r"UPDATE creations SET state=.*'done'", 1),
    ("item created, answer unread", "answer", r"POST .*/item\?", 1),
    ("call's intent not quite committed", "commit", r"INSERT INTO calls", 1),
    ("call's intent committed", "committed", r"INSERT INTO calls", 1),
    ("first byte of the call", "request", r"POST .*/batch\?requestid", 1),
    ("documents booked, answer unread", "answer", r"POST .*/batch\?requestid", 1),
    ("documents booked, not quite written", "commit", r"UPDATE calls SET state=.*'answered'", 1),
    ("documents booked and written", "committed", r"UPDATE calls SET state=.*'answered'", 1),
    ("closing's intent not quite committed", "commit", r"UPDATE postings SET psa_batch=.*'intended'", 1),
    ("closings' intents committed", "committed", r"UPDATE postings SET psa_batch=.*'intended'", 1),
    ("first byte of a closing", "request", r"POST .*/accounting/batches", 2),
    ("closed, answer unread", "answer", r"POST .*/accounting/batches", 2),
    ("closed, not quite written", "commit", r"UPDATE postings SET .*'closed'", 2),
    ("closed and written", "committed", r"UPDATE postings SET .*'closed'", 1),
    ("batch ids read back", "committed", r"UPDATE postings SET psa_batch_id", 1),
    ("proof not quite written", "commit", r"UPDATE postings SET proved", 1),
    ("proof written", "committed", r"UPDATE postings SET proved", 1),
    ("about to end", "commit", r"UPDATE batches SET rev.*ended_at=", 1),
]


@pytest.mark.parametrize(("moment", "pattern", "nth"), [p[1:] for p in POINTS], ids=[p[0] for p in POINTS])
def test_a_worker_killed_at_a_write_point_doubles_nothing_and_loses_nothing(
    rig: Rig, kills: Kills, moment: str, pattern: str, nth: int
) -> None:
    batch = rig.engine.submit(*THREE)
    worker = rig.worker(batch, moment=moment, pattern=pattern, nth=nth)
    assert worker.ended(30)
    assert rig.sign.exists(), "the worker never came to this point"
    kills.killed(rig.sending())
    rig.take_over(batch)
    rig.assert_closed_once(batch, *THREE)


def test_a_call_that_is_answered_by_a_replay_of_what_was_deleted_never_looks_posted(rig: Rig) -> None:
    rig.engine.company.switches.requestid = "replay_deleted"
    batch = rig.engine.submit(THREE[0])
    assert rig.worker(batch, moment="answer", pattern=r"POST .*/invoice\?requestid").ended(30)
    rig.in_quickbooks(THREE[0], operation="delete")  # before anybody could look: absent, so the same call goes again
    assert rig.count() == {}
    rig.take_over(batch)
    with rig.engine.database.reading() as session:
        requests = session.exec(select(Call.request_id).order_by(col(Call.id))).all()
        assert session.exec(select(Call.sends)).first() == 2
    assert len(requests) == len(set(requests)) == 2, "the replay was seen through, and a new generation went"
    rig.assert_closed_once(batch, THREE[0])
