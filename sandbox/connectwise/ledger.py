"""GL records and the accounting batches that they are put into, for every kind of document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from sandbox.connectwise.errors import ApiError, invalid, not_found
from sandbox.connectwise.model import Batch
from sandbox.connectwise.switches import Switches

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

KINDS = ("invoices", "expenses", "products")


class Posting(Protocol):
    """Whatever has GL records of its own: an invoice, an expense, a receipt, an adjustment, a transfer."""

    batch_id: int | None
    unbatched_batch_id: int | None
    date: dt.date

    @property
    def location_id(self) -> int:
        """The owner level that it belongs to."""

    @property
    def kind(self) -> str:
        """Which flag of a batch or an export it belongs to: one of `KINDS`."""

    @property
    def record_ids(self) -> tuple[int, ...]:
        """Every GL record that it has at present."""


class Ledger:
    """Who owns which GL record, and which batch it is in. Every method expects the caller to hold the site's lock."""

    def __init__(self) -> None:
        self.switches = Switches()
        self.batches: dict[int, Batch] = {}
        self.batch_of_record: dict[int, int] = {}
        self._identifiers: set[str] = set()
        self._owner: dict[int, Posting] = {}
        self._next_record = 871400
        self._next_batch = 5200

    def touch(self, posting: Posting) -> None:
        """Note that the document has changed."""

    def needed(self, posting: Posting) -> tuple[int, ...]:
        """The records that must be batched before the document counts as posted."""
        return posting.record_ids

    def take_records(self, count: int) -> tuple[int, ...]:
        """So many new GL record ids, in a row."""
        start = self._next_record
        self._next_record += max(count, 0)
        return tuple(range(start, self._next_record))

    def own(self, posting: Posting) -> None:
        """Note whose the records are."""
        self._owner.update(dict.fromkeys(posting.record_ids, posting))

    def disown(self, posting: Posting) -> None:
        """Take the records of a document back; whoever still holds their ids holds nothing."""
        for record in posting.record_ids:
            self._owner.pop(record, None)

    def add_batch(self, identifier: str, record_ids: Iterable[int], *, by_hand: bool = False, **exports: bool) -> Batch:
        """Put GL records into a new batch. Raises the 400s of `POST /finance/accounting/batches`."""
        records = tuple(dict.fromkeys(record_ids))
        batch = Batch(self._next_batch, identifier, records, datetime.now(UTC), by_hand=by_hand, **exports)
        self._check_identifier(identifier)
        self._check_records(records, {kind for kind in KINDS if getattr(batch, kind)})
        self._next_batch += 1
        self.batches[batch.id] = batch
        self._identifiers.add(identifier.casefold())
        self.batch_of_record.update(dict.fromkeys(records, batch.id))
        for posting in self.postings_of(records):
            self._post(posting, batch)
        return batch

    def delete_batch(self, batch: Batch) -> None:
        """Return every member to unposted. A closed batch stays, unless a switch lets it go."""
        if batch.closed and self.switches.closed_batch_delete == "refused":
            raise invalid("batch", "closedFlag", "A closed batch cannot be deleted.")
        for record in batch.record_ids:
            if self.batch_of_record.get(record) == batch.id:
                del self.batch_of_record[record]
        for posting in self.members(batch):
            self._unpost(posting, batch)
        del self.batches[batch.id]
        self._identifiers.discard(batch.identifier.casefold())

    def unbatch(self, posting: Posting) -> None:
        """Take one document out of its batch, as the *Unbatch* button of ConnectWise's pages does."""
        batch = self.batches.get(posting.batch_id or 0)
        if batch is None or not posting.record_ids:
            raise invalid(posting.kind.rstrip("s"), "glBatch", f"The {posting.kind.rstrip('s')} is in no batch.")
        mine = set(posting.record_ids)
        batch.record_ids = tuple(each for each in batch.record_ids if each not in mine)
        for record in mine:
            self.batch_of_record.pop(record, None)
        self._unpost(posting, batch)

    def batch(self, batch_id: int) -> Batch:
        """The batch, or a 404."""
        if batch_id not in self.batches:
            raise not_found("Batch", batch_id)
        return self.batches[batch_id]

    def members(self, batch: Batch) -> list[Posting]:
        """The documents that the batch has posted."""
        return [each for each in self.postings_of(batch.record_ids) if each.batch_id == batch.id]

    def postings_of(self, records: Iterable[int]) -> list[Posting]:
        """The documents that these GL records belong to, each once."""
        owners = {id(owner): owner for owner in (self._owner.get(each) for each in records) if owner is not None}
        return list(owners.values())

    def _post(self, posting: Posting, batch: Batch) -> None:
        """Post the document if all its records are batched; what a part of them does is a switch."""
        whole = all(each in self.batch_of_record for each in self.needed(posting))
        if whole or self.switches.partial_batch == "posts":
            posting.batch_id = batch.id
            self.touch(posting)

    def _unpost(self, posting: Posting, batch: Batch) -> None:
        posting.batch_id, posting.unbatched_batch_id = None, batch.id
        self.touch(posting)

    def is_ready(self, posting: Posting) -> bool:
        """Whether it may be batched at all, batched already or not."""
        return bool(posting.record_ids)

    def _may_be_batched(self, posting: Posting | None, kinds: set[str]) -> bool:
        return posting is not None and posting.kind in kinds and self.is_ready(posting)

    def _check_identifier(self, identifier: str) -> None:
        if identifier.casefold() in self._identifiers:
            raise invalid("batch", "batchIdentifier", f"Batch Identifier {identifier} already exists.", "ObjectExists")

    def _check_records(self, records: tuple[int, ...], kinds: set[str]) -> None:
        if not records:
            raise invalid(
                "batch", "processedRecordIds", "The processedRecordIds field is required.", "MissingRequiredField"
            )
        strangers = [each for each in records if not self._may_be_batched(self._owner.get(each), kinds)]
        if strangers:
            raise invalid("batch", "processedRecordIds", f"GL entries {strangers[:10]} not found.", "NotFound")
        taken = [each for each in records if each in self.batch_of_record]
        if taken and self.switches.rebatch == "refused":
            raise ApiError(400, "InvalidObject", f"GL entries {taken[:10]} have already been batched.")
