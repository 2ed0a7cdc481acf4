"""BatchEntry rows: the debits and credits behind the GL records of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.connectwise.expense_export import credit_account, credit_type
from sandbox.connectwise.expenses import Expense
from sandbox.connectwise.export import RECEIVABLE, TAX_PAYABLE
from sandbox.connectwise.model import Invoice
from sandbox.connectwise.purchase_export import TAX_ACCOUNT
from sandbox.connectwise.purchases import Adjustment, Receipt, Transfer

if TYPE_CHECKING:
    from decimal import Decimal

    from sandbox.connectwise.ledger import Posting
    from sandbox.connectwise.model import Product

Row = dict[str, Any]


def entries(posting: Posting) -> list[Row]:
    """The rows of one document, each under the id of its GL record."""
    if isinstance(posting, Invoice):
        return _invoice(posting)
    if isinstance(posting, Expense):
        return _expense(posting)
    if isinstance(posting, Receipt):
        return _receipt(posting)
    if isinstance(posting, Adjustment):
        return _adjustment(posting)
    return _transfer(posting) if isinstance(posting, Transfer) else []


def _entry(record: int, kind: str, account: str, amount: Decimal, **more: Any) -> Row:
    side = {"debit": amount} if amount > 0 else {"credit": -amount}
    return {"id": record, "accountType": kind, "accountNumber": account, **side, **more}


def _invoice(invoice: Invoice) -> list[Row]:
    """Debit of the receivable, credits of lines and taxes (the other way where negative)."""
    if invoice.stamp is None:
        return []
    first, *others = invoice.stamp.receivable
    rows = [_entry(first, "AR", RECEIVABLE, invoice.total)]
    rows += [{"id": each, "accountType": "AR", "accountNumber": RECEIVABLE} for each in others]
    for record, line in zip(invoice.stamp.lines, invoice.lines, strict=True):
        rows.append(_entry(record, line.gl_type, line.account, -line.amount))
    for record, tax in zip(invoice.stamp.taxes, invoice.taxes, strict=True):
        rows.append(_entry(record, "ST", TAX_PAYABLE, -tax.amount))
    ref = {"id": invoice.id, "identifier": invoice.number, "billingType": invoice.type}
    return [{**row, "invoice": ref} for row in rows]


def _expense(expense: Expense) -> list[Row]:
    rows = [
        _entry(expense.debit, expense.gl_type, expense.account, expense.net),
        _entry(expense.credit, credit_type(expense), credit_account(expense), -expense.amount),
    ]
    for record, tax in zip(expense.tax_records, expense.taxes, strict=True):
        rows.append(_entry(record, "ET", TAX_ACCOUNT, tax.amount))
    return [{**row, "expense": {"id": expense.id, "amount": expense.amount}} for row in rows]


def _receipt(receipt: Receipt) -> list[Row]:
    """Goods, freight and taxes are debits; the payable has no record of its own."""
    rows = []
    for record, each in zip(receipt.records, receipt.lines, strict=True):
        line = {"id": each.line.id, "identifier": each.line.product.identifier}
        product = each.line.product
        rows.append(_entry(record, "RP", _stock(product), each.amount, item=product.identifier, lineItem=line))
    if receipt.freight_record:
        rows.append(_entry(receipt.freight_record, "PF", receipt.freight_account, receipt.freight))
    for record, tax in zip(receipt.tax_records, receipt.taxes, strict=True):
        rows.append(_entry(record, "PT", TAX_ACCOUNT, tax.amount))
    ref = {"id": receipt.order.id, "name": receipt.order.number}
    return [{**row, "purchaseOrder": ref} for row in rows]


def _stock(product: Product) -> str:
    return product.inventory_account or product.cogs_account or product.account


def _adjustment(adjustment: Adjustment) -> list[Row]:
    pairs = zip(adjustment.records, adjustment.lines, strict=True)
    return [
        _entry(
            record,
            "IA",
            _stock(line.product),
            line.amount,
            item=line.product.identifier,
            adjustmentDetail={"id": adjustment.id * 10 + index, "name": line.product.identifier},
        )
        for index, (record, line) in enumerate(pairs)
    ]


def _transfer(transfer: Transfer) -> list[Row]:
    account, name = _stock(transfer.product), f"{transfer.source.name} to {transfer.target.name}"
    debit, credit = transfer.records
    return [
        _entry(debit, "IT", account, transfer.total, transfer=name),
        _entry(credit, "IT", account, -transfer.total, transfer=name),
    ]
