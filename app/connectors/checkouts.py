"""Pages of a payment provider, at which a customer pays one invoice. Nothing moves in the books by them.

A page is made when it is asked for and looked at until it has ended; to make one twice under one name makes one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import CrossfootError


class PageState(StrEnum):
    """OPEN can still be paid; UNDER_WAY was paid by a bank that has not said yes yet; the others have ended."""

    OPEN = "open"
    UNDER_WAY = "under_way"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class NewPage:
    """What a page says and asks for.

    Attributes:
        name: ours, unique; the same name with the same contents answers with the same page.
        back, cancel: our addresses, where the customer is sent afterwards.
        company, invoice: the ledger's ids, kept by the provider, should this database be copied back.
        expires_at: aware; half an hour to a day ahead.
    """

    name: str
    what: str
    amount: Decimal
    currency: str
    back: str
    cancel: str
    expires_at: dt.datetime
    company: str = ""
    invoice: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it stands at the provider.

    Attributes:
        url: where the customer pays; empty once it has ended.
        name: ours, as given to it; empty for a page that is none of ours.
        payment: the provider's id of the payment, once there is one.
        refunded: what was given back of the amount so far; ``paid_at`` when it was paid (aware), once it was.
        live: real money; else the provider's test mode.
        company, invoice: as given to it; ``made_at`` is aware.
    """

    ident: str
    state: PageState
    url: str
    name: str
    amount: Decimal
    currency: str
    payment: str
    refunded: Decimal
    live: bool
    paid_at: dt.datetime | None = None
    made_at: dt.datetime | None = None
    company: str = ""
    invoice: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The page is there."""

    page: Page


OpenOutcome = Opened | Refused | NotDone | InDoubt


class BadEventError(CrossfootError):
    """A webhook that is not the provider's (``bad_signature``) or can't be read (``bad_body``)."""

    def __init__(self, message: str, remedy: str, *, code: str) -> None:
        super().__init__(message, remedy)
        self.code = code


class Checkouts(Protocol):
    """A payment provider, opened with one key."""

    def check(self) -> None:
        """Whether the key lets us do what we need. Raises ConnectionFailedError. Nothing is made."""
        ...

    def open(self, new: NewPage) -> OpenOutcome:
        """Never raises for the provider's sake. What has no answer may be asked again under the same name."""
        ...

    def look(self, ident: str) -> Page | None:
        """The page as it stands now; None where the provider knows none. Raises ConnectionFailedError."""
        ...

    def ended_well(self, since: dt.datetime) -> Iterator[Page]:
        """Pages of ours made since then at which somebody paid, newest first. Raises ConnectionFailedError."""
        ...

    def end(self, ident: str) -> bool:
        """Nobody can pay there any more: True. False where it has been paid. Raises ConnectionFailedError."""
        ...
