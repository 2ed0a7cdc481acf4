"""Payments from the books to the PSA, through the whole engine over real HTTP.

One company for all tests; each has invoices of its own.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlmodel import Session, select

from app.domain.problems import ValidationError
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.payments import PaymentEntry, PaymentRun, PaymentTarget
from app.services.batches import approvals, approving, batches
from app.services.connections import books
from app.services.payments import payments
from app.services.posting import running
from tests import engine
from tests.services.bookkeeper import Bookkeeper


@pytest.fixture
def keeper(shop: Bookkeeper) -> Iterator[Bookkeeper]:
    """The company with its settings as they come; nothing of the test before is left to be synced."""
    shop.sync()
    yield shop
    shop.settle(form="invoice", credits="mirror", unapplied="warn", paid_status="", unpaid_status="")
    shop.engine.both.connectwise.gate.faults.clear()
    shop.engine.site.switches.change({"payment_marks": "kept", "payments_per_invoice": "several"})


def test_a_payment_in_the_books_stands_on_the_invoice_in_the_psa(keeper: Bookkeeper) -> None:
    keeper.pays(("10395", "40.00"))
    found = keeper.sync()
    assert (found["status"], found["changed"], found["written"], found["problems"]) == ("completed", 1, 1, [])
    [invoice] = found["invoices"]
    assert (invoice["before"], invoice["books"], invoice["after"]) == ("0.00", "40.00", "40.00")
    [standing] = keeper.in_psa("10395")
    assert (standing["amount"], standing["date"], standing["type"]) == ("40.00", "2026-11-20", "P")
    assert standing["reference"] == "CF-M38897-g1"
    again = keeper.sync()
    assert (again["changed"], again["written"], again["invoices"]) == (0, 0, [])


def test_a_second_payment_changes_the_one_entry_or_makes_its_own_by_setting(keeper: Bookkeeper) -> None:
    keeper.pays(("10398", "100.00"))
    keeper.sync()
    second = keeper.pays(("10398", "50.00"), day="2026-11-25")
    keeper.sync()
    assert [(row["amount"], row["date"]) for row in keeper.in_psa("10398")] == [("150.00", "2026-11-25")]
    keeper.settle(form="allocation")
    keeper.pays(("10398", "25.00"))
    keeper.sync()
    assert keeper.amounts("10398") == ["150.00", "25.00"]
    keeper.voids(second)
    found = keeper.sync()
    assert keeper.amounts("10398") == ["100.00", "25.00"]
    assert found["status"] == "completed"


def test_one_cheque_over_two_invoices_is_applied_otherwise_and_deleted(keeper: Bookkeeper) -> None:
    cheque = keeper.pays(("10450", "475.00"), ("10451", "20.00"), total="600.00")
    found = keeper.sync()
    assert (keeper.amounts("10450"), keeper.amounts("10451")) == (["475.00"], ["20.00"])
    assert [problem["code"] for problem in found["problems"]] == ["money_unapplied"]
    assert found["problems"][0]["message"].startswith("105.00 USD of payment of Madrona Childcare")
    assert found["status"] == "completed_with_warnings"
    before = keeper.in_psa("10450")[0]["id"]
    keeper.reapplies(cheque, ("10450", "470.00"))
    keeper.sync()
    assert (keeper.amounts("10450"), keeper.amounts("10451")) == (["470.00"], [])
    assert keeper.in_psa("10450")[0]["id"] == before, "changed, not taken away and made again"
    keeper.deletes(cheque)
    keeper.sync()
    assert not keeper.in_psa("10450")


def test_an_applied_credit_memo_is_applied_in_the_psa_too(keeper: Bookkeeper) -> None:
    payment = keeper.pays(("10432", "200.00"), ("10412", "-112.50"))
    found = keeper.sync()
    assert found["problems"] == []
    rows = {(row["credit"], row["amount"]) for row in keeper.in_psa("10432")}
    assert rows == {(keeper.record("10412"), "112.50"), (None, "87.50")}
    keeper.voids(payment)
    keeper.sync()
    assert not keeper.in_psa("10432")
    keeper.settle(credits="payment")
    keeper.pays(("10432", "112.50"), ("10412", "-112.50"))
    keeper.sync()
    assert {(row["credit"], row["amount"]) for row in keeper.in_psa("10432")} == {(None, "112.50")}


def test_a_credit_memo_is_freed_before_it_is_applied_elsewhere(keeper: Bookkeeper) -> None:
    keeper.settle(form="allocation")
    payment = keeper.pays(("10438", "162.00"), ("10413", "-162.00"))
    keeper.sync()
    assert keeper.amounts("10438") == ["162.00"]
    keeper.deletes(payment)
    keeper.pays(("10438", "150.00"), ("10413", "-150.00"))
    found = keeper.sync()
    assert found["problems"] == []
    assert [(row["credit"], row["amount"]) for row in keeper.in_psa("10438")] == [(keeper.record("10413"), "150.00")]


def test_what_was_entered_in_the_psa_is_kept_and_told(keeper: Bookkeeper) -> None:
    keeper.types_in("10399", "30.00")
    keeper.types_in("10399", "60.00")
    keeper.pays(("10399", "60.00"))
    found = keeper.sync()
    assert keeper.codes(found) == ["entered_in_psa"]
    assert (found["status"], found["written"]) == ("completed_with_warnings", 0)
    assert keeper.amounts("10399") == ["30.00", "60.00"]
    keeper.pays(("10399", "10.00"))
    keeper.sync()
    assert keeper.amounts("10399") == ["10.00", "30.00", "60.00"]


@pytest.mark.parametrize(
    ("fault", "marks"), [("lose_answer", "kept"), ("lose_answer", "dropped"), ("drop_before", "kept")]
)
def test_a_lost_answer_is_looked_up_and_nothing_is_written_twice(keeper: Bookkeeper, fault: str, marks: str) -> None:
    keeper.engine.site.switches.change({"payment_marks": marks})
    keeper.types_in("10441", "1.00")  # somebody else's, that must not be taken for ours
    payment = keeper.pays(("10441", "1.01"))
    keeper.engine.both.connectwise.gate.faults.add(fault, method="POST", path="/payments")
    found = keeper.sync()
    assert found["status"] == "completed_with_warnings"
    assert keeper.amounts("10441").count("1.01") == 1
    keeper.engine.both.connectwise.gate.faults.add(fault, method="PATCH", path="/payments")
    second = keeper.pays(("10441", "0.02"))
    keeper.sync()
    assert keeper.amounts("10441").count("1.03") == 1
    keeper.engine.both.connectwise.gate.faults.add(fault, method="DELETE", path="/payments")
    keeper.voids(payment)
    keeper.voids(second)
    keeper.sync()
    assert set(keeper.amounts("10441")) == {"1.00"}


def test_a_site_that_keeps_one_payment_gets_one(keeper: Bookkeeper) -> None:
    keeper.engine.site.switches.change({"payments_per_invoice": "one"})
    keeper.settle(form="allocation")
    keeper.pays(("10426", "10.00"))
    keeper.pays(("10426", "20.00"))
    found = keeper.sync()
    assert "one_payment_only" in keeper.codes(found)
    keeper.settle(form="invoice")
    found = keeper.sync()
    assert keeper.codes(found) == []
    assert keeper.amounts("10426") == ["30.00"]


def test_a_dry_run_says_what_would_change_and_writes_nothing(keeper: Bookkeeper) -> None:
    keeper.pays(("10442", "27.50"))
    look = keeper.sync(mode="dry")
    assert (look["status"], look["changed"], look["written"]) == ("completed", 1, 0)
    [invoice] = look["invoices"]
    assert (invoice["before"], invoice["planned"], invoice["after"]) == ("0.00", "27.50", None)
    assert not keeper.in_psa("10442")
    keeper.sync()
    assert keeper.amounts("10442") == ["27.50"]


def test_looking_further_back_than_the_last_run_does_no_harm(keeper: Bookkeeper) -> None:
    keeper.pays(("10435", "24.00"))
    keeper.sync()
    keeper.by_hand("take_off_payment", payment=keeper.in_psa("10435")[0]["id"])
    assert keeper.sync()["invoices"] == [], "nothing changed in the books"
    found = keeper.sync(since=utcnow() - dt.timedelta(days=7))
    assert found["status"] in ("completed", "completed_with_warnings")
    assert keeper.amounts("10435") == ["24.00"]
    assert keeper.in_psa("10435")[0]["reference"] == "CF-M39017-g2"


def test_of_two_batches_the_second_waits_behind_the_first(keeper: Bookkeeper) -> None:
    keeper.pays(("10437", "5.00"))
    first, second = keeper.submit(), keeper.submit()
    with keeper.engine.database.session() as session:
        assert payments.moving(session, keeper.engine.book_id) is not None
    asked_to_end = threading.Event()
    asked_to_end.set()
    running.run(keeper.engine.database, keeper.engine.connectors, first, engine.SHORT, asked_to_end)
    assert keeper.engine.batch(first).ended_at is None
    running.run(keeper.engine.database, keeper.engine.connectors, second, engine.SHORT)
    waiting = keeper.engine.batch(second).waiting or {}
    assert keeper.engine.batch(first).name in waiting["reason"]
    keeper.engine.run(first)
    keeper.engine.run(second)
    assert keeper.amounts("10437") == ["5.00"]
    assert keeper.json(second)["written"] == 0


def test_a_stopped_batch_is_taken_over_by_the_next_or_resumed(keeper: Bookkeeper) -> None:
    keeper.pays(("10439", "9.00"))
    stopped = keeper.submit()
    with keeper.engine.database.session() as session:
        batches.stop(session, batches.find(session, stopped), by=engine.BY)
    keeper.sync()
    assert keeper.amounts("10439") == ["9.00"]
    with keeper.engine.database.session() as session:
        batches.resume(session, batches.find(session, stopped), by=engine.BY)
    keeper.engine.run(stopped)
    assert keeper.amounts("10439") == ["9.00"]


def test_a_batch_that_stood_still_for_long_writes_what_the_books_say_now(keeper: Bookkeeper) -> None:
    before = keeper.amounts("10439")
    payment = keeper.pays(("10439", "3.00"))
    batch, abandoned = keeper.submit(), threading.Event()
    abandoned.set()  # the worker was asked to end as soon as it had read
    running.run(keeper.engine.database, keeper.engine.connectors, batch, engine.SHORT, abandoned)
    with keeper.engine.database.session() as session:
        session.get_one(PaymentRun, batch).read_at = utcnow() - dt.timedelta(hours=2)
        session.add(a_forgotten_entry(session, batch))
        session.commit()
    keeper.voids(payment)
    keeper.engine.run(batch)
    done = keeper.json(batch)
    assert (done["status"], done["written"]) == ("completed", 0)
    assert keeper.amounts("10439") == before


def a_forgotten_entry(session: Session, batch: int) -> PaymentEntry:
    """What the batch had planned and not begun: money that the books have taken back since."""
    target = session.exec(select(PaymentTarget).where(PaymentTarget.batch_id == batch)).one()
    return PaymentEntry(
        book_id=target.book_id, batch_id=batch, posting_id=target.posting_id, record=target.record, what="money",
        payment="77", amount=Decimal("3.00"), date=dt.date(2026, 11, 20), reference=f"CF-M{target.record}.77-g1",
    )  # fmt: skip


@pytest.fixture
def strict(keeper: Bookkeeper) -> Iterator[Bookkeeper]:
    """Its company wants another person's approval."""

    def wants(who: str) -> None:
        with keeper.engine.database.session() as session:
            book = session.get_one(Book, keeper.engine.book_id)
            books.set_settings(session, book, {"company.approval": who}, "owner@example.com")

    wants("other")
    yield keeper
    wants("no")


