"""AutoSync: what it takes and what it leaves, whom it waits for, what pauses it; its clock is moved by hand."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlmodel import col, select, update

from app.connectors.protocols import ConnectionFailedError, Source
from app.database import Database
from app.domain.problems import Problem, ValidationError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book, Link
from app.models.mail import Mail
from app.models.people import Audit, User
from app.models.rounds import AutoSync, Round
from app.services import (
    autosync,
    autosync_checks,
    autosync_ends,
    batch_json,
    batch_names,
    batches,
    books,
    holding,
    mail_settings,
    queueing,
    rounds,
    running,
)
from tests.builders import BOLT, a_document, a_line
from tests.engine import Engine
from tests.fakes import FakeConnectors
from tests.routes.world import WAITS, World

HOME = "https://books.example"
BY = "owner@example.com"
#: Two hours before the first due moment of most tests, in UTC.
START = dt.datetime(2026, 11, 30, 13, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
EVERY_HOUR = {"autosync.accept": "yes", "company.zone": "UTC", "autosync.interval": "60"}


class Clock:
    """AutoSync of a world, whose time goes by when the test says so. Both its sides are played in memory."""

    def __init__(self, database: Database, vendors: Any, book_id: int = 1, **settings: str) -> None:
        self.at, self.database, self.vendors, self.book_id = START, database, vendors, book_id
        self.set(**EVERY_HOUR | settings)
        with database.session() as session:
            autosync.switch_on(session, session.get_one(Book, book_id), by=BY, open_checks=[], now=self.at)

    def set(self, **settings: str) -> None:
        with self.database.session() as session:
            wanted = {key.replace("__", "."): value for key, value in settings.items()}
            books.set_settings(session, session.get_one(Book, self.book_id), wanted, by=BY)

    def due(self, hours: float = 1) -> list[int]:
        """Time goes by, and the scheduler looks."""
        self.at += hours * HOUR
        return autosync.tick(self.database, HOME, self.at)

    def tick(self, hours: float = 1) -> list[int]:
        """Also a worker submits; answers the batches that it would ring for."""
        return [b for made in self.due(hours) for b in autosync.work(self.database, self.vendors, made, HOME)]

    def turn(self, hours: float = 1) -> list[dict[str, Any]]:
        """Also its batches are run to their end."""
        rung = self.tick(hours)
        for batch_id in rung:
            running.run(self.database, self.vendors, batch_id, WAITS)
        self.due(0)
        return [self.json(batch_id) for batch_id in rung]

    def json(self, batch_id: int) -> dict[str, Any]:
        with self.database.reading() as session:
            return batch_json.batch_json(session, session.get_one(Batch, batch_id))

    @property
    def paused(self) -> str:
        with self.database.reading() as session:
            return str((session.get_one(AutoSync, self.book_id).paused or {}).get("code", ""))

    def rounds(self) -> list[Round]:
        with self.database.reading() as session:
            return list(session.exec(select(Round).order_by(col(Round.id))))

    def resume(self) -> list[int]:
        with self.database.session() as session:
            return autosync.resume(session, session.get_one(Book, self.book_id), by=BY, now=self.at)


@pytest.fixture
def world(database: Database) -> World:
    return World(database, FakeConnectors())


@pytest.fixture
def clock(world: World) -> Clock:
    return Clock(world.database, world.vendors)


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


def numbers(batch: dict[str, Any], state: str = "closed") -> set[str]:
    return {posting["records"][0] for posting in batch["postings"] if posting["state"] == state}


def hand_in(world: World, *wanted: str, **more: Any) -> int:
    """A person submits a batch."""
    with world.database.session() as session:
        book = session.get_one(Book, 1)
        batch = batches.submit(session, book, kind=RecordKind.INVOICES, wanted=wanted, by=BY, accept=True, **more)
        return batch.id or 0


def link(world: World, ledger_id: str) -> None:
    """Account 4600 is linked, or with nothing unlinked."""
    with world.database.session() as session:
        row = session.exec(select(Link).where(Link.source_id == "4600")).one()
        row.ledger_id, row.at = ledger_id, utcnow()
        session.add(row)
        session.commit()


# ── what it takes ────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_due_moment_posts_what_is_new_and_a_quiet_one_makes_no_batch(clock: Clock, world: World) -> None:
    assert clock.tick(0.5) == []
    (batch,) = clock.turn(0.5)
    assert batch["name"] == "Demo MSP AutoSyncModule Invoices"
    assert numbers(batch) == {"39005", "39006", "39008", "39009"}
    assert clock.turn() == []
    world.source.add(a_document("39020"))
    (second,) = clock.turn()
    assert second["name"] == "Demo MSP AutoSyncModule Invoices-1"
    assert numbers(second) == {"39020"}
    assert [made.status for made in clock.rounds()] == ["completed_with_errors", "skipped", "completed"]


def test_what_is_parked_is_taken_again_only_when_its_cause_is_seen_to_be_gone(clock: Clock, world: World) -> None:
    (batch,) = clock.turn()
    assert numbers(batch, "held") == {"39007"}  # on an account without a link
    assert clock.turn() == clock.turn() == []
    link(world, "91")
    (again,) = clock.turn()
    assert numbers(again) == {"39007"}


def test_for_the_same_cause_a_record_is_taken_again_only_once(clock: Clock, world: World) -> None:
    clock.turn()
    for taken in (1, 0):
        link(world, "91")
        rung = clock.tick()
        assert len(rung) == taken
        link(world, "")  # before a worker comes
        for batch_id in rung:
            running.run(clock.database, clock.vendors, batch_id, WAITS)
        clock.due(0)
    assert clock.tick() == []


def test_a_parked_record_that_changes_in_the_psa_is_taken_again(clock: Clock, world: World) -> None:
    clock.turn()
    world.source.add(a_document("39007", party=BOLT, lines=(a_line("51.00"),), tax="0.00"))
    (again,) = clock.turn()
    assert numbers(again) == {"39007"}


def test_what_the_books_refuse_waits_for_a_person(clock: Clock, world: World) -> None:
    world.company.refuse[a_document("39005").number] = Problem("invalid", "No such terms.", "Choose others.")
    (batch,) = clock.turn()
    assert numbers(batch, "refused") == {"39005"}
    world.company.refuse.clear()
    assert clock.turn() == clock.turn() == []
    assert not clock.paused


def test_what_a_person_holds_or_undid_is_left_alone(clock: Clock, world: World) -> None:
    with world.database.session() as session:
        holding.hold(session, 1, RecordKind.INVOICES, "39005", reason="price", by=BY)
    (batch,) = clock.turn()
    assert "39005" not in numbers(batch)
    with world.database.session() as session:
        holding.release(session, 1, RecordKind.INVOICES, "39005", by=BY)
    (batch,) = clock.turn()
    assert numbers(batch) == {"39005"}


def test_where_all_or_nothing_is_posted_one_bad_record_holds_the_others_for_one_run_only(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autosync_ends, "ALL_FAILING", 2)
    clock.set(company__validation="batch")
    (batch,) = clock.turn()
    assert len(numbers(batch, "held")) == 5
    assert not clock.paused
    (batch,) = clock.turn()
    assert numbers(batch) == {"39005", "39006", "39008", "39009"}


def test_dates_after_the_through_date_wait_for_their_day(clock: Clock) -> None:
    clock.set(autosync__through="last_month")
    assert autosync.order_of(_book(clock), START).through == dt.date(2026, 10, 31)
    clock.set(autosync__through="yesterday", company__zone="Pacific/Auckland")
    assert autosync.order_of(_book(clock), START).through == dt.date(2026, 11, 30)


def _book(clock: Clock) -> Book:
    with clock.database.reading() as session:
        return session.get_one(Book, clock.book_id)


# ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_whatever_is_missed_while_nothing_runs_is_caught_up_once(clock: Clock) -> None:
    clock.turn()
    assert len(clock.due(75)) == 1
    assert clock.rounds()[-1].due_at == START + 76 * HOUR
    autosync.work(clock.database, clock.vendors, clock.rounds()[-1].id or 0, HOME)
    assert clock.due(0.4) == []


def test_a_run_that_outlasts_its_interval_is_followed_by_one_run(clock: Clock) -> None:
    (batch_id,) = clock.tick()
    for _ in range(5):
        assert clock.due() == []
    running.run(clock.database, clock.vendors, batch_id, WAITS)
    assert len(clock.due(0)) == 1
    assert [made.due_at for made in clock.rounds()] == [START + HOUR, START + 6 * HOUR]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_two_schedulers_at_the_same_moment_claim_it_once(clock: Clock) -> None:
    clock.at += HOUR
    with ThreadPoolExecutor(4) as schedulers:
        list(schedulers.map(lambda _: autosync.tick(clock.database, HOME, clock.at), range(4)))
    assert len(clock.rounds()) == 1


def test_another_schedule_holds_from_now_on_and_quiet_days_catch_up_nothing(clock: Clock) -> None:
    clock.set(autosync__when="times", autosync__times="14:30")
    assert clock.due(0.1) == []
    clock.set(autosync__times="12:00")
    assert clock.due(1.5) == clock.due(1) == []  # 12:00 has passed before it was set
    clock.set(autosync__when="interval", autosync__quiet_last="1")
    clock.due(0)
    assert clock.due(5) == []  # the last day of November
    assert len(clock.due(6)) == 1


def test_a_worker_that_dies_half_way_leaves_a_round_that_another_finishes(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = clock.due()
    with monkeypatch.context() as patch:
        patch.setattr(rounds, "tie", _die)  # the batch is committed, and nobody knows whose it is
        with pytest.raises(KeyboardInterrupt):
            autosync.work(clock.database, clock.vendors, made, HOME)
    assert clock.due(0) == []  # as long as the dead one's lease holds
    monkeypatch.setattr(autosync, "utcnow", lambda: utcnow() + dt.timedelta(minutes=6))
    assert clock.due(0) == [made]
    rung = autosync.work(clock.database, clock.vendors, made, HOME)
    assert len(rung) == 1
    with clock.database.reading() as session:
        assert len(session.exec(select(Batch)).all()) == 1


def test_a_worker_that_slept_past_its_lease_ends_no_round_of_another_one(clock: Clock) -> None:
    (ident,) = clock.due()
    with clock.database.reading() as session:
        late = session.get_one(Round, ident)
    with clock.database.session() as session:
        session.exec(update(Round).values(lease_owner="another one"))
        session.commit()
    error = ConnectionFailedError("The key is refused.", "Enter it again.", systemic=True)
    autosync_ends.fail(clock.database, late, error, HOME)
    assert (clock.rounds()[-1].state, clock.paused) == ("due", "")


def _die(*_: object) -> None:
    raise KeyboardInterrupt


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


def test_one_failing_record_pauses_nothing_but_ten_in_a_row_do(
    clock: Clock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert autosync_ends.ALL_FAILING == 10
    monkeypatch.setattr(autosync_ends, "ALL_FAILING", 2)
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


# ── on and off ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_switched_on_when_every_check_is_fulfilled_or_by_override(world: World) -> None:
    with world.database.session() as session:
        book = session.get_one(Book, 1)
        missing = autosync_checks.still_open(session, book)
        assert missing == ["A batch of invoices posted by hand", "GL accounts linked"]
        with pytest.raises(ValidationError, match="GL accounts"):
            autosync.switch_on(session, book, by=BY, open_checks=missing, now=START)
        autosync.switch_on(session, book, by=BY, open_checks=missing, override=True, now=START)
        assert autosync.view(session, book, START).word == "on"
        overridden = session.exec(select(Audit.detail).where(Audit.action == "autosync.on")).one()["overridden"]
        assert overridden == missing
        autosync.switch_off(session, book, by=BY)
    assert autosync.tick(world.database, HOME, START + 5 * HOUR) == []
    world.work(hand_in(world, "39005"))
    link(world, "91")
    with world.database.session() as session:
        assert autosync_checks.still_open(session, session.get_one(Book, 1)) == []


def test_a_person_may_ask_for_a_run_out_of_turn(clock: Clock) -> None:
    with clock.database.session() as session:
        book = session.get_one(Book, 1)
        made = autosync.run_now(session, book, by=BY)
        with pytest.raises(ValidationError, match="already"):
            autosync.run_now(session, book, by=BY)
    assert clock.due(0) == [made.id]
    assert len(autosync.work(clock.database, clock.vendors, made.id or 0, HOME)) == 1


def test_names_of_batches_follow_the_pattern_and_are_names(clock: Clock) -> None:
    patterns = {
        "[company] AutoSyncModule [kind]": "Northwind Manage AutoSyncModule Invoices",
        "[kind] [date]-[time]": "Invoices 20261130-1305",
        "«[company]»": "Northwind Managed Services Sons Ltd.",
        "***": "AutoSync",
    }
    with clock.database.reading() as session:
        book = session.get_one(Book, 1)
        book.name = "Northwind Managed Services & Sons Ltd."
        for pattern, name in patterns.items():
            at = START + dt.timedelta(minutes=5)
            assert batch_names.from_pattern(session, book, pattern, RecordKind.INVOICES, at) == name
            batch_names.validate(session, book, name)


# ── over real HTTP ───────────────────────────────────────────────────────────────────────────────────────────────


def test_invoices_and_payments_of_the_stand_ins_each_once_and_without_news_no_batch(working: Engine) -> None:
    options = {"autosync__location": "4", "autosync__payments": "yes"}
    clock = Clock(working.database, working.connectors, working.book_id, **options)
    first = [working.run(batch_id) for batch_id in clock.tick()]
    assert first[0]["name"] == "Harbor Point IT AutoSyncModule Invoices"
    assert len(numbers(first[0])) > 10
    base = working.both.quickbooks_online.url
    posted = next(d for d in requests.get(f"{base}/_documents", timeout=10).json() if d["DocNumber"] == "10397")
    pay = {"entity": "Invoice", "id": posted["Id"], "operation": "pay", "amount": 100}
    assert requests.post(f"{base}/_edit", json=pay, timeout=10).ok
    clock.due(0)
    done = [working.run(batch_id) for batch_id in clock.tick()]
    assert [(batch["kind"], batch["status"]) for batch in done] == [("payments", "completed")]
    assert [each["amount"] for each in requests.get(f"{working.both.connectwise.url}/_payments", timeout=10).json()]
    clock.due(0)
    assert clock.turn() == []
    assert {made.state for made in clock.rounds()} == {"ended"}
    working.assert_exactly_once()


def test_what_creates_stock_items_goes_first(clock: Clock) -> None:
    assert rounds.ordered(_book(clock))[0] is RecordKind.INVOICES
    clock.set(inventory__income_account="79")
    assert rounds.ordered(_book(clock))[0] is RecordKind.INVENTORY
