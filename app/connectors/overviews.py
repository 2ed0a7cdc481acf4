"""Overviews: what a ledger and a PSA show in bulk, so that thousands of documents cost tens of calls.

Capabilities of their own, told by ``isinstance``. Every verb names the calls it makes; reads wait for the throttle.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from app.domain.documents import DocumentKind
from app.domain.outcomes import Receipt


@dataclass(frozen=True, slots=True)
class Held:
    """A document as the books hold it, whoever made it; ``party`` is the name that the books give."""

    kind: DocumentKind
    receipt: Receipt
    party: str = ""


@dataclass(frozen=True, slots=True)
class HeldPage:
    """One page of documents; ``more`` says whether another may follow."""

    documents: tuple[Held, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class LedgerChanges:
    """What was changed, voided (then in ``documents``) or deleted (then in ``gone``) since a moment."""

    documents: tuple[Held, ...]
    gone: tuple[tuple[DocumentKind, str], ...]


@dataclass(frozen=True, slots=True)
class Loose:
    """What moves the receivables of a customer and is no document.

    ``kind`` is ``payment`` for money received that pays nothing yet, ``journal`` for a journal entry. ``amount`` as the
    customer owes it: money is negative. ``accounts``: an entry's other side by account id; None where it is not told.
    """

    kind: str
    ledger_id: str
    number: str
    party_id: str
    party: str
    date: dt.date
    currency: str
    amount: Decimal
    accounts: Mapping[str, Decimal] | None = None


@runtime_checkable
class ShowsDocuments(Protocol):
    """A ledger that shows many documents a call. Every verb raises ConnectionFailedError."""

    #: How many ids one call of ``documents_by_id`` takes.
    ids_a_call: int

    def documents(self, kind: DocumentKind, first: dt.date, page: int) -> HeldPage:
        """One call: a page (from 0) of all documents of the kind dated from ``first`` on."""
        ...

    def documents_by_id(self, kind: DocumentKind, ids: Sequence[str]) -> list[Held]:
        """One call for at most ``ids_a_call`` ids: those that exist, voided ones too."""
        ...

    def changes_since(self, since: dt.datetime, kinds: Sequence[DocumentKind]) -> LedgerChanges | None:
        """One call: what changed of these kinds; None where it can't tell everything (too long ago, too much)."""
        ...

    def loose(self, first: dt.date) -> list[Loose]:
        """A call per thousand of each kind, and one more: what is dated from ``first`` on."""
        ...

    def can_follow(self, kind: DocumentKind) -> bool:
        """Whether ``changes_since`` tells of this kind."""
        ...


@dataclass(frozen=True, slots=True)
class InvoiceInPsa:
    """An invoice or credit memo as the PSA's list of invoices shows it, in whatever status.

    Attributes:
        total, tax, open: as the customer owes them: negative for a credit.
        closed: whether its status is a closed one, so that it is, or was, unposted.
        batch: name of the accounting batch that it is in; empty for none.
    """

    record: str
    number: str
    psa_type: str
    party_id: str
    party: str
    date: dt.date
    currency: str
    total: Decimal
    tax: Decimal
    open: Decimal
    tax_code: str
    status: str
    closed: bool
    batch: str
    agreement_id: str = ""


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """One page of invoices. ``unread`` are numbers of rows that no invoice can be made of (no date, no amount)."""

    invoices: tuple[InvoiceInPsa, ...]
    more: bool
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreementInPsa:
    """A recurring agreement. ``amount`` is what it bills each time, without additions; ``cycle`` how often."""

    agreement: str
    name: str
    party_id: str
    party: str
    currency: str
    amount: Decimal
    cycle: str
    starts: dt.date | None
    ends: dt.date | None
    cancelled: bool


@runtime_checkable
class ShowsInvoices(Protocol):
    """A PSA that shows all its invoices, not only unposted ones. Every verb raises ConnectionFailedError."""

    def invoices(self, first: dt.date, page: int) -> InvoicePage:
        """One call: a page (from 1) of the invoices dated from ``first`` on."""
        ...

    def agreements(self) -> list[AgreementInPsa]:
        """A call per thousand; none where the role may not read them."""
        ...

    def additions(self, agreement: str, first: dt.date, last: dt.date) -> Decimal:
        """A call: what an agreement's additions that are in force in these days bill each time.

        Nothing where the role may not read them.
        """
        ...
