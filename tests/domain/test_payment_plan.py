"""What is done on an invoice of the PSA: only the difference, and never to what a person entered."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.domain.allocation import Allocation
from app.domain.payment_plan import Claim, Credits, Form, Key, Known, Plan, Verb, What, claims, key_of, plan
from app.domain.payments import PsaPayment

DAY = dt.date(2026, 11, 20)
INVOICE = "39005"


def a_claim(payment: str, amount: str, *, credit: str = "", day: dt.date = DAY) -> Claim:
    return Claim(Key(What.CREDIT if credit else What.MONEY, payment, credit), Decimal(amount), day)


def standing(ident: str, amount: str, *, reference: str = "", credit: str = "", day: dt.date = DAY) -> PsaPayment:
    return PsaPayment(ident, INVOICE, Decimal(amount), day, reference, credit)


def steps(found: Plan) -> list[tuple[str, str, str, str]]:
    return [(s.verb, s.key.payment, s.key.credit, str(s.amount)) for s in found.steps]


class Psa:
    """One invoice in the PSA, its entries, and what we remember of them."""

    def __init__(self) -> None:
        self.entries: dict[str, PsaPayment] = {}
        self.known: dict[Key, Known] = {}
        self._ids = itertools.count(1)

    def by_hand(self, amount: str | Decimal, day: dt.date = DAY) -> PsaPayment:
        entry = PsaPayment(str(next(self._ids)), INVOICE, Decimal(amount), day)
        self.entries[entry.payment_id] = entry
        return entry

    def sync(self, wanted: list[Claim], form: Form = Form.ALLOCATION) -> Plan:
        """Carry a plan out."""
        made = plan(INVOICE, wanted, self.known.values(), list(self.entries.values()), form)
        for key in made.gone:
            del self.known[key]
        self.known |= {known.key: known for known in made.found}
        for before, after in made.renamed:
            self.known[after] = dataclasses.replace(self.known.pop(before), key=after)
        for step in made.steps:
            old = step.was.payment_id if step.was else ""
            if step.verb is Verb.REMOVE:
                del self.entries[old], self.known[step.key]
                continue
            ident = old or str(next(self._ids))
            reference = step.key.reference(INVOICE, 1)
            self.entries[ident] = PsaPayment(ident, INVOICE, step.amount, step.date, reference, step.key.credit)
            self.known[step.key] = Known(step.key, ident, step.parts)
        assert sum(e.amount for e in self.entries.values()) == made.after
        return made


def test_a_reference_tells_its_entry_and_nobody_elses() -> None:
    for key in (
        Key(What.MONEY),
        Key(What.MONEY, "900"),
        Key(What.CREDIT, "900", "38990"),
        Key(What.CREDIT, "", "38990"),
    ):
        assert key_of(f"QuickBooks · {key.reference(INVOICE, 12, 'B')}", INVOICE) == key
        assert key_of(key.reference("39006", 1), INVOICE) is None
        assert len(key.reference(INVOICE, 12, "B")) <= 50
    assert key_of("cheque 1044", INVOICE) is None


def test_each_payment_becomes_an_entry_or_all_become_one() -> None:
    wanted = [a_claim("900", "60.00"), a_claim("901", "40.00", day=DAY + dt.timedelta(3))]
    assert steps(plan(INVOICE, wanted, [], [], Form.ALLOCATION)) == [
        ("add", "900", "", "60.00"), ("add", "901", "", "40.00"),
    ]  # fmt: skip
    [together] = plan(INVOICE, wanted, [], [], Form.INVOICE).steps
    assert (together.amount, together.date) == (Decimal("100.00"), DAY + dt.timedelta(3))
    assert together.parts == {"900", "901"}


def test_what_stands_rightly_is_left_alone() -> None:
    psa = Psa()
    psa.sync([a_claim("900", "60.00")])
    assert psa.sync([a_claim("900", "60.00")]).steps == ()
    together = psa.sync([a_claim("900", "60.00"), a_claim("901", "5.00")], Form.INVOICE)
    assert steps(together) == [("change", "", "", "65.00")], "the one that stands goes on as the one of all"
    assert psa.sync([a_claim("900", "60.00"), a_claim("901", "5.00")], Form.ALLOCATION).steps == ()


def test_an_entry_is_changed_or_taken_away_but_never_taken_away_and_made_again() -> None:
    psa = Psa()
    psa.sync([a_claim("900", "60.00"), a_claim("901", "40.00")])
    found = psa.sync([a_claim("900", "45.00"), a_claim("902", "5.00")])
    assert steps(found) == [("change", "900", "", "45.00"), ("remove", "901", "", "0"), ("add", "902", "", "5.00")]
    assert (found.before, found.after, found.books) == (Decimal("100.00"), Decimal("50.00"), Decimal("50.00"))


def test_what_a_person_entered_is_kept_and_counts_where_the_books_have_the_same() -> None:
    psa = Psa()
    psa.by_hand("60.00", DAY - dt.timedelta(30))
    near, stranger = psa.by_hand("60.00"), psa.by_hand("7.00")
    found = psa.sync([a_claim("900", "60.00"), a_claim("901", "40.00")], Form.INVOICE)
    assert steps(found) == [("add", "", "", "40.00")]
    assert [(known.psa_id, known.by_hand) for known in found.found] == [(near.payment_id, True)]
    assert stranger in found.strangers
    assert len(found.strangers) == 2
    assert psa.sync([a_claim("900", "60.00"), a_claim("901", "40.00")], Form.INVOICE).steps == ()
    voided = psa.sync([a_claim("901", "40.00")], Form.INVOICE)
    assert voided.steps == ()
    assert near in voided.strangers
    assert near.payment_id in psa.entries, "a person's entry is never taken away"


def test_a_persons_entry_that_went_away_is_replaced_by_ours() -> None:
    psa = Psa()
    entry = psa.by_hand("60.00")
    psa.sync([a_claim("900", "60.00")])
    del psa.entries[entry.payment_id]
    assert steps(psa.sync([a_claim("900", "60.00")])) == [("add", "900", "", "60.00")]


def test_our_mark_is_recognised_by_a_database_that_has_forgotten_it() -> None:
    psa = Psa()
    psa.sync([a_claim("900", "60.00"), a_claim("901", "40.00")])
    psa.known.clear()
    assert psa.sync([a_claim("900", "60.00")]).steps[0].verb == "remove"
    assert len(psa.entries) == 1
    psa.entries["99"] = standing("99", "60.00", reference=Key(What.MONEY, "900").reference(INVOICE, 2))
    twice = psa.sync([a_claim("900", "60.00")])
    assert [each.payment_id for each in twice.doubled] == ["99"]
    assert twice.steps == ()


def test_credit_memos_are_applied_or_shown_as_money_or_left_out() -> None:
    allocations = [
        Allocation("1", "900", "7", Decimal("30.00"), DAY), Allocation("1", "900", "8", Decimal("5.00"), DAY),
        Allocation("1", "900", "", Decimal("65.00"), DAY),
    ]  # fmt: skip
    records = {"7": "38990"}  # 8 was typed into the books by hand
    assert {(c.key.what, c.key.credit, str(c.amount)) for c in claims(allocations, Credits.MIRROR, records)} == {
        ("credit", "38990", "30.00"), ("money", "", "70.00"),
    }  # fmt: skip
    assert [str(c.amount) for c in claims(allocations, Credits.PAYMENT, records)] == ["100.00"]
    assert [str(c.amount) for c in claims(allocations, Credits.NO, records)] == ["70.00"]


def test_nothing_is_begun_on_an_entry_in_doubt() -> None:
    doubtful = Known(Key(What.MONEY), "", frozenset({"900"}), busy=True)
    assert plan(INVOICE, [a_claim("900", "60.00")], [doubtful], [], Form.INVOICE).steps == ()
    assert plan(INVOICE, [], [doubtful], [], Form.INVOICE).steps == ()


AMOUNTS = st.integers(1, 300).map(Decimal)
BOOKS = st.dictionaries(st.sampled_from(["900", "901", "902", "903"]), AMOUNTS, max_size=4)


@given(st.lists(st.tuples(BOOKS, st.sampled_from(Form), st.none() | AMOUNTS), min_size=1, max_size=8))
def test_after_every_sync_the_books_stand_in_the_psa_and_people_keep_theirs(
    history: Iterable[tuple[dict[str, Decimal], Form, Decimal | None]],
) -> None:
    psa, theirs = Psa(), list[PsaPayment]()
    for books, form, typed in history:
        if typed is not None:
            theirs.append(psa.by_hand(typed))
        wanted = [a_claim(payment, str(amount)) for payment, amount in books.items()]
        found = psa.sync(wanted, form)
        assert all(psa.entries[entry.payment_id] == entry for entry in theirs)
        assert found.after == found.books + sum(each.amount for each in found.strangers)
        assert psa.sync(wanted, form).steps == (), "a second sync has nothing to do"
        verbs = Counter(s.key for s in found.steps)
        assert max(verbs.values(), default=1) == 1, "nothing is taken away and made again"
