"""Tie-out: PSA invoiced against QuickBooks' receivables, from what the last look has kept. Asks no vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from sqlmodel import Session, col, select

from app.domain import own_currency
from app.domain import tie_out_sums as sums
from app.domain.links import LinkKind
from app.domain.marks import PATTERN
from app.domain.states import PostingState, RecordKind
from app.domain.tie_out import Booked, Invoiced, Item, Reason, Trace, days_of, items
from app.domain.tie_out_sums import Row, Total
from app.models.batches import Batch
from app.models.connections import Book, Link, ListEntry
from app.models.postings import Posting, PostingRecord
from app.models.reconcile import DriftLook, LedgerDocument, PsaInvoice
from app.services.connections import books
from app.services.people.access import EVERY_BOOK
from app.services.reconcile import looks

Month = tuple[int, int]
#: A posting in one of these keeps its record out of every other company.
TAKEN = frozenset(PostingState) - {PostingState.UNDONE, PostingState.SKIPPED}
#: Nothing to explain.
SAME = (Reason.AGREES,)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Every item since ``look.first_day``. ``elsewhere``: invoices that another company has."""

    look: DriftLook
    items: Sequence[Item]
    names: Mapping[str, str]
    pennies: int
    elsewhere: int = 0

    def months(self) -> list[tuple[Month, str, Total, int]]:
        """Newest first: month, currency, sums, and how many records explain the difference."""
        ordered = sorted(self.items, key=_cell, reverse=True)
        return [
            (month, currency, sums.total(own), sum(map(explains, own)))
            for (month, currency), group in groupby(ordered, key=_cell)
            if (own := list(group))
        ]

    def statement(self, month: Month, currency: str) -> Statement:
        """One month in one currency."""
        own = [item for item in self.items if item.month == month and item.currency == currency]
        return Statement(month, currency, own, self.names)

    def currencies(self, month: Month) -> list[str]:
        """Those that occur in a month."""
        return sorted({item.currency for item in self.items if item.month == month})


def explains(item: Item) -> bool:
    """Whether it differs or is unfinished; unapplied money is told under payments."""
    return item.reason not in SAME and item.reason is not Reason.UNAPPLIED


def _cell(item: Item) -> tuple[Month, str]:
    return item.month, item.currency


@dataclass
class Statement:
    """A month in one currency, and everything that is said of it."""

    month: Month
    currency: str
    items: Sequence[Item]
    names: Mapping[str, str]

    @cached_property
    def total(self) -> Total:
        return sums.total(self.items)

    @cached_property
    def reasons(self) -> list[Row]:
        return sums.by_reason(self.items)

    @cached_property
    def customers(self) -> list[Row]:
        return sums.by_customer(self.items)

    @cached_property
    def taxes(self) -> list[Row]:
        return sums.by_tax(self.items)

    @cached_property
    def accounts(self) -> list[Row]:
        return sums.by_account(self.items, self.names)

    @cached_property
    def explained(self) -> list[Item]:
        """What differs, or is unfinished, in the order of reasons and numbers."""
        order = {reason: place for place, reason in enumerate(Reason)}
        return sorted(filter(explains, self.items), key=lambda item: (order[item.reason], item.number, item.key))

    @cached_property
    def payments(self) -> list[Item]:
        """Whose payments differ: what is open differs by more than the amounts do."""
        found = [item for item in self.items if item.paid_difference]
        return sorted(found, key=lambda item: (item.number, item.key))

    @property
    def adds_up(self) -> bool:
        """Down and across: every table comes to the same totals, and the reasons to the difference."""
        tables = (self.reasons, self.customers, self.accounts)
        whole = (self.total.psa, self.total.books)
        agree = all((sum(row.psa for row in rows), sum(row.books for row in rows)) == whole for rows in tables)
        return agree and self.total.open_adds_up


# ── from the tables ──────────────────────────────────────────────────────────────────────────────────────────────


def load(session: Session, book: Book, month: Month | None = None) -> Loaded | None:
    """Everything that the last look has kept; None before there was one.

    Accounts are read for one ``month`` only: they are most of the work, and no page shows more.
    """
    look = looks.newest(session, book.id or 0)
    if look is None or book.source_id is None:
        return None
    traces, others = _traces(session, book, look)
    accounts = _Accounts(session, book.id or 0)
    invoiced = _invoiced(session, book.source_id, look, others, accounts, month)
    pennies = int(books.setting_of(book, "reconcile.pennies"))
    found = items(invoiced, _booked(session, book.id or 0, accounts, month), traces, pennies)
    return Loaded(look, found, accounts.names, pennies, len(others))


def _traces(session: Session, book: Book, look: DriftLook) -> tuple[dict[str, Trace], set[str]]:
    """What became of each record here; and the records that another company has."""
    columns: tuple[Any, ...] = (
        PostingRecord.record, Posting.id, Posting.state, Posting.kind, Posting.ledger_id, Posting.keep,
        Posting.posted_at, Posting.book_id,
    )  # fmt: skip
    query = (
        select(*columns)
        .join(Posting, col(Posting.id) == PostingRecord.posting_id)
        .join(Batch, col(Batch.id) == Posting.batch_id)
        .where(PostingRecord.source_id == book.source_id, PostingRecord.kind == RecordKind.INVOICES)
        .where(Posting.role == "main", Batch.mode != "dry")
        .order_by(col(Posting.id))
        .execution_options(**EVERY_BOOK)
    )
    found: dict[str, Trace] = {}
    others: set[str] = set()
    for record, ident, state, kind, ledger_id, keep, posted_at, book_id in session.exec(query):
        if book_id != book.id:
            (others.add if state in TAKEN else others.discard)(record)
            continue
        fresh = posted_at is not None and look.started_at is not None and posted_at >= look.started_at
        found[record] = Trace(ident, state, kind, ledger_id, keep, fresh)
    return found, others - {record for record, trace in found.items() if trace.state in TAKEN}


