"""OAuth tokens of a Book, and where they live. They are refreshed by one process at a time, over all processes."""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tokens:
    """OAuth tokens of one Book. Moments are aware UTC."""

    access: str
    refresh: str
    access_until: dt.datetime
    refresh_until: dt.datetime

    def __repr__(self) -> str:
        return "Tokens(***)"


class TokenStore(Protocol):
    """Where a Book's tokens live. Refreshing is single-flight over all processes."""

    def load(self) -> Tokens:
        """The stored tokens. Raises ConnectionFailedError(systemic) where there are none."""
        ...

    def alone(self) -> AbstractContextManager[bool]:
        """True for the one process that may refresh now; False for those that waited until another had done it."""
        ...

    def save(self, tokens: Tokens) -> None:
        """Commit before the new access token is used."""
        ...

    def mark_broken(self, reason: str) -> None:
        """The refresh token no longer works: a person must connect again. The tokens are kept."""
        ...
