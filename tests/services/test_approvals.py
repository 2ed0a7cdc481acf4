"""A company that wants approval: one prepares, another lets it be posted, and any change voids that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlmodel import col, select

from app.database import Database
from app.domain.links import LinkKind
from app.domain.money import Money
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.connections import Book
from app.models.people import Audit
from app.models.postings import Posting
from app.services.batches import approvals, approving, as_json, batches, decisions
from app.services.connections import books
from app.services.mapping import links
from app.services.posting import running, undoing
from tests import engine
from tests.engine import Engine
from tests.fakes import FakeConnectors
from tests.routes.world import World

ONE, OTHER, THIRD = "owner@example.com", "second@example.com", "third@example.com"
GOOD, STUCK = "39005", "39007"


class Office:
    """Three people around one company."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.world = World(database, FakeConnectors())
        self.set("company.approval", "other")

    def set(self, key: str, value: str) -> None:
        with self.database.session() as session:
            books.set_settings(session, session.get_one(Book, 1), {key: value}, ONE)

    def link(self, source_id: str, ledger_id: str) -> None:
        with self.database.session() as session:
            links.set_link(session, session.get_one(Book, 1), LinkKind.ACCOUNTS, source_id, ledger_id, by=ONE)

    def change(self, record: str) -> None:
        """Somebody edits the record in the PSA."""
        row = self.world.source.rows[record]
        self.world.source.rows[record] = replace(row, fingerprint="another", total=Money(Decimal("1.00"), "USD").amount)

    def submit(self, *records: str, by: str = ONE, **options: object) -> int:
        with self.database.session() as session:
            made = batches.submit(
                session, session.get_one(Book, 1), kind=RecordKind.INVOICES, wanted=records, by=by, accept=True,
                **options,  # type: ignore[arg-type]  # those of submit()
            )  # fmt: skip
            return made.id or 0

    def approve(self, batch: int = 1, by: str = OTHER, seen: str = "") -> None:
        with self.database.session() as session:
            approving.approve(session, batches.find(session, batch), by=by, seen=seen)

    def reject(self, batch: int = 1, reason: str = "wrong month") -> None:
        with self.database.session() as session:
            approving.reject(session, batches.find(session, batch), by=OTHER, reason=reason)

    def retry(self, by: str = ONE) -> None:
        with self.database.session() as session:
            batches.retry(session, batches.find(session, 1), by=by)

    def run(self, batch: int = 1) -> tuple[str, list[str]]:
        """A worker comes by; answers the batch's status and its documents' states."""
        self.world.work(batch)
        with self.database.reading() as session:
            shown = as_json.batch_json(session, batches.find(session, batch))
        return shown["status"], [posting["state"] for posting in shown["postings"]]

    def batch(self, batch: int = 1) -> Batch:
        with self.database.reading() as session:
            return session.get_one(Batch, batch)

    @property
    def booked(self) -> int:
        return len(self.world.company.documents)


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def test_over_real_http_nothing_is_written_before_another_person_approves_and_everything_once_after(
    working: Engine,
) -> None:
    with working.database.session() as session:
        books.set_settings(session, session.get_one(Book, working.book_id), {"company.approval": "other"}, engine.BY)
    batch = working.submit("10395")
    assert batch not in running.due(working.database)
    assert working.run(batch)["status"] == "awaiting_approval"
    assert not working.in_books()
    with working.database.session() as session:
        approving.approve(session, batches.find(session, batch), by=OTHER)
    assert batch in running.due(working.database)
    assert working.run(batch)["status"] == "completed"
    working.assert_exactly_once()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_no_worker_touches_a_batch_before_it_is_approved(office: Office) -> None:
    batch = office.submit(GOOD)
    assert batch not in running.due(office.database)
    assert office.run() == ("awaiting_approval", ["ready"])
    assert office.batch().started_at is None
    office.approve()
    assert batch in running.due(office.database)
    assert office.run() == ("completed", ["closed"])
    with office.database.reading() as session:
        rows = session.exec(select(Audit).where(col(Audit.action).like("batch.%"))).all()
        assert [(row.actor, row.action) for row in rows] == [(ONE, "batch.post"), (OTHER, "batch.approve")]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_who_approves_what_another_one_rejects_at_this_moment_is_told(office: Office) -> None:
    office.submit(GOOD)
    with office.database.session() as session:
        batch = batches.find(session, 1)
        office.reject()
        with pytest.raises(ValidationError, match="does not wait for approval"):
            approving.approve(session, batch, by=THIRD)
    assert (office.batch().approval, office.booked) == ("rejected", 0)


def test_who_prepared_it_cannot_approve_it_on_the_command_line_neither(office: Office) -> None:
    office.submit(GOOD)
    for who in (ONE, ONE.upper(), "owner (command line)"):
        with pytest.raises(ValidationError, match="cannot approve it too"):
            office.approve(by=who)
    assert office.run() == ("awaiting_approval", ["ready"])


