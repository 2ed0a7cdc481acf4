"""Payments on ConnectWise's invoices, over real HTTP, in every way in which a site may treat them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from app.connectors.connectwise.connector import ConnectWise
from app.connectors.payments import NewPayment, PaymentOutcome, PaymentWritten, TakesPayments
from app.connectors.protocols import ConnectionFailedError, Slot, Wait
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.payments import PsaPayment
from tests.connectors.connectwise.conftest import Open, Site
from tests.connectors.destination_contract import OldSlot
from tests.connectors.mangled import Change, Reply, always, mangled

DAY = dt.date(2026, 3, 2)
MARK = "CF-P145-I38894-g1"


def a_slot(source: ConnectWise) -> Slot:
    slot = source.reserve()
    assert not isinstance(slot, Wait)
    return slot


def new(amount: str = "10.00", reference: str = MARK, credit: str = "", date: dt.date = DAY) -> NewPayment:
    return NewPayment(Decimal(amount), date, reference, credit)


def add(source: ConnectWise, invoice: str, payment: NewPayment | None = None) -> PaymentOutcome:
    return source.add_payment(invoice, payment or new(), a_slot(source))


def written(outcome: PaymentOutcome) -> PaymentWritten:
    assert isinstance(outcome, PaymentWritten), outcome
    return outcome


def refused(outcome: PaymentOutcome) -> str:
    assert isinstance(outcome, Refused), outcome
    assert outcome.problem.message
    assert outcome.problem.remedy
    return outcome.problem.code


def standing(source: ConnectWise, invoice: str) -> tuple[PsaPayment, ...]:
    return source.payments_on([invoice])[invoice]


@pytest.fixture
def invoice(psa: Site) -> str:
    """An unposted invoice of more than a hundred."""
    return next(record for record, total in psa.unposted().items() if total > 100)


@pytest.fixture
def credit(psa: Site) -> str:
    return next(record for record, total in psa.unposted().items() if total < -20)


def total(psa: Site, invoice: str) -> Decimal:
    return psa.unposted()[invoice]


def typed_in(psa: Site, invoice: str, amount: str) -> None:
    psa.people("take_payment", invoice=int(invoice), amount=amount)


# reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_connectwise_takes_payments(source: ConnectWise) -> None:
    assert isinstance(source, TakesPayments)


def test_what_is_written_is_read_back(source: ConnectWise, invoice: str) -> None:
    ident = written(add(source, invoice, new("12.34"))).payment_id
    assert standing(source, invoice) == (PsaPayment(ident, invoice, Decimal("12.34"), DAY, MARK),)


def test_a_payment_typed_in_by_a_person_is_read_too(source: ConnectWise, psa: Site, invoice: str) -> None:
    typed_in(psa, invoice, "5.00")
    (found,) = standing(source, invoice)
    assert (found.amount, found.reference, found.credit) == (Decimal(5), "", "")


def test_an_invoice_that_is_not_there_is_missing_and_one_without_payments_is_empty(
    source: ConnectWise, invoice: str
) -> None:
    assert source.payments_on([invoice, "99999", "nonsense", invoice]) == {invoice: ()}


def test_a_site_that_answers_403_for_what_is_not_there_is_understood(
    source: ConnectWise, psa: Site, invoice: str
) -> None:
    def forbidding(_method: str, path: str, true: Reply) -> Reply:
        return Reply("403 Forbidden", '{"code": "Security"}') if path.endswith("99999/payments") else true

    with mangled(psa.running.server, forbidding):
        assert source.payments_on([invoice, "99999"]) == {invoice: ()}
    psa.switch(rights={"invoicing": "none"})
    with pytest.raises(ConnectionFailedError, match="too weak"):
        source.payments_on([invoice])


def test_of_many_invoices_only_those_with_something_on_them_are_asked(source: ConnectWise, psa: Site) -> None:
    records = [record for record, amount in psa.unposted().items() if amount > 30]
    for record in records[:3]:
        written(add(source, record))
    before = psa.calls_of("/payments")
    found = source.payments_on(records)
    assert len(records) > 25
    assert set(found) == set(records)
    assert [len(found[record]) for record in records] == [1] * 3 + [0] * (len(records) - 3)
    assert psa.calls_of("/payments") - before == 3


def test_more_payments_than_a_page_holds_are_all_read(
    source: ConnectWise, invoice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = [f"CF-P{number}" for number in range(3)]
    for mark in marks:
        written(add(source, invoice, new("1.00", mark)))
    monkeypatch.setattr("app.connectors.connectwise.client.PAGE_SIZE", 1)
    assert [found.reference for found in standing(source, invoice)] == marks


HOSTILE: list[tuple[str, Change]] = [
    ("a page", lambda _method, _path, true: true.saying("<html>log in</html>", "text/html")),
    ("no list", lambda _method, _path, true: true.saying("{}")),
    ("cut", lambda _method, _path, true: true.saying(true.text[: len(true.text) // 2])),
    ("no id", lambda _method, _path, true: true.saying(true.text.replace('"id"', '"di"'))),
    ("no amount", lambda _method, _path, true: true.saying(true.text.replace('"amount"', '"tnuoma"'))),
    ("words", lambda _method, _path, true: true.saying(true.text.replace("12.34", '"much"'))),
    ("infinite", lambda _method, _path, true: true.saying(true.text.replace("12.34", "1e999"))),
    ("no day", lambda _method, _path, true: true.saying(true.text.replace("2026-03-02T", "2026-33-02T"))),
]


def test_a_list_that_is_not_understood_is_said_and_never_half_believed(
    source: ConnectWise, psa: Site, invoice: str
) -> None:
    written(add(source, invoice, new("12.34")))
    for what, change in HOSTILE:
        with mangled(psa.running.server, change), pytest.raises(ConnectionFailedError) as caught:
            source.payments_on([invoice])
        assert caught.value.remedy, what


# writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_several_payments_stand_beside_each_other(source: ConnectWise, psa: Site, invoice: str) -> None:
    first, second = (written(add(source, invoice, new("10.00", mark))).payment_id for mark in ("CF-1", "CF-2"))
    assert first != second
    assert {found.payment_id for found in standing(source, invoice)} == {first, second}


def test_an_older_site_overwrites_and_its_answer_shows_it(source: ConnectWise, psa: Site, invoice: str) -> None:
    psa.switch(payments_per_invoice="one")
    first, second = (written(add(source, invoice, new("10.00", mark))).payment_id for mark in ("CF-1", "CF-2"))
    assert first == second
    (found,) = standing(source, invoice)
    assert (found.amount, found.reference) == (Decimal(10), "CF-2")


def test_an_overpayment_is_refused_or_cut_and_the_answer_says_to_what(
    source: ConnectWise, psa: Site, invoice: str
) -> None:
    due = total(psa, invoice)
    answer: Any = add(source, invoice, new(str(due + 1)))
    assert refused(answer) == "psa_refuses_amount"
    assert "invoicePayment object is invalid: The amount is more than" in answer.problem.message
    psa.switch(overpayment="cut")
    assert written(add(source, invoice, new(str(due + 1)))).amount == due
    assert standing(source, invoice)[0].amount == due


def test_a_payment_is_changed_in_its_place(source: ConnectWise, invoice: str) -> None:
    ident = written(add(source, invoice)).payment_id
    later = new("20.05", "CF-P145-g2", date=dt.date(2026, 3, 9))
    assert written(source.change_payment(invoice, ident, later, a_slot(source))) == PaymentWritten(ident)
    assert standing(source, invoice) == (
        PsaPayment(ident, invoice, Decimal("20.05"), dt.date(2026, 3, 9), "CF-P145-g2"),
    )


def test_a_payment_is_taken_off_once_and_a_second_time_is_no_fault(source: ConnectWise, invoice: str) -> None:
    ident = written(add(source, invoice)).payment_id
    for _ in range(2):
        assert written(source.remove_payment(invoice, ident, a_slot(source))).payment_id == ""
    assert standing(source, invoice) == ()
    assert refused(source.change_payment(invoice, ident, new(), a_slot(source))) == "payment_gone"


def test_an_invoice_that_is_gone_takes_no_payment(source: ConnectWise) -> None:
    assert refused(add(source, "99999")) == "invoice_gone"


def test_what_connectwise_cannot_take_is_not_sent(source: ConnectWise, psa: Site, invoice: str) -> None:
    for payment in (new("0"), new("-1.00"), new("1.005"), new(reference="x" * 51), new(credit="none")):
        assert refused(add(source, invoice, payment)) == "payment_unsendable"
    assert psa.calls_of("/payments") == 0


def test_cents_arrive_exactly(source: ConnectWise, invoice: str) -> None:
    amounts = ["0.01", "0.10", "0.29", "1.13", "99.90"]
    for amount in amounts:
        written(add(source, invoice, new(amount)))
    assert [found.amount for found in standing(source, invoice)] == [Decimal(amount) for amount in amounts]


def test_a_site_that_drops_the_mark_takes_the_payment_all_the_same(
    source: ConnectWise, psa: Site, invoice: str
) -> None:
    psa.switch(payment_marks="dropped")
    ident = written(add(source, invoice)).payment_id
    assert standing(source, invoice) == (PsaPayment(ident, invoice, Decimal(10), DAY),)


def test_a_site_that_refuses_the_mark_gets_payments_without(source: ConnectWise, psa: Site, invoice: str) -> None:
    psa.switch(payment_marks="refused")
    ident = written(add(source, invoice)).payment_id
    written(add(source, invoice, new("3.00")))
    written(source.change_payment(invoice, ident, new("4.00"), a_slot(source)))
    assert [found.amount for found in standing(source, invoice)] == [Decimal(4), Decimal(3)]
    assert psa.calls_of("/payments") == 4  # refused once, then never tried again, and read


def test_a_change_finds_out_too_that_a_site_refuses_the_mark(
    source: ConnectWise, psa: Site, opened: Open, invoice: str
) -> None:
    ident = written(add(source, invoice)).payment_id
    psa.switch(payment_marks="refused")
    fresh = opened()
    written(fresh.change_payment(invoice, ident, new("4.00"), a_slot(fresh)))
    assert [(found.amount, found.reference) for found in standing(source, invoice)] == [(Decimal(4), MARK)]


# credits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["C", "P"])
def test_a_credit_is_applied_whatever_its_type_is_called(
    source: ConnectWise, psa: Site, invoice: str, credit: str, kind: str
) -> None:
    psa.switch(credit_payments=kind)
    ident = written(add(source, invoice, new("5.00", credit=credit))).payment_id
    again = written(add(source, invoice, new("6.00", "CF-2", credit=credit)))
    first, _ = standing(source, invoice)
    assert first == PsaPayment(ident, invoice, Decimal(5), DAY, MARK, credit)
    assert again.payment_id != ident
    assert psa.calls_of("/payments") == (3 if kind == "C" else 4)  # what was learnt is not tried again


def test_the_type_of_credits_is_learnt_from_those_that_stand(
    source: ConnectWise, psa: Site, invoice: str, credit: str
) -> None:
    psa.switch(credit_payments="P")
    psa.people("take_payment", invoice=int(invoice), amount="1.00", credit=int(credit))
    assert standing(source, invoice)[0].credit == credit
    before = psa.calls_of("/payments")
    written(add(source, invoice, new("5.00", credit=credit)))
    assert psa.calls_of("/payments") - before == 1


def test_a_site_that_takes_no_credits_says_so(source: ConnectWise, psa: Site, invoice: str, credit: str) -> None:
    psa.switch(credit_payments="refused")
    assert refused(add(source, invoice, new("5.00", credit=credit))) == "psa_takes_no_credits"


def test_more_than_is_left_of_a_credit_is_refused(source: ConnectWise, psa: Site, invoice: str, credit: str) -> None:
    left = -total(psa, credit)
    if left < total(psa, invoice):
        assert refused(add(source, invoice, new(str(left + 1), credit=credit))) == "psa_refuses_amount"
    assert refused(add(source, invoice, new("5.00", credit=invoice))) == "psa_refuses_payment"


# status ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_invoice_is_set_to_paid_and_stays_in_its_batch(source: ConnectWise, psa: Site) -> None:
    for number, status in enumerate(["14", "Paid", " paid "]):
        record = next(iter(psa.unposted()))
        psa.batch_by_hand(record, f"M-{number}")
        assert written(source.set_paid(record, status, a_slot(source)))
        row = source._client.read(f"/finance/invoices/{record}").json()
        assert (row["status"]["name"], row["glBatch"]["name"]) == ("Paid", f"M-{number}")


def test_a_status_that_is_not_there_is_named(source: ConnectWise, invoice: str) -> None:
    assert refused(source.set_paid(invoice, "Celebrated", a_slot(source))) == "unknown_status"
    assert refused(source.set_paid(invoice, "77", a_slot(source))) == "status_refused"


def test_a_status_that_would_reopen_what_is_batched_is_refused_in_connectwises_words(
    source: ConnectWise, psa: Site, invoice: str
) -> None:
    psa.batch_by_hand(invoice, "M-1")
    outcome = source.set_paid(invoice, "New", a_slot(source))
    assert refused(outcome) == "status_refused"
    assert isinstance(outcome, Refused)
    assert "has been batched" in outcome.problem.message


# what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_answer_is_a_doubt_that_the_mark_ends(source: ConnectWise, psa: Site, invoice: str) -> None:
    psa.fault("lose_answer", path="payments", method="POST")
    assert isinstance(add(source, invoice), InDoubt)
    assert [found.reference for found in standing(source, invoice)] == [MARK]


def test_a_call_that_never_arrived_leaves_nothing(source: ConnectWise, psa: Site, invoice: str) -> None:
    psa.fault("drop_before", path="payments", method="POST")
    assert isinstance(add(source, invoice), InDoubt)
    assert standing(source, invoice) == ()


@pytest.mark.parametrize("deed", ["add", "change", "remove", "set_paid"])
def test_every_fault_has_its_outcome_and_gives_the_slot_back(
    source: ConnectWise, psa: Site, invoice: str, deed: str
) -> None:
    ident = written(add(source, invoice)).payment_id
    deeds = {
        "add": lambda slot: source.add_payment(invoice, new(), slot),
        "change": lambda slot: source.change_payment(invoice, ident, new("2.00"), slot),
        "remove": lambda slot: source.remove_payment(invoice, ident, slot),
        "set_paid": lambda slot: source.set_paid(invoice, "14", slot),
    }
    method = {"add": "POST", "remove": "DELETE"}.get(deed, "PATCH")
    released: list[bool] = []

    class Watched(OldSlot):
        age = 0.0

        def release(self, *, sent: bool = True) -> None:
            released.append(sent)

    faults = {"429": NotDone, "401": NotDone, "503": InDoubt, "500_after": InDoubt}
    for kind, outcome in faults.items():
        psa.fault(kind, path="/finance/invoices", method=method)
        assert isinstance(deeds[deed](Watched()), outcome), kind
    assert released == [True] * len(faults)
    assert deeds[deed](OldSlot()) == NotDone("late")


def test_a_role_without_edit_is_named_and_nothing_is_lost(source: ConnectWise, psa: Site, invoice: str) -> None:
    psa.switch(rights={"invoicing": "inquire"})
    outcome = add(source, invoice)
    assert isinstance(outcome, NotDone)
    assert outcome.systemic
    assert "Edit" in outcome.systemic.remedy


def test_an_upgrade_in_between_leaves_nothing_and_the_next_call_arrives(
    source: ConnectWise, psa: Site, invoice: str
) -> None:
    slot = a_slot(source)
    psa.upgrade("v2026_1")
    assert isinstance(source.add_payment(invoice, new(), slot), NotDone)
    written(add(source, invoice))


def test_a_good_answer_that_cannot_be_read_is_a_doubt(source: ConnectWise, psa: Site, invoice: str) -> None:
    texts = ["", "<html>", "[]", "7", "{}", '{"id": true}', '{"id": 7, "amount": "x"}']
    for text in texts:
        slot = a_slot(source)
        with mangled(psa.running.server, always(text)):
            assert isinstance(source.add_payment(invoice, new(), slot), InDoubt)
    assert len(standing(source, invoice)) == len(texts)


def test_an_answer_about_another_payment_is_a_doubt(source: ConnectWise, psa: Site, invoice: str) -> None:
    ident = written(add(source, invoice)).payment_id
    slot = a_slot(source)
    with mangled(psa.running.server, always('{"id": 1, "amount": 2.0}')):
        assert isinstance(source.change_payment(invoice, ident, new("2.00"), slot), InDoubt)


def test_a_silent_site_is_waited_for_only_so_long(opened: Open, psa: Site, invoice: str) -> None:
    source = opened(read_timeout=0.2)
    psa.fault("slow_after:0.5", path="payments", method="POST")
    assert isinstance(add(source, invoice), InDoubt)
