"""Accounting batches: closing records in ConnectWise, finding out whether they are closed, and taking it back.

Creating a batch is not idempotent, so every answer is sorted into: done, refused, not done, or in doubt. In doubt is
settled by looking for the batch's identifier, which is ours alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.connectors.connectwise import answers, values
from app.connectors.connectwise.answers import PsaError
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.values import Row
from app.connectors.connectwise.writing import not_written, sent, technical
from app.connectors.http import Answer
from app.connectors.protocols import ClosedInPsa, CloseOutcome, ConnectionFailedError, PsaBatch, Slot
from app.domain.outcomes import InDoubt, Refused
from app.domain.problems import Problem
from app.domain.states import RecordKind

BATCHES = "/finance/accounting/batches"
FLAGS = {
    RecordKind.INVOICES: "exportInvoicesFlag",
    RecordKind.EXPENSES: "exportExpensesFlag",
    RecordKind.INVENTORY: "exportProductsFlag",
}


class Batches:
    """The accounting batches of one site."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lists_work = True

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def close(self, kind: RecordKind, identifier: str, gl_ids: Sequence[int], slot: Slot) -> CloseOutcome:
        """Create the batch that marks these GL records as posted."""
        if not gl_ids:
            return Refused(Problem("no_gl_entries", "There are no GL records to close.", "Read the invoice again."))
        body = {
            "batchIdentifier": identifier,
            "glInterfaceIdentifier": identifier,
            **{flag: kind is known for known, flag in FLAGS.items()},
            "processedRecordIds": list(dict.fromkeys(gl_ids)),
            "summarizeExpenses": False,
        }
        answer = sent(self._client, "POST", BATCHES, body, slot)
        if not isinstance(answer, Answer):
            return answer
        return ClosedInPsa() if answer.ok else self._not_closed(answer, identifier)

    def reopen(self, batch_id: str, slot: Slot) -> CloseOutcome:
        """Delete a batch of ours. One that is gone already is what we wanted."""
        path = f"{BATCHES}/{batch_id}"
        answer = sent(self._client, "DELETE", path, None, slot)
        if not isinstance(answer, Answer):
            return answer
        if answer.ok or (answer.status == 404 and "NotFound" in answers.error_codes(answer)):
            return ClosedInPsa()
        if answer.status in {400, 409} and "closed" in answers.sentences(answer).lower():
            return Refused(
                Problem(
                    "psa_batch_closed",
                    "The accounting batch is closed in ConnectWise and can’t be deleted.",
                    "Reopen it under Finance ▸ Accounting Interface ▸ Batches, then undo again.",
                    technical=technical(answer),
                )
            )
        return not_written(self._client, answer, path)

    def _not_closed(self, answer: Answer, identifier: str) -> CloseOutcome:
        if answer.status == 400 and _is_taken(answer):
            return InDoubt("ConnectWise has a batch of this name already.", ended=True, technical=technical(answer))
        if answer.status == 400 and "batched" in answers.sentences(answer).lower():
            return Refused(
                Problem(
                    "closed_by_other_batch",
                    "ConnectWise says that records of this document are in another accounting batch already.",
                    "Find out who batched it (the invoice’s GL Batch in ConnectWise) before anything else is done.",
                    technical={**technical(answer), "identifier": identifier},
                )
            )
        return not_written(self._client, answer, BATCHES)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, identifiers: Sequence[str]) -> dict[str, PsaBatch]:
        """Those of the identifiers that exist. Raises ConnectionFailedError."""
        wanted = dict.fromkeys(identifiers)
        if not wanted:
            return {}
        found = (_batch(row) for row in self._rows(list(wanted)))
        # The answer is filtered once more: a server that ignores conditions must not make a batch appear ours.
        return {batch.identifier: batch for batch in found if batch.identifier in wanted and batch.batch_id}

    def _rows(self, identifiers: list[str]) -> list[Row]:
        if self._lists_work:
            try:
                return list(self._client.rows_in(BATCHES, "batchIdentifier", [f'"{name}"' for name in identifiers]))
            except PsaError as error:
                if error.status != 400:
                    raise
                self._lists_work = False
        return [
            row
            for name in identifiers
            for row in self._client.pages(BATCHES, {"conditions": f'batchIdentifier="{name}"'})
        ]

    def batch_of(self, records: Sequence[str]) -> dict[str, str]:
        """Name of the batch that each invoice is in. Raises ConnectionFailedError ``cannot_tell``."""
        wanted = [record for record in dict.fromkeys(records) if values.is_number(record)]
        if not wanted:
            return {}
        try:
            rows = self._client.rows_in("/finance/invoices", "id", wanted, {"fields": "id,glBatch"})
        except PsaError as error:
            if error.status >= 500 or error.code == "throttled":
                raise
            raise cannot_tell(error.message, error.remedy) from error
        seen = {values.identity(row): values.part(row, "glBatch") for row in rows}
        if not set(seen) & set(wanted):
            raise cannot_tell("ConnectWise shows none of these invoices to the API member.", "Check its role.")
        named = {record: values.text(seen.get(record, {}), "name", "id") for record in wanted}
        return {record: name for record, name in named.items() if name}


def _batch(row: Row) -> PsaBatch:
    return PsaBatch(values.identity(row), values.text(row, "batchIdentifier"), closed=bool(row.get("closedFlag")))


def _is_taken(answer: Answer) -> bool:
    """Whether a 400 says that the batch's identifier is in use."""
    words = answers.sentences(answer).lower()
    about_name = "identifier" in words or '"batchidentifier"' in answer.text.lower().replace(" ", "")
    taken = any(word in words for word in ("exist", "unique", "duplicate", "already"))
    return "ObjectExists" in answers.error_codes(answer) or (about_name and taken)


def cannot_tell(message: str, remedy: str) -> ConnectionFailedError:
    """Which accounting batch a record is in is not to be had."""
    return ConnectionFailedError(
        f"Whether the records are in an accounting batch can’t be told: {message}", remedy, code="cannot_tell"
    )
