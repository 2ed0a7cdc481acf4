"""ConnectWise PSA as a Source: wiring only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from app.connectors.connectwise import check, listing, values
from app.connectors.connectwise.batches import Batches
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.exporting import Exporter
from app.connectors.protocols import (
    Check,
    CloseOutcome,
    ConnectionFailedError,
    Exported,
    PsaBatch,
    Slot,
    UnpostedRecord,
    Wait,
)
from app.connectors.throttle import GrantedSlot
from app.domain.states import RecordKind

LANES = 8


class ConnectWise:
    """protocols.Source for ConnectWise PSA."""

    lanes = LANES

    def __init__(self, client: Client, today: Callable[[], dt.date]) -> None:
        self._client = client
        self._settings = client.settings
        self._exporter = Exporter(client, today)
        self._batches = Batches(client)

    def check(self) -> Check:
        return check.check(self._client)

    def unposted(self, kind: RecordKind) -> list[UnpostedRecord]:
        _only_invoices(kind)
        rows = self._client.pages("/finance/accounting/unpostedinvoices")
        return listing.records(rows, self._settings.currency)

    def export(
        self, kind: RecordKind, records: Sequence[str], *, summary: str, through: dt.date | None
    ) -> list[Exported]:
        _only_invoices(kind)
        return self._exporter.export(records, summary, through)

    def reserve(self) -> GrantedSlot | Wait:
        return self._client.reserve()

    def close(self, kind: RecordKind, identifier: str, gl_ids: Sequence[int], slot: Slot) -> CloseOutcome:
        try:
            return self._batches.close(kind, identifier, gl_ids, slot)
        finally:
            slot.release()

    def find_batches(self, identifiers: Sequence[str]) -> dict[str, PsaBatch]:
        return self._batches.find(identifiers)

    def batch_of(self, kind: RecordKind, records: Sequence[str]) -> dict[str, str]:
        _only_invoices(kind)
        return self._batches.batch_of(records)

    def reopen(self, batch_id: str, slot: Slot) -> CloseOutcome:
        try:
            return self._batches.reopen(batch_id, slot)
        finally:
            slot.release()

    def url(self, kind: RecordKind, record: str) -> str:
        if kind is not RecordKind.INVOICES or not values.is_number(record):
            return ""
        page = "/v4_6_release/services/system_io/router/openrecord.rails"
        return f"{self._settings.web_origin}{page}?recordType=InvoiceFv&recid={record}"


def _only_invoices(kind: RecordKind) -> None:
    if kind is not RecordKind.INVOICES:
        raise ConnectionFailedError(
            f"This version of Crossfoot does not take {kind} from ConnectWise.",
            "Choose invoices.",
            systemic=True,
            code="not_supported",
        )
