"""Tells an address what changed, as Intuit's webhooks do: only ids, signed, in either shape, and best effort.

Nothing is sent before `webhook_url` is set. Intuit repeats what is not answered with 200; this stand-in doesn't.
"""

from __future__ import annotations

import base64
import hmac
import json
import threading
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.quickbooks_online.switches import Switches

#: Kinds that Intuit tells of, as far as this stand-in has them.
TOLD = {
    *("Account", "Bill", "Class", "CreditMemo", "Customer", "Department", "Deposit", "Employee", "Invoice", "Item"),
    *("JournalEntry", "Payment", "PaymentMethod", "Purchase", "PurchaseOrder", "RefundReceipt", "TaxAgency", "Term"),
    *("Vendor", "VendorCredit"),
}
PAST = {"Create": "created", "Update": "updated", "Delete": "deleted", "Void": "voided"}


@dataclass(frozen=True)
class Change:
    """One object and what happened to it."""

    entity: str
    id: str
    operation: str
    moment: str


class Webhooks:
    """The deliveries of one company; changes are gathered for a moment and go out in one."""

    def __init__(self, realm: str) -> None:
        self._realm = realm
        self._waiting: list[Change] = []
        self._lock = threading.Lock()

    def tell(self, switches: Switches, change: Change) -> None:
        """Note a change; the first one after a delivery starts the clock of the next."""
        if not switches.webhook_url or change.entity not in TOLD:
            return
        with self._lock:
            self._waiting.append(change)
            if len(self._waiting) > 1:
                return
        timer = threading.Timer(switches.webhook_seconds, self._deliver, [switches])
        timer.daemon = True
        timer.start()

    def _deliver(self, switches: Switches) -> None:
        with self._lock:
            changes, self._waiting = self._waiting, []
        make = self._cloud_events if switches.webhook_shape == "cloud_events" else self._notifications
        told = make(changes)
        _send(switches, told)
        if switches.webhook_twice:
            _send(switches, told[::-1] if isinstance(told, list) else make(changes[::-1]))

    def _notifications(self, changes: list[Change]) -> dict[str, Any]:
        entities = [
            {"name": each.entity, "id": each.id, "operation": each.operation, "lastUpdated": each.moment}
            for each in changes
        ]
        return {"eventNotifications": [{"realmId": self._realm, "dataChangeEvent": {"entities": entities}}]}

    def _cloud_events(self, changes: list[Change]) -> list[dict[str, Any]]:
        return [
            {
                "specversion": "1.0",
                "id": str(uuid.uuid4()),
                "source": "intuit.sandbox",
                "type": f"qbo.{each.entity.lower()}.{PAST[each.operation]}.v1",
                "datacontenttype": "application/json",
                "time": each.moment,
                "intuitentityid": each.id,
                "intuitaccountid": self._realm,
                "data": {},
            }
            for each in changes
        ]


def _send(switches: Switches, told: Any) -> None:
    body = json.dumps(told).encode()
    signature = base64.b64encode(hmac.digest(switches.webhook_verifier.encode(), body, "sha256")).decode()
    headers = {"Content-Type": "application/json", "intuit-signature": signature}
    request = urllib.request.Request(switches.webhook_url, body, headers)  # noqa: S310  # the address a test has set
    try:
        urllib.request.urlopen(request, timeout=3).close()  # noqa: S310  # as above
    except (urllib.error.URLError, OSError):
        return  # nobody listens: the next change data capture tells it
