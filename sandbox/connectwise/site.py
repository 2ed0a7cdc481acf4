"""The state of one ConnectWise site, in memory, and what its people and its API do to it.

Every method expects the caller to hold `lock`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.errors import ApiError, invalid, not_found
from sandbox.connectwise.model import Batch, Company, Invoice, Location, Product, ProductType, Stamp, TaxCode, Term
from sandbox.connectwise.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


@dataclass(frozen=True)
class Credentials:
    """The keys of the API member, and the client id that the installer registered."""

    company_id: str = "harborpoint"
    public_key: str = "Hp7CrossfootDemo"
    private_key: str = "n2Kq8sVd4TzLw6Xb"
    client_id: str = "6f1f7c52-3a0e-4c8e-9b57-2d54c0d5a8e1"


class Site:
    """A site: its tables, its invoices, its batches. Empty until a demo or a test fills it."""

    def __init__(
        self, name: str = "Harbor Point IT", credentials: Credentials | None = None, today: date | None = None
    ) -> None:
        self.lock = threading.RLock()
        self.name = name
        self.credentials = credentials or Credentials()
        self.codebase = "v2025_1/"
        self.switches = Switches()
        self.fixed_today = today
        self.locations: dict[int, Location] = {}
        self.terms: dict[int, Term] = {}
        self.tax_codes: dict[int, TaxCode] = {}
        self.product_types: dict[int, ProductType] = {}
        self.products: dict[int, Product] = {}
        self.companies: dict[int, Company] = {}
        self.invoices: dict[int, Invoice] = {}
        self.expenses: dict[int, dict[str, Any]] = {}
        self.procurement: dict[int, dict[str, Any]] = {}
        self.batches: dict[int, Batch] = {}
        self.batch_of_record: dict[int, int] = {}
        self.close_more: Callable[[int], Sequence[Invoice]] | None = None
        self._identifiers: set[str] = set()
        self._owner: dict[int, int] = {}
        self._next_record = 871400
        self._next_batch = 5200
        self._shown: dict[int, dict[str, dict[str, Any]]] = {}

    @property
    def today(self) -> date:
        """The site's own calendar day, fixed in tests."""
        return self.fixed_today or datetime.now(UTC).date()

    # Invoices

    def add_invoice(self, invoice: Invoice) -> Invoice:
        """Take an invoice in; one that is closed gets its GL records."""
        self.invoices[invoice.id] = invoice
        if invoice.closed:
            self._stamp(invoice)
        self.touch(invoice)
        return invoice

    def next_invoice(self) -> tuple[int, str]:
        """A free id and the number after the highest one."""
        number = max((int(each.number) for each in self.invoices.values() if each.number.isdigit()), default=10393) + 1
        return max(self.invoices, default=38891) + 3, str(number)

    def invoice(self, invoice_id: int) -> Invoice:
        """The invoice, or a 404; a member of one location does not see the others'."""
        found = self.invoices.get(invoice_id)
        if found is None or not self.sees(found.location_id):
            raise not_found("Invoice", invoice_id)
        return found

    def sees(self, location_id: int) -> bool:
        """Whether the API member's structure level lets it see this location."""
        only = self.switches.structure_location
        return only is None or only == location_id

    def unposted(self) -> list[Invoice]:
        """Closed, not batched, visible; in the order of their ids."""
        found = [
            each for each in self.invoices.values() if each.closed and not each.posted and self.sees(each.location_id)
        ]
        return sorted(found, key=lambda each: each.id)

    def reopen(self, invoice: Invoice) -> None:
        """Take the invoice's GL records back. A batched invoice cannot be re-opened."""
        if invoice.posted:
            raise invalid("invoice", "status", "The invoice has been batched and cannot be re-opened.")
        for record in invoice.stamp.ids if invoice.stamp else ():
            self._owner.pop(record, None)
        invoice.stamp, invoice.closed = None, None
        self.touch(invoice)

    def close(self, invoice: Invoice, by: str = "mortiz") -> None:
        """Close the invoice: new GL records under new ids. Without a Company Finance account it is refused."""
        if invoice.closed:
            return
        if not invoice.company.account_number:
            raise invalid("invoice", "status", "The company has no account number; the invoice cannot be closed.")
        invoice.closed, invoice.closed_by = datetime.now(UTC), by
        invoice.reckon()
        self._stamp(invoice)
        self.touch(invoice)

    def touch(self, invoice: Invoice) -> None:
        """Note that the invoice has changed and forget how it was shown."""
        invoice.updated = datetime.now(UTC)
        self._shown.pop(invoice.id, None)

    def shown(self, invoice: Invoice, present: Callable[[Site, Invoice], dict[str, Any]]) -> dict[str, Any]:
        """The invoice as a row of some list, built once per change."""
        rows = self._shown.setdefault(invoice.id, {})
        if present.__name__ not in rows:
            rows[present.__name__] = present(self, invoice)
        return rows[present.__name__]

    def _stamp(self, invoice: Invoice) -> None:
        """GL records in the order seen in real exports: a line, the receivable, other lines, taxes."""
        first = self._take(1)
        receivable = self._take(2)
        rest = self._take(len(invoice.lines) - 1)
        taxes = self._take(len(invoice.taxes))
        invoice.stamp = Stamp(receivable, (*first, *rest), taxes)
        for record in invoice.stamp.ids:
            self._owner[record] = invoice.id

    def _take(self, count: int) -> tuple[int, ...]:
        start = self._next_record
        self._next_record += max(count, 0)
        return tuple(range(start, self._next_record))

    def add_expense(self, row: dict[str, Any]) -> None:
        """An unposted expense; its id is its GL record."""
        (record,) = self._take(1)
        self.expenses[record] = {"id": record, **row}

    def add_procurement(self, row: dict[str, Any]) -> None:
        """An unposted purchase, adjustment or transfer; its id is its GL record."""
        (record,) = self._take(1)
        self.procurement[record] = {"id": record, **row}

    # Batches

    def add_batch(self, identifier: str, record_ids: Iterable[int], *, by_hand: bool = False, **exports: bool) -> Batch:
        """Put GL records into a new batch. Raises the 400s of `POST /finance/accounting/batches`."""
        records = tuple(dict.fromkeys(record_ids))
        self._check_identifier(identifier)
        self._check_records(records)
        batch = Batch(self._next_batch, identifier, records, datetime.now(UTC), by_hand=by_hand, **exports)
        self._next_batch += 1
        self.batches[batch.id] = batch
        self._identifiers.add(identifier.casefold())
        self.batch_of_record.update(dict.fromkeys(records, batch.id))
        for invoice in self.invoices_of(records):
            self._post(invoice, batch)
        return batch

    def delete_batch(self, batch: Batch) -> None:
        """Return every member to unposted. A closed batch stays."""
        if batch.closed:
            raise invalid("batch", "closedFlag", "A closed batch cannot be deleted.")
        for record in batch.record_ids:
            if self.batch_of_record.get(record) == batch.id:
                del self.batch_of_record[record]
        for invoice in self.members(batch):
            self._unpost(invoice, batch)
        del self.batches[batch.id]
        self._identifiers.discard(batch.identifier.casefold())

    def unbatch(self, invoice: Invoice) -> None:
        """Take one invoice out of its batch, as the *Unbatch* button of ConnectWise's pages does."""
        batch = self.batches.get(invoice.batch_id or 0)
        if batch is None or invoice.stamp is None:
            raise invalid("invoice", "glBatch", "The invoice is in no batch.")
        mine = set(invoice.stamp.ids)
        batch.record_ids = tuple(each for each in batch.record_ids if each not in mine)
        for record in mine:
            self.batch_of_record.pop(record, None)
        self._unpost(invoice, batch)

    def batch(self, batch_id: int) -> Batch:
        """The batch, or a 404."""
        if batch_id not in self.batches:
            raise not_found("Batch", batch_id)
        return self.batches[batch_id]

    def members(self, batch: Batch) -> list[Invoice]:
        """The invoices that the batch has posted."""
        return [each for each in self.invoices_of(batch.record_ids) if each.batch_id == batch.id]

    def invoices_of(self, records: Iterable[int]) -> list[Invoice]:
        """The invoices that these GL records belong to, each once."""
        owners = dict.fromkeys(self._owner[each] for each in records if each in self._owner)
        return [self.invoices[each] for each in owners]

    def _post(self, invoice: Invoice, batch: Batch) -> None:
        """Post the document if all its records are batched; what a part of them does is a switch."""
        records = invoice.stamp.ids if invoice.stamp else ()
        whole = all(each in self.batch_of_record for each in records)
        if whole or self.switches.partial_batch == "posts":
            invoice.batch_id = batch.id
            self.touch(invoice)

    def _unpost(self, invoice: Invoice, batch: Batch) -> None:
        invoice.batch_id, invoice.unbatched_batch_id = None, batch.id
        self.touch(invoice)

    def _check_identifier(self, identifier: str) -> None:
        if identifier.casefold() in self._identifiers:
            raise invalid("batch", "batchIdentifier", f"Batch Identifier {identifier} already exists.", "ObjectExists")

    def _check_records(self, records: tuple[int, ...]) -> None:
        if not records:
            raise invalid(
                "batch", "processedRecordIds", "The processedRecordIds field is required.", "MissingRequiredField"
            )
        known = (self._owner, self.expenses, self.procurement)
        strangers = [each for each in records if not any(each in table for table in known)]
        if strangers:
            raise invalid("batch", "processedRecordIds", f"GL entries {strangers[:10]} not found.", "NotFound")
        taken = [each for each in records if each in self.batch_of_record]
        if taken and self.switches.rebatch == "refused":
            raise ApiError(400, "InvalidObject", f"GL entries {taken[:10]} have already been batched.")
