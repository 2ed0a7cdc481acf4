"""Documents: the domain form of one or several PSA records. Frozen, exact, without any vendor's field names.

Amounts run in the document's own direction: a line of an Invoice that the customer pays is positive, and so is a line
of a CreditMemo that the customer gets back, or of a Bill that we pay. A deduction (down payment, discount) is a
negative line in any of them. In a JournalEntry a debit is positive and a credit negative, and its lines add up to
nothing. A line of an InventoryAdjustment is worth its change: negative where stock went down.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.domain.money import Money, total


class DocumentKind(StrEnum):
    """What the books will hold."""

    INVOICE = "invoice"
    CREDIT_MEMO = "credit_memo"
    BILL = "bill"
    VENDOR_CREDIT = "vendor_credit"
    PURCHASE = "purchase"
    PURCHASE_ORDER = "purchase_order"
    JOURNAL_ENTRY = "journal_entry"
    INVENTORY_ADJUSTMENT = "inventory_adjustment"


#: What a customer gets from us; the others are payables, stock and the general ledger.
SALES = (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO)
#: Those that count against their batch: money goes the other way.
CREDITS = (DocumentKind.CREDIT_MEMO, DocumentKind.VENDOR_CREDIT)
#: ``Document.approval`` of what nobody has to look at any more.
APPROVED = "approved"


class PartyRole(StrEnum):
    """Which of the ledger's lists a party stands in. Members of the PSA are paid back as vendors."""

    CUSTOMER = "customer"
    VENDOR = "vendor"


