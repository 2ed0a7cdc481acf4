"""Intuit's webhooks: whether a notice is really Intuit's, and which companies it is about. Pure.

https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks. Two forms are in use: the older
``eventNotifications``, and since 2025 a list of CloudEvents; both name only ids, come in any order, and more than once.
So a notice is a bell and no message: what changed is asked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

SIGNATURE = "intuit-signature"
#: What may move a payment.
ENTITIES = frozenset({"payment", "invoice", "creditmemo"})
#: Companies in one notice; more of them are nobody's.
MOST = 200


def signed(verifier: str, body: bytes, signature: str) -> bool:
    """Whether the signature is that of the raw body: base64 of HMAC-SHA256 with the app's verifier token."""
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(verifier.encode(), body, hashlib.sha256).digest(), given)


def companies(body: bytes) -> set[str]:
    """Realms whose payments, invoices or credit memos changed; none where the body can't be read."""
    try:
        notice = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    found: set[str] = set()
    for realm, entity in _events(notice):
        if entity.lower() in ENTITIES and realm.isdecimal() and len(realm) <= 30 and len(found) < MOST:
            found.add(realm)
    return found


def _events(notice: Any) -> Iterator[tuple[str, str]]:
    """Realm and entity of each event, in whichever form they come."""
    if isinstance(notice, list):
        for event in filter(_is_object, notice):  # "qbo.invoice.created.v1"
            kind = str(event.get("type", "")).split(".")
            yield str(event.get("intuitaccountid", "")), kind[1] if len(kind) > 2 else ""
    elif _is_object(notice):
        for part in filter(_is_object, _list(notice.get("eventNotifications"))):
            change = part.get("dataChangeEvent")
            for entity in filter(_is_object, _list(change.get("entities") if _is_object(change) else None)):
                yield str(part.get("realmId", "")), str(entity.get("name", ""))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
