"""The nouns of a ConnectWise site: companies, products, tax codes, invoices and what stamps them into the ledger.

Amounts are seen from the customer: a sale is positive, a credit memo and its lines are negative.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import datetime as dt

CENT = Decimal("0.01")

LEVEL_NAMES = {1: "state", 2: "county", 3: "city", 4: "country", 5: "composite", 6: "levelSix"}


def cents(amount: Decimal) -> Decimal:
    """Round half up to two decimals, as the PSA does for amounts and item prices."""
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Location:
    """An owner level that has invoices of its own."""

    id: int
    name: str


@dataclass(frozen=True)
class Term:
    """A billing term; `due_days` says little where the due date runs from the end of the month."""

    id: int
    name: str
    due_days: int
    end_of_month: bool = False


@dataclass(frozen=True)
class TaxLevel:
    """One level of a tax code; `rate` is in percent."""

    level: int
    rate: Decimal
    xref: str
    agency: str
    caption: str


@dataclass(frozen=True)
class TaxCode:
    """A tax code with one to six levels that need not be consecutive."""

    id: int
    identifier: str
    description: str
    levels: tuple[TaxLevel, ...]

    @property
    def percent(self) -> Decimal:
        """The rate of all levels together."""
        return sum((level.rate for level in self.levels), Decimal(0))


@dataclass
class Company:
    """A customer or vendor; `account_number` is the "Account" of its Company Finance page and may be empty.

    `vendor_number` is the key of a vendor in the books. `email` is the "invoice to" address of its finance page,
    `contact_email` that of its contact.
    """

    id: int
    identifier: str
    name: str
    account_number: str
    location_id: int
    term_id: int
    tax_code_id: int | None
    city: str = "Portland"
    state: str = "OR"
    zip: str = "97204"
    street: str = "100 Main St"
    contact: str = "Accounts Payable"
    email: str = ""
    contact_email: str = ""
    updated: dt.datetime | None = None
    vendor: bool = False
    vendor_number: str = ""
    active: bool = True
    status: str = ""  # as the site names it; empty for Active or Inactive
    currency: str = "USD"


@dataclass(frozen=True)
class ProductType:
    """A product type; `type_xref` tells the accounting package what kind of item it is."""

    id: int
    name: str
    type_xref: str


@dataclass(frozen=True)
class Product:
    """A catalog item and the accounts it is mapped to: revenue, and for stock also inventory and cost of goods."""

    id: int
    identifier: str
    description: str
    type_id: int
    price: Decimal
    cost: Decimal
    account: str
    taxable: bool = True
    inventory_account: str = ""
    cogs_account: str = ""
    serialized: bool = False
    unit: str = "Each"
    category: str = "General"


@dataclass(frozen=True)
class Work:
    """Where a labor line comes from; shown by the Condensed and Detailed summaries only."""

    ticket: int
    summary: str
    member: str
    role: str
    kind: str
    notes: str
    time_entry_id: int
    internal_notes: str = ""


@dataclass(frozen=True)
class Line:
    """One line of an invoice. `gl_type` is R, RA, RE, RD or RP; `price` is unrounded, `amount` in cents."""

    gl_type: str
    account: str
    text: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    taxable: bool = False
    product: Product | None = None
    work: Work | None = None
    serials: str = ""
    drop_shipped: bool = False


def line(
    gl_type: str,
    account: str,
    text: str,
    quantity: str | Decimal,
    price: str | Decimal,
    *,
    taxable: bool = False,
    product: Product | None = None,
    work: Work | None = None,
) -> Line:
    """A line whose amount is quantity times the unrounded price, in cents."""
    many, each = Decimal(quantity), Decimal(price)
    return Line(gl_type, account, text, many, each, cents(many * each), taxable, product, work)


def sale(product: Product, quantity: str | Decimal, price: str | Decimal | None = None, text: str = "") -> Line:
    """A line that sells a catalog item, at its list price unless another is given."""
    each = product.price if price is None else price
    return line(
        "RP", product.account, text or product.description, quantity, each, taxable=product.taxable, product=product
    )


@dataclass(frozen=True)
class LevelTax:
    """The tax of one level of one invoice."""

    level: TaxLevel
    taxable: Decimal
    amount: Decimal


def adjusted(taxes: tuple[LevelTax, ...], total: Decimal) -> tuple[LevelTax, ...]:
    """The levels brought to another total: the first one takes the difference."""
    if not taxes:
        return taxes
    rest = sum((each.amount for each in taxes[1:]), Decimal(0))
    return (replace(taxes[0], amount=total - rest), *taxes[1:])


@dataclass(frozen=True)
class Stamp:
    """The GL records of a closed invoice: its receivable's, one per line, one per tax level."""

    receivable: tuple[int, ...]
    lines: tuple[int, ...]
    taxes: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """Every GL record id of the invoice."""
        return (*self.receivable, *self.lines, *self.taxes)


