"""A PSA, a ledger and a token store in memory. Honest, with a memory, and able to misbehave on request.

Misbehaviour is a queue of words, one per call: ``books.next.append("lose_after")``. They are named where they act.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.connectors.checkouts import Checkouts
from app.connectors.protocols import (
    Check,
    ClosedInPsa,
    CloseOutcome,
    ConnectionFailedError,
    Contact,
    Destination,
    Exported,
    PsaBatch,
    Slot,
    Source,
    UnpostedRecord,
    Wait,
)
from app.connectors.source_abilities import Eligibility, StatusInPsa
from app.connectors.tokens import Tokens, TokenStore
from app.domain.documents import Document
from app.domain.links import LinkKind
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem
from app.domain.source_lists import SourceEntry
from app.domain.states import RecordKind
from tests.builders import a_record, an_export
from tests.fake_books import FakeBooks

__all__ = ["FakeBooks", "FakeConnectors", "FakeContact", "FakeSlot", "FakeSource", "MemoryTokens", "some_tokens"]


class FakeSlot:
    """A granted slot; ``age`` can be set by a test that freezes its holder."""

    def __init__(self) -> None:
        self._granted = time.monotonic()
        self.frozen_for = 0.0
        self.released = False

    @property
    def age(self) -> float:
        return time.monotonic() - self._granted + self.frozen_for

    def release(self, *, sent: bool = True) -> None:
        self.released = True


class FakeSource:
    """A PSA with a list of unposted invoices and accounting batches.

    Words for ``next`` (one per closing or reopening call): ``lose_after`` (done, answer lost), ``lose_before`` (not
    done, answer lost), ``throttle``, ``systemic``, ``refuse``. ``down`` makes every read fail.
    """

    listed = tuple(LinkKind)

    def __init__(self, *documents: Document, name: str = "Demo PSA") -> None:
        self.lanes = 2
        self.name = name
        self.rows: dict[str, UnpostedRecord] = {}
        self.exports: dict[str, Exported] = {}
        self.batches: dict[str, PsaBatch] = {}
        self.batch_of_record: dict[str, str] = {}
        self.findings: tuple[Problem, ...] = ()
        self.next: deque[str] = deque()
        self.waits: deque[Wait] = deque()
        self.down = ""
        self.lists: list[SourceEntry] = []
        self.closings: list[str] = []
        self.exported: list[tuple[str, ...]] = []
        self.level = ""
        for document in documents:
            self.add(document)

    def add(self, document: Document, **row: str) -> None:
        """Make the document's record appear on the list."""
        self.rows[document.records[0]] = a_record(document, **row)
        self.exports[document.records[0]] = an_export(document)

    def put_in_batch(self, record: str, identifier: str) -> None:
        """Somebody else's program closes a record."""
        self._batch(identifier)
        self.batch_of_record[record] = identifier

    def check(self) -> Check:
        self._reachable()
        return Check(self.name, self.findings, {"version": "v2026.1"})

    def unposted(self, kind: RecordKind) -> list[UnpostedRecord]:
        self._reachable()
        return [row for row in self.rows.values() if row.kind is kind and row.record not in self.batch_of_record]

    def export(
        self, kind: RecordKind, records: Sequence[str], *, summary: str, through: dt.date | None
    ) -> list[Exported]:
        self._reachable()
        self.exported.append(tuple(records))
        self.level = summary
        gone = Problem("record_gone", "The PSA no longer lists this record.", "Refresh the list.")
        return [
            self.exports[r] if r in self.exports and r not in self.batch_of_record else Exported(r, None, (), (gone,))
            for r in records
        ]

    def reserve(self) -> Slot | Wait:
        return self.waits.popleft() if self.waits else FakeSlot()

    def close(self, kind: RecordKind, identifier: str, gl_ids: Sequence[int], slot: Slot) -> CloseOutcome:
        self.closings.append(identifier)
        return self._write(lambda: self._close(identifier, gl_ids), slot)

    def find_batches(self, identifiers: Sequence[str]) -> dict[str, PsaBatch]:
        self._reachable()
        return {i: self.batches[i] for i in identifiers if i in self.batches}

    def batch_of(self, kind: RecordKind, records: Sequence[str]) -> dict[str, str]:
        self._reachable()
        return {r: self.batch_of_record[r] for r in records if r in self.batch_of_record}

    def reopen(self, batch_id: str, slot: Slot) -> CloseOutcome:
        return self._write(lambda: self._reopen(batch_id), slot)

    def status(self, record: str) -> StatusInPsa:
        return StatusInPsa("2", closed=True, open_as="1")

    def set_status(self, record: str, status: str, slot: Slot) -> CloseOutcome:
        return self._write(ClosedInPsa, slot)

    def explain(self, kind: RecordKind, number: str) -> list[Eligibility]:
        return [Eligibility("Does the PSA show it?", number in {r.number for r in self.unposted(kind)}, number)]

    def entries(self, kind: LinkKind) -> list[SourceEntry]:
        self._reachable()
        return [entry for entry in self.lists if entry.kind is kind]

    def url(self, kind: RecordKind, record: str) -> str:
        return f"https://psa.example/{kind}/{record}"

    def _write(self, act: Callable[[], CloseOutcome], slot: Slot) -> CloseOutcome:
        word = self.next.popleft() if self.next else ""
        slot.release()
        if word == "throttle":
            return NotDone("The PSA is busy.", wait=0.01)
        if word == "systemic":
            return NotDone("Key refused.", systemic=Problem("psa_key_refused", "The PSA refuses the key.", "Renew it."))
        if word == "refuse":
            return Refused(Problem("psa_refused", "The PSA refused the batch.", "Look at the record in the PSA."))
        outcome = act() if word != "lose_before" else None
        return outcome if outcome and word != "lose_after" else InDoubt("The PSA did not answer in time.", ended=True)

    def _close(self, identifier: str, gl_ids: Sequence[int]) -> CloseOutcome:
        records = [r for r, exported in self.exports.items() if set(exported.gl_ids) & set(gl_ids)]
        if not records or identifier in self.batches or any(r in self.batch_of_record for r in records):
            problem = Problem(
                "psa_refused", "One of the records is in another batch.", "Look at the record in the PSA."
            )
            return Refused(problem)
        self._batch(identifier)
        self.batch_of_record |= dict.fromkeys(records, identifier)
        return ClosedInPsa()

    def _reopen(self, batch_id: str) -> CloseOutcome:
        found = [b for b in self.batches.values() if b.batch_id == batch_id]
        if not found or found[0].closed:
            return Refused(Problem("psa_batch_closed", "The PSA's batch is closed.", "Reopen it in the PSA."))
        del self.batches[found[0].identifier]
        self.batch_of_record = {r: b for r, b in self.batch_of_record.items() if b != found[0].identifier}
        return ClosedInPsa()

    def _batch(self, identifier: str) -> None:
        self.batches.setdefault(identifier, PsaBatch(str(900 + len(self.batches)), identifier))

    def _reachable(self) -> None:
        if self.down:
            raise ConnectionFailedError(self.down, "Try again later.")