def test_where_the_company_wants_it_another_person_lets_what_was_found_be_written(strict: Bookkeeper) -> None:
    before = sum(map(Decimal, strict.amounts("10439")))
    strict.pays(("10439", "2.00"))
    first = strict.submit()
    with strict.engine.database.session() as session:
        session.get_one(Batch, first).waiting = {"reason": "QuickBooks was silent", "until": utcnow().isoformat()}
        session.commit()
    strict.engine.run(first)
    waits = strict.json(first)
    assert (waits["status"], waits["changed"], waits["written"]) == ("awaiting_approval", 1, 0)
    assert strict.engine.batch(first).waiting is None, "it waits for a person only"
    with pytest.raises(ValidationError, match="cannot approve it too"):
        approve(strict, first, by=engine.BY)
    strict.pays(("10439", "1.00"))  # after it was seen
    approve(strict, first)
    assert strict.json(first)["status"] == "awaiting_approval"
    assert sum(map(Decimal, strict.amounts("10439"))) == before
    assert "what would be written is no longer the same" in strict.engine.batch(first).approval_note
    second = strict.sync()["batch"]  # takes over what the first one found
    assert [strict.json(one)["status"] for one in (first, second)] == ["completed", "awaiting_approval"]
    approve(strict, second)
    done = strict.json(second)
    assert (done["status"], done["written"], done["problems"]) == ("completed", 1, [])
    assert sum(map(Decimal, strict.amounts("10439"))) == before + 3
    assert strict.sync()["status"] == "completed", "nothing new needs nobody’s word"


