"""Intuit's addresses, our app keys, and the limits that Intuit publishes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from app.connectors.throttle import Limit

#: https://developer.intuit.com/app/developer/qbo/docs/learn/rest-api-features#limits-and-throttles
MAX_BATCH = 30
LANES = 4
MINOR_VERSION = "75"
REQUEST_ID_LENGTH = 36

#: Spare calls are for a Redis that has lost its memory; the batch limit needs none, since a batch can wait a minute.
LIMITS = (
    Limit("requests", 500, 60, "QuickBooks’ limit (500 calls a minute)", spare=20),
    Limit("second", 10, 1, "QuickBooks’ limit (10 calls a second)", spare=2),
    Limit("batch", 40, 60, "QuickBooks’ limit (40 batch calls a minute)"),
)

_API = {
    "production": "https://quickbooks.api.intuit.com",
    "sandbox": "https://sandbox-quickbooks.api.intuit.com",
}
_SCREENS = {"production": "https://qbo.intuit.com", "sandbox": "https://sandbox.qbo.intuit.com"}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Full addresses of Intuit's OAuth, and scheme and host of the API."""

    api_url: str
    authorize_url: str
    token_url: str
    revoke_url: str
    environment: str = "production"

    @classmethod
    def intuit(cls, environment: str) -> Self:
        """Intuit's own addresses. Consent is asked for at the same place for both environments."""
        return cls(
            api_url=_API[environment],
            authorize_url="https://appcenter.intuit.com/connect/oauth2",
            token_url="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",  # noqa: S106 - an address
            revoke_url="https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
            environment=environment,
        )

    def replaced(
        self, *, api_url: str = "", authorize_url: str = "", token_url: str = "", revoke_url: str = ""
    ) -> Self:
        """These with other addresses where one is given: test servers."""
        given = {"authorize_url": authorize_url, "token_url": token_url, "revoke_url": revoke_url}
        given["api_url"] = api_url.rstrip("/")
        return replace(self, **{name: value for name, value in given.items() if value})

    @property
    def are_intuits(self) -> bool:
        """Whether all addresses are Intuit's own."""
        return self == self.intuit(self.environment)

    @property
    def screens(self) -> str:
        """Where a person sees the documents."""
        return _SCREENS[self.environment]


@dataclass(frozen=True, slots=True)
class App:
    """An app registered with Intuit: the keys, and the addresses they are for."""

    client_id: str
    client_secret: str
    endpoints: Endpoints

    def __repr__(self) -> str:
        return f"App(client_id={self.client_id[:6]}…, client_secret=***)"