def some_tokens(word: str = "first", *, access_for: float = 3600, refresh_for: float = 100 * 86400) -> Tokens:
    """Tokens whose lives are counted from now, in seconds."""
    now = dt.datetime.now(dt.UTC)
    seconds = dt.timedelta(seconds=1)
    return Tokens(f"access-{word}", f"refresh-{word}", now + access_for * seconds, now + refresh_for * seconds)


class MemoryTokens:
    """A token store for one process."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self.tokens = tokens
        self.broken = ""

    def load(self) -> Tokens:
        if self.tokens is None:
            raise ConnectionFailedError("Not connected.", "Connect again.", systemic=True)
        return self.tokens

    @contextmanager
    def alone(self) -> Iterator[bool]:
        yield True

    def save(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def mark_broken(self, reason: str) -> None:
        self.broken = reason


class FakeContact:
    """Remembers calls in memory."""

    def __init__(self) -> None:
        self.at: dt.datetime | None = None

    def last(self) -> dt.datetime | None:
        return self.at

    def touch(self) -> None:
        self.at = dt.datetime.now(dt.UTC)


class FakeConnectors:
    """Opens the same fake again and again: by site for a source, by realm for a Book.

    Every opened token store and contact is kept in ``opened``, so that a test can play the vendor's refresh.
    """

    def __init__(
        self, sources: Mapping[str, Source] | None = None, books: Mapping[str, Destination] | None = None
    ) -> None:
        self.sources: dict[str, Source] = dict(sources or {})
        self.books: dict[str, Destination] = dict(books or {})
        self.opened: list[tuple[Mapping[str, Any], Any, Contact]] = []

    def source(self, kind: str, settings: Mapping[str, Any], secrets: Mapping[str, str], contact: Contact) -> Source:
        self.opened.append((settings, secrets, contact))
        if settings["site"] not in self.sources:
            raise ConnectionFailedError(f"There is no server named {settings['site']}.", "Check the address.")
        return self.sources[settings["site"]]

    def destination(self, kind: str, settings: Mapping[str, Any], tokens: TokenStore, contact: Contact) -> Destination:
        self.opened.append((settings, tokens, contact))
        tokens.load()
        return self.books[settings["realm"]]

    def checkouts(self, key: str) -> Checkouts:
        raise ConnectionFailedError("Stripe can’t be reached.", "Try again later.")
