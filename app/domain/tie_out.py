"""Tie-out: what the PSA invoiced against what the books show, with exactly the records that explain the difference.

Pure. Every invoice of the PSA and every document of the books ends up in exactly one item (or in two, where its sides
belong to different months or currencies), so the items' differences add up to the whole difference by construction.
Amounts are hundredths, as the customer owes them: credits are negative.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.states import STANDING
from app.domain.states import PostingState as S

PAYMENT, JOURNAL = "payment", "journal"
#: What moves the receivables and is no document.
LOOSE = (PAYMENT, JOURNAL)


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
    JOURNAL = "journal"
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


def days_of(month: tuple[int, int]) -> tuple[dt.date, dt.date]:
    """First and last."""
    return dt.date(*month, 1), dt.date(*month, calendar.monthrange(*month)[1])


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
        if document.kind not in LOOSE and not document.voided and not document.record:
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
        return [Item(_missing(invoice, document, trace), here, currency, invoice, document)]
    there = month_of(document.date)
    if document.currency != currency:
        reason = Reason.OTHER_CURRENCY
    elif there != here:
        reason = Reason.OTHER_MONTH
    else:
        return [Item(_differs(invoice, document, trace, pennies), here, currency, invoice, document)]
    return [
        Item(reason, here, currency, invoice, None, document),
        Item(reason, there, document.currency, None, document, invoice),
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
    if trace and trace.state in STANDING:
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
    elif document.kind == JOURNAL:
        reason = Reason.JOURNAL
    elif ours or document.record:
        reason = Reason.PSA_GONE
    return Item(reason, month_of(document.date), document.currency, None, document)
