"""What some ledgers can do with entries of their lists beside creating them: change their data, make them active again.

A capability of its own: ``isinstance(destination, ChangingEntries)`` says whether a ledger has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from app.connectors.protocols import Slot
from app.domain.entry_data import EntryData
from app.domain.links import Entry, LinkKind
from app.domain.outcomes import InDoubt, NotDone, Refused


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """An entry as it stands in the ledger: ``version`` changes with each edit; ``own`` is the ledger's own form."""

    entry: Entry
    version: str
    data: EntryData
    own: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EntryChanged:
    """It was changed; ``held`` is how it stands now."""

    held: HeldEntry


EntryChangeOutcome = EntryChanged | Refused | NotDone | InDoubt


@runtime_checkable
class ChangingEntries(Protocol):
    """Changes what it holds of its lists."""

    def held_entries(self, kind: LinkKind) -> list[HeldEntry]:
        """The whole list, inactive entries too. Raises ConnectionFailedError."""
        ...

    def held_entry(self, kind: LinkKind, ledger_id: str) -> HeldEntry | None:
        """One entry as it stands now; None where there is none. Raises ConnectionFailedError."""
        ...

    def entry_body(self, kind: LinkKind, held: HeldEntry, new: Mapping[str, Any]) -> str:
        """The exact request that gives an entry new values (fields of EntryData as JSON). Pure."""
        ...

    def change_entry(self, kind: LinkKind, body: str, request_id: str, slot: Slot) -> EntryChangeOutcome:
        """Change an entry as it stood when the body was made; refused where it was edited since. Releases the slot."""
        ...
