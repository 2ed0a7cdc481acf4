"""A look under way: what its steps are given, and the commit with which each of them ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import update
from sqlmodel import Session, col

from app.connectors.overviews import ShowsDocuments, ShowsInvoices
from app.connectors.protocols import Destination, Source
from app.database import Database
from app.models.columns import utcnow
from app.models.reconcile import DriftLook


class LookLostError(Exception):
    """Somebody else has the look now: this one must not write anything more."""


class Psa(Source, ShowsInvoices, Protocol):
    """A PSA that shows all its invoices."""


class Ledger(Destination, ShowsDocuments, Protocol):
    """A ledger that shows its documents in bulk."""


@dataclass
class Looking:
    """Context of the steps. ``look`` is a copy of the row, true as of the last commit."""

    database: Database
    source: Psa
    destination: Ledger
    source_id: int
    owner: str
    lease: dt.timedelta
    look: DriftLook

    @property
    def started(self) -> dt.datetime:
        """What was seen since is of this look."""
        return self.look.started_at or utcnow()

    @contextmanager
    def writing(self, *, calls: int = 0, cursor: dict[str, Any] | None = None, **values: Any) -> Iterator[Session]:
        """A transaction that counts only while the look is ours; it moves the cursor and renews the lease.

        Raises LookLostError, and nothing is written then.
        """
        new = {**values, "calls": self.look.calls + calls, "cursor": cursor or {}, "tries": 0, "problem": None}
        with self.database.session() as session:
            mine = (col(DriftLook.id) == self.look.id, col(DriftLook.lease_owner) == self.owner)
            until = utcnow() + self.lease
            if session.exec(update(DriftLook).where(*mine).values(lease_until=until, **new)).rowcount != 1:
                session.rollback()
                raise LookLostError
            yield session
            session.commit()
        for name, value in new.items():
            setattr(self.look, name, value)

    def go_to(self, stage: str) -> None:
        """The next stage, from its beginning."""
        with self.writing(stage=stage):
            pass

    def count(self, documents: int) -> dict[str, int]:
        """The new number of compared documents, for ``writing``."""
        return {"documents": self.look.documents + documents}
