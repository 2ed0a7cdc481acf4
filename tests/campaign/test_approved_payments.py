"""A payment sync with approval: its worker dies between the yes and the last write; the approval may be void then."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlmodel import col, select

from app.models.columns import utcnow
from app.models.connections import Book
from app.models.payments import PaymentEntry, PaymentRun
from app.services.batches import approving, batches
from app.services.connections import books
from tests import engine
from tests.campaign.service import Row
from tests.faults.rig import Rig
from tests.services.bookkeeper import Bookkeeper

PAID, LATER = "10395", "10398"
#: What it is, the moment (see ``traps.Trap``), what is written or asked there.
POINTS = {
    "about to be read anew": ("committed", r"UPDATE payment_runs SET read_at"),
    "approval not quite used": ("commit", r"UPDATE batches SET approval=.*'used'"),
    "approval used, nothing sent": ("committed", r"UPDATE batches SET approval=.*'used'"),
    "intent committed": ("committed", r"UPDATE payment_entries SET state=.*'sending'"),
    "first byte": ("request", r"POST .*/payments"),
    "added, answer unread": ("answer", r"POST .*/payments"),
    "added, not quite written": ("commit", r"UPDATE payment_entries SET .*'done'"),
    "everything written": ("committed", r"UPDATE payment_entries SET .*'done'"),
}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
@pytest.mark.parametrize("stands", [True, False], ids=["approval stands", "approval void"])
def test_a_worker_killed_after_the_approval_writes_what_was_approved_and_once(
    rig: Rig, row: Row, point: tuple[str, str], stands: bool
) -> None:
    keeper = Bookkeeper(rig.engine, PAID, LATER)
    with rig.engine.database.session() as session:
        book = session.get_one(Book, rig.engine.book_id)
        books.set_settings(session, book, {"company.approval": "other"}, engine.BY)
    keeper.pays((PAID, "7.00"))
    batch = keeper.submit()
    rig.engine.run(batch)
    approve(rig, batch)
    moment, pattern = point
    assert rig.worker(batch, moment=moment, pattern=pattern).ended(30)
    assert rig.sign.exists(), "the worker never came to this point"
    row.killed(len(open_entries(rig)))
    if not stands:
        stood_still_while_something_else_was_paid(rig, keeper, batch)
    run_on(rig, batch)
    assert not open_entries(rig), "something is in doubt, and nobody looks"
    if not stands:
        assert keeper.json(batch)["status"] == "awaiting_approval"
        assert keeper.amounts(LATER) == [], "nobody has approved it"
        approve(rig, batch)
        run_on(rig, batch)
        assert keeper.amounts(LATER) == ["1.00"]
    assert (keeper.json(batch)["status"], keeper.amounts(PAID)) == ("completed", ["7.00"])


def approve(rig: Rig, batch: int) -> None:
    with rig.engine.database.session() as session:
        approving.approve(session, batches.find(session, batch), by="second@example.com")


def stood_still_while_something_else_was_paid(rig: Rig, keeper: Bookkeeper, batch: int) -> None:
    keeper.pays((LATER, "1.00"))
    with rig.engine.database.session() as session:
        session.get_one(PaymentRun, batch).read_at = utcnow() - dt.timedelta(hours=2)
        session.commit()


def run_on(rig: Rig, batch: int) -> None:
    """Other workers, until the batch has ended or waits for a person."""
    rig.wait_until(lambda: _ran(rig, batch))


def _ran(rig: Rig, batch: int) -> bool:
    rig.engine.run(batch)
    now = rig.engine.batch(batch)
    return now.ended_at is not None or (now.approval == "wanted" and not open_entries(rig))


def open_entries(rig: Rig) -> list[str]:
    with rig.engine.database.reading() as session:
        query = select(PaymentEntry.state).where(col(PaymentEntry.state).in_(("sending", "in_doubt")))
        return list(session.exec(query))
