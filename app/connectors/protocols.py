"""What a service may ask of a PSA or of a ledger. Structural: a fake is a class with the same verbs.

A Source is where records come from, a Destination is where documents go. Reads wait for the vendor's throttle by
themselves; writes don't: the caller asks for a Slot first, commits its intent, then sends within the slot's 20 seconds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from app.connectors.checkouts import Checkouts
from app.connectors.tokens import TokenStore
from app.domain.documents import Document, DocumentKind
from app.domain.links import Draft, Entry, LinkKind, Links, Rules
from app.domain.marks import Mark
from app.domain.outcomes import Finding, InDoubt, NotDone, Outcome, Receipt, Refused
from app.domain.pictures import Picture
from app.domain.problems import CrossfootError, Problem
from app.domain.states import RecordKind


class ConnectionFailedError(CrossfootError):
    """The vendor can't be reached or doesn't let us in. Nothing was written.

    ``systemic`` is True where every other call would fail too until a person acts (wrong key, consent gone).
    """

    def __init__(self, message: str, remedy: str = "", *, systemic: bool = False, code: str = "unreachable") -> None:
        super().__init__(message, remedy)
        self.systemic = systemic
        self.code = code


# ── throttle ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Slot(Protocol):
    """Leave to make one call now. ``age`` counts seconds since it was granted, also while the process is frozen."""

    @property
    def age(self) -> float: ...

    def release(self, *, sent: bool = True) -> None:
        """Give it back, once, when the call has ended or (``sent=False``) will not be made, so that none is counted."""
        ...


@dataclass(frozen=True, slots=True)
class Wait:
    """No slot now. ``reason`` says whose limit in words: ``QuickBooks’ limit (40 batch calls a minute)``."""

    seconds: float
    reason: str


#: A slot older than this may not be used any more: its intent may have been given up by somebody else.
SLOT_SECONDS = 20.0


# ── source (PSA) ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class UnpostedRecord:
    """One row of the PSA's list of unposted transactions.

    Attributes:
        record: the id that the PSA's list carries (ConnectWise invoices: billingLogId).
        total: signed as the customer owes it: negative for a credit.
        fingerprint: hash of number, date, party, total, terms, tax, date closed.
        problems: what already the list shows, e.g. that the PSA has no GL entries for it.
        facts: what else the list says, in words, for filters, groups and pages. Expenses: ``member``, ``member_id``,
            ``report``, ``report_status``, ``classification``, ``payment_method``, ``expense_type``, ``charged_to``.
            Inventory: ``procurement_type``, ``purchase_order``, ``packing_slip``, ``vendor_invoice``, ``vendor_date``.
    """

    record: str
    kind: RecordKind
    number: str
    psa_type: str
    party_id: str
    party: str
    date: dt.date
    due_date: dt.date | None
    currency: str
    total: Decimal
    tax: Decimal
    location_id: str
    location: str
    terms_id: str
    terms: str
    date_closed: str
    fingerprint: str
    tax_code_id: str = ""
    tax_code: str = ""
    problems: tuple[Problem, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exported:
    """One record as the PSA exports it.

    Either ``document`` is set, or ``problems`` say why there is none. ``gl_ids`` is the full union of the GL record ids
    that close it; ``snapshot`` is the PSA's own form of it, kept for proof.
    """

    record: str
    document: Document | None
    gl_ids: tuple[int, ...] = ()
    problems: tuple[Problem, ...] = ()
    snapshot: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PsaBatch:
    """An accounting batch in the PSA."""

    batch_id: str
    identifier: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ClosedInPsa:
    """The PSA accepted the batch; its id is read back later, many at once."""


CloseOutcome = ClosedInPsa | Refused | NotDone | InDoubt


@dataclass(frozen=True, slots=True)
class Check:
    """A connection check. ``findings`` holds errors (not connected) and warnings (will hurt), each with its remedy."""

    name: str
    findings: tuple[Problem, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """A PSA. Reads raise ConnectionFailedError; writes answer with an outcome and never raise for the vendor's sake."""

    #: How many closing calls may be under way at once.
    lanes: int

    def check(self) -> Check: ...

    def unposted(self, kind: RecordKind) -> list[UnpostedRecord]:
        """The whole list, all locations, one entry per record."""
        ...

    def export(
        self, kind: RecordKind, records: Sequence[str], *, summary: str, through: dt.date | None
    ) -> list[Exported]:
        """One Exported per record asked for, in the order asked; many a call, halved on time-outs."""
        ...

    def reserve(self) -> Slot | Wait: ...

    def close(self, kind: RecordKind, identifier: str, gl_ids: Sequence[int], slot: Slot) -> CloseOutcome:
        """Close a posting's records with an accounting batch of our own. Releases the slot."""
        ...

    def find_batches(self, identifiers: Sequence[str]) -> dict[str, PsaBatch]:
        """Those of the identifiers that exist, read in pages."""
        ...

    def batch_of(self, kind: RecordKind, records: Sequence[str]) -> dict[str, str]:
        """Name of the accounting batch that each record is in; a record that is in none is missing from the answer."""
        ...

    def reopen(self, batch_id: str, slot: Slot) -> CloseOutcome:
        """Delete one of our accounting batches, so that its records are unposted again (undo). Releases the slot."""
        ...

    def url(self, kind: RecordKind, record: str) -> str:
        """Address of the record on the PSA's own screens; empty where there is none."""
        ...


