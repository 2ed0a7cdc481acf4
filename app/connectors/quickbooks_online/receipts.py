"""QuickBooks' own form of an invoice or credit memo, read into a Receipt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.domain.documents import DocumentKind
from app.domain.money import Money
from app.domain.outcomes import Receipt

#: The entity's name in bodies and answers, and (in lower case) in addresses.
ENTITIES = {DocumentKind.INVOICE: "Invoice", DocumentKind.CREDIT_MEMO: "CreditMemo"}

_HEADER = (
    *("Id", "SyncToken", "DocNumber", "TxnDate", "DueDate", "PrivateNote", "CustomerRef", "SalesTermRef"),
    *("CurrencyRef", "ExchangeRate", "TotalAmt", "Balance", "RemainingCredit"),
    *("GlobalTaxCalculation", "MetaData", "CustomField"),
)
_LINE = ("Id", "LineNum", "Description", "Amount", "DetailType")
_DETAIL = ("ItemRef", "Qty", "UnitPrice", "TaxCodeRef", "ItemAccountRef", "ClassRef")


def to_receipt(obj: Mapping[str, Any], home_currency: str) -> Receipt:
    """What the ledger holds. Raises ValueError where the object has another form than every stored document."""
    try:
        return _receipt(obj, home_currency)
    except (KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"QuickBooks’ answer has another form than expected: {error!r}.") from error


def _receipt(obj: Mapping[str, Any], home_currency: str) -> Receipt:
    currency = ref(obj, "CurrencyRef") or home_currency
    tax = (obj.get("TxnTaxDetail") or {}).get("TotalTax")
    return Receipt(
        ledger_id=str(obj["Id"]),
        number=str(obj.get("DocNumber") or ""),
        total=Money(amount_of(obj["TotalAmt"]), currency),
        tax=None if tax is None else Money(amount_of(tax), currency),
        date=_date(obj.get("TxnDate")),
        due_date=_date(obj.get("DueDate")),
        party_id=ref(obj, "CustomerRef"),
        note=str(obj.get("PrivateNote") or ""),
        version=str(obj.get("SyncToken") or ""),
        created_at=_moment((obj.get("MetaData") or {}).get("CreateTime")),
        voided=is_voided(obj),
        open=_open(obj, currency),
        stored=stored(obj),
    )


def _open(obj: Mapping[str, Any], currency: str) -> Money | None:
    """An invoice's Balance, a credit memo's RemainingCredit."""
    amount = obj.get("RemainingCredit", obj.get("Balance"))
    return None if amount is None else Money(amount_of(amount), currency)


def is_voided(obj: Mapping[str, Any]) -> bool:
    """A voided document keeps existing, with nothing to pay and ``Voided`` before its note."""
    return not amount_of(obj.get("TotalAmt", 0)) and str(obj.get("PrivateNote") or "").startswith("Voided")


def stored(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The parts worth keeping as proof: header, lines and tax, amounts as strings."""
    kept = {key: obj[key] for key in _HEADER if key in obj}
    kept["Line"] = [_line(line) for line in obj.get("Line", []) if line.get("DetailType") != "SubTotalLineDetail"]
    if "TxnTaxDetail" in obj:
        kept["TxnTaxDetail"] = obj["TxnTaxDetail"]
    return {key: _plain(value) for key, value in kept.items()}


def amount_of(value: Any) -> Decimal:
    """A JSON number as Decimal. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError(f"{value!r} is not an amount.")  # noqa: TRY004 -- one error for every unreadable answer
    return Decimal(value)


def ref(obj: Mapping[str, Any], name: str) -> str:
    """The id that a reference points to; empty where there is none."""
    return str((obj.get(name) or {}).get("value") or "")


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: line[key] for key in _LINE if key in line}
    detail = line.get("SalesItemLineDetail") or {}
    return {**kept, **{key: detail[key] for key in _DETAIL if key in detail}}


def _plain(value: Any) -> Any:
    """JSON without Decimal: amounts become strings with the digits that they have."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _date(text: Any) -> dt.date | None:
    return dt.date.fromisoformat(str(text)[:10]) if text else None


def _moment(text: Any) -> dt.datetime | None:
    """An aware moment; QuickBooks gives its server's offset, whatever the company's zone."""
    moment = dt.datetime.fromisoformat(str(text)) if text else None
    return moment.replace(tzinfo=dt.UTC) if moment and moment.tzinfo is None else moment
