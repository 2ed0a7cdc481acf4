"""The nouns of expenses: members, their weekly reports, what was spent and how it was paid.

Amounts are what the member spent, positive, taxes included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from sandbox.connectwise.model import LevelTax, cents

if TYPE_CHECKING:
    import datetime as dt

    from sandbox.connectwise.model import Company, TaxCode

REIMBURSABLE, NOT_REIMBURSABLE, PERSONAL = "Reimbursable", "NonReimbursable", "Personal"

STATUSES = (
    "Open",
    "Rejected",
    "PendingApproval",
    "ErrorsCorrected",
    "PendingProjectApproval",
    "ApprovedByTierOne",
    "RejectBySecondTier",
    "ApprovedByTierTwo",
    "ReadyToBill",
    "Billed",
    "WrittenOff",
    "BilledAgreement",
)
#: With these a report has passed its last approval.
APPROVED = frozenset({"ApprovedByTierTwo", "ReadyToBill", "Billed", "WrittenOff", "BilledAgreement"})


@dataclass
class Member:
    """Somebody who works at the MSP; `vendor_number` is the key of their vendor in the books and may be empty."""

    id: int
    identifier: str
    first: str
    last: str
    vendor_number: str
    location_id: int
    inactive: bool = False
    license_class: str = "F"

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class PaymentMethod:
    """How an expense was paid; `account` is what a non-reimbursable one is credited to, empty where unmapped."""

    id: int
    name: str
    account: str
    company: bool = False


@dataclass(frozen=True)
class ExpenseType:
    """What was bought, with its GL accounts: for work that a customer pays for, and for the house."""

    id: int
    name: str
    external: str
    internal: str
    mileage: bool = False


@dataclass
class ExpenseReport:
    """A member's week. Its status tells whether the expenses are approved."""

    id: int
    member: Member
    start: dt.date
    end: dt.date
    status: str

    @property
    def approved(self) -> bool:
        """Whether nobody has to look at it any more."""
        return self.status in APPROVED


@dataclass
class Expense:
    """One entry of a report.

    `leaks` stands for the box *Bill unapproved time & expense* of its ticket: it is unposted before it is approved.
    `company` is None for an expense of the house; `tax_code` says what of the amount is tax.
    """

    kind: ClassVar[str] = "expenses"

    id: int
    report: ExpenseReport
    type: ExpenseType
    payment: PaymentMethod
    classification: str
    date: dt.date
    amount: Decimal
    text: str
    location_id: int
    company: Company | None = None
    billable: bool = False
    leaks: bool = False
    tax_code: TaxCode | None = None
    ticket: tuple[int, str] | None = None
    project: tuple[int, str] | None = None
    currency: str = "USD"
    mapped: bool = True
    invoice_id: int | None = None
    debit: int = 0
    credit: int = 0
    tax_records: tuple[int, ...] = ()
    batch_id: int | None = None
    unbatched_batch_id: int | None = None
    taxes: tuple[LevelTax, ...] = field(default=())

    @property
    def member(self) -> Member:
        """Who spent it."""
        return self.report.member

    @property
    def tax(self) -> Decimal:
        """All its taxes."""
        return sum((each.amount for each in self.taxes), Decimal(0))

    @property
    def net(self) -> Decimal:
        """The amount without its taxes."""
        return self.amount - self.tax

    @property
    def account(self) -> str:
        """The expense account; empty where the type has none."""
        if not self.mapped:
            return ""
        return self.type.external if self.company else self.type.internal

    @property
    def project_ref(self) -> dict[str, object] | None:
        """ProjectReference."""
        return {"id": self.project[0], "name": self.project[1]} if self.project else None

    @property
    def gl_type(self) -> str:
        """External where a customer stands behind it, else internal."""
        return "EE" if self.company else "EI"

    @property
    def record_ids(self) -> tuple[int, ...]:
        """The expense's own record, its offset's, and those of its taxes."""
        return (self.debit, self.credit, *self.tax_records)

    @property
    def listed(self) -> bool:
        """Whether it is among the unposted: approved, or let through before that."""
        return self.batch_id is None and (self.report.approved or self.leaks)


def taxes_within(amount: Decimal, code: TaxCode | None) -> tuple[LevelTax, ...]:
    """The taxes that an amount holds already."""
    if code is None:
        return ()
    base = cents(amount / (1 + code.percent / 100))
    return tuple(LevelTax(each, base, cents(base * each.rate / 100)) for each in code.levels)


def left_out(expense: Expense, where: str) -> bool:
    """Whether an export of bills has no place for it, given where the non-reimbursable ones go."""
    if expense.classification == REIMBURSABLE or where == "expenses":
        return False
    return where == "absent" or expense.classification == PERSONAL
