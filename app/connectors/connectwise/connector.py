"""ConnectWise PSA as a Source: wiring only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from app.connectors.connectwise import (
    check,
    expenses,
    explaining,
    listing,
    mailing,
    overview,
    papers,
    procurement,
    statuses,
    values,
)
from app.connectors.connectwise.batches import Batches, cannot_tell
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.exporting import Exporter
from app.connectors.connectwise.payments import Payments
from app.connectors.connectwise.reading import UNPOSTED, Reader
from app.connectors.connectwise.source_lists import entries
from app.connectors.http import Answer
from app.connectors.overviews import AgreementInPsa, InvoicePage
from app.connectors.payments import NewPayment, PaymentOutcome
from app.connectors.protocols import (
    Check,
    ClosedInPsa,
    CloseOutcome,
    Exported,
    PsaBatch,
    Slot,
    UnpostedRecord,
    Wait,
)
from app.connectors.source_abilities import Eligibility, FileInPsa, StatusInPsa, VendorInvoice
from app.connectors.throttle import GrantedSlot, used
from app.domain.links import LinkKind
from app.domain.payments import PsaPayment
from app.domain.source_lists import SourceEntry
from app.domain.states import RecordKind

LANES = 8


class ConnectWise:
    """protocols.Source for ConnectWise PSA."""

    lanes = LANES
    listed = tuple(LinkKind)

    def __init__(self, client: Client, today: Callable[[], dt.date]) -> None:
        self._client = client
        self._settings = client.settings
        self._reader = Reader(client, Exporter(client, today))
        self._locations: dict[str, str] | None = None
        self._batches = Batches(client)
        self._payments = Payments(client)
        self._statuses: Mapping[str, bool] | None = None

    def check(self) -> Check:
        return check.check(self._client)

    def unposted(self, kind: RecordKind) -> list[UnpostedRecord]:
        rows = self._client.pages(UNPOSTED[kind])
        currency = self._settings.currency
        match kind:
            case RecordKind.INVOICES:
                return listing.records(rows, currency)
            case RecordKind.EXPENSES:
                return self._placed(expenses.records(rows, self._reader.expense_entries(rows), currency))
            case RecordKind.INVENTORY:
                return self._placed(procurement.records(rows, currency))

    def _placed(self, records: list[UnpostedRecord]) -> list[UnpostedRecord]:
        """With the names of their locations, which only invoices carry."""
        if self._locations is None and records:
            wanted = sorted({record.location_id for record in records if record.location_id})
            rows = self._client.optional_rows("/system/locations", "id", wanted)
            self._locations = {values.identity(row): values.text(row, "name") for row in rows}
        names = self._locations or {}
        return [replace(record, location=names.get(record.location_id, "")) for record in records]

    def export(
        self, kind: RecordKind, records: Sequence[str], *, summary: str, through: dt.date | None
    ) -> list[Exported]:
        match kind:
            case RecordKind.INVOICES:
                return self._reader.read_invoices(records, summary, through)
            case RecordKind.EXPENSES:
                return self._reader.read_expenses(records, through)
            case RecordKind.INVENTORY:
                return self._reader.read_inventory(records, through)

    def vendor_invoices(self, orders: Sequence[str]) -> dict[str, VendorInvoice]:
        quoted = [f'"{order}"' for order in orders if '"' not in order]
        rows = self._client.rows_in("/procurement/purchaseorders", "poNumber", quoted) if quoted else []
        return procurement.invoices(rows)

    def reserve(self) -> GrantedSlot | Wait:
        return self._client.reserve()

    def close(self, kind: RecordKind, identifier: str, gl_ids: Sequence[int], slot: Slot) -> CloseOutcome:
        with used(slot):
            return self._batches.close(kind, identifier, gl_ids, slot)

    def find_batches(self, identifiers: Sequence[str]) -> dict[str, PsaBatch]:
        return self._batches.find(identifiers)

    def batch_of(self, kind: RecordKind, records: Sequence[str]) -> dict[str, str]:
        if kind is not RecordKind.INVOICES:
            raise cannot_tell(f"ConnectWise does not say it of {kind}.", "Look at its batches in ConnectWise.")
        return self._batches.batch_of(records)

    def reopen(self, batch_id: str, slot: Slot) -> CloseOutcome:
        with used(slot):
            return self._batches.reopen(batch_id, slot)

    def status(self, record: str) -> StatusInPsa:
        return statuses.read(self._client, record)

    def set_status(self, record: str, status: str, slot: Slot) -> CloseOutcome:
        with used(slot):
            outcome = statuses.write(self._client, record, status, slot)
            return ClosedInPsa() if isinstance(outcome, Answer) else outcome

    def payments_on(self, invoices: Sequence[str]) -> dict[str, tuple[PsaPayment, ...]]:
        return self._payments.on(invoices)

    def paid_on(self, invoices: Sequence[str]) -> dict[str, Decimal]:
        return self._payments.paid_on(invoices)

    def add_payment(self, invoice: str, new: NewPayment, slot: Slot) -> PaymentOutcome:
        with used(slot):
            return self._payments.add(invoice, new, slot)

    def change_payment(self, invoice: str, payment_id: str, new: NewPayment, slot: Slot) -> PaymentOutcome:
        with used(slot):
            return self._payments.change(invoice, payment_id, new, slot)

    def remove_payment(self, invoice: str, payment_id: str, slot: Slot) -> PaymentOutcome:
        with used(slot):
            return self._payments.remove(invoice, payment_id, slot)

    def set_paid(self, invoice: str, status: str, slot: Slot) -> PaymentOutcome:
        with used(slot):
            return self._payments.set_paid(invoice, status, slot)

    def reopened(self, invoices: Sequence[str]) -> set[str]:
        return self._payments.reopened(invoices)

    def pdf(self, kind: RecordKind, record: str) -> bytes:
        if kind is not RecordKind.INVOICES or not values.is_number(record):
            raise cannot_tell(f"ConnectWise makes no PDF of {kind}.", "Attach one by hand.")
        return mailing.pdf(self._client, record)

    def files(self, paper: str) -> list[FileInPsa]:
        return papers.listed(self._client, paper)

    def file(self, ident: str) -> bytes:
        return papers.content(self._client, ident)

    def mail_addresses(self, parties: Sequence[str]) -> dict[str, str]:
        return mailing.addresses(self._client, parties)

    def explain(self, kind: RecordKind, number: str) -> list[Eligibility]:
        return explaining.explain(self._client, kind, number)

    def entries(self, kind: LinkKind) -> list[SourceEntry]:
        return entries(self._client, kind)

    def invoices(self, first: dt.date, page: int) -> InvoicePage:
        if self._statuses is None:
            self._statuses = overview.closed_statuses(self._client)
        return overview.page(self._client, first, page, self._statuses, self._settings.currency)

    def agreements(self) -> list[AgreementInPsa]:
        return overview.agreements(self._client, self._settings.currency)

    def additions(self, agreement: str, first: dt.date, last: dt.date) -> Decimal:
        return overview.additions(self._client, agreement, first, last)

    def url(self, kind: RecordKind, record: str) -> str:
        if kind is not RecordKind.INVOICES or not values.is_number(record):
            return ""
        page = "/v4_6_release/services/system_io/router/openrecord.rails"
        return f"{self._settings.web_origin}{page}?recordType=InvoiceFv&recid={record}"
