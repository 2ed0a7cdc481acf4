"""`/expense`: reports with their status, entries, types, payment types and classifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCIES
from sandbox.connectwise.expenses import NOT_REIMBURSABLE, PERSONAL, REIMBURSABLE
from sandbox.connectwise.present import company_ref, midnight, without_null
from sandbox.connectwise.unposted import evening, member_ref

if TYPE_CHECKING:
    from sandbox.connectwise.expenses import Expense, ExpenseReport
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

#: As the API writes them in entries; the unposted list writes the enum instead.
CLASSIFICATIONS = {
    NOT_REIMBURSABLE: {"id": 1, "name": "Non-Reimbursable"},
    REIMBURSABLE: {"id": 2, "name": "Reimbursable"},
    PERSONAL: {"id": 3, "name": "Personal"},
}


def report_rows(site: Site) -> list[Row]:
    """ExpenseReport: a member's week."""
    return [_report(site, each) for each in site.reports.values()]


def _report(site: Site, report: ExpenseReport) -> Row:
    mine = [each for each in site.expenses.values() if each.report is report]
    return {
        "id": report.id,
        "member": member_ref(report.member),
        "year": report.end.year,
        "period": report.end.isocalendar().week,
        "dateStart": midnight(report.start),
        "dateEnd": midnight(report.end),
        "status": report.status,
        "total": sum(each.amount for each in mine),
        "dueDate": midnight(report.end),
        "_info": {"lastUpdated": evening(report.end), "updatedBy": report.member.identifier},
    }


def entry_rows(site: Site) -> list[Row]:
    """ExpenseEntry, in every status."""
    return [_entry(each) for each in site.expenses.values() if site.sees(each.location_id)]


def _entry(expense: Expense) -> Row:
    report = expense.report
    row = {
        "id": expense.id,
        "expenseReport": {"id": report.id, "name": f"{report.start.isoformat()} to {report.end.isoformat()}"},
        "company": company_ref(expense.company) if expense.company else None,
        "chargeToId": expense.ticket[0] if expense.ticket else expense.company.id if expense.company else 21,
        "chargeToType": "ServiceTicket" if expense.ticket else "Company" if expense.company else "ChargeCode",
        "type": {"id": expense.type.id, "name": expense.type.name},
        "member": member_ref(expense.member),
        "paymentMethod": {"id": expense.payment.id, "name": expense.payment.name},
        "classification": CLASSIFICATIONS[expense.classification],
        "amount": expense.amount,
        "billableOption": "Billable" if expense.billable else "DoNotBill",
        "date": midnight(expense.date),
        "locationId": expense.location_id,
        "businessUnitId": 10,
        "notes": expense.text,
        "invoiceAmount": expense.amount if expense.billable else 0.0,
        "taxes": [
            {"id": index, "amount": each.amount, "type": each.level.caption}
            for index, each in enumerate(expense.taxes, 1)
        ],
        "invoice": {"id": expense.invoice_id} if expense.invoice_id else None,
        "currency": CURRENCIES[expense.currency],
        "status": report.status,
        "billAmount": expense.amount if expense.billable else 0.0,
        "agreementAmount": 0.0,
        "project": expense.project_ref,
        "ticket": {"id": expense.ticket[0], "summary": expense.ticket[1]} if expense.ticket else None,
        "_info": {"lastUpdated": evening(expense.date), "updatedBy": expense.member.identifier},
    }
    return without_null(row)


def type_rows(site: Site) -> list[Row]:
    """ExpenseType."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "amountCaption": "Miles" if each.mileage else "Amount",
            "reimbursementRate": 0.7 if each.mileage else 1.0,
            "billExpenses": "Billable",
            "advancedAmountFlag": False,
            "mileageFlag": each.mileage,
            "quantityFlag": False,
            "inactiveFlag": False,
            "integrationXRef": "",
            "defaultFlag": each.id == 1,
        }
        for each in site.expense_types.values()
    ]


def payment_rows(site: Site) -> list[Row]:
    """PaymentType: how an expense was paid, and whether the company paid it."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "classification": CLASSIFICATIONS[NOT_REIMBURSABLE if each.company else REIMBURSABLE],
            "defaultFlag": each.id == 1,
            "companyFlag": each.company,
        }
        for each in site.payment_methods.values()
    ]


def classification_rows(_: Site) -> list[Row]:
    """Classification."""
    return [
        {
            **each,
            "multiplier": 1.0,
            "defaultFlag": kind == REIMBURSABLE,
            "companyFlag": kind == NOT_REIMBURSABLE,
            "employeeFlag": kind != NOT_REIMBURSABLE,
        }
        for kind, each in CLASSIFICATIONS.items()
    ]
