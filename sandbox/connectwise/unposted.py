"""Rows of the unposted lists of expenses and procurement."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCIES, CURRENCY
from sandbox.connectwise.expense_export import credit_account, credit_type
from sandbox.connectwise.present import code_ref, company_ref, level_fields, midnight, moment, term_ref, without_null
from sandbox.connectwise.purchases import Adjustment, Receipt

if TYPE_CHECKING:
    from datetime import date

    from sandbox.connectwise.expenses import Expense, Member
    from sandbox.connectwise.purchases import Transfer
    from sandbox.connectwise.site import Goods, Site

Row = dict[str, Any]


def evening(day: date) -> str | None:
    """The moment at which something of this day was closed."""
    return moment(datetime.combine(day, time(22, 40, 5), UTC))


def member_ref(member: Member) -> Row:
    """MemberReference."""
    return {"id": member.id, "identifier": member.identifier, "name": member.name, "dailyCapacity": 8.0}


def expense_rows(site: Site) -> list[Row]:
    """UnpostedExpense: one row an expense, and its offset's too where a switch lists it."""
    rows = []
    for each in site.unposted_expenses():
        rows.append(_expense(site, each))
        if site.switches.expense_offsets == "listed":
            total = {"total": -each.amount, "id": each.credit, "glType": credit_type(each)}
            rows.append({**_expense(site, each), **total, "accountNumber": credit_account(each)})
    return rows


def _expense(site: Site, expense: Expense) -> Row:
    net_of_tax = site.switches.expense_tax == "line"
    row = {
        "id": expense.debit,
        "locationId": expense.location_id,
        "departmentId": 10,
        "company": company_ref(expense.company) if expense.company else None,
        "accountNumber": expense.account,
        "creditAccount": credit_account(expense),
        "expenseDetailId": expense.id,
        "expenseType": {"id": expense.type.id, "name": expense.type.name},
        "classification": expense.classification,
        "glType": expense.gl_type,
        "member": member_ref(expense.member),
        "dateExpense": midnight(expense.date),
        "chargeCode": None if expense.company else {"id": 21, "name": "Office"},
        "chargeDescription": expense.text,
        "inPolicy": True,
        "paymentMethod": {"id": expense.payment.id, "name": expense.payment.name},
        "currency": CURRENCIES[expense.currency],
        "total": expense.net if net_of_tax else expense.amount,
        "billableAmount": expense.amount if expense.billable else 0.0,
        "nonBillableAmount": 0.0 if expense.billable else expense.amount,
        "agreementAmountCovered": 0.0,
        "project": expense.project_ref,
        "ticket": {"id": expense.ticket[0], "summary": expense.ticket[1]} if expense.ticket else None,
        "taxCode": code_ref(expense.tax_code),
        "avalaraTaxFlag": False,
        "itemTaxableFlag": bool(expense.taxes),
        "salesTaxAmount": expense.tax,
        **level_fields(expense.taxes),
        "dateClosed": evening(expense.report.end),
    }
    return without_null(row)


def goods_rows(site: Site) -> list[Row]:
    """UnpostedProcurement: a row for each purchase (or, by a switch, each of its records) and each adjusted line."""
    rows: list[Row] = []
    for each in site.unposted_goods():
        rows += _goods(site, each)
    return rows


def _goods(site: Site, goods: Goods) -> list[Row]:
    if isinstance(goods, Receipt):
        row = _purchase(goods)
        if site.switches.procurement_rows == "document":
            return [row]
        return [{**row, "id": record} for record in goods.record_ids]
    if isinstance(goods, Adjustment):
        return _adjusted(goods)
    return [_transferred(goods)]


def _purchase(receipt: Receipt) -> Row:
    order = receipt.order
    row = {
        **_common(receipt, receipt.records[0]),
        "description": f"PO {order.number}, packing slip {receipt.packing_slip}",
        "procurementType": "Purchase",
        "purchaseOrder": {"id": order.id, "name": order.number},
        "purchaseDate": midnight(order.date),
        "trackingNumber": order.tracking or None,
        "billingTerms": term_ref(order.term),
        "currency": CURRENCIES[order.currency],
        "total": receipt.total,
        "taxCode": code_ref(order.tax_code),
        "avalaraTaxFlag": False,
        "itemTaxableFlag": any(each.line.taxable for each in receipt.lines),
        "purchaseOrderTaxableFlag": order.tax_code is not None,
        **level_fields(receipt.taxes),
        "taxTotal": receipt.tax,
        "customer": company_ref(order.customer) if order.customer else None,
        "vendor": company_ref(order.vendor),
        "vendorAccountNumber": order.vendor.account_number or None,
        "vendorInvoiceNumber": order.vendor_invoice or None,
        "vendorInvoiceDate": midnight(order.vendor_invoice_date) if order.vendor_invoice_date else None,
        "taxFreightFlag": receipt.tax_freight,
        "freightTaxTotal": freight_tax(receipt),
        "freightCost": receipt.freight,
    }
    return without_null(row)


def freight_tax(receipt: Receipt) -> Decimal:
    """The part of the tax that its freight bears."""
    if not receipt.tax_freight or not receipt.order.tax_code:
        return Decimal(0)
    return (receipt.freight * receipt.order.tax_code.percent / 100).quantize(Decimal("0.01"))


def _adjusted(adjustment: Adjustment) -> list[Row]:
    """Several lines share one unpostedProductId and differ by their GL record."""
    return [
        {
            **_common(adjustment, record),
            "description": adjustment.reason,
            "procurementType": "Adjustment",
            "purchaseDate": midnight(adjustment.date),
            "currency": CURRENCY,
            "total": line.amount,
            "taxTotal": 0.0,
        }
        for record, line in zip(adjustment.records, adjustment.lines, strict=True)
    ]


def _transferred(transfer: Transfer) -> Row:
    return {
        **_common(transfer, transfer.records[0]),
        "description": f"{transfer.source.name} to {transfer.target.name}",
        "procurementType": "Transfer",
        "purchaseDate": midnight(transfer.date),
        "currency": CURRENCY,
        "total": transfer.total,
        "taxTotal": 0.0,
    }


def _common(goods: Goods, record: int) -> Row:
    return {
        "id": record,
        "unpostedProductId": goods.product_id,
        "locationId": goods.location_id,
        "departmentId": 10,
        "dateClosed": evening(goods.date),
    }
