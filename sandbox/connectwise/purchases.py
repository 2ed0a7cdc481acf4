"""The nouns of procurement: purchase orders and what was received of them, adjustments and transfers of stock.

Costs and amounts are positive for what comes in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from sandbox.connectwise.model import LevelTax, cents

if TYPE_CHECKING:
    import datetime as dt

    from sandbox.connectwise.model import Company, Product, TaxCode, Term


@dataclass(frozen=True)
class Warehouse:
    """A place where stock is kept, and its one bin."""

    id: int
    name: str
    location_id: int

    @property
    def bin(self) -> dict[str, object]:
        """The reference to its bin."""
        return {"id": self.id * 10, "name": "Default"}


@dataclass
class OrderLine:
    """A line of a purchase order; `cost` is that of one unit. `received` grows with every packing slip."""

    id: int
    number: int
    product: Product
    quantity: Decimal
    cost: Decimal
    taxable: bool = False
    received: Decimal = Decimal(0)
    packing_slip: str = ""
    serials: str = ""

    @property
    def closed(self) -> bool:
        """Whether everything has come."""
        return self.received >= self.quantity


@dataclass
class PurchaseOrder:
    """A purchase order. The vendor's invoice number and date stand on it once the vendor has sent its bill."""

    id: int
    number: str
    vendor: Company
    date: dt.date
    location_id: int
    warehouse: Warehouse
    term: Term
    lines: tuple[OrderLine, ...]
    tax_code: TaxCode | None = None
    vendor_invoice: str = ""
    vendor_invoice_date: dt.date | None = None
    customer: Company | None = None
    drop_ship: bool = False
    currency: str = "USD"
    freight: Decimal = Decimal(0)
    freight_slip: str = ""
    tax_freight: bool = False
    tracking: str = ""

    @property
    def closed(self) -> bool:
        """Whether every line has come."""
        return all(each.closed for each in self.lines)


@dataclass(frozen=True)
class ReceivedLine:
    """How much of a line came with a packing slip."""

    line: OrderLine
    quantity: Decimal
    serials: str = ""

    @property
    def amount(self) -> Decimal:
        """What it cost, in cents."""
        return cents(self.quantity * self.line.cost)


@dataclass
class Receipt:
    """A packing slip of a purchase order, which is what gets posted; freight comes with one slip of the order."""

    kind: ClassVar[str] = "products"

    order: PurchaseOrder
    packing_slip: str
    date: dt.date
    lines: tuple[ReceivedLine, ...]
    freight: Decimal = Decimal(0)
    freight_account: str = "5100"
    tax_freight: bool = False
    records: tuple[int, ...] = ()
    freight_record: int | None = None
    tax_records: tuple[int, ...] = ()
    batch_id: int | None = None
    unbatched_batch_id: int | None = None
    taxes: tuple[LevelTax, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self.taxes = self.reckon()

    @property
    def location_id(self) -> int:
        """Its order's."""
        return self.order.location_id

    @property
    def product_id(self) -> str:
        """UnpostedProcurement.unpostedProductId."""
        return f"{self.order.id}-{self.packing_slip}-purchase"

    @property
    def record_ids(self) -> tuple[int, ...]:
        """One for each line, one for the freight, one for each level of tax."""
        freight = (self.freight_record,) if self.freight_record else ()
        return (*self.records, *freight, *self.tax_records)

    @property
    def goods(self) -> Decimal:
        """The cost of what came, without freight and tax."""
        return sum((each.amount for each in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        """All its taxes."""
        return sum((each.amount for each in self.taxes), Decimal(0))

    @property
    def total(self) -> Decimal:
        """What the vendor wants for it."""
        return self.goods + self.freight + self.tax

    def reckon(self) -> tuple[LevelTax, ...]:
        """The tax of each level, on what is taxable of it."""
        code = self.order.tax_code
        base = sum((each.amount for each in self.lines if each.line.taxable), Decimal(0))
        base += self.freight if self.tax_freight else 0
        return tuple(LevelTax(each, base, cents(base * each.rate / 100)) for each in (code.levels if code else ()))


@dataclass(frozen=True)
class AdjustmentLine:
    """So many more (or, negative, fewer) of a product in a warehouse."""

    product: Product
    quantity: int
    cost: Decimal

    @property
    def amount(self) -> Decimal:
        """Its change in value."""
        return cents(self.quantity * self.cost)


@dataclass
class Adjustment:
    """An adjustment of stock; `account` is its type's, empty where unmapped. Each line has a GL record."""

    kind: ClassVar[str] = "products"

    id: int
    reason: str
    type: str
    date: dt.date
    location_id: int
    warehouse: Warehouse
    lines: tuple[AdjustmentLine, ...]
    account: str = "5900"
    records: tuple[int, ...] = ()
    batch_id: int | None = None
    unbatched_batch_id: int | None = None

    @property
    def product_id(self) -> str:
        """UnpostedProcurement.unpostedProductId."""
        return f"{self.id}-adjustment"

    @property
    def record_ids(self) -> tuple[int, ...]:
        """One for each line."""
        return self.records

    @property
    def total(self) -> Decimal:
        """The change in the value of the stock."""
        return sum((each.amount for each in self.lines), Decimal(0))


@dataclass
class Transfer:
    """A product carried from one warehouse to another; it has a GL record and its offset's."""

    kind: ClassVar[str] = "products"

    id: int
    date: dt.date
    product: Product
    quantity: int
    cost: Decimal
    source: Warehouse
    target: Warehouse
    records: tuple[int, ...] = ()
    batch_id: int | None = None
    unbatched_batch_id: int | None = None

    @property
    def location_id(self) -> int:
        """Where it went."""
        return self.target.location_id

    @property
    def product_id(self) -> str:
        """UnpostedProcurement.unpostedProductId; the form is by analogy with the other two."""
        return f"{self.id}-transfer"

    @property
    def record_ids(self) -> tuple[int, ...]:
        """Its own and its offset's."""
        return self.records

    @property
    def total(self) -> Decimal:
        """The value of what was carried."""
        return cents(self.quantity * self.cost)
