"""From an export to one answer per record: what stands beside it is read many a call, then translated purely."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from app.connectors.connectwise import expenses, procurement, purchases, translate, values, work
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.exporting import Export, Exporter
from app.connectors.connectwise.values import Row
from app.connectors.protocols import Exported
from app.domain.problems import Problem
from app.domain.states import RecordKind

DETAILED = "detailed"
UNPOSTED = {
    RecordKind.INVOICES: "/finance/accounting/unpostedinvoices",
    RecordKind.EXPENSES: "/finance/accounting/unpostedexpenses",
    RecordKind.INVENTORY: "/finance/accounting/unpostedprocurement",
}


class Reader:
    """Documents of one site."""

    def __init__(self, client: Client, exporter: Exporter) -> None:
        self._client = client
        self._exporter = exporter

    @property
    def _currency(self) -> str:
        return self._client.settings.currency

    # ── invoices ─────────────────────────────────────────────────────────────────────────────────────────────────

    def read_invoices(self, records: Sequence[str], summary: str, through: dt.date | None) -> list[Exported]:
        """One answer per record, in the order asked."""
        export = self._exporter.export(RecordKind.INVOICES, records, summary, through)
        rows = export.rows("transactions")
        customers = {values.identity(values.part(row, "company")): row for row in export.rows("customers")}
        shown = sorted({company for row in rows if (company := values.identity(values.part(row, "company")))})
        companies = _by_id(self._client.optional_rows("/company/companies", "id", shown))
        asked = sorted({key for row in rows if (key := values.identity(row))})
        own = _by_id(self._client.optional_rows("/finance/invoices", "id", asked))
        entries = work.entries(self._client, rows) if summary == DETAILED else {}
        answers = []
        for record in records:
            invoice = own.get(record, {})
            transaction = _transaction(rows, record, values.text(invoice, "invoiceNumber"))
            if transaction is None:
                answers.append(_nothing(export, record, translate.no_gl_entries()))
                continue
            company = values.identity(values.part(transaction, "company"))
            beside = translate.Beside(customers.get(company, {}), companies.get(company, {}), invoice, entries)
            answers.append(translate.to_exported(record, transaction, beside, self._currency))
        return answers

    # ── expenses ─────────────────────────────────────────────────────────────────────────────────────────────────

    def expense_entries(self, rows: Sequence[Row]) -> dict[str, Row]:
        """The expense entries behind rows of the unposted list, with their reports and how far those are approved."""
        wanted = sorted({key for row in rows if (key := values.identity(row, "expenseDetailId"))})
        return _by_id(self._client.optional_rows("/expense/entries", "id", wanted))

    def read_expenses(self, records: Sequence[str], through: dt.date | None) -> list[Exported]:
        """One answer per record, in the order asked."""
        export = self._exporter.export(RecordKind.EXPENSES, records, "", through)
        numbers = [record for record in records if values.is_number(record)]
        listed = _by_id(self._client.rows_in(UNPOSTED[RecordKind.EXPENSES], "id", numbers)) if numbers else {}
        entries = self.expense_entries(list(listed.values()))
        found: dict[str, list[expenses.Spent]] = {}
        for spent in self._spent(export):
            for ident in spent.ids:
                found.setdefault(str(ident), []).append(spent)
        return [self._expense(export, record, found, listed, entries) for record in records]

    def _spent(self, export: Export) -> list[expenses.Spent]:
        return expenses.spent({part: export.rows(part) for part in ("expenses", "expenseBills")})

    def _expense(
        self, export: Export, record: str, found: dict[str, list[expenses.Spent]], listed: dict[str, Row],
        entries: dict[str, Row],
    ) -> Exported:  # fmt: skip
        own, row = found.get(record, []), listed.get(record, {})
        if len(own) != 1:
            return _nothing(export, record, NOT_EXPORTED)
        others = {str(ident) for ident in own[0].ids} & listed.keys() - {record}
        if others:
            return Exported(record, None, (), (MERGED,))
        entry = entries.get(values.identity(row, "expenseDetailId"), {})
        return expenses.to_exported(record, own[0], row, entry, self._currency)

    # ── procurement ──────────────────────────────────────────────────────────────────────────────────────────────

    def read_inventory(self, records: Sequence[str], through: dt.date | None) -> list[Exported]:
        """One answer per record, in the order asked."""
        export = self._exporter.export(RecordKind.INVENTORY, records, "", through)
        quoted = [f'"{record}"' for record in dict.fromkeys(records) if '"' not in record]
        path = UNPOSTED[RecordKind.INVENTORY]
        listed = procurement.grouped(self._client.rows_in(path, "unpostedProductId", quoted)) if quoted else {}
        bought = export.rows("purchaseTransactions")
        shown = sorted({vendor for row in bought if (vendor := values.identity(values.part(row, "company")))})
        vendors = _by_id(self._client.optional_rows("/company/companies", "id", shown))
        ordered = {values.identity(values.part(own[0], "purchaseOrder")) for own in listed.values()} - {""}
        orders = _by_id(self._client.optional_rows("/procurement/purchaseorders", "id", sorted(ordered)))
        return [self._goods(export, record, listed.get(record, []), vendors, orders) for record in records]

    def _goods(
        self, export: Export, record: str, listed: list[Row], vendors: dict[str, Row], orders: dict[str, Row]
    ) -> Exported:
        if not listed:
            return _nothing(export, record, NOT_EXPORTED)
        if purchase := _receipt(export.rows("purchaseTransactions"), record, listed[0]):
            vendor = vendors.get(values.identity(values.part(purchase, "company")), {})
            order = orders.get(values.identity(values.part(listed[0], "purchaseOrder")), {})
            return purchases.exported_purchase(record, purchase, listed[0], vendor, order, self._currency)
        number = record.partition("-")[0]
        for adjustment in export.rows("adjustmentTransactions") if procurement.is_adjustment(record) else ():
            if values.text(adjustment, "id") in (record, number):
                return purchases.exported_adjustment(record, adjustment, listed, self._currency)
        ids = {values.identity(row) for row in listed}
        for transfer in export.rows("inventoryTransfers"):
            if values.text(transfer, "id") in ids or values.identity(transfer, "transferId") == number:
                return purchases.exported_transfer(record, transfer, listed, self._currency)
        return _nothing(export, record, NOT_EXPORTED)


NOT_EXPORTED = Problem(
    "not_exported",
    "ConnectWise lists it as unposted but does not export it.",
    "Look at its GL mapping; of expenses also at “Transfer Expenses as Bill” in the accounting package: best off.",
)
MERGED = Problem(
    "expenses_merged",
    "ConnectWise exports it in one line with other expenses, so its own amount is not told.",
    "Switch “Transfer Expenses as Bill” off, or its expense format to Detailed, in ConnectWise’s accounting package.",
)


def _nothing(export: Export, record: str, why: Problem) -> Exported:
    return Exported(record, None, problems=(export.failed.get(record) or why,))


def _transaction(rows: Sequence[Row], record: str, number: str) -> Row | None:
    """The record's transaction: by its id, else, where the export gives no ids, by the invoice's number."""
    by_id = (row for row in rows if values.identity(row) == record)
    nameless = (
        row for row in rows if number and not values.identity(row) and values.text(row, "documentNumber") == number
    )
    return next(by_id, None) or next(nameless, None)


def _receipt(rows: Sequence[Row], record: str, listed: Row) -> Row | None:
    """A receipt is told by its order's number and its packing slip; its id is a sentence."""
    order = values.text(values.part(listed, "purchaseOrder"), "name")
    slip = procurement.packing_slip(record, listed)
    return next(
        (
            row
            for row in rows
            if order and values.text(row, "documentNumber") == order and values.text(row, "packingSlip") == slip
        ),
        None,
    )


def _by_id(rows: Sequence[Row]) -> dict[str, Row]:
    return {values.identity(row): row for row in rows}
