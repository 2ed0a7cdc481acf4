"""Tie-out: what the PSA invoiced against what the books show, with exactly the records that explain the difference.

Pure. Every invoice of the PSA and every document of the books ends up in exactly one item (or in two, where its sides
belong to different months or currencies), so the items' differences add up to the whole difference by construction.
Amounts are hundredths, as the customer owes them: credits are negative.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.states import PostingState as S

#: Key of what is not told: lines of a document that Crossfoot has never read.
NOT_TOLD = "?"
TAX = "tax"
PAYMENT = "payment"


class Reason(StrEnum):
    """Why a record's two sides differ, in the order of the page. The first three differ by nothing that matters."""

    AGREES = "agrees"
    NOT_CLOSED = "not_closed"
    ROUNDING = "rounding"
    OPEN_IN_PSA = "open_in_psa"
    UNPOSTED = "unposted"
    HELD = "held"
    UNDER_WAY = "under_way"
    LEFT_OUT = "left_out"
    ELSEWHERE = "elsewhere"
    EDITED = "edited"
    TAX_DIFFERS = "tax_differs"
    KEPT = "kept"
    BY_NUMBER = "by_number"
    VOIDED = "voided"
    DELETED = "deleted"
    OTHER_MONTH = "other_month"
    OTHER_CURRENCY = "other_currency"
    PSA_GONE = "psa_gone"
    BY_HAND = "by_hand"
    UNAPPLIED = "unapplied"


@dataclass(frozen=True, slots=True)
class Invoiced:
    """The PSA's side. ``accounts``: hundredths by account key, None where not told."""

    record: str
    number: str
    party_id: str
    party: str
    date: dt.date
    currency: str
    cents: int
    tax: int = 0
    open: int = 0
    tax_code: str = ""
    closed: bool = True
    batch: str = ""
    accounts: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """The books' side.

    ``record`` is the PSA's, where the document carries our mark; ``customer`` the PSA's company that its customer is
    linked to, empty for none.
    """

    kind: str
    ledger_id: str
    number: str
    party_id: str
    party: str
    date: dt.date
    currency: str
    cents: int
    tax: int = 0
    open: int = 0
    voided: bool = False
    record: str = ""
    customer: str = ""
    accounts: Mapping[str, int] | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.ledger_id


@dataclass(frozen=True, slots=True)
class Trace:
    """What Crossfoot did with a record: its newest posting. ``fresh``: posted after the books were looked at."""

    posting_id: int
    state: str
    kind: str = ""
    ledger_id: str = ""
    keep: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One record, or one side of one, in the month and currency in which it counts."""

    reason: Reason
    month: tuple[int, int]
    currency: str
    psa: Invoiced | None
    books: Booked | None
    trace: Trace | None = None
    #: The other side, where it counts elsewhere.
    other: Invoiced | Booked | None = None

    @property
    def psa_cents(self) -> int:
        return self.psa.cents if self.psa else 0

    @property
    def books_cents(self) -> int:
        return self.books.cents if self.books else 0

    @property
    def difference(self) -> int:
        """Books less PSA."""
        return self.books_cents - self.psa_cents

    @property
    def tax_difference(self) -> int:
        return (self.books.tax if self.books else 0) - (self.psa.tax if self.psa else 0)

    @property
    def paid_difference(self) -> int:
        """How much more is open in the books than in the PSA, beside what the amounts differ by: payments."""
        psa = self.psa.open - self.psa.cents if self.psa else 0
        books = self.books.open - self.books.cents if self.books else 0
        return books - psa

    @property
    def number(self) -> str:
        side = self.psa or self.books
        return side.number if side else ""

    @property
    def key(self) -> str:
        """The item's own, to page by."""
        psa = self.psa.record if self.psa else ""
        return f"{self.number}|{psa}|{'/'.join(self.books.key) if self.books else ''}"


def month_of(date: dt.date) -> tuple[int, int]:
    """Year and month."""
    return date.year, date.month


# ── which belong together ────────────────────────────────────────────────────────────────────────────────────────


def items(
    invoiced: Sequence[Invoiced], booked: Sequence[Booked], traces: Mapping[str, Trace], pennies: int
) -> list[Item]:
    """Everything on both sides, each exactly once. ``traces`` by the PSA's record id."""
    known = {document.key: document for document in booked}
    pairs: list[tuple[Invoiced, Booked | None]] = []
    for invoice in invoiced:
        trace = traces.get(invoice.record)
        own = known.pop((trace.kind, trace.ledger_id), None) if trace and trace.ledger_id else None
        pairs.append((invoice, own))
    pairs = _by_number(_by_mark(pairs, known), known)
    found: list[Item] = []
    for invoice, document in pairs:
        found += _sides(invoice, document, traces.get(invoice.record), pennies)
    posted = {(trace.kind, trace.ledger_id) for trace in traces.values()}
    found += [_alone(document, document.key in posted) for document in known.values() if _counts(document)]
    return found