def test_what_is_in_doubt_when_an_approval_is_void_is_looked_up_before_anybody_approves(strict: Bookkeeper) -> None:
    strict.pays(("10451", "1.50"))
    batch = strict.submit()
    strict.engine.run(batch)
    approve(strict, batch)
    assert strict.json(batch)["written"] == 1
    with strict.engine.database.session() as session:  # as if a worker had died before it heard the answer
        entry, row = strict.entry("10451"), session.get_one(Batch, batch)
        entry.state, entry.look_at, entry.sent_at, entry.ended_by = "in_doubt", utcnow(), utcnow(), utcnow()
        row.ended_at = None
        approvals.void(session, row, "a setting of the company was changed")
        session.add(entry)
        session.commit()
    assert batch in running.due(strict.engine.database)
    strict.engine.run(batch)
    assert (strict.entry("10451").state, strict.json(batch)["status"]) == ("done", "awaiting_approval")
    assert batch not in running.due(strict.engine.database)
    approve(strict, batch)
    assert (strict.json(batch)["status"], strict.amounts("10451").count("1.50")) == ("completed", 1)


def approve(keeper: Bookkeeper, batch_id: int, by: str = "second@example.com") -> None:
    with keeper.engine.database.session() as session:
        approving.approve(session, batches.find(session, batch_id), by=by)
    keeper.engine.run(batch_id)


