"""A tie-out to take along: CSV of every record, a workbook with a sheet for each table, JSON for scripts."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter

from app.domain import csv_text
from app.domain.tie_out import Booked, Invoiced, Item, Reason
from app.domain.tie_out_sums import Row
from app.models.reconcile import PsaAgreement
from app.services.batches.feet import cents_text
from app.services.reconcile.tie_out import Statement

#: Each reason in words, and what to do about it; the pages say the same.
REASONS: dict[Reason, tuple[str, str]] = {
    Reason.AGREES: ("Agrees", ""),
    Reason.NOT_CLOSED: ("Posted, not closed in ConnectWise", "Its batch says what stands in the way."),
    Reason.ROUNDING: ("Rounding", "Within the cents that this company accepts."),
    Reason.OPEN_IN_PSA: ("Not closed in ConnectWise yet", "Close the invoice there: then it can be posted."),
    Reason.UNPOSTED: ("Not posted yet", "Run a batch."),
    Reason.HELD: ("Held or refused", "Its problem says why; see Needs Attention."),
    Reason.UNDER_WAY: ("Under way", "Look again once its batch has ended."),
    Reason.LEFT_OUT: ("Skipped or cleared by a person", "Nothing was sent: see that somebody else has booked it."),
    Reason.ELSEWHERE: (
        "In another accounting batch",
        "ConnectWise takes it for posted, and QuickBooks has none of its number.",
    ),
    Reason.EDITED: ("Edited in QuickBooks", "Keep it, or put it back: see the drift list."),
    Reason.TAX_DIFFERS: ("The tax differs", "The totals agree."),
    Reason.KEPT: ("Differs, and was kept by a person", ""),
    Reason.BY_NUMBER: (
        "Differs under the same number",
        "Not posted by Crossfoot: somebody typed it in, or another program did.",
    ),
    Reason.VOIDED: ("Voided in QuickBooks", "Keep it, or send it again: see the drift list."),
    Reason.DELETED: ("Deleted in QuickBooks", "Keep it, or send it again: see the drift list."),
    Reason.OTHER_MONTH: ("Dated in another month on the other side", "Counts there."),
    Reason.OTHER_CURRENCY: ("In another currency on the other side", "Counts there."),
    Reason.PSA_GONE: ("Posted, and ConnectWise no longer shows it", "Deleted there, or the API member may not see it."),
    Reason.BY_HAND: ("Only in QuickBooks", "Typed in by hand: no invoice of ConnectWise has its number."),
    Reason.JOURNAL: (
        "Journal entry on receivables",
        "Only in QuickBooks; what is applied of it is known of payments that were synced.",
    ),
    Reason.UNAPPLIED: ("Money received that pays nothing yet", "Apply it in QuickBooks."),
}
HEAD = (
    "reason", "number", "customer", "connectwise_date", "connectwise_total", "connectwise_tax", "connectwise_open",
    "quickbooks_date", "quickbooks_number", "quickbooks_total", "quickbooks_tax", "quickbooks_open", "difference",
    "payments_difference",
)  # fmt: skip
#: The columns of amounts, in the workbook.
MONEY = (4, 5, 6, 9, 10, 11, 12, 13)


def cells(item: Item) -> list[str]:
    """One record, in the order of HEAD; amounts as plain decimals, empty for a side that isn't there."""
    return [
        REASONS[item.reason][0], item.number, _party(item), *_side(item.psa),
        *(_side(item.books, number=True)), cents_text(item.difference), cents_text(item.paid_difference),
    ]  # fmt: skip


def _party(item: Item) -> str:
    side = item.psa or item.books
    return side.party if side else ""


def _side(side: Invoiced | Booked | None, *, number: bool = False) -> list[str]:
    if side is None:
        return [""] * (5 if number else 4)
    amounts = [cents_text(side.cents), cents_text(side.tax), cents_text(side.open)]
    return [side.date.isoformat(), *([side.number] if number else []), *amounts]


def to_csv(statement: Statement) -> str:
    """Every record of the month, those that agree too, so that the columns add up to the totals."""
    total = statement.total
    last = [
        "Total", str(total.count), "", "", cents_text(total.psa), "", cents_text(total.psa_open), "", "",
        cents_text(total.books), "", cents_text(total.books_open), cents_text(total.difference),
        cents_text(total.paid_difference),
    ]  # fmt: skip
    return csv_text.lines([HEAD, *map(cells, statement.items), last])


# ── workbook ─────────────────────────────────────────────────────────────────────────────────────────────────────


