"""Stripe's webhooks: the signature, and which page an event is about. An event is only a reason to look.

https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

import hmac
import re
import time

from app.connectors.checkouts import BadEventError
from app.connectors.http import parse_json

#: The header that carries the signature.
SIGNATURE = "Stripe-Signature"
#: Seconds that a delivery may be old: what was caught on the way can't be played again later.
TOLERANCE = 300
KIND = "checkout.session."


def session_of(body: bytes, signature: str, secret: str, *, now: float | None = None) -> str:
    """Id of the Checkout Session that a delivery is about; empty where it is about something else.

    Raises BadEventError.
    """
    _verify(body, signature, secret, time.time() if now is None else now)
    try:
        event = parse_json(body.decode())
        kind, about = event["type"], event["data"]["object"]["id"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadEventError("A webhook with Stripe’s signature can’t be read.", "", code="bad_body") from error
    return about if isinstance(about, str) and isinstance(kind, str) and kind.startswith(KIND) else ""


def _verify(body: bytes, signature: str, secret: str, now: float) -> None:
    """``t=…,v1=…``: the HMAC-SHA256 of ``t.body``; several v1 while a secret is being replaced."""
    parts = [part.partition("=")[::2] for part in signature.split(",")]
    moment = next((value for name, value in parts if name.strip() == "t"), "")
    due = hmac.digest(secret.encode(), moment.encode() + b"." + body, "sha256").hex()
    given = [value.strip() for name, value in parts if name.strip() == "v1"]
    fresh = re.fullmatch("[0-9]{1,12}", moment) and abs(now - int(moment)) <= TOLERANCE
    if not (secret and fresh and any(hmac.compare_digest(due.encode(), one.encode()) for one in given)):
        raise BadEventError(
            "A webhook came whose signature is not Stripe’s, so it was not believed.",
            "Compare the signing secret with the one in Stripe’s dashboard, and this machine’s clock.",
            code="bad_signature",
        )