def test_a_paid_invoice_gets_its_status_and_loses_it_with_the_payment(keeper: Bookkeeper) -> None:
    keeper.settle(paid_status="Paid", unpaid_status="13")
    total = keeper.total("10440")
    payment = keeper.pays(("10440", str(total - 1)))
    keeper.sync()
    rest = keeper.pays(("10440", "1.00"))
    found = keeper.sync()
    assert (found["written"], found["problems"]) == (2, [])
    keeper.voids(rest)
    found = keeper.sync()
    assert (found["written"], found["problems"]) == (2, [])
    keeper.voids(payment)
    keeper.sync()
    assert not keeper.in_psa("10440")


def test_a_paid_invoice_that_somebody_has_reopened_is_not_closed_by_its_status(keeper: Bookkeeper) -> None:
    keeper.settle(paid_status="Paid")
    for deed in ("unbatch", "reopen"):
        keeper.by_hand(deed, number="10442")
    keeper.pays(("10442", str(keeper.total("10442") - keeper.applied("10442"))))
    found = keeper.sync()
    assert ("paid_and_reopened" in keeper.codes(found), found["status"]) == (True, "completed_with_warnings")
    keeper.by_hand("close", number="10442")
    assert keeper.codes(keeper.sync()) == []


@pytest.mark.parametrize("stood_still", [True, False])
def test_a_status_that_was_to_be_taken_back_and_was_not_is_taken_back_by_the_next_run(
    keeper: Bookkeeper, stood_still: bool
) -> None:
    keeper.settle(paid_status="Paid", unpaid_status="13")
    payment = keeper.pays(("10430", str(keeper.total("10430"))))
    keeper.sync()
    invoice = next(one for one in keeper.engine.site.invoices.values() if one.number == "10430")
    paid = invoice.closed_status
    keeper.voids(payment)
    batch, abandoned = keeper.submit(), threading.Event()
    abandoned.set()
    running.run(keeper.engine.database, keeper.engine.connectors, batch, engine.SHORT, abandoned)
    with keeper.engine.database.session() as session:
        session.get_one(PaymentRun, batch).read_at = utcnow() - dt.timedelta(hours=2 if stood_still else 0)
        mine = (PaymentEntry.record == str(keeper.record("10430")), PaymentEntry.what == "paid")
        row = session.exec(select(PaymentEntry).where(*mine)).one()
        row.state, row.verb, row.status = "ready" if stood_still else "refused", "unpaid", "13"
        row.batch_id = batch if stood_still else row.batch_id
        session.add(row)
        session.commit()
    keeper.engine.run(batch)
    assert (paid == 13, invoice.closed_status) == (False, 13)


def test_what_the_psa_refuses_stands_beside_its_invoice_and_the_others_go_on(keeper: Bookkeeper) -> None:
    total = keeper.total("10401")
    keeper.types_in("10401", str(total - 10))
    keeper.pays(("10401", "20.00"))
    keeper.pays(("10420", "20.00"))
    found = keeper.sync()
    assert keeper.codes(found) == ["entered_in_psa", "psa_refuses_amount"]
    assert found["status"] == "completed_with_errors"
    assert keeper.amounts("10420") == ["20.00"]
    assert keeper.amounts("10401") == [str(total - 10)]


def test_a_run_with_nothing_new_asks_the_books_twice_at_most(keeper: Bookkeeper) -> None:
    keeper.sync()
    before = sum(keeper.engine.company.counts.values())
    found = keeper.sync()
    asked = sum(keeper.engine.company.counts.values()) - before
    assert found["status"].startswith("completed")
    assert asked <= 2


def test_a_day_in_the_far_past_is_refused(keeper: Bookkeeper) -> None:
    with pytest.raises(ValidationError):
        keeper.submit(since=dt.datetime(1999, 1, 1, tzinfo=dt.UTC))


def test_a_sync_that_every_other_would_end_like_says_so(keeper: Bookkeeper) -> None:
    keeper.pays(("10450", "5.00"))
    keeper.engine.both.connectwise.gate.faults.add("401", times=100)
    batch_id = keeper.submit()
    keeper.engine.run(batch_id)
    failure = keeper.engine.batch(batch_id).failure or {}
    assert failure["technical"] == {"systemic": True}  # by which AutoSync pauses
    keeper.engine.both.connectwise.gate.faults.clear()
    keeper.sync()
    assert keeper.amounts("10450") == ["5.00"]
