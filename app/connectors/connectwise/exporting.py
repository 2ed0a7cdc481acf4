"""Exports of unposted invoices: many a call, fewer where ConnectWise can't take so many, one answer per record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from app.connectors.connectwise import translate, values
from app.connectors.connectwise.answers import PsaError
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.values import Row
from app.connectors.http import NoAnswerError, UnreadableAnswerError
from app.connectors.protocols import ConnectionFailedError, Exported
from app.domain.problems import Problem

EXPORT = "/finance/accounting/export"
#: Records a call. Nobody says how many an export may hold before it times out; so it is halved when it does.
CHUNK = 50
#: Later than any document: the records are named one by one, and ConnectWise leaves out what is dated later.
YEARS_AHEAD = 10
#: Any of these makes an answer an export; one that holds nothing leaves some of them out.
PARTS = {
    "exportSettings", "vendors", "customers", "transactions", "expenses", "expenseBills", "purchaseTransactions",
    "adjustmentTransactions", "inventoryTransfers",
}  # fmt: skip
#: Single records that fail one after the other before ConnectWise itself is taken to be down.
SINGLE_FAILURES = 2
SUMMARIES = {"default": "Default", "condensed": "Condensed", "detailed": "Detailed"}


class Exporter:
    """Remembers how many records ConnectWise managed in one call."""

    def __init__(self, client: Client, today: Callable[[], dt.date], chunk: int = CHUNK) -> None:
        self._client = client
        self._today = today
        self.chunk = chunk
        self._failures = 0

    def export(self, records: Sequence[str], summary: str, through: dt.date | None) -> list[Exported]:
        """One answer per record, in the order asked. Raises ConnectionFailedError."""
        found = _Found()
        left = [record for record in dict.fromkeys(records) if values.is_number(record)]
        while left:
            head, left = left[: self.chunk], left[self.chunk :]
            left = self._take(head, summary, through, found) + left
        beside = self._beside(found)
        return [self._exported(record, found, beside) for record in records]

    def _take(self, head: list[str], summary: str, through: dt.date | None, found: _Found) -> list[str]:
        """Export these; returns those that must be asked for again, in smaller numbers."""
        try:
            found.add(self._call(head, summary, through))
        except ConnectionFailedError as error:
            if not _is_about_size(error):
                raise
            if len(head) > 1:
                self.chunk = max(1, len(head) // 2)
                return head
            self._park(head[0], error, found)
        else:
            self._failures = 0
        return []

    def _park(self, record: str, error: ConnectionFailedError, found: _Found) -> None:
        """One record that can't be exported doesn't hold up the others; several mean that ConnectWise is down."""
        self._failures += 1
        if self._failures >= SINGLE_FAILURES or not found.transactions:
            raise error
        found.failed[record] = Problem(
            "export_failed",
            f"ConnectWise could not export this invoice: {error.message}",
            "Open the invoice in ConnectWise; if it opens, read it again later.",
        )

    def _call(self, records: Sequence[str], summary: str, through: dt.date | None) -> Row:
        latest = max(through or dt.date.min, self._today())
        year = min(latest.year + YEARS_AHEAD, dt.MAXYEAR)
        body = {
            # A preview posts nothing, so its identifiers are thrown away; they must only be there.
            "batchIdentifier": "preview",
            "glInterfaceIdentifier": "preview",
            "thruDate": f"{latest.replace(year=year, day=1).isoformat()}T00:00:00Z",
            "locationId": 0,
            "summarizeInvoices": SUMMARIES.get(summary.lower(), "Default"),
            "exportInvoicesFlag": True,
            "exportExpensesFlag": False,
            "exportProductsFlag": False,
            "includedInvoiceIds": [int(record) for record in records],
        }
        answer = self._client.read(EXPORT, body=body, attempts=1 if len(records) > 1 else 3)
        data = answer.json()
        if not isinstance(data, dict) or not PARTS & data.keys():
            raise UnreadableAnswerError(
                "ConnectWise answered an export with something that is none.",
                "Try again; if it stays, look whether ConnectWise’s own export (Finance ▸ Accounting Interface) works.",
                code="unreadable_answer",
            )
        return data

    def _beside(self, found: _Found) -> _Beside:
        """Companies and invoices of everything that was exported, many a call."""
        shown = (values.identity(values.part(row, "company")) for row in found.transactions)
        companies = sorted({company for company in shown if company})
        ids = sorted(found.asked)
        return _Beside(
            companies=_by_id(self._client.optional_rows("/company/companies", "id", companies)),
            invoices=_by_id(self._client.optional_rows("/finance/invoices", "id", ids)),
            customers={values.identity(values.part(row, "company")): row for row in found.customers},
        )

    def _exported(self, record: str, found: _Found, beside: _Beside) -> Exported:
        invoice = beside.invoices.get(record, {})
        transaction = found.of(record, values.text(invoice, "invoiceNumber"))
        if transaction is None:
            return Exported(record, None, problems=(found.failed.get(record) or translate.no_gl_entries(),))
        company = values.identity(values.part(transaction, "company"))
        known = translate.Beside(beside.customers.get(company, {}), beside.companies.get(company, {}), invoice)
        return translate.to_exported(record, transaction, known, self._client.settings.currency)


class _Found:
    """What the calls of one export have brought together."""

    def __init__(self) -> None:
        self.transactions: list[Row] = []
        self.customers: list[Row] = []
        self.asked: set[str] = set()
        self.failed: dict[str, Problem] = {}

    def add(self, export: Row) -> None:
        self.transactions += values.rows(export, "transactions")
        self.customers += values.rows(export, "customers")
        self.asked |= {key for row in values.rows(export, "transactions") if (key := values.identity(row))}

    def of(self, record: str, number: str) -> Row | None:
        """The record's transaction: by its id, else, where the export gives no ids, by the invoice's number."""
        by_id = (row for row in self.transactions if values.identity(row) == record)
        nameless = (
            row
            for row in self.transactions
            if number and not values.identity(row) and values.text(row, "documentNumber") == number
        )
        return next(by_id, None) or next(nameless, None)


class _Beside:
    """Rows beside the transactions, by company id and by record."""

    def __init__(self, companies: dict[str, Row], invoices: dict[str, Row], customers: dict[str, Row]) -> None:
        self.companies = companies
        self.invoices = invoices
        self.customers = customers


def _by_id(rows: Sequence[Row]) -> dict[str, Row]:
    return {values.identity(row): row for row in rows}


def _is_about_size(error: ConnectionFailedError) -> bool:
    """Whether fewer records a call may help: no answer in time, or trouble inside ConnectWise."""
    return isinstance(error, NoAnswerError) or (isinstance(error, PsaError) and error.code == "psa_down")