def test_once_the_company_asks_for_no_approval_who_prepared_it_lets_it_go_by_saying_so(office: Office) -> None:
    office.submit(GOOD)
    office.set("company.approval", "no")
    assert office.run() == ("awaiting_approval", ["ready"])
    office.approve(by=ONE)
    assert office.run() == ("completed", ["closed"])


CHANGES: list[tuple[Callable[[Office], None], str]] = [
    (lambda office: office.link("4100", "91"), "a link of its documents was changed"),
    (lambda office: office.set("sales.service_item_source", "gl_account"), "a setting of the company was changed"),
    (lambda office: office.change(GOOD), "a record was changed in ConnectWise"),
]


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_a_change_after_the_approval_voids_it_before_anything_is_written(
    office: Office, change: Callable[[Office], None], why: str
) -> None:
    office.submit(GOOD, "39006")
    office.approve()
    change(office)
    assert office.run()[0] == "awaiting_approval"
    assert office.batch().approval_note == f"The approval by {OTHER} no longer holds: {why}."
    assert not office.booked


def test_what_changes_no_document_leaves_the_approval_alone(office: Office) -> None:
    office.submit(GOOD)
    office.approve()
    office.set("company.default_location", "2")
    office.link("4600", "91")
    assert office.run() == ("completed", ["closed"])


def test_who_saw_another_state_of_it_must_look_again(office: Office) -> None:
    office.submit(GOOD)
    with office.database.session() as session:
        seen = approvals.short(approvals.seal(session, batches.find(session, 1)))
    office.link("4100", "91")
    with pytest.raises(ValidationError, match="changed since you opened the page"):
        office.approve(seen=seen)


def test_what_is_let_go_again_after_a_fix_is_approved_again_and_what_was_posted_stays_posted(office: Office) -> None:
    office.submit(GOOD, STUCK)
    office.approve()
    assert office.run() == ("completed_with_errors", ["closed", "held"])
    office.link("4600", "91")
    office.retry(by=THIRD)
    assert office.run() == ("awaiting_approval", ["closed", "ready"])
    with pytest.raises(ValidationError, match="cannot approve it too"):
        office.approve(by=THIRD)
    office.approve()
    assert office.run() == ("completed", ["closed", "closed"])
    assert office.booked == 2


def test_a_retry_without_any_change_needs_no_second_approval(office: Office) -> None:
    office.submit(GOOD, STUCK)
    office.approve()
    office.run()
    office.retry()
    assert office.run() == ("completed_with_errors", ["closed", "held"])


def test_a_decision_voids_the_approval(office: Office) -> None:
    office.submit(GOOD, STUCK)
    office.approve()
    office.run()
    decisions.decide(office.database, 1, STUCK, "skip", by=OTHER)
    assert office.batch().approval == "used"  # nothing more is posted by it
    with office.database.session() as session:
        posting = session.exec(select(Posting).where(Posting.state == "closed")).one()
        posting.state = "posted"
        session.add(posting)
        session.commit()
    decisions.decide(office.database, 1, GOOD, "keep", by=OTHER)
    assert "“keep” was decided" in office.batch().approval_note


def test_what_is_being_undone_goes_on_while_the_rest_waits(office: Office) -> None:
    office.submit(GOOD, STUCK)
    office.approve()
    office.run()
    office.link("4600", "91")
    office.retry()
    with office.database.session() as session:
        undoing.ask_all(session, batches.find(session, 1), by=ONE)
    assert office.run() == ("awaiting_approval", ["undone", "ready"])
    assert office.booked == 0


def test_what_is_undone_in_a_rejected_batch_leaves_it_ended(office: Office) -> None:
    office.submit(GOOD, STUCK)
    office.approve()
    office.run()
    office.link("4600", "91")
    office.retry()
    office.reject()
    with office.database.session() as session:
        undoing.ask_all(session, batches.find(session, 1), by=ONE)
    assert office.run() == ("completed_with_errors", ["undone", "held"])
    assert office.batch().ended_at is not None


def test_a_rejected_batch_holds_its_documents_with_the_reason_and_they_can_be_selected_again(office: Office) -> None:
    office.submit(GOOD)
    with pytest.raises(ValidationError, match="with a reason"):
        office.reject(reason=" ")
    office.reject(reason="credit first")
    assert office.run() == ("completed_with_errors", ["held"])
    assert office.batch().approval_note == "Not approved: credit first"
    second = office.submit(GOOD)
    office.approve(second)
    assert office.run(second) == ("completed", ["closed"])


def test_a_rejected_batch_that_is_retried_asks_again(office: Office) -> None:
    office.submit(GOOD)
    office.reject()
    office.retry()
    assert office.run() == ("awaiting_approval", ["ready"])


def test_autosync_and_dry_runs_are_not_asked(office: Office) -> None:
    assert office.run(office.submit(GOOD, approval=False)) == ("completed", ["closed"])
    assert office.run(office.submit("39006", mode="dry"))[0] != "awaiting_approval"