# ── destination (ledger) ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Company:
    """The company behind a Book, as the ledger describes it. ``rules`` holds what its preferences decide."""

    name: str
    ledger_id: str
    country: str
    currency: str
    rules: Rules
    facts: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A document in the ledger's form: exact JSON text, and the warnings that translation made."""

    kind: DocumentKind
    text: str
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """One request as it goes out and as it may be repeated to the byte. ``item_ids`` run beside the members."""

    request_id: str
    target: str
    body: str
    item_ids: tuple[str, ...]
    kinds: tuple[DocumentKind, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """What to look for in the books.

    Attributes:
        exact: only this generation's mark counts (a doubt, or after "post anyway"); otherwise any generation's does.
        since: not created before this moment (aware), where known; narrows the look.
        look_alikes: also report documents without a mark that look the same.
        bare_number: what the PSA calls it, where that is not ``number``: another program may have posted it so.
    """

    mark: Mark
    kind: DocumentKind
    number: str
    party_id: str
    date: dt.date
    total: Decimal
    exact: bool = False
    since: dt.datetime | None = None
    look_alikes: bool = True
    bare_number: str = ""


@dataclass(frozen=True, slots=True)
class Created:
    """The entry exists now; ``note`` says where its name had to be changed."""

    entry: Entry
    note: str = ""


@dataclass(frozen=True, slots=True)
class NameTaken:
    """Another entry holds the name (perhaps a vendor's, perhaps an inactive one)."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Removed:
    """It is no longer in the books; also when somebody else had deleted it before."""


RemovalOutcome = Removed | Refused | NotDone | InDoubt
CreationOutcome = Created | NameTaken | Refused | NotDone | InDoubt


class UntranslatableError(CrossfootError):
    """A document cannot be put into the ledger's form; ``problems`` says why, each with its field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message, problems[0].remedy)
        self.problems = tuple(problems)


class Destination(Protocol):
    """A ledger that takes documents while we wait."""

    #: Calls under way at once, and documents in one of them.
    lanes: int
    max_members: int

    def company(self) -> Company: ...

    def entries(self, kind: LinkKind) -> list[Entry]:
        """The whole list, inactive entries too."""
        ...

    def names_taken(self) -> set[str]:
        """Lower-cased names that a new customer may not have (customers, vendors, employees, also inactive)."""
        ...

    def translate(self, document: Document, mark: Mark, links: Links, rules: Rules) -> Body:
        """Pure. Raises UntranslatableError."""
        ...

    def picture(self, fields: Mapping[str, Any]) -> Picture:
        """One of our bodies, or what a receipt keeps of the ledger's own form, to be shown; pure."""
        ...

    def member(self, body: str, place: int) -> dict[str, Any] | None:
        """One document's part of a call's body, as ``compose`` put it there; None where there is none."""
        ...

    def compose(self, bodies: Sequence[Body], request_id: str) -> OutgoingCall:
        """The exact request for one or several documents; pure."""
        ...

    def reserve(self, members: int) -> Slot | Wait:
        """Leave for one writing call with so many documents (0: a creation)."""
        ...

    def send(self, call: OutgoingCall, slot: Slot) -> list[Outcome]:
        """One outcome per member, in order. Never raises for the vendor's sake. Releases the slot."""
        ...

    def find(self, probes: Sequence[Probe]) -> list[Finding]:
        """One finding per probe, in order, with as few queries as the ledger allows."""
        ...

    def read(self, kind: DocumentKind, ledger_id: str) -> Receipt | None:
        """The document as it stands now; None when it is gone. Raises ConnectionFailedError."""
        ...

    def draft_body(self, draft: Draft, name: str, links: Links, rules: Rules) -> str:
        """Exact request body that creates the entry under a valid name; pure. Raises UntranslatableError."""
        ...

    def valid_name(self, kind: LinkKind, name: str) -> str:
        """The name with what the ledger forbids taken out, cut to its limit."""
        ...

    def create(self, kind: LinkKind, body: str, request_id: str, slot: Slot) -> CreationOutcome:
        """Create one entry. Releases the slot."""
        ...

    def remove(self, kind: DocumentKind, receipt: Receipt, request_id: str, slot: Slot) -> RemovalOutcome:
        """Delete one of our documents as it stood when ``receipt`` was read (undo). Releases the slot."""
        ...

    def url(self, kind: DocumentKind, ledger_id: str) -> str:
        """Address of the document on the ledger's own screens."""
        ...

    def revoke(self) -> None:
        """Give our access back at the vendor, for good. Raises ConnectionFailedError."""
        ...


# ── opening them ─────────────────────────────────────────────────────────────────────────────────────────────────


class Contact(Protocol):
    """The database's memory of the calls to one vendor; what a throttle asks when Redis has forgotten everything."""

    def last(self) -> dt.datetime | None:
        """The last call that anybody made (aware); None: there was none ever. Give it to Throttle as last_contact."""
        ...

    def touch(self) -> None:
        """Note a call that is about to be made. Cheap: written at most every five seconds; any thread may call it."""
        ...


class Connectors(Protocol):
    """Opens connectors by kind. Services are given one; the composition root decides which.

    A source's settings are ``{"site", "company_id", "public_key", "client_id"}``, its secrets ``{"private_key"}``;
    a QuickBooks Online Book's settings are ``{"realm", "environment"}``.
    """

    def source(
        self, kind: str, settings: Mapping[str, Any], secrets: Mapping[str, str], contact: Contact
    ) -> Source: ...

    def destination(
        self, kind: str, settings: Mapping[str, Any], tokens: TokenStore, contact: Contact
    ) -> Destination: ...

    def checkouts(self, key: str) -> Checkouts:
        """The account at the payment provider that the key belongs to."""
        ...
