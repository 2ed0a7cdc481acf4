"""A generated bookkeeper: any history of payments, applications, voids, deletions and edits, with syncs in between.

The same history is played against fakes in memory and against both stand-ins; see ``World``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any, Protocol

from hypothesis import strategies as st

CENT = Decimal("0.01")
ZERO = Decimal(0)
#: Payments use this much of an invoice at most, and what people type into the PSA so much each: nothing is refused.
MOST, TYPED, MOST_TYPED = Decimal("0.7"), Decimal("0.05"), 4
VERBS = (
    "pay",
    "pay",
    "pay",
    "apply",
    "void",
    "delete",
    "type",
    "untype",
    "lose",
    "sync",
    "sync",
    "dry",
    "form",
    "rule",
)
FAULTS = ("lose_after", "lose_before", "throttle")


@dataclass(frozen=True)
class Move:
    """What happens next; the numbers choose among what there is when it comes to it."""

    verb: str
    numbers: tuple[int, ...]


Histories = st.lists(
    st.builds(Move, st.sampled_from(VERBS), st.tuples(*[st.integers(0, 100)] * 8)), min_size=3, max_size=25
)


@dataclass(frozen=True)
class Entry:
    """What stands on an invoice in the PSA."""

    ident: str
    amount: Decimal
    reference: str
    credit: str


class World(Protocol):
    """Two systems and a sync between them. Documents are named by number; a memo's lines are negative."""

    @property
    def customers(self) -> Sequence[tuple[dict[str, Decimal], dict[str, Decimal]]]:
        """By customer: numbers of invoices and of credit memos, each with its total (positive)."""
        ...

    def pay(self, lines: Sequence[tuple[str, Decimal]], more: Decimal) -> str: ...

    def apply(self, payment: str, lines: Sequence[tuple[str, Decimal]], total: Decimal) -> None: ...

    def void(self, payment: str) -> None: ...

    def delete(self, payment: str) -> None: ...

    def type_in(self, invoice: str, amount: Decimal) -> str: ...

    def take_off(self, invoice: str, ident: str) -> None: ...

    def lose(self, word: str) -> None: ...

    def settle(self, **values: str) -> None: ...

    def sync(self, **options: Any) -> dict[str, Any]: ...

    def entries(self, invoice: str) -> list[Entry]: ...

    def counted(self, invoice: str) -> set[str]:
        """PSA's ids of entries by hand that count as a payment of the books."""
        ...

    def record(self, number: str) -> str: ...


