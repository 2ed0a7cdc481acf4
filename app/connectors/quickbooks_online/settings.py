"""Our app's keys at Intuit, and the limits that Intuit publishes."""

from __future__ import annotations

from dataclasses import dataclass

from app.connectors.throttle import Limit
from app.settings import Endpoints

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

#: Where a person sees the documents.
SCREENS = {"production": "https://qbo.intuit.com", "sandbox": "https://sandbox.qbo.intuit.com"}


@dataclass(frozen=True, slots=True)
class App:
    """An app registered with Intuit. The keys belong to one environment: ``production`` or ``sandbox``."""

    client_id: str
    client_secret: str
    endpoints: Endpoints
    environment: str = "production"

    def __repr__(self) -> str:
        return f"App({self.client_id[:6]}…, ***, {self.environment})"
