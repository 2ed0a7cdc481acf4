"""Intuit's webhooks: the signature, and both shapes of the body (``eventNotifications``, and CloudEvents since 2026).

https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
from collections.abc import Iterator
from typing import Any

from app.connectors.http import parse_json
from app.connectors.ledger_events import BadNoticeError, LedgerEvent
from app.connectors.quickbooks_online.members import LONGEST_ID, Members, part, rows, text

#: The header that carries the signature.
SIGNATURE = "intuit-signature"
#: Kinds that Intuit tells of, by how CloudEvents write them: in lower case.
ENTITIES = {
    name.lower(): name
    for name in (
        *("Account", "Bill", "BillPayment", "Budget", "Class", "CreditMemo", "Currency", "Customer", "Department"),
        *("Deposit", "Employee", "Estimate", "Invoice", "Item", "JournalCode", "JournalEntry", "Payment"),
        *("PaymentMethod", "Preferences", "Purchase", "PurchaseOrder", "RefundReceipt", "SalesReceipt", "TaxAgency"),
        *("Term", "TimeActivity", "Transfer", "Vendor", "VendorCredit"),
    )
}
OPERATIONS = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "merge": "merged",
    "void": "voided",
    "emailed": "emailed",
}
_LAST = dt.datetime.max.replace(tzinfo=dt.UTC)


def events(body: bytes, signature: str, verifier: str) -> list[LedgerEvent]:
    """ledger_events.ReadsNotices: ``body`` as it came, ``signature`` from the header, ``verifier`` the app's token.

    An entry that names no company, kind or id says nothing and is left out; daily change data capture sees it anyway.
    """
    _verify(body, signature, verifier)
    try:
        told = parse_json(body.decode())
    except ValueError:
        raise _unreadable() from None
    if isinstance(told, list):
        found = [event for item in told if isinstance(item, dict) for event in _cloud_event(item)]
    elif isinstance(told, dict) and isinstance(told.get("eventNotifications"), list):
        found = [event for item in rows(told, "eventNotifications") for event in _notification(item)]
    else:
        raise _unreadable()
    unique = {event.event_id: event for event in found}
    return sorted(unique.values(), key=lambda event: (event.moment or _LAST, event.event_id))


def _verify(body: bytes, signature: str, verifier: str) -> None:
    """base64(HMAC-SHA256(verifier token, raw body)), compared in constant time."""
    if not verifier:
        raise BadNoticeError(
            "A webhook came, but Intuit’s verifier token is not entered.",
            "Enter it with the Intuit app keys under Settings ▸ Connections.",
            code="no_verifier",
        )
    due = hmac.digest(verifier.encode(), body, "sha256")
    try:
        given = base64.b64decode(signature.strip(), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    if not hmac.compare_digest(given, due):
        raise BadNoticeError(
            "A webhook came whose signature is not Intuit’s, so it was not believed.",
            "Compare the verifier token with the one at developer.intuit.com ▸ your app ▸ Webhooks.",
            code="bad_signature",
        )


def _notification(item: Members) -> Iterator[LedgerEvent]:
    realm = text(item, "realmId")
    for told in rows(part(item, "dataChangeEvent"), "entities"):
        name, ident, stamp = text(told, "name"), text(told, "id"), text(told, "lastUpdated")
        operation = text(told, "operation").lower()
        yield from _event(realm, name, ident, OPERATIONS.get(operation, operation), stamp, "")
        if merged := text(told, "deletedId"):
            yield from _event(realm, name, merged, "deleted", stamp, "")


def _cloud_event(item: Members) -> Iterator[LedgerEvent]:
    """``type`` is ``qbo.invoice.created.v1``."""
    _, name, operation, *_ = *text(item, "type").split("."), "", "", ""
    realm, ident = text(item, "intuitaccountid"), text(item, "intuitentityid")
    yield from _event(realm, name, ident, operation.lower(), text(item, "time"), text(item, "id"))


def _event(realm: str, name: str, ident: str, operation: str, stamp: str, event_id: str) -> Iterator[LedgerEvent]:
    if not (realm and name and ident and operation) or max(map(len, (realm, name, ident, operation))) > LONGEST_ID:
        return
    entity = ENTITIES.get(name.lower(), name)
    own = event_id[:LONGEST_ID] or "|".join((realm, entity, ident, operation, stamp[:LONGEST_ID]))
    yield LedgerEvent(realm, entity, ident, operation, _moment(stamp), own)


def _moment(stamp: Any) -> dt.datetime | None:
    """An aware moment; None for none, and for what is none."""
    try:
        moment = dt.datetime.fromisoformat(stamp)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _unreadable() -> BadNoticeError:
    return BadNoticeError(
        "A webhook with Intuit’s signature has a form that Crossfoot doesn’t know.",
        "Payments are found by the next sync all the same. Look whether there is a newer version of Crossfoot.",
        code="bad_body",
    )