class _Accounts:
    """Both sides' accounts under one key, the ledger's id: the PSA's by its link, an item by its income account."""

    def __init__(self, session: Session, book_id: int) -> None:
        linked = select(Link.source_id, Link.ledger_id).where(Link.book_id == book_id, Link.kind == LinkKind.ACCOUNTS)
        self._linked = {source: ledger for source, ledger in session.exec(linked) if ledger}
        parties = select(Link.ledger_id, Link.source_id).where(Link.book_id == book_id, Link.kind == LinkKind.CUSTOMERS)
        self.customers = {ledger: own_currency.party(source) for ledger, source in session.exec(parties) if ledger}
        self._items: dict[str, str] = {}
        self.names: dict[str, str] = {sums.TAX: "Sales tax", sums.NOT_TOLD: "Not told"}
        listed = (LinkKind.ITEMS, LinkKind.ACCOUNTS)
        query = select(ListEntry).where(ListEntry.book_id == book_id, col(ListEntry.kind).in_(listed))
        for entry in session.exec(query):
            if entry.kind == LinkKind.ITEMS:
                self._items[entry.ledger_id] = str(entry.data.get("account_id") or "")
            else:
                self.names[entry.ledger_id] = f"{entry.data.get('number') or ''} {entry.name}".strip()

    def of_psa(self, accounts: Mapping[str, int] | None) -> dict[str, int] | None:
        return None if accounts is None else _merged((self._psa(key), cents) for key, cents in accounts.items())

    def _psa(self, account: str) -> str:
        ledger_id = self._linked.get(account)
        if ledger_id:
            return ledger_id
        if account:
            self.names.setdefault(f"psa:{account}", f"{account}, not linked")
        return f"psa:{account}" if account else sums.NOT_TOLD

    def of_books(self, accounts: Mapping[str, int] | None) -> dict[str, int] | None:
        return None if accounts is None else _merged((self._books(key), cents) for key, cents in accounts.items())

    def _books(self, key: str) -> str:
        if key.startswith("item:"):
            return self._items.get(key.removeprefix("item:"), "") or sums.NOT_TOLD
        return key or sums.NOT_TOLD


def _merged(parts: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, cents in parts:
        found[key] = found.get(key, 0) + cents
    return found


def _invoiced(
    session: Session, source_id: int, look: DriftLook, others: set[str], accounts: _Accounts, month: Month | None
) -> list[Invoiced]:
    mine = (PsaInvoice.source_id == source_id, PsaInvoice.date >= look.first_day)
    parts: dict[str, Any] = {}
    if month:
        first, last = days_of(month)
        query = select(PsaInvoice.record, PsaInvoice.accounts)
        query = query.where(*mine, PsaInvoice.date >= first, PsaInvoice.date <= last)
        parts = {record: accounts.of_psa(found) for record, found in session.exec(query)}
    columns: tuple[Any, ...] = (
        PsaInvoice.record, PsaInvoice.number, PsaInvoice.party_id, PsaInvoice.party, PsaInvoice.date,
        PsaInvoice.currency, PsaInvoice.cents, PsaInvoice.tax_cents, PsaInvoice.open_cents, PsaInvoice.tax_code,
        PsaInvoice.closed, PsaInvoice.batch,
    )  # fmt: skip
    rows = session.exec(select(*columns).where(*mine))
    return [Invoiced(*(*row, parts.get(row[0]))) for row in rows if row[0] not in others]


def _booked(session: Session, book_id: int, accounts: _Accounts, month: Month | None) -> list[Booked]:
    mine = LedgerDocument.book_id == book_id
    parts: dict[tuple[str, str], Any] = {}
    if month:
        first, last = days_of(month)
        query = select(LedgerDocument.kind, LedgerDocument.ledger_id, LedgerDocument.accounts)
        query = query.where(mine, LedgerDocument.date >= first, LedgerDocument.date <= last)
        parts = {(kind, ident): accounts.of_books(found) for kind, ident, found in session.exec(query)}
    columns: tuple[Any, ...] = (
        LedgerDocument.kind, LedgerDocument.ledger_id, LedgerDocument.number, LedgerDocument.party_id,
        LedgerDocument.party, LedgerDocument.date, LedgerDocument.currency, LedgerDocument.cents,
        LedgerDocument.tax_cents, LedgerDocument.open_cents, LedgerDocument.voided, LedgerDocument.mark,
    )  # fmt: skip
    customers = accounts.customers
    return [
        Booked(*(*row[:11], _record(row[11]), customers.get(row[3], ""), parts.get((row[0], row[1]))))
        for row in session.exec(select(*columns).where(mine))
    ]


def _record(mark: str) -> str:
    """The PSA's invoice that a mark names: ``CF-I39005-g1`` → ``39005``."""
    if not mark or not PATTERN.fullmatch(mark):
        return ""
    stem = mark.rpartition("-g")[0].removeprefix("CF-")
    stem = stem[2:] if stem[1:2] == "." else stem
    return stem[1:] if stem.startswith("I") else ""
