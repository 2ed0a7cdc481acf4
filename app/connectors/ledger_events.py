"""What a ledger's webhooks say: that something changed, never what. Order and number are not to be relied on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from app.domain.problems import CrossfootError


class BadNoticeError(CrossfootError):
    """A webhook that is not the vendor's (``bad_signature``, ``no_verifier``) or can't be read (``bad_body``)."""

    def __init__(self, message: str, remedy: str, *, code: str) -> None:
        super().__init__(message, remedy)
        self.code = code


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """Something happened to one object. Read the object, or what changed since; an event may be old or come twice.

    Attributes:
        realm: the company's id at the vendor, as in a Book's settings.
        entity: the vendor's name of the kind, such as ``Payment``.
        operation: ``created``, ``updated``, ``deleted``, ``voided``, ``merged``, ``emailed``, or the vendor's new word.
        moment: aware UTC; None where the vendor named none.
        event_id: the vendor's id of the event, or what stands for it: equal for duplicates.
    """

    realm: str
    entity: str
    ledger_id: str
    operation: str
    moment: dt.datetime | None
    event_id: str


class ReadsNotices(Protocol):
    """Checks and reads one delivery of a vendor's webhooks; pure."""

    def __call__(self, body: bytes, signature: str, verifier: str) -> list[LedgerEvent]:
        """The events, each once, oldest first. Raises BadNoticeError."""
        ...
