"""A till: posted invoices whose payments are changed, taken away and new; and a worker that dies meanwhile."""

from __future__ import annotations

from decimal import Decimal

from app.models.columns import utcnow
from tests.faults.rig import Rig
from tests.services.bookkeeper import Bookkeeper

CHANGED, REMOVED, ADDED = "10395", "10398", "10401"
#: By invoice, the payments that the PSA shows; and what the books say at the end of a round.
Standing = dict[str, list[str]]
BOOKS: Standing = {CHANGED: ["20.00"], REMOVED: [], ADDED: ["7.00"]}
#: Not the look at what an earlier worker left "sending", with which every run begins.
INTENT = r"UPDATE payment_entries SET state=.* sends="
#: What it is, the moment (see ``traps.Trap``), what is written or asked there, and which time it must come by.
POINTS = [
    ("news read, not stored", "answer", r"GET .*/cdc", 1),
    ("news not quite stored", "commit", r"INSERT INTO payment_targets", 1),
    ("news stored", "committed", r"INSERT INTO payment_targets", 1),
    ("PSA read, nothing planned", "answer", r"GET .*/finance/invoices/\d+/payments", 2),
    ("plan not quite committed", "commit", r"UPDATE payment_targets SET .*before_cents", 1),
    ("plan committed", "committed", r"UPDATE payment_targets SET .*before_cents", 1),
    ("intent not quite committed", "commit", INTENT, 1),
    ("intent committed", "committed", INTENT, 1),
    ("first byte of a removal", "request", r"DELETE .*/payments/\d", 1),
    ("removed, answer unread", "answer", r"DELETE .*/payments/\d", 1),
    ("first byte of a change", "request", r"PATCH .*/payments/\d", 1),
    ("changed, answer unread", "answer", r"PATCH .*/payments/\d", 1),
    ("second intent committed", "committed", INTENT, 2),
    ("first byte of an addition", "request", r"POST .*/payments", 1),
    ("added, answer unread", "answer", r"POST .*/payments", 1),
    ("added, not quite written", "commit", r"UPDATE payment_entries SET .*'done'", 1),
    ("everything written", "committed", r"UPDATE payment_entries SET .*'done'", 1),
    ("proof not quite written", "commit", r"UPDATE payment_targets SET .*'proved'", 1),
    ("proof written", "committed", r"UPDATE payment_targets SET .*'proved'", 1),
    ("about to end", "commit", r"UPDATE batches SET rev.*ended_at=", 1),
]


class Till:
    """The invoices are posted once; each round begins with two payments that are in the PSA."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.keeper = Bookkeeper(rig.engine, CHANGED, REMOVED, ADDED)

    def kill_at(self, moment: str, pattern: str, nth: int) -> tuple[int, Standing]:
        """A worker dies at the point, others finish: what was on its way then, and what stands afterwards."""
        keeper = self.keeper
        edited, voided = keeper.pays((CHANGED, "10.00")), keeper.pays((REMOVED, "5.00"))
        keeper.sync()
        assert self.standing() == {CHANGED: ["10.00"], REMOVED: ["5.00"], ADDED: []}
        keeper.voids(voided)
        keeper.reapplies(edited, (CHANGED, "20.00"), TotalAmt=Decimal("20.00"))
        new = keeper.pays((ADDED, "7.00"))
        batch = keeper.submit()
        worker = self.rig.worker(batch, moment=moment, pattern=pattern, nth=nth)
        assert worker.ended(30)
        assert self.rig.sign.exists(), "the worker never came to this point"
        under_way = self.rig.under_way()
        self.rig.take_over(batch)
        stands = self.standing()
        assert keeper.json(batch)["status"] == "completed"
        assert keeper.sync(since=utcnow())["written"] == 0
        keeper.deletes(edited)
        keeper.deletes(new)
        keeper.sync()
        assert self.standing() == {CHANGED: [], REMOVED: [], ADDED: []}
        return under_way, stands

    def standing(self) -> Standing:
        return {number: self.keeper.amounts(number) for number in (CHANGED, REMOVED, ADDED)}
