"""Exports of unposted records: many a call, fewer where ConnectWise can't take so many, one answer per record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from app.connectors.connectwise import values
from app.connectors.connectwise.answers import PsaError
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.values import Row
from app.connectors.http import NoAnswerError, UnreadableAnswerError
from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import Problem
from app.domain.states import RecordKind

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
#: Per kind: the flag that asks for it, the list of ids that narrows it, and the export's parts that answer it.
ASKS = {
    RecordKind.INVOICES: ("exportInvoicesFlag", "includedInvoiceIds", ("transactions",)),
    RecordKind.EXPENSES: ("exportExpensesFlag", "includedExpenseIds", ("expenses", "expenseBills")),
    RecordKind.INVENTORY: (
        "exportProductsFlag", "includedProductIds",
        ("purchaseTransactions", "adjustmentTransactions", "inventoryTransfers"),
    ),
}  # fmt: skip
SUMMARIES = {"default": "Default", "condensed": "Condensed", "detailed": "Detailed"}


class Exporter:
    """Remembers how many records ConnectWise managed in one call."""

    def __init__(self, client: Client, today: Callable[[], dt.date], chunk: int = CHUNK) -> None:
        self._client = client
        self._today = today
        self.chunk = chunk
        self._failures = 0

    def export(
        self, kind: RecordKind, records: Sequence[str], summary: str = "", through: dt.date | None = None
    ) -> Export:
        """What ConnectWise exports for these records, all calls together. Raises ConnectionFailedError."""
        found = Export(kind)
        left = list(dict.fromkeys(records))
        if kind is not RecordKind.INVENTORY:  # whose ids are texts
            left = [record for record in left if values.is_number(record)]
        while left:
            head, left = left[: self.chunk], left[self.chunk :]
            left = self._take(head, summary, through, found) + left
        return found

    def _take(self, head: list[str], summary: str, through: dt.date | None, found: Export) -> list[str]:
        """Export these; returns those that must be asked for again, in smaller numbers."""
        try:
            found.add(self._call(found.kind, head, summary, through))
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

    def _park(self, record: str, error: ConnectionFailedError, found: Export) -> None:
        """One record that can't be exported doesn't hold up the others; several mean that ConnectWise is down."""
        self._failures += 1
        if self._failures >= SINGLE_FAILURES or not found.any:
            raise error
        found.failed[record] = Problem(
            "export_failed",
            f"ConnectWise could not export this record: {error.message}",
            "Open it in ConnectWise; if it opens, read it again later.",
        )

    def _call(self, kind: RecordKind, records: Sequence[str], summary: str, through: dt.date | None) -> Row:
        latest = max(through or dt.date.min, self._today())
        flag, included, _ = ASKS[kind]
        year = min(latest.year + YEARS_AHEAD, dt.MAXYEAR)
        body = {
            # A preview posts nothing, so its identifiers are thrown away; they must only be there.
            "batchIdentifier": "preview",
            "glInterfaceIdentifier": "preview",
            "thruDate": f"{latest.replace(year=year, day=1).isoformat()}T00:00:00Z",
            "locationId": 0,
            "summarizeInvoices": SUMMARIES.get(summary.lower(), "Default"),
            **{other: other == flag for other, _, _ in ASKS.values()},
            included: list(records) if kind is RecordKind.INVENTORY else [int(record) for record in records],
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


class Export:
    """What the calls of one export have brought together, by the export's parts; and why some records failed."""

    def __init__(self, kind: RecordKind) -> None:
        self.kind = kind
        self.failed: dict[str, Problem] = {}
        self._answers: list[Row] = []

    def add(self, answer: Row) -> None:
        """One call's answer."""
        self._answers.append(answer)

    def rows(self, part: str) -> list[Row]:
        """The rows of one part over all calls."""
        return [row for answer in self._answers for row in values.rows(answer, part)]

    @property
    def any(self) -> bool:
        """Whether anything that was asked for has come."""
        return any(self.rows(part) for part in ASKS[self.kind][2])


def _is_about_size(error: ConnectionFailedError) -> bool:
    """Whether fewer records a call may help: no answer in time, or trouble inside ConnectWise."""
    return isinstance(error, NoAnswerError) or (isinstance(error, PsaError) and error.code == "psa_down")
