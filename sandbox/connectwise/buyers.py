"""What approvers, buyers and the people at the warehouse do meanwhile: actions of `POST /_edit`.

Expenses are named by `expense` (the id of the entry), purchases by `purchase_order` (number) and `packing_slip`,
adjustments and transfers by `product` (the unpostedProductId).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.expenses import STATUSES
from sandbox.connectwise.model import cents
from sandbox.connectwise.purchases import Adjustment, Receipt, ReceivedLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.connectwise.expenses import Expense, Member
    from sandbox.connectwise.model import Company
    from sandbox.connectwise.purchases import PurchaseOrder
    from sandbox.connectwise.site import Goods, Site

Row = dict[str, Any]


def expense_named(site: Site, wanted: Row) -> Expense:
    """The expense, or a ValueError."""
    found = site.expenses.get(int(wanted.get("expense", 0)))
    if found is None:
        raise ValueError(f"no expense {wanted.get('expense')}")
    return found


def order_named(site: Site, wanted: Row) -> PurchaseOrder:
    """The purchase order, or a ValueError."""
    found = [each for each in site.orders.values() if each.number == str(wanted.get("purchase_order"))]
    if not found:
        raise ValueError(f"no purchase order {wanted.get('purchase_order')}")
    return found[0]


def goods_named(site: Site, wanted: Row) -> Goods:
    """A purchase by its order's number and packing slip, anything by its unpostedProductId; or a ValueError."""
    for each in site.goods:
        slip = isinstance(each, Receipt) and (each.order.number, each.packing_slip)
        if each.product_id == wanted.get("product") or (
            slip and slip == (str(wanted.get("purchase_order")), wanted.get("packing_slip"))
        ):
            return each
    raise ValueError(f"no purchase, adjustment or transfer like {wanted}")


def receipt_named(site: Site, wanted: Row) -> Receipt:
    """The purchase, or a ValueError."""
    found = goods_named(site, wanted)
    if not isinstance(found, Receipt):
        raise ValueError(  # noqa: TRY004  # what was asked for is wrong, not our types
            f"{found.product_id} is no purchase"
        )
    return found


def vendor_invoice(site: Site, wanted: Row) -> None:
    """The vendor's bill has come: its `vendor_invoice_number` and `vendor_invoice_date` go onto the order."""
    order = order_named(site, wanted)
    order.vendor_invoice = str(wanted["vendor_invoice_number"])
    day = wanted.get("vendor_invoice_date")
    order.vendor_invoice_date = date.fromisoformat(str(day)[:10]) if day else None


def set_report(site: Site, wanted: Row) -> None:
    """Give a `report` another `status`, "ApprovedByTierTwo" unless said otherwise."""
    report = site.reports.get(int(wanted.get("report", 0)))
    status = str(wanted.get("status", "ApprovedByTierTwo"))
    if report is None or status not in STATUSES:
        raise ValueError(f"no report {wanted.get('report')} or no status {status}; there are {', '.join(STATUSES)}")
    report.status = status


def change_expense(site: Site, wanted: Row) -> None:
    """Change an unbatched expense's `amount`, `text`, `classification`, `mapped`: its GL records are new ones."""
    expense = expense_named(site, wanted)
    _refuse_batched(expense)
    site.disown(expense)
    if "amount" in wanted:
        expense.amount = cents(Decimal(str(wanted["amount"])))
        expense.taxes = ()
    expense.text = str(wanted.get("text", expense.text))
    expense.classification = str(wanted.get("classification", expense.classification))
    expense.mapped = bool(wanted.get("mapped", expense.mapped))
    site.add_expense(expense)


def delete_expense(site: Site, wanted: Row) -> None:
    """Delete an unbatched expense."""
    expense = expense_named(site, wanted)
    _refuse_batched(expense)
    site.disown(expense)
    del site.expenses[expense.id]


def change_purchase(site: Site, wanted: Row) -> None:
    """Re-open and close an unbatched purchase: first line's `cost`, `freight`, `freight_account`; new GL records."""
    receipt = receipt_named(site, wanted)
    _refuse_batched(receipt)
    if "cost" in wanted:
        receipt.lines[0].line.cost = Decimal(str(wanted["cost"]))
    receipt.freight = cents(Decimal(str(wanted.get("freight", receipt.freight))))
    receipt.freight_account = str(wanted.get("freight_account", receipt.freight_account))
    site.restamp(receipt)


def map_adjustment(site: Site, wanted: Row) -> None:
    """Map the type of an unbatched adjustment to `account`; it is closed again under new GL records."""
    found = goods_named(site, wanted)
    if not isinstance(found, Adjustment):
        raise ValueError(  # noqa: TRY004  # as above
            f"{found.product_id} is no adjustment"
        )
    _refuse_batched(found)
    found.account = str(wanted["account"])
    site.restamp(found)


def receive(site: Site, wanted: Row) -> None:
    """More of an order comes with a new `packing_slip`: `quantities` by line, or all that is missing."""
    order = order_named(site, wanted)
    missing = [each.quantity - each.received for each in order.lines]
    given = wanted.get("quantities")
    quantities = [Decimal(str(each)) for each in given] if given else missing
    lines = tuple(ReceivedLine(line, many) for line, many in zip(order.lines, quantities, strict=True) if many > 0)
    if not lines or any(each.quantity > each.line.quantity - each.line.received for each in lines):
        raise ValueError(f"of order {order.number} {[str(each) for each in missing]} are missing")
    freight = cents(Decimal(str(wanted.get("freight", 0))))
    site.receive(Receipt(order, str(wanted["packing_slip"]), site.today, lines, freight))


def take_back(site: Site, wanted: Row) -> None:
    """Undo the receipt of an unbatched purchase: it is unposted no more, and its records are gone."""
    receipt = receipt_named(site, wanted)
    _refuse_batched(receipt)
    site.disown(receipt)
    site.goods.remove(receipt)
    for each in receipt.lines:
        each.line.received -= each.quantity


def vendor_number(site: Site, wanted: Row) -> None:
    """Give a `member` (identifier) or `vendor` (id) its `number` in the books."""
    people: list[Member | Company] = [each for each in site.staff.values() if each.identifier == wanted.get("member")]
    vendors = [each for each in site.vendors.values() if each.id == wanted.get("vendor")]
    if not people and not vendors:
        raise ValueError(f"no member or vendor like {wanted}")
    for each in [*people, *vendors]:
        each.vendor_number = str(wanted["number"])


def rename_item(site: Site, wanted: Row) -> None:
    """Give a product (`product`, its identifier) another `identifier` or `description`."""
    found = [each for each in site.products.values() if each.identifier == wanted.get("product")]
    if not found:
        raise ValueError(f"no product {wanted.get('product')}")
    old = found[0]
    identifier, text = (str(wanted.get(name, getattr(old, name))) for name in ("identifier", "description"))
    site.products[old.id] = replace(old, identifier=identifier, description=text)


def _refuse_batched(document: Expense | Goods) -> None:
    if document.batch_id is not None:
        raise ValueError("it is batched; unbatch it first")


ACTIONS: dict[str, Callable[[Site, Row], None]] = {
    "vendor_invoice": vendor_invoice,
    "set_report": set_report,
    "change_expense": change_expense,
    "delete_expense": delete_expense,
    "change_purchase": change_purchase,
    "map_adjustment": map_adjustment,
    "receive": receive,
    "take_back": take_back,
    "vendor_number": vendor_number,
    "rename_item": rename_item,
}
