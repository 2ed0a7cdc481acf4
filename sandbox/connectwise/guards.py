"""What every call passes before it is answered: faults, the throttle, the codebase, the keys, the member's rights."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, g, jsonify, request

from sandbox.connectwise.errors import ApiError, CannotRouteError, no_endpoint, no_permission, not_authenticated
from sandbox.faults import WIRE_FAULT, Fault, Faults
from sandbox.throttle import Limit, Throttle

if TYPE_CHECKING:
    from sandbox.connectwise.site import Site

API = re.compile(r"^/(?P<codebase>[^/]+/)apis/3\.0/(?P<rest>.*)$")
AREAS = {
    "finance/accounting/": "accounting",
    "finance/invoices": "invoicing",
    "company/": "company",
    "procurement/": "procurement",
    "expense/": "expenses",
    "time/": "expenses",
}
PAYMENTS = re.compile(r"finance/invoices/\d+/payments")
LONGEST_URL = 2000
LEVELS = {"GET": "inquire", "POST": "add", "PATCH": "edit", "PUT": "edit", "DELETE": "all"}


class Gate:
    """The limits and faults of one server, and its counts."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.faults = Faults()
        self.throttle = Throttle({"minute": Limit(site.switches.calls_per_minute, 60)})
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, path: str, status: int) -> None:
        """Note a call for `/_stats`; numbers in paths are written as {id}."""
        match = API.match(path)
        shape = re.sub(r"/\d+", "/{id}", "/" + match["rest"]) if match else path
        with self._lock:
            self.calls[shape] += 1
            self.statuses[str(status)] += 1

    def obey_switches(self) -> None:
        """Bring the throttle in line with the switches."""
        switches = self.site.switches
        self.throttle.enabled = switches.throttle
        self.throttle.set_limit("minute", switches.calls_per_minute, switches.window_seconds)

    def stats(self) -> dict[str, Any]:
        """Limits and counts as `/_stats` prints them."""
        with self._lock:
            counts = {"calls": sum(self.calls.values()), "by_path": dict(self.calls), "by_status": dict(self.statuses)}
        return {**counts, "throttle": self.throttle.report(), "faults": self.faults.listing()}


def install(app: Flask) -> None:
    """Put the guards before and after every call of the API; `/_…` and `/login` go free, except for counting."""
    app.before_request(_before)
    app.after_request(_after)


def _gate() -> Gate:
    gate: Gate = current_app.config["GATE"]
    return gate


def _is_control() -> bool:
    return request.path.startswith("/_")


def _before() -> Response | None:
    g.fault = None
    if _is_control():
        return None
    gate = _gate()
    time.sleep(gate.site.switches.latency_ms / 1000)
    g.fault = gate.faults.take(request.method, _fault_path())
    refused = _refusal(g.fault)
    if refused is not None:
        return refused
    if not gate.throttle.let_through("minute"):
        return _too_many(gate)
    if not request.path.startswith("/login/"):
        _check_address(gate.site)
        _check_keys(gate.site)
        _check_rights(gate.site)
    return None


def _after(answer: Response) -> Response:
    if _is_control():
        return answer
    fault: Fault | None = g.get("fault")
    if fault is not None and fault.comes_after:
        answer = _spoil(answer, fault)
    _gate().count(request.path, answer.status_code)
    return answer


def _fault_path() -> str:
    """What a fault's path is compared with: the address after `apis/3.0`, so that an upgrade doesn't matter."""
    match = API.match(request.path)
    return "/" + match["rest"] if match else request.path


def _refusal(fault: Fault | None) -> Response | None:
    """The answer of a fault that comes before any work is done."""
    if fault is None or fault.comes_after:
        return None
    if fault.kind == "slow":
        time.sleep(fault.seconds)
        return None
    if fault.kind == "drop_before":
        return Response("", headers={WIRE_FAULT: "drop_before"})
    if fault.kind == "429":
        return _too_many(_gate())
    if fault.kind == "401":
        return _json(401, not_authenticated().body)
    return _json(
        503 if fault.kind == "503" else 500,
        {"code": "ConnectWiseApi", "message": "An error has occurred.", "errors": None},
    )


def _spoil(answer: Response, fault: Fault) -> Response:
    """The answer after the work is done and kept."""
    if fault.kind in {"lose_answer", "cut_answer"}:
        answer.headers[WIRE_FAULT] = fault.kind
        return answer
    if fault.kind == "500_after":
        return _json(500, {"code": "ConnectWiseApi", "message": "An error has occurred.", "errors": None})
    time.sleep(fault.seconds)
    return answer


def _json(status: int, body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer


def _too_many(gate: Gate) -> Response:
    """429; its body is shaped unlike every other error."""
    wait = max(1, round(gate.throttle.limits["minute"].seconds / 2))
    answer = _json(
        429, {"error": "ConnectWiseAPI", "message": f"Too many requests. Please try again in {wait} seconds."}
    )
    answer.headers["Retry-After"] = str(wait)
    return answer


def _check_address(site: Site) -> None:
    """The guide asks for addresses under 2,000 characters; longer lists of ids belong into several calls."""
    if len(request.url) > LONGEST_URL:
        raise ApiError(414, "ConnectWiseApi", "The request URI is too long.")
    if "/apis/3.0/apis/3.0" in request.path:
        raise CannotRouteError
    match = API.match(request.path)
    if not match or match["codebase"] != site.codebase:
        raise no_endpoint()


def _check_keys(site: Site) -> None:
    """Basic auth as `company+public:private`, and the clientId header of the installer's own registration."""
    keys = site.credentials
    user, _, private = _basic().partition(":")
    company, _, public = user.partition("+")
    if not user or not public:
        raise not_authenticated()
    if company.casefold() != keys.company_id.casefold():
        raise CannotRouteError
    if not (_same(public, keys.public_key) and _same(private, keys.private_key)):
        raise not_authenticated()
    if not request.headers.get("clientId"):
        raise not_authenticated("The clientId header is required.")
    if not _same(request.headers["clientId"].casefold(), keys.client_id):
        raise not_authenticated("The clientId is not valid.")


def _basic() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    try:
        return base64.b64decode(value, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _check_rights(site: Site) -> None:
    """403 where the role is too weak. Batches and payments are made with Edit, exports with Add."""
    match = API.match(request.path)
    rest = match["rest"] if match else ""
    level = LEVELS.get(request.method, "all")
    if request.method == "POST" and (rest == "finance/accounting/batches" or PAYMENTS.match(rest)):
        level = "edit"
    if not site.switches.allows(_area(rest), level):
        raise no_permission()


def _area(rest: str) -> str:
    """The part of the security role that an address belongs to; other finance addresses are set-up tables."""
    for start, area in AREAS.items():
        if rest.startswith(start):
            return area
    return "tables" if rest.startswith("finance/") else "system"
