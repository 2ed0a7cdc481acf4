"""Expenses in the export: entries of a general journal, each with its offset, or bills of a member's week.

Which of the two follows from the accounting package's box *Transfer Expenses as Bill*. Neither carries the charge
description; that is in the unposted list only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCIES
from sandbox.connectwise.expenses import PERSONAL, REIMBURSABLE
from sandbox.connectwise.package import package_setup
from sandbox.connectwise.present import company_ref, midnight, without_null

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.connectwise.expenses import Expense, Member
    from sandbox.connectwise.model import LevelTax
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

PAYABLE, TAX_ACCOUNT = "2000", "2200"
JOURNAL = "GENERAL JOURNAL"


def credit_account(expense: Expense) -> str:
    """The payable for what the member gets back, else the account of the way it was paid."""
    return PAYABLE if expense.classification == REIMBURSABLE else expense.payment.account


def credit_type(expense: Expense) -> str:
    """The GL type of the offset."""
    return "AP" if expense.classification == REIMBURSABLE else "EO"


def expense_documents(site: Site, expenses: Sequence[Expense]) -> Row:
    """The parts `expenses` and `expenseBills` of an export."""
    if not package_setup(site)["transferExpensesAsBillFlag"]:
        return {"expenses": _journal(site, expenses), "expenseBills": []}
    others = [each for each in expenses if each.classification != REIMBURSABLE]
    where = site.switches.nonreimbursable_bills
    billed = [each for each in expenses if each not in others or where == "bills"]
    return {"expenses": _journal(site, others) if where == "expenses" else [], "expenseBills": _bills(site, billed)}


def members_of(expenses: Iterable[Expense]) -> list[Row]:
    """GLExportVendor rows of the members."""
    found = {each.member.id: each.member for each in expenses}
    return [
        {
            "member": _member(each),
            "vendorNumber": each.vendor_number,
            "accountNumber": "",
        }
        for each in found.values()
    ]


def _member(member: Member) -> Row:
    return {"id": member.id, "identifier": member.identifier, "name": member.name}


def _class(site: Site, expense: Expense) -> str:
    return site.locations[expense.location_id].name if site.switches.gl_classes else ""


def _journal(site: Site, expenses: Iterable[Expense]) -> list[Row]:
    """One entry for each expense; by a switch its taxes are entries of their own (ET), which have no offset."""
    rows = []
    for each in expenses:
        apart = site.switches.expense_tax == "line"
        rows.append(_entry(site, each, each.net if apart else each.amount))
        rows += [_tax_entry(rows[-1], each, index, tax) for index, tax in enumerate(each.taxes if apart else ())]
    return rows


def _entry(site: Site, expense: Expense, total: Decimal) -> Row:
    row = {
        "id": expense.debit,
        "documentDate": midnight(expense.date),
        "documentType": JOURNAL,
        "apAccountNumber": credit_account(expense),
        "apClass": _class(site, expense),
        "accountNumber": expense.account or None,
        "glClass": _class(site, expense),
        "glTypeId": expense.gl_type,
        "memo": expense.type.name,
        "description": "Expense",
        "periodStartDate": midnight(expense.report.start),
        "periodEndDate": midnight(expense.report.end),
        "member": _member(expense.member),
        "vendorNumber": expense.member.vendor_number,
        "company": company_ref(expense.company) if expense.company else None,
        "companyAccountNumber": expense.company.account_number if expense.company else "",
        "project": expense.project_ref,
        "currency": CURRENCIES[expense.currency],
        "total": total,
        "offset": _offset(site, expense),
    }
    return without_null(row)


def _offset(site: Site, expense: Expense) -> Row:
    """The other side of the entry, over the whole amount."""
    sign = -1 if site.switches.expense_offset_sign == "negative" else 1
    return {
        "id": expense.credit,
        "documentDate": midnight(expense.date),
        "documentType": JOURNAL,
        "accountNumber": credit_account(expense),
        "glTypeId": credit_type(expense),
        "glClass": _class(site, expense),
        "member": _member(expense.member),
        "memo": expense.type.name,
        "description": "Expense Offset" if credit_type(expense) == "EO" else "Accounts Payable",
        "total": sign * expense.amount,
    }


def _tax_entry(entry: Row, expense: Expense, index: int, tax: LevelTax) -> Row:
    changed = {
        "id": expense.tax_records[index],
        "glTypeId": "ET",
        "memo": "Sales Tax",
        "description": f"Level {tax.level.level} Expense Tax",
        "accountNumber": TAX_ACCOUNT,
        "total": tax.amount,
    }
    return {name: value for name, value in {**entry, **changed}.items() if name != "offset"}


def _bills(site: Site, expenses: Iterable[Expense]) -> list[Row]:
    """One bill for each report and currency."""
    weeks: dict[tuple[int, str], list[Expense]] = {}
    for each in expenses:
        if each.classification != PERSONAL:
            weeks.setdefault((each.report.id, each.currency), []).append(each)
    return [_bill(site, week) for week in weeks.values()]


def _bill(site: Site, week: list[Expense]) -> Row:
    first, report = week[0], week[0].report
    return {
        "id": first.debit,
        "documentDate": midnight(report.end),
        "documentType": JOURNAL,
        "documentNumber": f"{first.debit}{report.member.identifier}",
        "memo": f"Expenses for {report.start.isoformat()} - {report.end.isoformat()}",
        "glClass": _class(site, first),
        "apAccountNumber": PAYABLE,
        "member": _member(report.member),
        "vendorNumber": report.member.vendor_number,
        "currency": CURRENCIES[first.currency],
        "total": sum((each.amount for each in week), Decimal(0)),
        "detail": _details(site, week),
    }


def _details(site: Site, week: list[Expense]) -> list[Row]:
    """Lines of a bill; the format Condensed merges those that differ in their amounts only."""
    lines = [line for each in week for line in _lines(site, each)]
    if package_setup(site)["expenseFormat"] != "Condensed":
        return lines
    merged: dict[str, Row] = {}
    for line in lines:
        key = repr({name: value for name, value in line.items() if name not in {"id", "total", "documentDate"}})
        if key in merged:
            merged[key]["id"] += line["id"]
            merged[key]["total"] += line["total"]
        else:
            merged[key] = line
    return list(merged.values())


def _lines(site: Site, expense: Expense) -> list[Row]:
    apart = site.switches.expense_tax == "line"
    line = without_null(
        {
            "id": [expense.debit, expense.credit],
            "documentDate": midnight(expense.date),
            "glTypeId": expense.gl_type,
            "memo": expense.type.name,
            "company": company_ref(expense.company) if expense.company else None,
            "accountNumber": expense.account or None,
            "expenseClass": {"id": expense.location_id, "name": _class(site, expense)}
            if _class(site, expense)
            else None,
            "currency": CURRENCIES[expense.currency],
            "total": expense.net if apart else expense.amount,
            "billable": expense.billable,
            "reimbursable": expense.classification == REIMBURSABLE,
            "companyAdvance": False,
        }
    )
    if not apart:
        return [line]
    taxes = [
        {
            **line,
            "id": [record],
            "glTypeId": "ET",
            "memo": "Sales Tax",
            "accountNumber": TAX_ACCOUNT,
            "total": tax.amount,
        }
        for record, tax in zip(expense.tax_records, expense.taxes, strict=True)
    ]
    return [line, *taxes]
