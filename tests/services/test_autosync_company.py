"""AutoSync beside people: whom its batches wait for, what pauses it, and whom that is told."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from app.connectors.protocols import ConnectionFailedError, Source
from app.database import Database
from app.models.batches import Batch
from app.models.mail import Mail
from app.models.people import Audit, User
from app.services.autosync import autosync, ends
from app.services.batches import batches, queueing
from app.services.mail import mail_settings
from app.services.posting import running
from tests.builders import a_document, a_line
from tests.fakes import FakeConnectors
from tests.routes.world import WAITS, World
from tests.services.clock import BY, HOME, Clock, hand_in, link, numbers


def test_a_round_that_runs_into_a_fault_of_our_own_ends_and_says_so(clock: Clock) -> None:
    class Faulty(FakeConnectors):
        def source(self, *_: object) -> Source:
            raise RuntimeError

    (made,) = clock.due()
    with pytest.raises(RuntimeError):
        autosync.work(clock.database, Faulty(), made, HOME)
    (ended,) = clock.rounds()
    assert (ended.state, ended.status, (ended.problem or {})["code"]) == ("ended", "failed", "internal_error")
    assert len(clock.turn()) == 1


# ── beside a person's batches ────────────────────────────────────────────────────────────────────────────────────


def test_autosync_and_a_persons_batch_queue_behind_each_other(clock: Clock, world: World) -> None:
    by_hand = hand_in(world, "39005")
    (auto,) = clock.tick()
    assert running.due(world.database) == [by_hand]
    with world.database.reading() as session:
        before = queueing.ahead(session, session.get_one(Batch, auto))
        assert before is not None
        assert before.id == by_hand
        assert queueing.ahead(session, session.get_one(Batch, by_hand)) is None
    running.run(clock.database, clock.vendors, auto, WAITS)
    assert clock.json(auto)["status"] == "queued"
    assert queueing.behind(world.database, by_hand) == []
    running.run(clock.database, clock.vendors, by_hand, WAITS)
    assert running.due(world.database) == queueing.behind(world.database, by_hand) == [auto]
    running.run(clock.database, clock.vendors, auto, WAITS)
    assert clock.json(auto)["status"] == "completed_with_errors"


def test_a_batch_that_is_resumed_goes_behind_and_a_stopped_one_lets_the_others_pass(clock: Clock, world: World) -> None:
    by_hand = hand_in(world, "39005")
    (auto,) = clock.tick()
    with world.database.session() as session:
        batches.stop(session, session.get_one(Batch, by_hand), by=BY)
    assert running.due(world.database) == [auto]
    with world.database.session() as session:
        batches.resume(session, session.get_one(Batch, by_hand), by=BY)
    assert running.due(world.database) == [auto]
    world.work(auto)
    world.work(by_hand)
    assert clock.json(by_hand)["status"] == "completed"


def test_its_batches_wait_for_approval_where_the_company_wants_that_unless_it_is_a_standing_order(
    clock: Clock, world: World
) -> None:
    clock.set(company__approval="other")
    (batch_id,) = clock.tick()
    assert clock.json(batch_id)["status"] == "awaiting_approval"
    clock.due(0)
    assert clock.rounds()[-1].status == "awaiting_approval"
    world.source.add(a_document("39040"))
    world.look()
    by_hand = hand_in(world, "39040", approval=False)
    assert running.due(world.database) == [by_hand]  # it lets the others pass
    world.work(by_hand)
    clock.set(autosync__approval="no")
    world.source.add(a_document("39041"))
    (batch,) = clock.turn()
    assert batch["status"] == "completed"


# ── what pauses it ───────────────────────────────────────────────────────────────────────────────────────────────


def with_mail(database: Database) -> None:
    with database.session() as session:
        form = {"host": "smtp.example.com", "port": "587", "security": "starttls", "sender": "books@example.com"}
        mail_settings.store(session, form, BY)
        people = [("a@example.com", "admin", True), ("b@example.com", "admin", True), ("c@example.com", "admin", False),
                  ("d@example.com", "bookkeeper", True)]  # fmt: skip
        session.add_all(User(email=email, role=role, active=active) for email, role, active in people)
        session.add(User(email="e@example.com", role="bookkeeper", password_hash="can log in"))
        session.commit()


def test_a_key_that_the_psa_refuses_pauses_it_with_a_mail_to_each_admin(
    clock: Clock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_mail(world.database)
    refused = ConnectionFailedError("ConnectWise refuses the key.", "Renew it.", systemic=True, code="psa_key_refused")
    with monkeypatch.context() as patch:
        patch.setattr(world.source, "unposted", lambda _: _raise(refused))
        assert clock.turn() == []
    assert clock.paused == "psa_key_refused"
    assert clock.due(5) == []
    with world.database.reading() as session:
        assert sorted(session.exec(select(Mail.to))) == ["a@example.com", "b@example.com"]
        assert "autosync.pause" in session.exec(select(Audit.action)).all()
    assert clock.resume() == []
    assert len(clock.turn()) == 1


def _raise(error: Exception) -> Any:
    raise error


def test_a_consent_that_ends_in_the_middle_pauses_it_and_resume_goes_on_with_the_batch(
    clock: Clock, world: World
) -> None:
    world.company.next.append("systemic")
    (batch,) = clock.turn()
    assert batch["status"] == "failed"
    assert clock.paused
    (again,) = clock.resume()
    assert again == batch["batch"]
    world.work(again)
    assert numbers(clock.json(again)) == {"39005", "39006", "39008", "39009"}


def test_a_vendor_out_of_reach_pauses_nothing_and_the_next_run_takes_up_what_was_left(
    clock: Clock, world: World
) -> None:
    world.source.down = "ConnectWise does not answer."
    assert clock.turn() == []
    assert clock.rounds()[-1].status == "failed"
    world.source.down, world.company.down = "", "QuickBooks does not answer."
    (batch,) = clock.turn()
    assert batch["status"] == "failed"
    world.company.down = ""
    (same,) = clock.turn()
    assert same["batch"] == batch["batch"]
    assert numbers(same) == {"39005", "39006", "39008", "39009"}
    assert not clock.paused


def test_a_run_that_fails_as_a_whole_is_told_once_and_stands_until_one_goes_well(clock: Clock, world: World) -> None:
    with_mail(world.database)
    seen = []
    for answers in (True, False, False, True, False):
        world.source.down = "" if answers else "ConnectWise does not answer."
        clock.turn()
        with world.database.reading() as session:
            mails = session.exec(select(Mail).where(Mail.kind == "failures")).all()
            seen.append((len(mails), [trouble.round_id for trouble in ends.troubles(session)]))
    first, _, again = (made.id for made in clock.rounds() if made.status == "failed")
    assert seen == [(0, []), (1, [first]), (1, [(first or 0) + 1]), (1, []), (2, [again])]
    assert {mail.to for mail in mails} == {"e@example.com"}, "whoever can log in, and does the work"
    assert f"{HOME}/run/everything/1/{first}" in mails[0].body["text"]


def test_one_failing_record_pauses_nothing_but_ten_in_a_row_do(
    clock: Clock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ends.ALL_FAILING == 10
    monkeypatch.setattr(ends, "ALL_FAILING", 2)
    clock.turn()  # one of five is held
    for records, paused in (("40001",), ""), (("40002", "40003"), "every_record_failing"):
        assert not clock.paused
        for record in records:
            world.source.add(a_document(record, lines=(a_line("9.00", "4600"),)))
        clock.turn()
        assert clock.paused == paused
    link(world, "91")
    clock.resume()
    (batch,) = clock.turn()
    assert numbers(batch) == {"39007", "40001", "40002", "40003"}
