"""Opens a company for services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis

from app.connectors.http import Http
from app.connectors.protocols import ConnectionFailedError, Contact
from app.connectors.quickbooks_online.access import Access
from app.connectors.quickbooks_online.client import Client
from app.connectors.quickbooks_online.connector import QuickBooksOnline
from app.connectors.quickbooks_online.settings import LANES, LIMITS, App
from app.connectors.throttle import Throttle
from app.connectors.tokens import TokenStore


def open_destination(
    settings: Mapping[str, Any],
    tokens: TokenStore,
    contact: Contact,
    *,
    server: redis.Redis,
    http: Http,
    app: App,
    speed: float = 1.0,
) -> QuickBooksOnline:
    """A Book's company. ``settings``: ``realm``, ``environment``, and ``currency`` for answers that name none.

    ``speed`` is how many times faster than life the vendor's windows run (test servers).
    Raises ConnectionFailedError where the company belongs to the other environment's keys.
    """
    realm, environment = str(settings["realm"]), str(settings.get("environment") or app.environment)
    if environment != app.environment:
        raise ConnectionFailedError(
            f"This company was connected in Intuit’s {environment} environment, the keys are for {app.environment}.",
            f"Set CROSSFOOT_QBO_ENVIRONMENT to {environment} and use that environment’s keys.",
            systemic=True,
            code="wrong_environment",
        )
    throttle = Throttle(
        server, f"qbo:{realm}", LIMITS, vendor="QuickBooks", lanes=LANES, last_contact=contact.last, speed=speed
    )
    access = Access(app, http, tokens)
    client = Client(http, access, throttle, contact, base_url=app.endpoints.api, realm=realm)
    return QuickBooksOnline(client, app, str(settings.get("currency") or "USD"))