def to_xlsx(statement: Statement, agreements: Sequence[PsaAgreement], title: str) -> bytes:
    """One sheet a table. Texts are written as texts: nothing from a vendor becomes a formula or a link."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as workbook:
        sheets = _Sheets(workbook)
        total = statement.total
        sheets.table(
            "Summary", ("", "Records", "ConnectWise", "QuickBooks", "Difference"),
            [
                (title, "", "", "", ""),
                *(_row(row, REASONS[Reason(row.key)][0]) for row in statement.reasons),
                ("Total", total.count, total.psa, total.books, total.difference),
                ("Still open", "", total.psa_open, total.books_open, total.open_difference),
                ("of which payments", "", "", "", total.paid_difference),
            ],
            money=(2, 3, 4),
        )  # fmt: skip
        for name, items in (("Explained", statement.explained), ("Payments", statement.payments),
                            ("All records", statement.items)):  # fmt: skip
            sheets.table(name, HEAD, (_item(item) for item in items), money=MONEY)
        for name, rows in (("Customers", statement.customers), ("Taxes", statement.taxes),
                           ("Accounts", statement.accounts)):  # fmt: skip
            sheets.table(
                name, (name, "Records", "ConnectWise", "QuickBooks", "Difference"),
                (_row(row, row.name or "None") for row in rows), money=(2, 3, 4),
            )  # fmt: skip
        sheets.table(
            "Agreements without invoice", ("Customer", "Agreement", "Billed", "Amount", "Currency"),
            ((a.party, a.name, a.cycle, a.cents, a.currency) for a in agreements), money=(3,),
        )  # fmt: skip
    return content.getvalue()


def _row(row: Row, name: str) -> tuple[Any, ...]:
    return name, row.count, row.psa, row.books, row.difference


def _item(item: Item) -> tuple[Any, ...]:
    psa, books = item.psa, item.books
    left = (psa.date.isoformat(), psa.cents, psa.tax, psa.open) if psa else ("", None, None, None)
    right = (
        (books.date.isoformat(), books.number, books.cents, books.tax, books.open)
        if books
        else ("", "", None, None, None)
    )
    return (REASONS[item.reason][0], item.number, _party(item), *left, *right, item.difference, item.paid_difference)


class _Sheets:
    """Writes tables: a bold head that stays, amounts with two decimals. Amounts come in hundredths."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self._workbook = workbook
        self._bold = workbook.add_format({"bold": True})
        self._money = workbook.add_format({"num_format": "#,##0.00;[Red]-#,##0.00"})

    def table(self, name: str, head: Sequence[str], rows: Iterable[Sequence[Any]], money: Sequence[int]) -> None:
        sheet = self._workbook.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, len(head) - 1, 16)
        sheet.write_row(0, 0, head, self._bold)
        for place, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if isinstance(value, int) and column in money:
                    sheet.write_number(place, column, value / 100, self._money)
                elif isinstance(value, int):
                    sheet.write_number(place, column, value)
                elif value:
                    sheet.write_string(place, column, str(value))


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def to_json(statement: Statement) -> dict[str, Any]:
    """A month in one currency; amounts are strings."""
    total = statement.total
    return {
        "month": "{:04}-{:02}".format(*statement.month),
        "currency": statement.currency,
        "adds_up": statement.adds_up,
        "psa": cents_text(total.psa), "books": cents_text(total.books), "difference": cents_text(total.difference),
        "psa_open": cents_text(total.psa_open), "books_open": cents_text(total.books_open),
        "payments_difference": cents_text(total.paid_difference),
        "reasons": [_json_row(row, "reason", row.key) for row in statement.reasons],
        "explained": [_json_item(item) for item in statement.explained],
        "payments": [_json_item(item) for item in statement.payments],
        "customers": [_json_row(row, "customer", row.name) for row in statement.customers],
        "taxes": [_json_row(row, "tax_code", row.name) for row in statement.taxes],
        "accounts": [_json_row(row, "account", row.name) for row in statement.accounts],
    }  # fmt: skip


def _json_row(row: Row, name: str, value: str) -> dict[str, Any]:
    return {
        name: value, "count": row.count, "psa": cents_text(row.psa), "books": cents_text(row.books),
        "difference": cents_text(row.difference),
    }  # fmt: skip


def _json_item(item: Item) -> dict[str, Any]:
    return {
        "reason": item.reason, "number": item.number, "party": _party(item),
        "record": item.psa.record if item.psa else "", "ledger_id": item.books.ledger_id if item.books else "",
        "psa": cents_text(item.psa_cents), "books": cents_text(item.books_cents),
        "difference": cents_text(item.difference), "payments_difference": cents_text(item.paid_difference),
    }  # fmt: skip
