"""AutoSync: what it takes and what it leaves, when it is due, how it is switched on."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from sqlmodel import select, update

from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import Problem, ValidationError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.people import Audit
from app.models.rounds import Round
from app.services.autosync import autosync, checks, ends, rounds
from app.services.batches import names
from app.services.posting import running
from app.services.records import holding
from tests.builders import BOLT, a_document, a_line
from tests.engine import Engine
from tests.routes.world import WAITS, World
from tests.rows import a_book
from tests.services.clock import BY, HOME, HOUR, START, Clock, hand_in, link, numbers

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
    monkeypatch.setattr(ends, "ALL_FAILING", 2)
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


def test_a_clock_that_was_wrong_by_a_year_silences_nothing_once_it_is_right(clock: Clock) -> None:
    year = 365 * 24
    clock.turn(year)
    clock.at -= year * HOUR
    clock.turn()
    clock.turn()
    assert len(clock.rounds()) == 2


def test_a_run_that_outlasts_its_interval_is_followed_by_one_run(clock: Clock) -> None:
    (batch_id,) = clock.tick()
    for _ in range(5):
        assert clock.due() == []
    running.run(clock.database, clock.vendors, batch_id, WAITS)
    assert len(clock.due(0)) == 1
    assert [made.due_at for made in clock.rounds()] == [START + HOUR, START + 6 * HOUR]


def test_bad_data_of_one_company_keeps_no_other_from_its_turn_and_is_said_once(clock: Clock) -> None:
    with clock.database.session() as session:
        session.add(a_book(ledger_id="9342", source_id=1))
        session.get_one(Book, 1).settings = {"autosync.interval": "often"}
        session.commit()
    other = Clock(clock.database, clock.vendors, 2)
    (made,) = other.due()
    assert other.due(0.1) == [made]
    said, own = sorted(other.rounds(), key=lambda row: row.book_id)
    assert (own.id, own.book_id) == (made, 2)
    assert (said.book_id, said.state, said.status) == (1, "ended", "failed")
    with clock.database.reading() as session:
        (trouble,) = ends.troubles(session)
    assert (trouble.book_id, trouble.round_id) == (1, said.id)
    assert "a fault of its own (ValueError)" in trouble.why


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
    ends.fail(clock.database, late, error, HOME)
    assert (clock.rounds()[-1].state, clock.paused) == ("due", "")


def _die(*_: object) -> None:
    raise KeyboardInterrupt


# ── on and off ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_switched_on_when_every_check_is_fulfilled_or_by_override(world: World) -> None:
    with world.database.session() as session:
        book = session.get_one(Book, 1)
        missing = checks.still_open(session, book)
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
        assert checks.still_open(session, session.get_one(Book, 1)) == []


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
            assert names.from_pattern(session, book, pattern, RecordKind.INVOICES, at) == name
            names.validate(session, book, name)


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
