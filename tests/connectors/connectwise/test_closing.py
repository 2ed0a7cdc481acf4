"""Closing and reopening: every answer is done, refused, not done, or in doubt."""

from __future__ import annotations

import pytest

from app.connectors.connectwise.connector import ConnectWise
from app.connectors.protocols import ClosedInPsa, Wait
from app.domain.outcomes import InDoubt, NotDone, Refused
from tests.connectors.connectwise.conftest import Open, Site
from tests.connectors.source_contract import KIND, closed, exported, good, slot_of


@pytest.fixture
def record(source: ConnectWise) -> str:
    return good(source)[0]


def test_after_an_upgrade_the_next_attempt_knows_the_new_address(source: ConnectWise, psa: Site, record: str) -> None:
    (export,) = exported(source, record)
    slot = slot_of(source)
    psa.upgrade("v2025_2/")

    first = source.close(KIND, "CF-I-1-g1", export.gl_ids, slot)

    assert isinstance(first, NotDone)
    assert first.systemic is None
    assert isinstance(source.close(KIND, "CF-I-1-g1", export.gl_ids, slot_of(source)), ClosedInPsa)


def test_a_role_that_may_no_longer_close_stops_everything(source: ConnectWise, psa: Site, record: str) -> None:
    psa.switch(rights={"accounting": "add"})

    outcome = closed(source, record, "CF-I-1-g1")

    assert isinstance(outcome, NotDone)
    assert outcome.systemic is not None
    assert "Accounting Interface" in outcome.systemic.remedy


def test_a_server_that_is_gone_was_not_reached(source: ConnectWise, psa: Site, record: str) -> None:
    (export,) = exported(source, record)
    slot = slot_of(source)
    psa.running.stop()

    outcome = source.close(KIND, "CF-I-1-g1", export.gl_ids, slot)

    assert isinstance(outcome, NotDone)
    assert outcome.wait > 0


def test_an_answer_that_takes_too_long_is_a_doubt_that_has_not_ended(opened: Open, psa: Site) -> None:
    source = opened(read_timeout=0.3)
    record = good(source)[0]
    psa.fault("slow_after:1", path="batches", method="POST")

    outcome = closed(source, record, "CF-I-1-g1")

    assert isinstance(outcome, InDoubt)
    assert not outcome.ended


def test_an_unknown_gl_record_is_refused_in_connectwises_words(source: ConnectWise) -> None:
    outcome = source.close(KIND, "CF-I-1-g1", [1], slot_of(source))

    assert isinstance(outcome, Refused)
    assert "not found" in outcome.problem.message


def test_without_gl_records_nothing_is_sent(source: ConnectWise, psa: Site) -> None:
    assert isinstance(source.close(KIND, "CF-I-1-g1", [], slot_of(source)), Refused)
    assert psa.calls_of("/finance/accounting/batches") == 0


def test_a_429_closes_the_gate_for_everybody(source: ConnectWise, opened: Open, psa: Site, record: str) -> None:
    another = opened()
    another.unposted(KIND)
    psa.fault("429", path="batches", method="POST")
    closed(source, record, "CF-I-1-g1")

    answer = another.reserve()

    assert isinstance(answer, Wait)
    assert answer.reason == "ConnectWise has asked us to slow down"


def test_every_summary_level_closes_with_the_same_gl_records(source: ConnectWise, record: str) -> None:
    ids = {
        frozenset(source.export(KIND, [record], summary=summary, through=None)[0].gl_ids)
        for summary in ("default", "condensed", "detailed")
    }

    assert len(ids) == 1


def test_a_delete_whose_answer_was_lost_is_a_doubt(source: ConnectWise, psa: Site, record: str) -> None:
    closed(source, record, "CF-I-1-g1")
    batch = source.find_batches(["CF-I-1-g1"])["CF-I-1-g1"]
    psa.fault("lose_answer", path="batches", method="DELETE")

    assert isinstance(source.reopen(batch.batch_id, slot_of(source)), InDoubt)
    assert isinstance(source.reopen(batch.batch_id, slot_of(source)), ClosedInPsa)
    assert record in psa.unposted()
