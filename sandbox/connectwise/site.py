"""The state of one ConnectWise site, in memory, and what its people and its API do to it.

Every method expects the caller to hold `lock`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox.connectwise.errors import invalid, not_found
from sandbox.connectwise.expenses import PERSONAL, Expense, left_out
from sandbox.connectwise.ledger import Ledger, Posting
from sandbox.connectwise.model import Company, Invoice, Location, Product, ProductType, Stamp, TaxCode, Term
from sandbox.connectwise.package import package_setup
from sandbox.connectwise.purchases import Adjustment, Receipt, Transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.connectwise.expenses import ExpenseReport, ExpenseType, Member, PaymentMethod
    from sandbox.connectwise.papers import Paper
    from sandbox.connectwise.payments import Payment
    from sandbox.connectwise.purchases import PurchaseOrder, Warehouse


@dataclass(frozen=True)
class Credentials:
    """The keys of the API member, and the client id that the installer registered."""

    company_id: str = "harborpoint"
    public_key: str = "Hp7CrossfootDemo"
    private_key: str = "n2Kq8sVd4TzLw6Xb"
    client_id: str = "6f1f7c52-3a0e-4c8e-9b57-2d54c0d5a8e1"


Goods = Receipt | Adjustment | Transfer
AnyGoods = TypeVar("AnyGoods", Receipt, Adjustment, Transfer)


class Site(Ledger):
    """A site: its tables, its documents, its batches. Empty until a demo or a test fills it."""

    def __init__(
        self, name: str = "Harbor Point IT", credentials: Credentials | None = None, today: date | None = None
    ) -> None:
        super().__init__()
        self.lock = threading.RLock()
        self.name = name
        self.credentials = credentials or Credentials()
        self.codebase = "v2025_1/"
        self.fixed_today = today
        self.locations: dict[int, Location] = {}
        self.terms: dict[int, Term] = {}
        self.tax_codes: dict[int, TaxCode] = {}
        self.product_types: dict[int, ProductType] = {}
        self.products: dict[int, Product] = {}
        self.companies: dict[int, Company] = {}
        self.invoices: dict[int, Invoice] = {}
        self.vendors: dict[int, Company] = {}
        self.staff: dict[int, Member] = {}
        self.payment_methods: dict[int, PaymentMethod] = {}
        self.expense_types: dict[int, ExpenseType] = {}
        self.reports: dict[int, ExpenseReport] = {}
        self.expenses: dict[int, Expense] = {}
        self.warehouses: dict[int, Warehouse] = {}
        self.orders: dict[int, PurchaseOrder] = {}
        self.goods: list[Goods] = []
        self.papers: dict[int, Paper] = {}
        self.payments: dict[int, Payment] = {}
        self.payments_on: dict[int, dict[int, Payment]] = {}  # by invoice
        self.payments_from: dict[int, dict[int, Payment]] = {}  # by credit memo
        self._last_payment = 7000
        self.close_more: Callable[[int], Sequence[Invoice]] | None = None
        self.drafts: dict[str, dict[str, Any]] = {}
        self.mapping: dict[str, str] = {}
        self.mapping_complete = False
        self._shown: dict[int, dict[str, dict[str, Any]]] = {}

    @property
    def today(self) -> date:
        """The site's own calendar day, fixed in tests."""
        return self.fixed_today or datetime.now(UTC).date()

    # Invoices

    def add_invoice(self, invoice: Invoice) -> Invoice:
        """Take an invoice in; one that is closed gets its GL records."""
        self.invoices[invoice.id] = invoice
        if invoice.closed:
            self._stamp(invoice)
        self.touch(invoice)
        return invoice

    def next_invoice(self) -> tuple[int, str]:
        """A free id and the number after the highest one."""
        number = max((int(each.number) for each in self.invoices.values() if each.number.isdigit()), default=10393) + 1
        return max(self.invoices, default=38891) + 3, str(number)

    def invoice(self, invoice_id: int) -> Invoice:
        """The invoice, or a 404; a member of one location does not see the others'."""
        found = self.invoices.get(invoice_id)
        if found is None or not self.sees(found.location_id):
            raise not_found("Invoice", invoice_id)
        return found

    def next_payment(self) -> int:
        """An id that no payment has had."""
        self._last_payment += 1
        return self._last_payment

    def sees(self, location_id: int) -> bool:
        """Whether the API member's structure level lets it see this location."""
        only = self.switches.structure_location
        return only is None or only == location_id

    def unposted(self) -> list[Invoice]:
        """Closed, not batched, visible; in the order of their ids."""
        found = [
            each for each in self.invoices.values() if each.closed and not each.posted and self.sees(each.location_id)
        ]
        return sorted(found, key=lambda each: each.id)

    def reopen(self, invoice: Invoice) -> None:
        """Take the invoice's GL records back. A batched invoice cannot be re-opened."""
        if invoice.posted:
            raise invalid("invoice", "status", "The invoice has been batched and cannot be re-opened.")
        self.disown(invoice)
        invoice.stamp, invoice.closed = None, None
        self.touch(invoice)

    def close(self, invoice: Invoice, by: str = "mortiz") -> None:
        """Close the invoice: new GL records under new ids. Without a Company Finance account it is refused."""
        if invoice.closed:
            return
        if not invoice.company.account_number:
            raise invalid("invoice", "status", "The company has no account number; the invoice cannot be closed.")
        invoice.closed, invoice.closed_by = datetime.now(UTC), by
        self._map(invoice)
        invoice.reckon()
        self._stamp(invoice)
        self.touch(invoice)

    def _map(self, invoice: Invoice) -> None:
        """The accounts of today's GL mapping; without one for every line the invoice is closed without accounts."""
        accounts = [self.mapping.get(each.account, each.account) for each in invoice.lines]
        known = invoice.mapped or invoice.mapping_gap or self.mapping_complete
        invoice.mapping_gap = not all(accounts)
        invoice.mapped = known and not invoice.mapping_gap
        pairs = zip(invoice.lines, accounts, strict=True)
        invoice.lines = tuple(replace(line, account=account or line.account) for line, account in pairs)

    def touch(self, posting: Posting) -> None:
        """Note that an invoice has changed and forget how it was shown; the others are shown afresh each time."""
        if isinstance(posting, Invoice):
            posting.updated = datetime.now(UTC)
            self._shown.pop(posting.id, None)

    def is_ready(self, posting: Posting) -> bool:
        """An expense must be approved, or let through before that."""
        if isinstance(posting, Expense):
            return posting.report.approved or posting.leaks
        return super().is_ready(posting)

    def needed(self, posting: Posting) -> tuple[int, ...]:
        """All records but those that no list and no export shows, by today's switches."""
        hidden: set[int] = set()
        if isinstance(posting, Expense):
            hidden = self._hidden_of(posting)
        if isinstance(posting, Invoice) and posting.stamp and not package_setup(self)["zeroDollarTaxAmountsFlag"]:
            taxes = zip(posting.stamp.taxes, posting.taxes, strict=True)
            hidden = {record for record, tax in taxes if not tax.amount}
        if isinstance(posting, Receipt) and not posting.freight_account and self.switches.unmapped_freight == "absent":
            hidden = {posting.freight_record or 0}
        return tuple(each for each in posting.record_ids if each not in hidden)

    def _hidden_of(self, expense: Expense) -> set[int]:
        """Where bills leave an expense out, only its row in the unposted list tells of it."""
        where, bills = self.switches.nonreimbursable_bills, package_setup(self)["transferExpensesAsBillFlag"]
        if bills and left_out(expense, where):
            return {expense.credit, *expense.tax_records}
        return set(expense.tax_records) if self.switches.expense_tax == "included" else set()

    def shown(self, invoice: Invoice, present: Callable[[Site, Invoice], dict[str, Any]]) -> dict[str, Any]:
        """The invoice as a row of some list, built once per change."""
        rows = self._shown.setdefault(invoice.id, {})
        if present.__name__ not in rows:
            rows[present.__name__] = present(self, invoice)
        return rows[present.__name__]

    def _stamp(self, invoice: Invoice) -> None:
        """GL records in the order seen in real exports: a line, the receivable, other lines, taxes."""
        first = self.take_records(1)
        receivable = self.take_records(2)
        rest = self.take_records(len(invoice.lines) - 1)
        taxes = self.take_records(len(invoice.taxes))
        invoice.stamp = Stamp(receivable, (*first, *rest), taxes)
        self.own(invoice)

    # Expenses and goods

    def add_expense(self, expense: Expense) -> Expense:
        """Take an expense in, with its GL records."""
        ((expense.debit,), (expense.credit,)) = self.take_records(1), self.take_records(1)
        expense.tax_records = self.take_records(len(expense.taxes))
        self.expenses[expense.id] = expense
        self.own(expense)
        return expense

    def unposted_expenses(self) -> list[Expense]:
        """Approved or let through, not batched, visible; personal ones only where a switch lists them."""
        personal = self.switches.personal_expenses == "listed"
        return [
            each
            for each in self.expenses.values()
            if each.listed and self.sees(each.location_id) and (personal or each.classification != PERSONAL)
        ]

    def receive(self, receipt: Receipt) -> Receipt:
        """Take in what came with a packing slip; its lines are closed as far as it fills them."""
        for each in receipt.lines:
            each.line.received += each.quantity
            each.line.packing_slip = receipt.packing_slip
            each.line.serials = each.serials
        return self._add(receipt)

    def adjust(self, adjustment: Adjustment) -> Adjustment:
        """Take in a closed adjustment of stock."""
        return self._add(adjustment)

    def transfer(self, transfer: Transfer) -> Transfer:
        """Take in a transfer between warehouses."""
        return self._add(transfer)

    def restamp(self, goods: Goods) -> None:
        """New GL records in the place of those that there may be; taxes are reckoned again."""
        self.disown(goods)
        if isinstance(goods, Receipt):
            goods.taxes = goods.reckon()
            goods.freight_record = self.take_records(1)[0] if goods.freight else None
            goods.tax_records = self.take_records(len(goods.taxes))
        goods.records = self.take_records(2 if isinstance(goods, Transfer) else len(goods.lines))
        self.own(goods)

    def unposted_goods(self) -> list[Goods]:
        """Purchases, adjustments and transfers: not batched, visible."""
        return [each for each in self.goods if each.batch_id is None and self.sees(each.location_id)]

    def _add(self, goods: AnyGoods) -> AnyGoods:
        self.goods.append(goods)
        self.restamp(goods)
        return goods
