"""Which payment and which credit memo pays which invoice, to the cent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.domain.allocation import Allocation, Rule, allocate, of_invoices
from app.domain.payments import Applied, Charge, LedgerPayment

DAY = dt.date(2026, 11, 20)


def money(text: str | int) -> Decimal:
    return Decimal(text)


def a_payment(*lines: tuple[str, str, str], total: str = "0", gone: bool = False, ident: str = "900") -> LedgerPayment:
    """Lines as ``("invoice", "1", "100.00")``; a payment of Acme's."""
    applied = tuple(Applied(Charge(to), ledger_id, money(amount)) for to, ledger_id, amount in lines)
    paid = sum((a.amount for a in applied if a.to is Charge.INVOICE), Decimal(0))
    credit = sum((a.amount for a in applied if a.to is Charge.CREDIT_MEMO), Decimal(0))
    rest = max(money(total) + credit - paid, Decimal(0))
    return LedgerPayment(ident, "58", DAY, "USD", money(total), rest, applied, gone=gone)


def shown(found: list[Allocation]) -> set[tuple[str, str, str]]:
    return {(a.invoice, a.credit, str(a.amount)) for a in found}


def test_one_cheque_pays_several_invoices_as_the_ledger_says() -> None:
    payment = a_payment(("invoice", "1", "100.00"), ("invoice", "2", "30.50"), total="200.00")
    assert shown(allocate(payment, Rule.OLDEST, {})) == {("1", "", "100.00"), ("2", "", "30.50")}


def test_a_payment_that_is_gone_pays_nothing() -> None:
    assert allocate(a_payment(("invoice", "1", "100.00"), total="100.00", gone=True), Rule.OLDEST, {}) == []


def test_one_credit_memo_over_several_invoices_pays_each_its_amount() -> None:
    payment = a_payment(("invoice", "1", "60.00"), ("invoice", "2", "40.00"), ("credit_memo", "7", "100.00"))
    assert shown(allocate(payment, Rule.SPLIT, {})) == {("1", "7", "60.00"), ("2", "7", "40.00")}


def test_a_credit_memo_of_exactly_an_invoices_amount_pays_that_one_whatever_the_rule() -> None:
    lines = (("invoice", "1", "100.00"), ("invoice", "2", "40.00"), ("credit_memo", "7", "40.00"))
    for rule in Rule:
        found = allocate(a_payment(*lines, total="100.00"), rule, {})
        assert shown(found) == {("1", "", "100.00"), ("2", "7", "40.00")}


def test_the_rule_decides_where_a_choice_is_left() -> None:
    payment = a_payment(
        ("invoice", "1", "100.00"), ("invoice", "2", "50.00"), ("invoice", "3", "30.00"),
        ("credit_memo", "7", "60.00"), ("credit_memo", "8", "15.00"), total="105.00",
    )  # fmt: skip
    dates = {"1": DAY, "2": DAY - dt.timedelta(9), "3": DAY - dt.timedelta(3)}
    assert shown(allocate(payment, Rule.OLDEST, dates)) == {
        ("2", "7", "50.00"), ("3", "7", "10.00"), ("3", "8", "15.00"), ("3", "", "5.00"), ("1", "", "100.00"),
    }  # fmt: skip
    assert shown(allocate(payment, Rule.LARGEST, dates)) == {
        ("1", "7", "60.00"), ("2", "8", "15.00"), ("1", "", "40.00"), ("2", "", "35.00"), ("3", "", "30.00"),
    }  # fmt: skip
    split = allocate(payment, Rule.SPLIT, dates)
    assert {(a.invoice, str(a.amount)) for a in split if a.credit == "7"} == {
        ("1", "33.33"), ("2", "16.67"), ("3", "10.00"),
    }  # fmt: skip


@st.composite
def payments(draw: st.DrawFn) -> LedgerPayment:
    """What a ledger can hold: lines that repeat a document, credits, money, and a rest."""
    cents = st.integers(1, 500_000).map(lambda value: Decimal(value) / 100)
    invoices = draw(st.lists(st.tuples(st.sampled_from("123456"), cents), max_size=6))
    paid = sum((amount for _, amount in invoices), Decimal(0))
    drawn, left = [], paid
    for ident in draw(st.lists(st.sampled_from(["71", "72", "73"]), max_size=4)):
        part = min(draw(cents), left)
        if part > 0:
            drawn.append((ident, part))
            left -= part
    more = draw(st.sampled_from([Decimal(0), Decimal("0.01"), Decimal("250.00")]))
    lines = [Applied(Charge.INVOICE, i, a) for i, a in invoices] + [Applied(Charge.CREDIT_MEMO, i, a) for i, a in drawn]
    return LedgerPayment("900", "58", DAY, "USD", left + more, more, tuple(draw(st.permutations(lines))))


@given(payments(), st.sampled_from(Rule), st.dictionaries(st.sampled_from("123456"), st.dates()))
def test_nothing_is_lost_or_made_whatever_the_rule(
    payment: LedgerPayment, rule: Rule, dates: dict[str, dt.date]
) -> None:
    found = allocate(payment, rule, dates)
    assert all(a.amount > 0 and a.amount == a.amount.quantize(Decimal("0.01")) for a in found)
    assert len({(a.invoice, a.credit) for a in found}) == len(found)
    for charge, name in ((Charge.INVOICE, "invoice"), (Charge.CREDIT_MEMO, "credit")):
        for ident in {line.ledger_id for line in payment.lines if line.to is charge}:
            wanted = sum(line.amount for line in payment.lines if (line.to, line.ledger_id) == (charge, ident))
            assert sum(a.amount for a in found if getattr(a, name) == ident) == wanted
    assert sum(a.amount for a in found if not a.credit) == payment.total - payment.unapplied
    reordered = LedgerPayment(
        payment.ledger_id, "58", DAY, "USD", payment.total, payment.unapplied, tuple(reversed(payment.lines))
    )
    assert set(allocate(reordered, rule, dates)) == set(found), "the order of lines decides nothing"


def test_by_invoice_all_payments_that_stand_on_it_oldest_first() -> None:
    first, second = a_payment(("invoice", "1", "10.00"), ident="9"), a_payment(("invoice", "1", "5.00"), ident="10")
    found = of_invoices([second, first], Rule.OLDEST, {})
    assert [(a.payment, str(a.amount)) for a in found["1"]] == [("9", "10.00"), ("10", "5.00")]
