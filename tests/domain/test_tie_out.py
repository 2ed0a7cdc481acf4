"""The explanation adds up to the difference, to the cent, whatever is on either side."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain import tie_out_sums as sums
from app.domain.states import PostingState
from app.domain.tie_out import JOURNAL, PAYMENT, Booked, Invoiced, Item, Reason, Trace, items, month_of

NOVEMBER, DECEMBER = dt.date(2026, 11, 20), dt.date(2026, 12, 2)
DATES = st.sampled_from([NOVEMBER, DECEMBER])
CURRENCIES = st.sampled_from(["USD", "USD", "CAD"])
CENTS = st.integers(-500_00, 5_000_00)
PARTIES = st.sampled_from(["1", "2", ""])
ACCOUNTS = st.none() | st.dictionaries(st.sampled_from(["79", "80", "psa:4600"]), st.integers(-900, 90_000), max_size=2)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Invoiced], list[Booked], dict[str, Trace]]:
    """Invoices and documents that belong together, partly; edited, voided, redated, paid, deleted, typed in."""
    invoiced = [
        Invoiced(str(n), draw(st.sampled_from([str(n), "7", ""])), draw(PARTIES), "Acme", draw(DATES), draw(CURRENCIES),
                 draw(CENTS), draw(st.integers(0, 900)), draw(CENTS), draw(st.sampled_from(["", "WA"])),
                 draw(st.booleans()), draw(st.sampled_from(["", "M-1"])), draw(ACCOUNTS))
        for n in range(draw(st.integers(0, 7)))
    ]  # fmt: skip
    booked, traces = [], {}
    for n in range(draw(st.integers(0, 8))):
        voided = draw(st.booleans())
        kind = draw(st.sampled_from(["invoice", "credit_memo", PAYMENT, JOURNAL]))
        nothing = voided or kind == PAYMENT
        booked.append(
            Booked(kind, str(n), draw(st.sampled_from([str(n), "7", ""])), draw(PARTIES), "Acme", draw(DATES),
                   draw(CURRENCIES), 0 if nothing else draw(CENTS), 0 if nothing else draw(st.integers(0, 900)),
                   0 if voided else draw(CENTS), voided and kind != PAYMENT, draw(st.sampled_from(["", "", "0", "9"])),
                   draw(st.sampled_from(["", "1"])), draw(ACCOUNTS))
        )  # fmt: skip
    for invoice in invoiced:
        if draw(st.booleans()):
            traces[invoice.record] = Trace(
                1, draw(st.sampled_from(list(PostingState))), draw(st.sampled_from(["invoice", "credit_memo"])),
                draw(st.sampled_from(["", "0", "1", "2", "77"])), draw(st.booleans()), draw(st.booleans()),
            )  # fmt: skip
    return invoiced, booked, traces


def cell(item: Item) -> tuple[tuple[int, int], str]:
    return item.month, item.currency


@given(worlds(), st.integers(0, 10))
def test_every_cent_of_both_sides_is_in_exactly_one_item_and_every_table_adds_up(
    world: tuple[list[Invoiced], list[Booked], dict[str, Trace]], pennies: int
) -> None:
    invoiced, booked, traces = world
    found = items(invoiced, booked, traces, pennies)
    psa, books, psa_open, books_open = Counter[Any](), Counter[Any](), Counter[Any](), Counter[Any]()
    for invoice in invoiced:
        psa[month_of(invoice.date), invoice.currency] += invoice.cents
        psa_open[month_of(invoice.date), invoice.currency] += invoice.open
    for document in booked:
        books[month_of(document.date), document.currency] += document.cents
        books_open[month_of(document.date), document.currency] += document.open
    assert sorted(i.psa.record for i in found if i.psa) == sorted(i.record for i in invoiced)
    kept = Counter(i.books.key for i in found if i.books)
    assert all(kept[d.key] == 1 for d in booked if d.cents or d.open or d.tax)
    for where in {*psa, *books}:
        own = [item for item in found if cell(item) == where]
        total = sums.total(own)
        assert (total.psa, total.books) == (psa[where], books[where])
        assert sum(item.difference for item in own) == books[where] - psa[where]
        assert (total.psa_open, total.books_open) == (psa_open[where], books_open[where])
        assert total.open_adds_up
        for rows in (sums.by_reason(own), sums.by_customer(own), sums.by_account(own, {})):
            assert (sum(r.psa for r in rows), sum(r.books for r in rows)) == (psa[where], books[where])
        taxes = sums.by_tax(own)
        assert sum(r.difference for r in taxes) == sum(item.tax_difference for item in own)


def an_invoice(record: str = "1", cents: int = 107_00, **rest: Any) -> Invoiced:
    values: dict[str, Any] = {"tax": 7_00, "open": cents, **rest}
    return Invoiced(record, values.pop("number", f"10{record}"), "77", "Acme", values.pop("date", NOVEMBER),
                    values.pop("currency", "USD"), cents, **values)  # fmt: skip


def a_booking(ledger_id: str = "145", cents: int = 107_00, **rest: Any) -> Booked:
    values: dict[str, Any] = {"tax": 7_00, "open": cents, **rest}
    return Booked("invoice", ledger_id, values.pop("number", "101"), "5", "Acme", values.pop("date", NOVEMBER),
                  values.pop("currency", "USD"), cents, **values)  # fmt: skip


POSTED = {"1": Trace(1, "closed", "invoice", "145")}


def reasons(
    invoiced: list[Invoiced], booked: list[Booked], traces: dict[str, Trace], pennies: int = 5
) -> list[tuple[Reason, int]]:
    return [(item.reason, item.difference) for item in items(invoiced, booked, traces, pennies)]


def test_each_difference_has_its_reason() -> None:
    one, booked = [an_invoice()], [a_booking()]
    assert reasons(one, booked, POSTED) == [(Reason.AGREES, 0)]
    assert reasons(one, booked, {"1": Trace(1, "posted", "invoice", "145")}) == [(Reason.NOT_CLOSED, 0)]
    assert reasons(one, [a_booking(cents=107_05)], POSTED) == [(Reason.ROUNDING, 5)]
    assert reasons(one, [a_booking(cents=107_05)], POSTED, pennies=4) == [(Reason.EDITED, 5)]
    assert reasons(one, [a_booking(tax=5_00)], POSTED) == [(Reason.TAX_DIFFERS, 0)]
    kept = {"1": Trace(1, "closed", "invoice", "145", keep=True)}
    assert reasons(one, [a_booking(cents=90_00)], kept) == [(Reason.KEPT, -17_00)]
    assert reasons(one, [a_booking(cents=0, tax=0, open=0, voided=True)], POSTED) == [(Reason.VOIDED, -107_00)]
    assert reasons(one, [], POSTED) == [(Reason.DELETED, -107_00)]
    assert reasons(one, [], {"1": Trace(1, "closed", "invoice", "145", fresh=True)}) == [(Reason.UNDER_WAY, -107_00)]
    assert reasons(one, [], {"1": Trace(1, "held")}) == [(Reason.HELD, -107_00)]
    assert reasons(one, [], {"1": Trace(1, "cleared")}) == [(Reason.LEFT_OUT, -107_00)]
    assert reasons(one, [], {}) == [(Reason.UNPOSTED, -107_00)]
    assert reasons([an_invoice(closed=False)], [], {}) == [(Reason.OPEN_IN_PSA, -107_00)]
    assert reasons([an_invoice(batch="M-1")], [], {}) == [(Reason.ELSEWHERE, -107_00)]
    assert reasons([], booked, {}) == [(Reason.BY_HAND, 107_00)]
    assert reasons([], [a_booking(record="9")], {}) == [(Reason.PSA_GONE, 107_00)]
    entry = Booked(JOURNAL, "9", "101", "5", "Acme", NOVEMBER, "USD", -20_00, 0, -20_00)
    assert reasons(one, [*booked, entry], POSTED) == [(Reason.AGREES, 0), (Reason.JOURNAL, -20_00)]
    assert reasons(one, booked, {}) == [(Reason.AGREES, 0)]  # by its number alone
    assert reasons(one, [a_booking(cents=90_00)], {}) == [(Reason.BY_NUMBER, -17_00)]
    assert reasons(one, [a_booking(date=DECEMBER)], POSTED) == [
        (Reason.OTHER_MONTH, -107_00), (Reason.OTHER_MONTH, 107_00),
    ]  # fmt: skip
    assert [r for r, _ in reasons(one, [a_booking(currency="CAD")], POSTED)] == [Reason.OTHER_CURRENCY] * 2


def test_a_number_that_occurs_twice_pairs_nothing() -> None:
    assert [r for r, _ in reasons([an_invoice()], [a_booking(), a_booking("146")], {})] == [
        Reason.UNPOSTED, Reason.BY_HAND, Reason.BY_HAND,
    ]  # fmt: skip


def test_what_is_open_differs_by_the_amounts_and_by_payments() -> None:
    found = items([an_invoice(open=107_00)], [a_booking(cents=100_00, open=40_00)], POSTED, 0)
    total = sums.total(found)
    assert (total.difference, total.open_difference, total.paid_difference) == (-7_00, -67_00, -60_00)
