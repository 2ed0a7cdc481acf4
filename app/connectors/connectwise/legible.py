"""What a list's row says, as far as it can be read; the rest is a problem of its record, never an exception."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from app.connectors.connectwise import values
from app.connectors.connectwise.values import Row
from app.connectors.protocols import UnpostedRecord
from app.domain.fingerprints import fingerprint
from app.domain.problems import Problem


def fingerprinted(record: UnpostedRecord, *, number: str = "", terms_id: str = "") -> UnpostedRecord:
    """With the hash of what a person sees of it; ``number`` and ``terms_id`` where something else counts as these."""
    hashed = fingerprint(
        number=number or record.number,
        date=record.date,
        party_id=record.party_id,
        total=record.total,
        terms_id=terms_id or record.terms_id,
        tax=record.tax,
        date_closed=record.date_closed,
    )
    return replace(record, fingerprint=hashed)


@dataclass(frozen=True, slots=True)
class Reading:
    """One record being read. ``remedy`` says where a person corrects it; ``problems`` grows with what is illegible."""

    remedy: str
    problems: list[Problem] = field(default_factory=list)

    def cannot(self, message: str, where: str) -> None:
        """Note something that can't be read."""
        self.problems.append(Problem("unreadable", message, self.remedy, field=where))

    def date(self, row: Row, *names: str, missing: str) -> dt.date:
        """The first of the named days that can be read; the earliest of all days, and ``missing`` said, without one."""
        for name in names:
            try:
                if day := values.date(row, name):
                    return day
            except ValueError:
                continue
        self.cannot(missing, "date")
        return dt.date.min

    def currency(self, row: Row, default: str) -> str:
        """The row's currency; the default, and why, where it is none."""
        try:
            return values.currency(row, default)
        except ValueError as error:
            self.cannot(str(error), "currency")
            return default
