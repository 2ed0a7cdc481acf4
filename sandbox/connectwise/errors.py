"""The shapes in which ConnectWise says no: JSON with code, message, errors; or plain text where nothing was routed."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An error answer: status, code, sentence, and the list of field errors where there is one."""

    def __init__(self, status: int, code: str, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message}
        if errors is not None:
            self.body["errors"] = errors


class CannotRouteError(Exception):
    """A doubled path or a company that this host does not serve: 400, and not JSON."""

    TEXT = "Cannot route. Codebase/company is invalid"


def invalid(resource: str, field: str, message: str, code: str = "InvalidField") -> ApiError:
    """400 about one field of a request body."""
    error = {"code": code, "message": message, "resource": resource, "field": field}
    return ApiError(400, "InvalidObject", f"{resource} object is invalid", [error])


def bad_query(message: str) -> ApiError:
    """400 about conditions, orderBy or fields."""
    return ApiError(400, "ConnectWiseApi", message)


def not_found(what: str, number: object) -> ApiError:
    """404 for a record."""
    return ApiError(404, "NotFound", f"{what} {number} not found")


def no_endpoint() -> ApiError:
    """404 for an address that does not exist, also after an upgrade has changed the codebase."""
    return ApiError(404, "ConnectWiseApi", "The endpoint does not exist.")


def not_authenticated(message: str = "Provide valid authentication credentials.") -> ApiError:
    """401 for keys that are wrong."""
    error = {"code": "UserNotAuthenticated", "message": message}
    return ApiError(401, "ConnectWiseApi", "UserNotAuthenticated", [error])


def no_permission() -> ApiError:
    """403 where the API member's security role is too weak."""
    return ApiError(403, "Security", "You do not have security permission to perform this action.")