def _by_mark(
    pairs: Iterable[tuple[Invoiced, Booked | None]], known: dict[tuple[str, str], Booked]
) -> list[tuple[Invoiced, Booked | None]]:
    """What carries our mark and no posting tells of: after a restore, or of another copy."""
    marked = {document.record: document for document in known.values() if document.record and not document.voided}
    return [(invoice, own or _taken(marked.get(invoice.record), known)) for invoice, own in pairs]


def _by_number(
    pairs: Sequence[tuple[Invoiced, Booked | None]], known: dict[tuple[str, str], Booked]
) -> list[tuple[Invoiced, Booked | None]]:
    """The same number, currency and direction, once on each side: typed in, or brought by another program."""
    alone = Counter(_number(invoice) for invoice, own in pairs if own is None)
    there: dict[tuple[str, str, bool], list[Booked]] = {}
    for document in known.values():
        if document.kind != PAYMENT and not document.voided and not document.record:
            there.setdefault(_number(document), []).append(document)
    found = []
    for invoice, own in pairs:
        number = _number(invoice)
        only = own is None and number[0] and alone[number] == 1 and len(there.get(number, ())) == 1
        found.append((invoice, _taken(there[number][0], known) if only else own))
    return found


def _taken(document: Booked | None, known: dict[tuple[str, str], Booked]) -> Booked | None:
    return known.pop(document.key, None) if document else None


def _number(side: Invoiced | Booked) -> tuple[str, str, bool]:
    return side.number.strip().casefold(), side.currency, side.cents < 0


def _counts(document: Booked) -> bool:
    return bool(document.cents or document.open or document.tax)


# ── why they differ ──────────────────────────────────────────────────────────────────────────────────────────────


def _sides(invoice: Invoiced, document: Booked | None, trace: Trace | None, pennies: int) -> list[Item]:
    here, currency = month_of(invoice.date), invoice.currency
    if document is None or document.voided:
        return [Item(_missing(invoice, document, trace), here, currency, invoice, document, trace)]
    there = month_of(document.date)
    if document.currency != currency:
        reason = Reason.OTHER_CURRENCY
    elif there != here:
        reason = Reason.OTHER_MONTH
    else:
        return [Item(_differs(invoice, document, trace, pennies), here, currency, invoice, document, trace)]
    return [
        Item(reason, here, currency, invoice, None, trace, document),
        Item(reason, there, document.currency, None, document, trace, invoice),
    ]


def _differs(invoice: Invoiced, document: Booked, trace: Trace | None, pennies: int) -> Reason:
    total, tax = abs(document.cents - invoice.cents), abs(document.tax - invoice.tax)
    if not total and not tax:
        return Reason.NOT_CLOSED if trace and trace.state == S.POSTED else Reason.AGREES
    if total <= pennies and tax <= pennies:
        return Reason.ROUNDING
    if trace is None or (trace.kind, trace.ledger_id) != document.key:
        return Reason.BY_NUMBER
    if trace.keep:
        return Reason.KEPT
    return Reason.EDITED if total else Reason.TAX_DIFFERS


#: State of a posting without a document in the books → why.
_STATES = {
    S.HELD: Reason.HELD, S.REFUSED: Reason.HELD, S.READY: Reason.UNDER_WAY, S.SENDING: Reason.UNDER_WAY,
    S.IN_DOUBT: Reason.UNDER_WAY, S.UNDOING: Reason.UNDER_WAY, S.SKIPPED: Reason.LEFT_OUT, S.CLEARED: Reason.LEFT_OUT,
}  # fmt: skip


def _missing(invoice: Invoiced, document: Booked | None, trace: Trace | None) -> Reason:
    if trace and trace.state in (S.POSTED, S.CLOSED):
        if document is not None:
            return Reason.VOIDED
        return Reason.UNDER_WAY if trace.fresh else Reason.DELETED
    if trace and trace.state in _STATES:
        return _STATES[S(trace.state)]
    if not invoice.closed:
        return Reason.OPEN_IN_PSA
    return Reason.ELSEWHERE if invoice.batch else Reason.UNPOSTED


def _alone(document: Booked, ours: bool) -> Item:
    reason = Reason.BY_HAND
    if document.kind == PAYMENT:
        reason = Reason.UNAPPLIED
    elif ours or document.record:
        reason = Reason.PSA_GONE
    return Item(reason, month_of(document.date), document.currency, None, document)


# ── sums ─────────────────────────────────────────────────────────────────────────────────────────────────────────


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