class Basis(StrEnum):
    """How a line is booked: through an item (products & services) or straight to a GL account."""

    ITEM = "item"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Reference:
    """Something of the PSA that a Link points from: the PSA's id and the name a person knows it by."""

    source_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; empty parts are empty strings."""

    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """The customer or vendor of a document as the PSA knows it.

    ``source_id`` is the PSA's company id; of a member who is paid back it is ``member:`` and the member's id, of a
    payee known by name only ``name:`` and the name. ``account_number`` is the PSA's number for matching and for names.
    """

    source_id: str
    name: str
    account_number: str = ""
    email: str = ""
    phone: str = ""
    billing_address: Address = Address()
    role: PartyRole = PartyRole.CUSTOMER


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the PSA's catalog on a line.

    ``kind`` is the PSA's type cross-reference, e.g. ``Service``. The accounts are the PSA's GL account strings where
    it says them: what a sale of it earns, what its cost is booked to, and where its stock is worth something.
    """

    source_id: str
    identifier: str
    description: str = ""
    kind: str = ""
    category: str = ""
    serialized: bool = False
    income_account: str = ""
    cost_account: str = ""
    inventory_account: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """One time entry behind a line. Hours and rate are None where the PSA doesn't say; notes are what customers see."""

    entry_id: str
    date: dt.date | None = None
    ticket: str = ""
    summary: str = ""
    project: str = ""
    phase: str = ""
    member: str = ""
    work_role: str = ""
    work_type: str = ""
    hours: Decimal | None = None
    rate: Decimal | None = None
    notes: str = ""
    internal_notes: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line before tax. ``account`` is the PSA's GL account string; no product means labour, agreement, expense.

    ``gl_class`` is the account's class segment (a path, ``A:B``). ``customer`` is whom a cost was made for.
    ``source`` is the PSA's hint at what it is, e.g. ``freight``, ``tax``, ``down_payment``, ``prepayment``.
    ``cost`` is what the line's goods cost us, where the PSA books it beside the sale.
    """

    description: str
    quantity: Decimal
    amount: Money
    account: str
    product: Product | None = None
    taxable: bool = False
    gl_class: str = ""
    basis: Basis = Basis.ITEM
    source: str = ""
    customer: Reference | None = None
    billable: bool = False
    date: dt.date | None = None
    unit: str = ""
    serial_numbers: str = ""
    cost: Money | None = None
    work: tuple[Work, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A custom field of the PSA: its caption there, and what it says."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class TaxLevel:
    """One level's tax. ``rate`` is a percentage (6.5) or None where the PSA doesn't say.

    ``account`` is the GL account string that the PSA books it to, where it says one.
    """

    level: int
    name: str
    amount: Money
    rate: Decimal | None = None
    account: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One document, complete enough for any ledger.

    Attributes:
        records: ids of the PSA records it stands for.
        number: the PSA's full number, whatever a ledger's limit is. Of a bill the vendor's invoice number; empty while
            the vendor's invoice has not come.
        psa_number: the PSA's own number where ``number`` is another one (PO number, expense report; a sale's with a
            prefix, or one that a person gave it).
        psa_type: the PSA's own word, e.g. ``Agreement``, ``Reimbursable``, ``Adjustment``; for people and for rules.
        party: ``source_id`` is empty where there is none (a journal entry, an adjustment).
        ship_to: where the goods go; decides the tax of US automated sales tax.
        header_account, header_class: the PSA's receivable or payable account string, and its class segment.
        paid_from: GL account string that was paid from (a card, a bank), of what the company paid itself.
        payment_method: how it was paid, as the PSA names it.
        tax_by: who computed the tax: ``psa`` or ``avalara``.
        vendor_date, ordered, received: three dates of a purchase: vendor's invoice, purchase order, document.
        in_full: whether the whole purchase order has been received; None where the PSA does not say.
        rate: exchange rate to the home currency that it is booked at.
        bills: of a bill: the ledger's id of the purchase order that it is made from, all lines in their order.
        refund: of an expense that the company paid: money that came back to the account paid from.
        papers: where the PSA keeps the files of its records, in the PSA's own form.
        fields: custom fields of the PSA's header that have a value.
        modules: names of the modules that changed it; ``faults`` what modules did wrong, each beginning with the name.
        approval: ``approved``, else the PSA's word for how far it is; empty where that is no question.
    """

    kind: DocumentKind
    records: tuple[str, ...]
    number: str
    psa_type: str
    party: Party
    currency: str
    date: dt.date
    due_date: dt.date | None
    terms: Reference | None
    terms_due_days: int | None
    lines: tuple[Line, ...]
    tax: Money
    tax_levels: tuple[TaxLevel, ...]
    tax_code: Reference | None
    total: Money
    memo: str = ""
    po_number: str = ""
    location: Reference | None = None
    ship_to: Address = Address()
    psa_number: str = ""
    header_account: str = ""
    header_class: str = ""
    paid_from: str = ""
    payment_method: Reference | None = None
    tax_by: str = "psa"
    attention: str = ""
    sales_rep: str = ""
    territory: str = ""
    project: str = ""
    agreement: str = ""
    fields: tuple[Named, ...] = ()
    packing_slip: str = ""
    vendor_date: dt.date | None = None
    ordered: dt.date | None = None
    received: dt.date | None = None
    in_full: bool | None = None
    rate: Decimal | None = None
    approval: str = ""
    bills: str = ""
    refund: bool = False
    papers: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def subtotal(self) -> Money:
        """Sum of the lines, before tax."""
        return total([line.amount for line in self.lines], self.currency)

    @property
    def difference(self) -> Money:
        """What is left when lines and tax are taken from the total: anything but zero does not crossfoot.

        Of a journal entry: what its debits are more than its credits.
        """
        if self.kind is DocumentKind.JOURNAL_ENTRY:
            return self.subtotal
        return self.total - self.subtotal - self.tax

    @property
    def signed_total(self) -> Money:
        """What is owed by it: negative for a credit memo, vendor credit or refund. This is what batch totals add up.

        Of a journal entry and an adjustment it is what the PSA lists, whatever the ledger calls their total.
        """
        return -self.total if self.is_credit else self.total

    @property
    def own_number(self) -> str:
        """The number by which people look for it: of a sale the PSA's, whatever stands in the books."""
        return (self.psa_number or self.number) if self.kind in SALES else self.number

    @property
    def is_credit(self) -> bool:
        """Whether money goes the other way."""
        return self.kind in CREDITS or self.refund

    @property
    def is_empty(self) -> bool:
        """Nothing to post: it would change no ledger. A total of nothing may still move amounts between accounts."""
        if self.kind is DocumentKind.INVENTORY_ADJUSTMENT:
            return not any(line.quantity or line.amount.amount for line in self.lines)
        if self.kind is DocumentKind.JOURNAL_ENTRY:
            return not any(line.amount.amount for line in self.lines)
        return not self.total.amount and not self.tax.amount and not self._moves

    @property
    def _moves(self) -> bool:
        """Whether its lines leave anything on an account, an item or a class, or take goods out of stock."""
        worth: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        stock: defaultdict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            ident = line.product.source_id if line.product else ""
            worth[line.account, ident, line.gl_class] += line.amount.amount
            if line.product and line.product.inventory_account:
                stock[ident] += line.quantity
        return any(worth.values()) or any(stock.values())

    @property
    def ledger_total(self) -> Money:
        """The total that a ledger says of it: of a journal entry the sum of its debits; else its own.

        An adjustment changes quantities; what they are worth is the ledger's own reckoning, so it says none.
        """
        if self.kind is DocumentKind.INVENTORY_ADJUSTMENT:
            return Money.zero(self.currency)
        if self.kind is DocumentKind.JOURNAL_ENTRY:
            return total([line.amount for line in self.lines if line.amount.amount > 0], self.currency)
        return self.total

    def category(self, fact: str) -> str:
        """What of its head becomes a class or a location; a colon parts levels in places only, not in names."""
        if fact == "location":
            return self.location.name if self.location else ""
        named: str = getattr(self, fact)
        return named if fact == "territory" else " - ".join(part for word in named.split(":") if (part := word.strip()))
