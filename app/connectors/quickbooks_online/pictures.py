"""QuickBooks' invoice or credit memo as a Picture: a body that goes out, or the trimmed form that receipts keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from app.connectors.quickbooks_online.members import LARGEST, part, rows
from app.domain.pictures import Named, Picture, PicturedLine, TaxPart

#: Lines that QuickBooks adds for the eye; they are no lines of the document.
NOT_LINES = ("SubTotalLineDetail", "DescriptionOnly")


def to_picture(fields: Mapping[str, Any]) -> Picture:
    """What stands in it; a member that is missing or unreadable stays empty, for this is only looked at."""
    tax = part(fields, "TxnTaxDetail")
    return Picture(
        party=_named(fields.get("CustomerRef")),
        number=str(fields.get("DocNumber") or ""),
        date=_date(fields.get("TxnDate")),
        due_date=_date(fields.get("DueDate")),
        terms=_named(fields.get("SalesTermRef")),
        tax_code=_named(tax.get("TxnTaxCodeRef")),
        note=str(fields.get("PrivateNote") or ""),
        lines=tuple(_line(line) for line in rows(fields, "Line") if line.get("DetailType") not in NOT_LINES),
        tax=_number(tax.get("TotalTax")),
        tax_parts=tuple(_part(line) for line in rows(tax, "TaxLine")),
        total=_number(fields.get("TotalAmt")),
    )


def _line(line: Mapping[str, Any]) -> PicturedLine:
    """A body has the detail in a member of its own; a receipt keeps it beside the amount."""
    detail = part(line, "SalesItemLineDetail") or line
    return PicturedLine(
        description=str(line.get("Description") or ""),
        amount=_number(line.get("Amount")) or Decimal(0),
        quantity=_number(detail.get("Qty")),
        price=_number(detail.get("UnitPrice")),
        item=_named(detail.get("ItemRef")),
        account=_named(detail.get("ItemAccountRef")),
        tax=_named(detail.get("TaxCodeRef")),
    )


def _part(line: Mapping[str, Any]) -> TaxPart:
    detail = part(line, "TaxLineDetail")
    return TaxPart(_number(line.get("Amount")) or Decimal(0), _number(detail.get("TaxPercent")))


def _named(reference: Any) -> Named:
    reference = reference if isinstance(reference, Mapping) else {}
    return Named(str(reference.get("value") or ""), str(reference.get("name") or ""))


def _number(value: Any) -> Decimal | None:
    try:
        number = None if value is None or value == "" else Decimal(str(value))
        return number if number is None or abs(number) < LARGEST else None
    except InvalidOperation:
        return None


def _date(text: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(text)[:10]) if text else None
    except ValueError:
        return None
