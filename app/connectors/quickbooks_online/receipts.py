"""QuickBooks' own form of a document, read into a Receipt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.connectors.quickbooks_online.forms import detail_of, party_of, total_of
from app.connectors.quickbooks_online.members import amount_of, currency, identity, part, rows
from app.domain.documents import DocumentKind
from app.domain.money import Money
from app.domain.outcomes import Receipt

#: The entity's name in bodies and answers, and (in lower case) in addresses.
ENTITIES = {
    DocumentKind.INVOICE: "Invoice",
    DocumentKind.CREDIT_MEMO: "CreditMemo",
    DocumentKind.BILL: "Bill",
    DocumentKind.VENDOR_CREDIT: "VendorCredit",
    DocumentKind.PURCHASE: "Purchase",
    DocumentKind.PURCHASE_ORDER: "PurchaseOrder",
    DocumentKind.JOURNAL_ENTRY: "JournalEntry",
    DocumentKind.INVENTORY_ADJUSTMENT: "InventoryAdjustment",
}

_HEADER = (
    *("Id", "SyncToken", "DocNumber", "TxnDate", "DueDate", "PrivateNote", "CustomerRef", "SalesTermRef"),
    *("CurrencyRef", "ExchangeRate", "TotalAmt", "HomeTotalAmt", "Balance", "RemainingCredit"),
    *("GlobalTaxCalculation", "MetaData", "CustomField", "LinkedTxn"),
    *("VendorRef", "EntityRef", "APAccountRef", "AccountRef", "PaymentType", "Credit", "AdjustAccountRef"),
    *("DepartmentRef", "ClassRef", "POStatus"),
)
_LINE = ("Id", "LineNum", "Description", "Amount", "DetailType")
_DETAIL = (
    *("ItemRef", "Qty", "UnitPrice", "TaxCodeRef", "ItemAccountRef", "ClassRef", "DepartmentRef"),
    *("AccountRef", "CustomerRef", "BillableStatus", "PostingType", "Entity", "QtyDiff"),
)


def to_receipt(obj: Mapping[str, Any], home_currency: str) -> Receipt:
    """What the ledger holds. Raises ValueError where the object has another form than every stored document."""
    try:
        return _receipt(obj, home_currency)
    except (KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"QuickBooks’ answer has another form than expected: {error!r}.") from error


def _receipt(obj: Mapping[str, Any], home_currency: str) -> Receipt:
    code = currency(obj, "CurrencyRef", home_currency)
    tax = part(obj, "TxnTaxDetail").get("TotalTax")
    return Receipt(
        ledger_id=identity(obj),
        number=str(obj.get("DocNumber") or ""),
        total=Money(total_of(obj), code),
        tax=None if tax is None else Money(amount_of(tax), code),
        date=_date(obj.get("TxnDate")),
        due_date=_date(obj.get("DueDate")),
        party_id=party_of(obj),
        note=str(obj.get("PrivateNote") or ""),
        version=str(obj.get("SyncToken") or ""),
        created_at=_moment(part(obj, "MetaData").get("CreateTime")),
        voided=is_voided(obj),
        open=_open(obj, code),
        home_total=amount_of(obj["HomeTotalAmt"]) if "HomeTotalAmt" in obj else None,
        stored=stored(obj),
    )


def _open(obj: Mapping[str, Any], currency: str) -> Money | None:
    """An invoice's, a bill's and a vendor credit's Balance, a credit memo's RemainingCredit; all of an open order."""
    if "POStatus" in obj:
        return Money(total_of(obj) if obj["POStatus"] == "Open" else Decimal(0), currency)
    amount = obj.get("RemainingCredit", obj.get("Balance"))
    return None if amount is None else Money(amount_of(amount), currency)


def is_voided(obj: Mapping[str, Any]) -> bool:
    """A voided document keeps existing, with nothing to pay and ``Voided`` before its note."""
    return not amount_of(obj.get("TotalAmt", 0)) and str(obj.get("PrivateNote") or "").startswith("Voided")


def stored(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The parts worth keeping as proof: header, lines and tax, amounts as strings."""
    kept = {key: obj[key] for key in _HEADER if key in obj}
    kept["Line"] = [_line(line) for line in rows(obj, "Line") if line.get("DetailType") != "SubTotalLineDetail"]
    if "TxnTaxDetail" in obj:
        kept["TxnTaxDetail"] = obj["TxnTaxDetail"]
    return {key: _plain(value) for key, value in kept.items()}


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: line[key] for key in _LINE if key in line}
    detail = detail_of(line)
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
