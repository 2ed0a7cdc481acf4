"""The vendor's two ways to say no: a fault of the service (HTTP 400) and a fault of its gateway (401, 403, 429).

Codes: https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
"""

from __future__ import annotations

import time
from typing import Any

Json = dict[str, Any]

_INACTIVE = (
    "Object Not Found : Something you're trying to use has been made inactive. "
    "Check the fields with accounts, customers, items, vendors or employees."
)


class Refusal(Exception):  # noqa: N818  # a refusal is an answer to the caller, not an error of this program
    """A request that the service does not carry out; becomes a `Fault` with this code."""

    def __init__(self, code: int, message: str, detail: str, element: str = "", kind: str = "ValidationFault") -> None:
        super().__init__(f"{code} {message}: {detail}")
        self.code = code
        self.message = message
        self.detail = detail
        self.element = element
        self.kind = kind

    @property
    def status(self) -> int:
        return 500 if self.code == 10000 else 400

    def fault(self) -> Json:
        """`{"Error": [...], "type": ...}`, as it stands under `Fault` alone and inside a batch."""
        error = {"Message": self.message, "Detail": self.detail, "code": str(self.code), "element": self.element}
        return {"Error": [error], "type": self.kind}


def missing(element: str) -> Refusal:
    """2020: a required property is absent."""
    text = "Required param missing, need to supply the required value for the API"
    return Refusal(2020, text, f"Required parameter {element} is missing in the request", element)


def unknown_property(name: str, entity: str, known: list[str]) -> Refusal:
    """2010: the schema has no such property."""
    names = ", ".join(f'"{field}"' for field in known)
    detail = (
        f'Property Name:Unrecognized field "{name}" (class com.intuit.schema.finance.v3.{entity}), '
        f"not marked as ignorable ({len(known)} known properties: {names}])"
    )
    return Refusal(2010, "Request has invalid or unsupported property", detail, name)


def unreadable(detail: str) -> Refusal:
    """2010: the body is not what its type says."""
    return Refusal(2010, "Request has invalid or unsupported property", f"Property Name:{detail}")


def too_long(element: str, limit: int, supplied: int) -> Refusal:
    """2050: a text is over its limit."""
    detail = f"Number of characters is over the limit. Min:0 Max:{limit} Supplied:{supplied}"
    return Refusal(2050, "String length is either shorter or longer than supported by specification", detail, element)


def bad_characters(element: str, value: str) -> Refusal:
    """2040: a name with a colon, a tab or a line break."""
    detail = f"Property has an invalid character: colon, tab and line break are not allowed in a name: {value!r}"
    return Refusal(2040, "Invalid characters", detail, element)


def bad_value(code: int, element: str, value: object) -> Refusal:
    """2060 to 2230: a date, number or word that is none."""
    return Refusal(code, "Invalid value", f"Invalid value for {element}. Supplied value:{value}", element)


def bad_id(value: str) -> Refusal:
    """2030: an id in the address that is no number."""
    return Refusal(2030, "Invalid ID", f"Id should be a valid number. Supplied value:{value}", "Id")


def bad_reference(table: str, value: object, element: str) -> Refusal:
    """2500: nothing has the id that a reference names."""
    return Refusal(
        2500, "Invalid Reference Id", f"Invalid Reference Id : {table} element id {value} not found", element
    )


def not_found(element: str = "") -> Refusal:
    """610: deleted, inactive, or never there."""
    return Refusal(610, "Object Not Found", _INACTIVE, element)


def stale() -> Refusal:
    """5010: somebody changed the object since it was read."""
    detail = (
        "Stale Object Error : You and Pat Bookkeeper were working on this at the same time. "
        "Pat Bookkeeper finished before you did, so your work was not saved."
    )
    return Refusal(5010, "Stale Object Error", detail)


def name_taken(holder: str) -> Refusal:
    """6240: a customer, vendor, employee, or a thing of the same list has the name."""
    detail = (
        "The name supplied already exists. : Another customer, vendor or employee is already using this \n"
        f"name. Please use a different name. Id={holder}"
    )
    return Refusal(6240, "Duplicate Name Exists Error", detail)


def number_taken(number: str, kind: str, holder: str) -> Refusal:
    """6140: another document has the number."""
    detail = (
        "Duplicate Document Number Error : You must specify a different number. This number has already been used. "
        f"DocNumber={number} is assigned to TxnType={kind} with TxnId={holder}"
    )
    return Refusal(6140, "Duplicate Document Number Error", detail)


def business(detail: str, element: str = "", code: int = 6000) -> Refusal:
    """6000 and its relatives: the books would not make sense."""
    text = "A business validation error has occurred while processing your request"
    return Refusal(code, text, f"Business Validation Error: {detail}", element)


def unsupported(what: str) -> Refusal:
    """500: there is no such operation."""
    return Refusal(500, "Unsupported Operation", f"Operation {what} is not supported.")


def server_error() -> Refusal:
    """10000: the service failed."""
    text = "An application error has occurred while processing your request"
    return Refusal(10000, text, "System Failure Error: something went wrong on our side", kind="SystemFault")


def gateway_fault(status: int, code: int, name: str, detail: str, kind: str) -> Json:
    """What the gateway in front of the service answers: lower-case keys, many nulls, `time` in epoch milliseconds."""
    message = f"message={name}; errorCode={code:06d}; statusCode={status}"
    error = {"message": message, "detail": detail, "code": str(code), "element": None}
    empty: Json = dict.fromkeys(("warnings", "intuitObject", "report", "queryResponse", "requestId", "status"))
    lists: Json = {"batchItemResponse": [], "attachableResponse": [], "syncErrorResponse": None, "cdcresponse": []}
    return {**empty, **lists, "fault": {"error": [error], "type": kind}, "time": int(time.time() * 1000)}
