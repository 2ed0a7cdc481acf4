"""One account: its keys, its sessions, what was asked under which idempotency key; and the customer at the page."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from sandbox.faults import Faults

Json = dict[str, Any]

#: What the account's owner has made; the second one may only read.
KEY = "rk_test_51SandboxHarborPoint000000000001"
READING_KEY = "rk_test_51SandboxHarborPoint000000000002"
SECRET = "whsec_sandbox_of_no_value"  # noqa: S105  # a stand-in's
HALF_AN_HOUR, DAY = 1800, 86400
#: Smallest charge, in cents; other currencies' are not told apart.
LEAST = 50
MOST = 99_999_999


class RefusedError(Exception):
    """The service says no."""

    def __init__(self, status: int, kind: str, message: str, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.status = status
        told = {"type": kind, "message": message, "code": code, "param": param}
        self.body = {"error": {name: value for name, value in told.items() if value}}


@dataclass
class Switches:
    """``webhook_url``: where events go, none while it is empty; ``webhook_twice``: each comes twice, in any order."""

    webhook_url: str = ""
    webhook_twice: bool = False


@dataclass
class Account:
    """Everything is kept in memory, under one lock. ``clock_ahead``: seconds that its clock is moved by a test."""

    base: str = ""
    sessions: dict[str, Json] = field(default_factory=dict)
    intents: dict[str, Json] = field(default_factory=dict)
    asked: dict[str, tuple[str, int, Json]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    switches: Switches = field(default_factory=Switches)
    clock_ahead: int = 0
    lock: Any = field(default_factory=threading.RLock)
    deliveries: list[threading.Thread] = field(default_factory=list)

    def now(self) -> int:
        return int(time.time()) + self.clock_ahead

    # ── what the API does ──

    def create(self, form: Json) -> Json:
        """A session that can be paid. Raises RefusedError."""
        price = _checked(form, self.now())
        ident = f"cs_test_{secrets.token_hex(28)}"
        session: Json = {
            "id": ident, "object": "checkout.session", "livemode": False, "mode": "payment", "status": "open",
            "payment_status": "unpaid", "created": self.now(), "expires_at": int(form["expires_at"]),
            "amount_subtotal": price["amount"], "amount_total": price["amount"], "currency": price["currency"],
            "client_reference_id": form.get("client_reference_id"), "payment_intent": None,
            "metadata": {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")},
            "success_url": form["success_url"], "cancel_url": form.get("cancel_url"),
            "url": f"{self.base}/c/pay/{ident}", "_what": price["what"],
        }  # fmt: skip
        self.sessions[ident] = session
        return session

    def find(self, ident: str) -> Json:
        """Raises RefusedError."""
        session = self.sessions.get(ident)
        if session is None:
            raise RefusedError(404, "invalid_request_error", f"No such checkout.session: '{ident}'", "resource_missing")
        if session["status"] == "open" and session["expires_at"] <= self.now():
            self._end(session)
        return session

    def expire(self, ident: str) -> Json:
        """Only an open one can be expired. Raises RefusedError."""
        session = self.find(ident)
        if session["status"] != "open":
            message = f"Only Checkout Sessions that are open can be expired. This one is {session['status']}."
            raise RefusedError(400, "invalid_request_error", message)
        self._end(session)
        return session

    def _end(self, session: Json) -> None:
        session.update(status="expired", url=None)
        self._tell("checkout.session.expired", session)

    def shown(self, session: Json, *, deep: bool = False) -> Json:
        """The form that the API answers with; ``deep``: with the payment and its charge."""
        shown = {name: value for name, value in session.items() if not name.startswith("_")}
        if deep and session["payment_intent"]:
            shown["payment_intent"] = self.intents[session["payment_intent"]]
        return shown

    # ── the customer, the bank, the owner ──

    def pay(self, ident: str, how: str = "card") -> Json:
        """The customer pays: a card at once, a bank debit with an answer days later. Raises RefusedError."""
        session = self.find(ident)
        if session["status"] != "open":
            raise RefusedError(400, "invalid_request_error", f"This page has ended: {session['status']}.")
        at_once = how == "card"
        intent = f"pi_{secrets.token_hex(12)}"
        charge = {"id": f"ch_{secrets.token_hex(12)}", "object": "charge", "amount": session["amount_total"],
                  "amount_refunded": 0, "refunded": False, "created": self.now()}  # fmt: skip
        self.intents[intent] = {
            "id": intent, "object": "payment_intent", "amount": session["amount_total"],
            "status": "succeeded" if at_once else "processing", "latest_charge": charge,
        }  # fmt: skip
        session.update(
            status="complete", payment_status="paid" if at_once else "unpaid", payment_intent=intent, url=None
        )
        self._tell("checkout.session.completed", session)
        return session

    def settle(self, ident: str, *, well: bool) -> Json:
        """The bank has answered."""
        session = self.find(ident)
        intent = self.intents[session["payment_intent"]]
        intent["status"] = "succeeded" if well else "requires_payment_method"
        session["payment_status"] = "paid" if well else "unpaid"
        self._tell(f"checkout.session.async_payment_{'succeeded' if well else 'failed'}", session)
        return session

    def refund(self, ident: str, units: int) -> None:
        """The owner gives money back."""
        charge = self.intents[self.find(ident)["payment_intent"]]["latest_charge"]
        charge["amount_refunded"] += units
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]

    # ── webhooks ──

    def _tell(self, kind: str, session: Json) -> None:
        if not self.switches.webhook_url:
            return
        event = {"id": f"evt_{secrets.token_hex(12)}", "object": "event", "type": kind, "created": self.now(),
                 "data": {"object": self.shown(session)}}  # fmt: skip
        for _ in range(2 if self.switches.webhook_twice else 1):
            delivery = threading.Thread(
                target=_deliver, args=(self.switches.webhook_url, event, self.now()), daemon=True
            )
            self.deliveries.append(delivery)
            delivery.start()


def signed(body: bytes, moment: int, secret: str = SECRET) -> str:
    """The header of a delivery."""
    made = hmac.new(secret.encode(), f"{moment}.".encode() + body, "sha256").hexdigest()
    return f"t={moment},v1={made},v0={'0' * 64}"


def _deliver(url: str, event: Json, moment: int) -> None:
    body = json.dumps(event).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signed(body, moment)}
    request = urllib.request.Request(url, body, headers)  # noqa: S310  # the address a test has set
    try:
        urllib.request.urlopen(request, timeout=3).close()  # noqa: S310  # as above
    except (urllib.error.URLError, OSError):
        return  # nobody listens: the next look tells it


PREFIX = "line_items[0]"
KNOWN = {
    *("mode", "success_url", "cancel_url", "expires_at", "client_reference_id", "customer_email"),
    *("adaptive_pricing[enabled]", "payment_intent_data[description]", f"{PREFIX}[quantity]"),
    *(f"{PREFIX}[price_data][{name}]" for name in ("currency", "unit_amount", "product_data][name")),
}


def _checked(form: Json, now: int) -> Json:
    for name in form:
        if name not in KNOWN and not name.startswith(("metadata[", "payment_intent_data[metadata][")):
            raise RefusedError(
                400, "invalid_request_error", f"Received unknown parameter: {name}", "parameter_unknown", name
            )
    for name in ("mode", "success_url", f"{PREFIX}[quantity]", f"{PREFIX}[price_data][unit_amount]"):
        if not form.get(name):
            raise RefusedError(
                400, "invalid_request_error", f"Missing required param: {name}.", "parameter_missing", name
            )
    if form["mode"] != "payment":
        raise RefusedError(400, "invalid_request_error", "Only the mode payment is spoken here.", param="mode")
    ends = int(form.get("expires_at") or now + DAY)
    if not now + HALF_AN_HOUR <= ends <= now + DAY:
        message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation."
        raise RefusedError(400, "invalid_request_error", message, param="expires_at")
    form["expires_at"] = ends
    amount, currency = int(form[f"{PREFIX}[price_data][unit_amount]"]), form[f"{PREFIX}[price_data][currency]"]
    if currency != currency.lower() or len(currency) != 3:
        raise RefusedError(400, "invalid_request_error", f"Invalid currency: {currency}.", param="currency")
    if amount < LEAST:
        message = "The Checkout Session's total amount must convert to at least 50 cents."
        raise RefusedError(400, "invalid_request_error", message, "amount_too_small")
    if amount > MOST:
        raise RefusedError(400, "invalid_request_error", "The total amount is too large.", "amount_too_large")
    return {"amount": amount, "currency": currency, "what": form[f"{PREFIX}[price_data][product_data][name]"]}