@dataclass
class Player:
    """Plays a history, and knows what the books hold and what people typed."""

    world: World
    payments: dict[str, tuple[int, list[tuple[str, Decimal]]]] = field(default_factory=dict)
    typed: dict[str, tuple[str, Decimal]] = field(default_factory=dict)

    def play(self, history: Sequence[Move]) -> None:
        for move in history:
            getattr(self, f"_{move.verb}")(move.numbers)

    # ── the books ──

    def used(self, number: str, besides: str = "") -> Decimal:
        """How much of a document all payments use."""
        return sum(
            (abs(amount) for ident, (_, lines) in self.payments.items() if ident != besides
             for document, amount in lines if document == number),
            ZERO,
        )  # fmt: skip

    def _lines(self, customer: int, numbers: Sequence[int], besides: str = "") -> list[tuple[str, Decimal]]:
        """A legal payment: no document beyond what is left of it, and no more credit than it pays."""
        invoices, memos = self.world.customers[customer]
        lines = []
        for (number, total), share in zip(invoices.items(), numbers[:3], strict=False):
            room = total * MOST - self.used(number, besides)
            lines.append((number, (room * (share % 60) / 100).quantize(CENT, ROUND_DOWN)))
        paid = sum((amount for _, amount in lines), ZERO)
        for (number, total), share in zip(memos.items(), numbers[3:5], strict=False):
            room = min(total - self.used(number, besides), paid)
            amount = (room * share / 100).quantize(CENT, ROUND_DOWN)
            lines.append((number, -amount))
            paid -= amount
        return [(number, amount) for number, amount in lines if amount]

    def _pay(self, numbers: Sequence[int]) -> None:
        customer = numbers[0] % len(self.world.customers)
        lines = self._lines(customer, numbers[1:])
        if lines:
            more = CENT * (numbers[7] if numbers[7] > 80 else 0)
            self.payments[self.world.pay(lines, more)] = (customer, lines)

    def _some(self, number: int) -> str | None:
        known = list(self.payments)
        return known[number % len(known)] if known else None

    def _apply(self, numbers: Sequence[int]) -> None:
        if ident := self._some(numbers[0]):
            customer, before = self.payments[ident]
            lines = self._lines(customer, numbers[1:], besides=ident)
            total = max(_money(before), _money(lines))
            self.world.apply(ident, lines, total)
            self.payments[ident] = (customer, lines)

    def _void(self, numbers: Sequence[int]) -> None:
        if ident := self._some(numbers[0]):
            self.world.void(ident)
            del self.payments[ident]

    def _delete(self, numbers: Sequence[int]) -> None:
        if ident := self._some(numbers[0]):
            self.world.delete(ident)
            del self.payments[ident]

    # ── the PSA, and between ──

    def _type(self, numbers: Sequence[int]) -> None:
        invoices = [pair for customer in self.world.customers for pair in customer[0].items()]
        number, total = invoices[numbers[0] % len(invoices)]
        if sum(invoice == number for invoice, _ in self.typed.values()) < MOST_TYPED:
            amount = max(CENT, (total * TYPED * numbers[1] / 100).quantize(CENT, ROUND_DOWN))
            self.typed[self.world.type_in(number, amount)] = (number, amount)

    def _untype(self, numbers: Sequence[int]) -> None:
        known = list(self.typed)
        if known:
            ident = known[numbers[0] % len(known)]
            number, _ = self.typed.pop(ident)
            self.world.take_off(number, ident)
            self.touched(number)

    def touched(self, number: str) -> None:
        """What people take away in the PSA is seen as soon as the invoice's payments change in the books."""
        customer = next(i for i, c in enumerate(self.world.customers) if number in c[0])
        room = self.world.customers[customer][0][number] * MOST - self.used(number)
        if room > CENT:
            self.payments[self.world.pay([(number, CENT)], ZERO)] = (customer, [(number, CENT)])

    def _lose(self, numbers: Sequence[int]) -> None:
        self.world.lose(FAULTS[numbers[0] % len(FAULTS)])

    def _form(self, numbers: Sequence[int]) -> None:
        self.world.settle(form=("invoice", "allocation")[numbers[0] % 2])

    def _rule(self, numbers: Sequence[int]) -> None:
        self.world.settle(rule=("oldest", "largest", "split")[numbers[0] % 3])

    def _sync(self, _numbers: Sequence[int]) -> None:
        self.world.sync()

    def _dry(self, _numbers: Sequence[int]) -> None:
        before = self._psa()
        self.world.sync(mode="dry")
        assert self._psa() == before, "a dry run writes nothing"

    def _psa(self) -> dict[str, list[Entry]]:
        return {number: self.world.entries(number) for customer in self.world.customers for number in customer[0]}

    # ── what must be so in the end ──

    def finish(self) -> list[str]:
        """The last sync; then all in which the PSA does not show what the books hold, or people's entries differ."""
        last = self.world.sync()
        wrong = [f"an error: {problem}" for problem in last["problems"] if problem["severity"] == "error"]
        for customer in self.world.customers:
            for number in customer[0]:
                wrong += self._check(number)
            for memo in customer[1]:
                drawn = [e for number in customer[0] for e in self.world.entries(number) if e.credit]
                mine = [e.amount for e in drawn if e.credit == self.world.record(memo)]
                if sum(mine, ZERO) != self.used(memo):
                    wrong.append(f"credit memo {memo}: {sum(mine, ZERO)} drawn, {self.used(memo)} in the books")
        if written := self.world.sync()["written"]:
            wrong.append(f"{written} more written by a second sync")
        return wrong

    def _check(self, number: str) -> list[str]:
        entries = {entry.ident: entry for entry in self.world.entries(number)}
        theirs = {ident: amount for ident, (invoice, amount) in self.typed.items() if invoice == number}
        typed = {ident: entries[ident].amount for ident in theirs if ident in entries}
        wrong = [] if typed == theirs else [f"{number}: people entered {theirs}, the PSA has {typed}"]
        counted = self.world.counted(number)
        if not counted <= theirs.keys():
            wrong.append(f"{number}: {counted} counted as people's, who entered {theirs}")
        paid = sum((e.amount for i, e in entries.items() if i not in theirs or i in counted), ZERO)
        if paid != self.used(number):
            wrong.append(f"{number}: {paid} in the PSA, {self.used(number)} in the books")
        marks = Counter(e.reference.rpartition("-g")[0] for i, e in entries.items() if i not in theirs)
        if max(marks.values(), default=1) != 1:
            wrong.append(f"{number}: written twice: {marks}")
        return wrong


def _money(lines: Sequence[tuple[str, Decimal]]) -> Decimal:
    return max(ZERO, sum((amount for _, amount in lines), ZERO))
