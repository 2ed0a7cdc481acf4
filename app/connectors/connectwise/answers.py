"""What ConnectWise's error answers mean, in sentences that a person can act on.

Bodies come as ``{code, message, errors[]}``, as ``{error, message}`` (429), or as plain text ("Cannot route").
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from app.connectors.http import Answer, parse_json
from app.connectors.protocols import ConnectionFailedError

#: Seconds to wait after a 429 without Retry-After.
DEFAULT_WAIT = 30.0

CHECK = "Check the connection under Settings ▸ Connections."
#: Security role areas by the start of the API's path, as ConnectWise names them under System ▸ Security Roles.
AREAS = {
    "/finance/accounting/": "Finance ▸ Accounting Interface (Add, Edit, Delete and Inquire: All)",
    "/finance/invoices": "Finance ▸ Invoicing (Inquire: All; for payments and Reload GL also Edit and Delete: All)",
    "/company/": "Companies ▸ Company Maintenance (Inquire: All)",
    "/procurement/purchaseorders": "Procurement ▸ Purchase Orders (Inquire: All)",
    "/procurement/adjustments": "Procurement ▸ Inventory Adjustments (Inquire: All)",
    "/procurement/": "Procurement ▸ Product Catalog and Products (Inquire: All)",
    "/expense/": "Time & Expense ▸ Expense Report Entry (Inquire: All)",
    "/time/": "Time & Expense ▸ Time Entry (Inquire: All)",
    "/finance/": "System ▸ Table Setup (Inquire: All)",
    "/system/documents": "the area of the record that the file belongs to (Inquire: All)",
    "/system/members": "System ▸ Member Maintenance (Inquire: All)",
    "/system/": "System ▸ My Company (Inquire: All)",
}


class PsaError(ConnectionFailedError):
    """ConnectWise answered with an error. ``wait``: seconds after which it may be asked again."""

    def __init__(
        self, message: str, remedy: str, *, code: str, status: int, systemic: bool = False, wait: float = 0
    ) -> None:
        super().__init__(message, remedy, systemic=systemic, code=code)
        self.status = status
        self.wait = wait


def said(answer: Answer) -> dict[str, Any]:
    """The error body, whatever its form; empty where it is not JSON."""
    try:
        body = parse_json(answer.text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def sentences(answer: Answer) -> str:
    """ConnectWise's own words: the message and those of its single errors."""
    body = said(answer)
    found = [str(body.get("message") or ""), *(str(error.get("message") or "") for error in _errors(body))]
    words = [word.strip() for word in found if word.strip()]
    ended = [word if word.endswith((".", ":", "!", "?")) else f"{word}:" for word in words[:-1]]
    return " ".join([*ended, *words[-1:]]) or answer.text.strip()[:200]


def error_codes(answer: Answer) -> set[str]:
    """Codes of the body and of its single errors."""
    body = said(answer)
    return {str(item.get("code") or "") for item in (body, *_errors(body))} - {""}


def error_fields(answer: Answer) -> list[str]:
    """Fields of the request that the single errors are about."""
    return [field for error in _errors(said(answer)) if isinstance(field := error.get("field"), str) and field]


def _errors(body: dict[str, Any]) -> list[dict[str, Any]]:
    errors = body.get("errors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def cannot_route(answer: Answer) -> bool:
    """The codebase or company of the address is unknown; ConnectWise says so with 400 and plain text."""
    return answer.status == 400 and "cannot route" in answer.text.lower()


def wait_of(answer: Answer) -> float:
    """Seconds that a 429 asks us to wait."""
    return answer.retry_after or DEFAULT_WAIT


def area_of(path: str) -> str:
    """The security role area that a path belongs to."""
    return next((area for start, area in AREAS.items() if path.startswith(start)), path)


def failure(answer: Answer, path: str) -> PsaError:
    """The typed error of an answer that is no success."""
    status, host = answer.status, urlsplit(answer.url).netloc
    if wrong := _misaddressed(answer, host):
        return wrong
    if status == 401:
        return _not_let_in(answer)
    if status == 403:
        return _not_allowed(answer, path)
    if status == 429:
        wait = wait_of(answer)
        words = f"ConnectWise asks us to wait {wait:.0f} seconds."
        return PsaError(words, "Nothing to do: it goes on by itself.", code="throttled", status=status, wait=wait)
    code, message, remedy = "bad_request", f"ConnectWise refused {path}: {sentences(answer)}", CHECK
    if status == 404:
        code, message = "not_found", f"ConnectWise at {host} has no {path}."
        remedy = "Check the site; if it is right, this version of ConnectWise may be too old."
    elif status >= 500 or status == 408:
        code, message = "psa_down", f"ConnectWise at {host} has trouble of its own (HTTP {status})."
        remedy = "Try again in a few minutes; see status.connectwise.com."
    return PsaError(message, remedy, code=code, status=status)


def _misaddressed(answer: Answer, host: str) -> PsaError | None:
    """The site or the company is not the one that was meant."""
    if cannot_route(answer):
        code, message = "wrong_company", f"ConnectWise at {host} does not know this company."
        remedy = "Check the company id: the one that is entered on ConnectWise’s log-in page."
    elif "ssl is required" in sentences(answer).lower():
        code, message = "wrong_site", "ConnectWise’s cloud takes API calls only at a name that begins with “api-”."
        remedy = "Enter the site as people open it, such as na.myconnectwise.net."
    else:
        return None
    return PsaError(message, remedy, code=code, status=answer.status, systemic=True)


def _not_let_in(answer: Answer) -> PsaError:
    if "clientid" in sentences(answer).replace(" ", "").lower():
        return PsaError(
            "ConnectWise does not accept the clientId.",
            "Enter the clientId of your own integration: developer.connectwise.com ▸ ClientID.",
            code="wrong_client_id",
            status=401,
            systemic=True,
        )
    return PsaError(
        "ConnectWise does not accept the API keys.",
        "Enter both keys again, or make new ones: System ▸ Members ▸ API Members ▸ API Keys. "
        "If the keys are right, check the clientId.",
        code="wrong_key",
        status=401,
        systemic=True,
    )


def _not_allowed(answer: Answer, path: str) -> PsaError:
    return PsaError(
        f"The API member’s security role is too weak for {path}.",
        f"Raise the role under System ▸ Security Roles: {area_of(path)}.",
        code="role_too_weak",
        status=answer.status,
        systemic=True,
    )
