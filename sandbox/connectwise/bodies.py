"""Reads the bodies of the accounting interface as strictly as the vendor's schema has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sandbox.connectwise.errors import ApiError, invalid

Body = dict[str, Any]

SUMMARIES = ("Default", "Condensed", "Detailed")
FLAGS = {"invoices": "exportInvoicesFlag", "expenses": "exportExpensesFlag", "products": "exportProductsFlag"}


@dataclass(frozen=True)
class ExportRequest:
    """ExportAccountingBatchRequest; location 0 is all.

    `included` and `excluded` are by kind: ids of invoices, GL records of expenses, unpostedProductIds of products.
    Nothing included means that every unposted document of the kind is meant.
    """

    exports: dict[str, bool]
    summary: str
    through: date
    location_id: int
    included: dict[str, frozenset[int | str]]
    excluded: dict[str, frozenset[int | str]]

    def takes(self, kind: str, key: int | str) -> bool:
        """Whether a document of this kind, with this id in the unposted list, is asked for."""
        included = self.included[kind]
        return self.exports[kind] and (not included or key in included) and key not in self.excluded[kind]


@dataclass(frozen=True)
class BatchRequest:
    """CreateAccountingBatchRequest; an identifier that is left out becomes a timestamp."""

    identifier: str
    exports: dict[str, bool]
    record_ids: list[int]


def export_request(body: Any, today: date) -> ExportRequest:
    """Read the body of an export. Raises the 400 that names the first wrong field."""
    fields = _object(body)
    _identifier(fields)
    _flag(fields, "exportPaymentsFlag")
    _numbers(fields, "includedPaymentIds")
    return ExportRequest(
        exports=_exports(fields, "Batch export must include invoices, expenses, or products (procurement)."),
        summary=_choice(fields, "summarizeInvoices", SUMMARIES),
        through=_day(fields, "thruDate", today),
        location_id=_number(fields, "locationId"),
        included=_ids(fields, "included"),
        excluded=_ids(fields, "excluded"),
    )


def batch_request(body: Any) -> BatchRequest:
    """Read the body of a new batch. Raises the 400 that names the first wrong field."""
    fields = _object(body)
    identifier = _identifier(fields) or datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")
    _flag(fields, "summarizeExpenses")
    exports = _exports(fields, "Batch must export Invoices, Expenses or Products.")
    return BatchRequest(identifier, exports, _numbers(fields, "processedRecordIds"))


def _object(body: Any) -> Body:
    if not isinstance(body, dict):
        raise ApiError(400, "InvalidObject", "A JSON object was expected.")
    return body


def _exports(fields: Body, sentence: str) -> dict[str, bool]:
    for name in FLAGS.values():
        _flag(fields, name)
    if not any(fields.get(name) for name in FLAGS.values()):
        raise invalid("batch", "exportInvoicesFlag", sentence)
    return {kind: bool(fields.get(name)) for kind, name in FLAGS.items()}


def _flag(fields: Body, name: str) -> None:
    if not isinstance(fields.get(name), bool | None):
        raise invalid("batch", name, f"{name} must be true or false.")


def _choice(fields: Body, name: str, choices: tuple[str, ...]) -> str:
    value = fields.get(name) or choices[0]
    if value not in choices:
        raise invalid("batch", name, f"{name} must be one of {', '.join(choices)}.")
    return str(value)


def _day(fields: Body, name: str, default: date) -> date:
    value = fields.get(name)
    if value is None:
        return default
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError:
        raise invalid("batch", name, f"{name} is no date.") from None


def _number(fields: Body, name: str) -> int:
    value = fields.get(name) or 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid("batch", name, f"{name} must be a whole number.")
    return value


def _numbers(fields: Body, name: str) -> list[int]:
    values = fields.get(name) or []
    if not isinstance(values, list) or not all(isinstance(each, int) and not isinstance(each, bool) for each in values):
        raise invalid("batch", name, f"{name} must be a list of whole numbers.")
    return values


def _texts(fields: Body, name: str) -> list[str]:
    values = fields.get(name) or []
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise invalid("batch", name, f"{name} must be a list of texts.")
    return values


def _ids(fields: Body, verb: str) -> dict[str, frozenset[int | str]]:
    return {
        "invoices": frozenset(_numbers(fields, f"{verb}InvoiceIds")),
        "expenses": frozenset(_numbers(fields, f"{verb}ExpenseIds")),
        "products": frozenset(_texts(fields, f"{verb}ProductIds")),
    }


def _identifier(fields: Body) -> str:
    """The batch identifier, at most 50 characters; an export takes any placeholder."""
    _text(fields, "glInterfaceIdentifier")
    identifier = _text(fields, "batchIdentifier")
    if len(identifier) > 50:
        sentence = "The field batchIdentifier must not exceed 50 characters."
        raise invalid("batch", "batchIdentifier", sentence, "MaxLengthField")
    return identifier


def _text(fields: Body, name: str) -> str:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid("batch", name, f"{name} must be text.")
    return (value or "").strip()
