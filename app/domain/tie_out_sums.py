"""The sums of a tie-out: by reason, customer, tax and account, each adding up to the same totals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.tie_out import Booked, Invoiced, Item, Reason

#: Key of what is not told: lines of a document that Crossfoot has never read.
NOT_TOLD = "?"
TAX = "tax"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: how many records, and both sides in hundredths."""

    key: str
    name: str
    count: int
    psa: int
    books: int

    @property
    def difference(self) -> int:
        return self.books - self.psa


def _rows(parts: Iterable[tuple[str, str, int, int]]) -> list[Row]:
    """Parts (key, name, psa, books) put together by key."""
    sums: dict[str, list[int]] = {}
    names: dict[str, str] = {}
    for key, name, psa, books in parts:
        sum_ = sums.setdefault(key, [0, 0, 0])
        sum_[0] += 1
        sum_[1] += psa
        sum_[2] += books
        names[key] = names.get(key) or name
    return [Row(key, names[key], *sum_) for key, sum_ in sums.items()]


def by_reason(found: Iterable[Item]) -> list[Row]:
    """In the order of ``Reason``; payments that pay nothing are no invoices."""
    order = {reason: place for place, reason in enumerate(Reason)}
    rows = _rows((i.reason, "", i.psa_cents, i.books_cents) for i in found if i.reason is not Reason.UNAPPLIED)
    return sorted(rows, key=lambda row: order[Reason(row.key)])


def by_customer(found: Iterable[Item]) -> list[Row]:
    """Those that differ first, then by name."""
    rows = _rows((*_customer(i), i.psa_cents, i.books_cents) for i in found if i.reason is not Reason.UNAPPLIED)
    return sorted(rows, key=lambda row: (not row.difference, row.name.casefold(), row.key))


def _customer(item: Item) -> tuple[str, str]:
    if item.psa:
        return f"psa:{item.psa.party_id}", item.psa.party
    document = item.books
    if document is None:
        return NOT_TOLD, ""
    if document.customer:
        return f"psa:{document.customer}", document.party
    return f"books:{document.party_id}", document.party


def by_tax(found: Iterable[Item]) -> list[Row]:
    """Tax by the PSA's tax code; what only the books have stands under no code. Rows without tax are left out."""
    rows = _rows(
        (i.psa.tax_code if i.psa else "", i.psa.tax_code if i.psa else "", i.psa.tax if i.psa else 0,
         i.books.tax if i.books else 0)
        for i in found
    )  # fmt: skip
    return sorted((row for row in rows if row.psa or row.books), key=lambda row: (not row.key, row.key))


def by_account(found: Iterable[Item], names: Mapping[str, str]) -> list[Row]:
    """Net amounts by account, and tax as a row of its own, so that the column adds up to the total."""
    parts = [
        (key, names.get(key, key), psa, books)
        for item in found
        for key, psa, books in _accounts(item)
    ]  # fmt: skip
    rows = [row for row in _rows(parts) if row.psa or row.books]
    return sorted(rows, key=lambda row: (row.key == NOT_TOLD, row.key == TAX, row.name.casefold(), row.key))


def _accounts(item: Item) -> list[tuple[str, int, int]]:
    psa = _spread(item.psa) if item.psa else {}
    books = _spread(item.books) if item.books else {}
    return [(key, psa.get(key, 0), books.get(key, 0)) for key in {**psa, **books}]


def _spread(side: Invoiced | Booked) -> dict[str, int]:
    """What a document comes to by account; it adds up to its total, whatever is not told of it."""
    found = dict(side.accounts or {})
    if side.tax:
        found[TAX] = found.get(TAX, 0) + side.tax
    if rest := side.cents - sum(found.values()):
        found[NOT_TOLD] = found.get(NOT_TOLD, 0) + rest
    return found


@dataclass(frozen=True, slots=True)
class Total:
    """One month and currency, added up. ``psa_open`` and ``books_open`` are what is still to be paid of it."""

    count: int
    psa: int
    books: int
    psa_open: int
    books_open: int
    paid_difference: int

    @property
    def difference(self) -> int:
        return self.books - self.psa

    @property
    def open_difference(self) -> int:
        return self.books_open - self.psa_open

    @property
    def open_adds_up(self) -> bool:
        """The open amounts differ by what the invoices differ by, and by payments; and by nothing else."""
        return self.open_difference == self.difference + self.paid_difference


def total(found: Sequence[Item]) -> Total:
    """Both sides added up."""
    return Total(
        count=sum(item.reason is not Reason.UNAPPLIED for item in found),
        psa=sum(item.psa_cents for item in found),
        books=sum(item.books_cents for item in found),
        psa_open=sum(item.psa.open for item in found if item.psa),
        books_open=sum(item.books.open for item in found if item.books),
        paid_difference=sum(item.paid_difference for item in found),
    )