@dataclass
class Invoice:
    """An invoice; closed ones carry a stamp, batched ones a batch.

    `attention` is the customer's contact where None. `sales_rep` is id and name. `prepayment` draws on an agreement's
    prepayment, `tax_on_down_payment` tells that a down payment was taxed before. `avalara_tax` is what that service
    made of the tax, in the place of the code's own. `due_days` departs from the term's where it is set, and
    `open_status` and `closed_status` are the billing statuses of an invoice that is open, and of one that is closed.
    `mapped` is false where the PSA knew no GL account when it was closed, with
    `mapping_gap` because of an account that people have unmapped meanwhile. `drift` are the cents by which the
    PSA's own total differs from its lines and taxes.
    """

    kind: ClassVar[str] = "invoices"

    id: int
    number: str
    type: str
    date: dt.date
    due_date: dt.date
    company: Company
    location_id: int
    term: Term
    tax_code: TaxCode | None
    lines: tuple[Line, ...]
    closed: dt.datetime | None = None
    closed_by: str = "mortiz"
    stamp: Stamp | None = None
    batch_id: int | None = None
    unbatched_batch_id: int | None = None
    mapped: bool = True
    drift: Decimal = Decimal(0)
    purchase_order: str = ""
    attention: str | None = None
    territory: str = ""
    sales_rep: tuple[str, str] = ("", "")
    project: tuple[int, str] | None = None
    agreement: str = ""
    custom: tuple[tuple[str, Any], ...] = ()
    gl_class: str = ""
    currency: str = "USD"
    prepayment: bool = False
    tax_on_down_payment: bool = False
    avalara: bool = False
    avalara_tax: Decimal | None = None
    due_days: int | None = None
    open_status: int = 1
    closed_status: int = 13
    top_comment: str = ""
    updated: dt.datetime | None = None
    mapping_gap: bool = field(default=False, init=False)
    taxes: tuple[LevelTax, ...] = field(default=(), init=False)
    subtotal: Decimal = field(default=Decimal(0), init=False)
    tax: Decimal = field(default=Decimal(0), init=False)
    total: Decimal = field(default=Decimal(0), init=False)

    def __post_init__(self) -> None:
        self.reckon()

    @property
    def record_ids(self) -> tuple[int, ...]:
        """Its GL records; none while it is open."""
        return self.stamp.ids if self.stamp else ()

    @property
    def posted(self) -> bool:
        """Whether it is in a batch and so no longer unposted."""
        return self.batch_id is not None

    def reckon(self) -> None:
        """Work out taxes and totals from the lines; each level is rounded once, over the whole invoice."""
        base = sum((each.amount for each in self.lines if each.taxable), Decimal(0))
        levels = self.tax_code.levels if self.tax_code else ()
        self.taxes = tuple(LevelTax(level, base, cents(base * level.rate / 100)) for level in levels)
        if self.avalara_tax is not None:
            self.taxes = adjusted(self.taxes, self.avalara_tax)
        self.subtotal = sum((each.amount for each in self.lines), Decimal(0))
        self.tax = sum((each.amount for each in self.taxes), Decimal(0))
        self.total = self.subtotal + self.tax + self.drift


@dataclass
class Batch:
    """An accounting batch. `by_hand` batches were made in ConnectWise's own pages."""

    id: int
    identifier: str
    record_ids: tuple[int, ...]
    created: dt.datetime
    invoices: bool = True
    expenses: bool = False
    products: bool = False
    closed: bool = False
    by_hand: bool = False
