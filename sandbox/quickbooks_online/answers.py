"""Answers on the wire: JSON with the vendor's headers, the gateway's refusals, and the faults that were ordered."""

from __future__ import annotations

import json
import time
import uuid
from decimal import Decimal
from typing import Any

from flask import Response

from sandbox.faults import WIRE_FAULT, Fault
from sandbox.quickbooks_online import problems


def to_response(status: int, body: Any, **headers: str) -> Response:
    """A JSON answer with the headers that every answer of the vendor has."""
    response = Response(dump(body), status, content_type="application/json;charset=UTF-8")
    response.headers["intuit_tid"] = f"1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]}"
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def dump(body: Any) -> str:
    """JSON text; amounts as plain numbers."""
    return json.dumps(body, default=_number, separators=(",", ":"))


def _number(value: Any) -> float:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value)} has no place in an answer")
    return float(value)


def unauthorized(token: str) -> Response:
    """The gateway's 401 for a token that is unknown, dead or too old."""
    body = problems.gateway_fault(401, 3200, "AuthenticationFailed", f"Token expired: {token[:12]}", "AUTHENTICATION")
    return to_response(401, body, WWW_Authenticate='Bearer realm="Intuit", error="invalid_token"')


def too_many(retry_after: float = 0) -> Response:
    """The gateway's 429; with Retry-After only where a test asks for it, as nobody knows whether Intuit sends one."""
    detail = "The request limit was reached.  Try again later"
    headers = {"Retry_After": str(round(retry_after))} if retry_after else {}
    return to_response(429, problems.gateway_fault(429, 3001, "ThrottleExceeded", detail, "SERVICE"), **headers)


def committed_before(fault: Fault) -> Response:
    """The answer of a fault that strikes before anything is done."""
    if fault.kind == "drop_before":
        return to_response(200, {}, **{WIRE_FAULT: fault.kind})
    if fault.kind == "429":
        return too_many(fault.seconds)
    if fault.kind == "401":
        return unauthorized("")
    if fault.kind == "503":
        return Response("<html><body>Service Unavailable</body></html>", 503, content_type="text/html")
    return server_error()


def committed_after(fault: Fault | None, response: Response) -> Response:
    """The answer after a fault that strikes when the work is done and kept."""
    if fault is None:
        return response
    if fault.kind == "slow_after":
        time.sleep(fault.seconds)
    if fault.kind in {"lose_answer", "cut_answer"}:
        response.headers[WIRE_FAULT] = fault.kind
    return server_error() if fault.kind == "500_after" else response


def server_error() -> Response:
    """The service's 500."""
    return to_response(500, {"Fault": problems.server_error().fault()})
