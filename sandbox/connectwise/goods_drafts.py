"""Expenses, purchases, adjustments and transfers as JSON, for `POST /_add`: one of them under its kind's name.

`{"expense": {"member": "mortiz", "type": "Meals", "amount": "12.50"}}`, `{"purchase": {"vendor": "Ingram Micro",
"packing_slip": "PS1", "lines": [{"product": "AP-U6", "quantity": "2"}]}}`, `{"adjustment": {"reason": "Count",
"lines": [{"product": "AP-U6", "quantity": 1}]}}`, `{"transfer": {"product": "AP-U6", "quantity": 2}}`. All other
fields are named as in `expenses` and `purchases`, and may be left out.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox.connectwise.currencies import CURRENCIES
from sandbox.connectwise.drafts import company_of, day_of, product_of, tax_code_of
from sandbox.connectwise.expenses import REIMBURSABLE, Expense, ExpenseReport, Member, taxes_within
from sandbox.connectwise.model import cents
from sandbox.connectwise.purchases import (
    Adjustment,
    AdjustmentLine,
    OrderLine,
    PurchaseOrder,
    Receipt,
    ReceivedLine,
    Transfer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.connectwise.ledger import Posting
    from sandbox.connectwise.model import Company
    from sandbox.connectwise.purchases import Warehouse
    from sandbox.connectwise.site import Site

Row = dict[str, Any]
Named = TypeVar("Named")


def add_goods(site: Site, wanted: Row) -> Posting:
    """Make the document that the body describes.

    Raises:
        ValueError: something in it is unknown, or missing.
    """
    kind = next((each for each in KINDS if each in wanted), "")
    try:
        return KINDS[kind](site, wanted[kind])
    except (KeyError, TypeError, InvalidOperation) as error:
        raise ValueError(f"it cannot be made: {error!r}; kinds are {', '.join(KINDS)}") from error


def _one(found: Iterable[Named], what: object) -> Named:
    """The first of them, or a ValueError."""
    for each in found:
        return each
    raise ValueError(f"no {what}")


def _currency(wanted: Row) -> str:
    code = str(wanted.get("currency", "USD"))
    if code not in CURRENCIES:
        raise ValueError(f"currencies are {', '.join(CURRENCIES)}")
    return code


def _amount(wanted: Row, name: str, default: object = 0) -> Decimal:
    return Decimal(str(wanted.get(name, default)))


def _expense(site: Site, wanted: Row) -> Expense:
    report, amount = _report(site, wanted), cents(Decimal(str(wanted["amount"])))
    code = tax_code_of(site, wanted["tax_code"]) if "tax_code" in wanted else None
    type_name, method = wanted.get("type", "Meals"), wanted.get("payment", "Paid by employee")
    return site.add_expense(
        Expense(
            id=max(site.expenses, default=9000) + 1,
            report=report,
            type=_one((each for each in site.expense_types.values() if each.name == type_name), type_name),
            payment=_one((each for each in site.payment_methods.values() if each.name == method), method),
            classification=str(wanted.get("classification", REIMBURSABLE)),
            date=day_of(wanted.get("date"), report.start),
            amount=amount,
            text=str(wanted.get("text", "Expense")),
            location_id=int(wanted.get("location", report.member.location_id)),
            company=company_of(site, wanted["company"]) if wanted.get("company") else None,
            billable=bool(wanted.get("billable", False)),
            leaks=bool(wanted.get("leaks", False)),
            tax_code=code,
            currency=_currency(wanted),
            mapped=bool(wanted.get("mapped", True)),
            taxes=taxes_within(amount, code),
        )
    )


def _report(site: Site, wanted: Row) -> ExpenseReport:
    """The report that is named by its id; or a new one of the `member`, of last week and with the `status` given."""
    if "report" in wanted:
        return _one((each for each in site.reports.values() if each.id == wanted["report"]), wanted["report"])
    start = site.today - timedelta(days=site.today.weekday() + 7)
    start = day_of(wanted.get("start"), start)
    status = str(wanted.get("status", "ApprovedByTierTwo"))
    made = ExpenseReport(
        max(site.reports, default=500) + 1, _member(site, wanted["member"]), start, start + timedelta(days=6), status
    )
    site.reports[made.id] = made
    return made


def _member(site: Site, wanted: str) -> Member:
    return _one((each for each in site.staff.values() if each.identifier == wanted), wanted)


def _vendor(site: Site, wanted: str) -> Company:
    return _one((each for each in site.vendors.values() if wanted in (each.name, each.id)), wanted)


def _warehouse(site: Site, wanted: object) -> Warehouse:
    found = (each for each in site.warehouses.values() if wanted is None or wanted in (each.name, each.id))
    return _one(found, wanted or "warehouse")


def _purchase(site: Site, wanted: Row) -> Receipt:
    """An order of which everything has come with one packing slip."""
    order = _order(site, wanted)
    serials = [str(each.get("serials", "")) for each in wanted["lines"]]
    lines = tuple(ReceivedLine(line, line.quantity, each) for line, each in zip(order.lines, serials, strict=True))
    receipt = Receipt(
        order,
        str(wanted.get("packing_slip", f"PS{order.id}")),
        day_of(wanted.get("received"), order.date),
        lines,
        order.freight,
        str(wanted.get("freight_account", "5100")),
        order.tax_freight,
    )
    order.freight_slip = receipt.packing_slip
    return site.receive(receipt)


def _order(site: Site, wanted: Row) -> PurchaseOrder:
    number, vendor = max(site.orders, default=1000) + 1, _vendor(site, wanted["vendor"])
    warehouse = _warehouse(site, wanted.get("warehouse"))
    day = day_of(wanted.get("date"), site.today - timedelta(days=3))
    invoice = str(wanted.get("vendor_invoice", f"INV-{number}"))
    order = PurchaseOrder(
        id=number,
        number=str(wanted.get("number", number)),
        vendor=vendor,
        date=day,
        location_id=int(wanted.get("location", warehouse.location_id)),
        warehouse=warehouse,
        term=site.terms[vendor.term_id],
        lines=tuple(_order_line(site, number, each) for each in enumerate(wanted["lines"], 1)),
        tax_code=tax_code_of(site, wanted["tax_code"]) if "tax_code" in wanted else None,
        vendor_invoice=invoice,
        vendor_invoice_date=day_of(wanted.get("vendor_invoice_date"), day) if invoice else None,
        customer=company_of(site, wanted["customer"]) if wanted.get("customer") else None,
        drop_ship=bool(wanted.get("drop_ship", False)),
        currency=_currency(wanted),
        freight=cents(_amount(wanted, "freight")),
        tax_freight=bool(wanted.get("tax_freight", False)),
    )
    site.orders[order.id] = order
    return order


def _order_line(site: Site, order: int, numbered: tuple[int, Row]) -> OrderLine:
    index, wanted = numbered
    product = product_of(site, wanted["product"])
    cost = _amount(wanted, "cost", product.cost)
    taxable = bool(wanted.get("taxable", product.taxable))
    return OrderLine(order * 100 + index, index, product, _amount(wanted, "quantity", 1), cost, taxable)


def _adjustment(site: Site, wanted: Row) -> Adjustment:
    warehouse = _warehouse(site, wanted.get("warehouse"))
    products = [(product_of(site, each["product"]), each) for each in wanted["lines"]]
    lines = [AdjustmentLine(one, int(each["quantity"]), _amount(each, "cost", one.cost)) for one, each in products]
    numbers = [each.id for each in site.goods if isinstance(each, Adjustment)]
    made = Adjustment(
        max(numbers, default=30) + 1,
        str(wanted.get("reason", "Count")),
        str(wanted.get("type", "Count")),
        day_of(wanted.get("date"), site.today),
        int(wanted.get("location", warehouse.location_id)),
        warehouse,
        tuple(lines),
        account=str(wanted.get("account", "5900")),
    )
    return site.adjust(made)


def _transfer(site: Site, wanted: Row) -> Transfer:
    source, target = list(site.warehouses.values())[:2]
    product = product_of(site, wanted["product"])
    numbers = [each.id for each in site.goods if isinstance(each, Transfer)]
    made = Transfer(
        max(numbers, default=10) + 1,
        day_of(wanted.get("date"), site.today),
        product,
        int(wanted.get("quantity", 1)),
        _amount(wanted, "cost", product.cost),
        _warehouse(site, wanted.get("source", source.id)),
        _warehouse(site, wanted.get("target", target.id)),
    )
    return site.transfer(made)


KINDS: dict[str, Callable[[Site, Row], Posting]] = {
    "expense": _expense,
    "purchase": _purchase,
    "adjustment": _adjustment,
    "transfer": _transfer,
}
