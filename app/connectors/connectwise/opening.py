"""Opens a ConnectWise connection for services."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis

from app.connectors.connectwise.client import Client
from app.connectors.connectwise.connector import ConnectWise
from app.connectors.connectwise.settings import Settings
from app.connectors.http import Http
from app.connectors.protocols import Contact
from app.connectors.throttle import Limit, Throttle

#: Above about 1,000 calls a minute ConnectWise answers 429 (Developer Guide, "Rate limiting"). The spare calls are
#: what a check may use at once when nobody knows how many were made in the last minute.
LIMIT = Limit("calls", 1000, 60, "ConnectWise’s limit (1,000 calls a minute)", spare=20)


def utc_today() -> dt.date:
    """Today's date in UTC; near enough for a date that lies years ahead."""
    return dt.datetime.now(dt.UTC).date()


def open_source(
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    contact: Contact,
    *,
    server: redis.Redis,
    http: Http,
    speed: float = 1.0,
    today: Callable[[], dt.date] = utc_today,
    sleep: Callable[[float], None] = time.sleep,
) -> ConnectWise:
    """A connection, opened without a call. Raises ValidationError for settings that are missing.

    ``settings``: site, company_id, public_key, client_id and perhaps currency; ``secrets``: private_key.
    ``speed`` is how many times faster than life the vendor's window runs (test servers).
    """
    values = Settings.read(settings, secrets)
    name = f"connectwise:{values.host}:{values.company_id.lower()}"
    throttle = Throttle(server, name, [LIMIT], vendor="ConnectWise", last_contact=contact.last, speed=speed)
    return ConnectWise(Client(values, http, throttle, contact, sleep), today)
