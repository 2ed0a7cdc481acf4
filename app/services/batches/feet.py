"""Feet: a batch's totals, added down and across, per currency. Exact: sums are of hundredths, in SQL and here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.documents import DocumentKind
from app.domain.states import IN_BOOKS, STOPPED, PostingState

S = PostingState
#: Kinds in the order of their rows.
ORDER = [str(kind) for kind in DocumentKind]
#: Columns of the foot, in their order.
COLUMNS = ("selected", "posted", "held", "in_doubt", "skipped", "to_go")
WHERE = {
    "posted": IN_BOOKS,
    "held": STOPPED,
    "in_doubt": (S.IN_DOUBT,),
    "skipped": (S.SKIPPED, S.CLEARED, S.UNDONE),
    "to_go": (S.READY, S.SENDING),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """A count and its amount in hundredths."""

    count: int = 0
    cents: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.count + other.count, self.cents + other.cents)

    def __sub__(self, other: Tally) -> Tally:
        return Tally(self.count - other.count, self.cents - other.cents)

    @property
    def amount(self) -> str:
        """The amount as a plain decimal string."""
        return cents_text(self.cents)


def cents_text(amount: int) -> str:
    """Hundredths as ``-1234.50``."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


@dataclass(frozen=True, slots=True)
class Foot:
    """The crossfooting foot of one currency: rows (invoices, credit memos, total) of named tallies.

    ``selected`` = posted + held + in_doubt + skipped + to_go, down and across; ``in_books`` and ``closed`` beside it.
    ``undone`` is the part of ``skipped`` that was in the books and was taken out again.
    """

    currency: str
    rows: Mapping[str, Mapping[str, Tally]]

    @property
    def total(self) -> Mapping[str, Tally]:
        return self.rows["total"]

    @property
    def adds_up(self) -> bool:
        """Selected is the sum of where its documents went."""
        total = self.total
        return total["selected"] == sum((total[name] for name in COLUMNS[1:]), Tally())


#: (currency, kind, state) → what the PSA says; (currency, kind) → what the books hold.
Tallies = Mapping[tuple[str, str, str], Tally]
InBooks = Mapping[tuple[str, str], Tally]


def feet(tallies: Tallies, in_books: InBooks) -> list[Foot]:
    """One foot per currency."""
    currencies = sorted({currency for currency, _, _ in tallies})
    return [_foot(tallies, in_books, currency) for currency in currencies]


def _foot(tallies: Tallies, in_books: InBooks, currency: str) -> Foot:
    rows: dict[str, dict[str, Tally]] = {}
    for kind in sorted({kind for own, kind, _ in tallies if own == currency}, key=ORDER.index):
        own = {s: tally for (c, k, s), tally in tallies.items() if (c, k) == (currency, kind)}
        if own:
            rows[kind] = {
                "selected": sum(own.values(), Tally()),
                **{name: sum((own.get(s, Tally()) for s in states), Tally()) for name, states in WHERE.items()},
                "in_books": in_books.get((currency, kind), Tally()),
                "closed": own.get(S.CLOSED, Tally()),
                "undone": own.get(S.UNDONE, Tally()),
            }
    names = (*COLUMNS, "in_books", "closed", "undone")
    rows["total"] = {name: sum((row[name] for row in rows.values()), Tally()) for name in names}
    return Foot(currency, rows)
