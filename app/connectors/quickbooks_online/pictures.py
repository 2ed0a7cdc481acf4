"""QuickBooks' document as a Picture: a body that goes out, or the trimmed form that receipts keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from app.connectors.quickbooks_online.forms import detail_of, party_name
from app.connectors.quickbooks_online.members import LARGEST, part, rows
from app.domain.pictures import Named, Picture, PicturedLine, TaxPart

#: Lines that QuickBooks adds for the eye; they are no lines of the document.
NOT_LINES = ("SubTotalLineDetail", "DescriptionOnly")


def to_picture(fields: Mapping[str, Any]) -> Picture:
    """What stands in it; a member that is missing or unreadable stays empty, for this is only looked at."""
    tax = part(fields, "TxnTaxDetail")
    return Picture(
        party=_named(fields.get(party_name(fields))),
        number=str(fields.get("DocNumber") or ""),
        date=_date(fields.get("TxnDate")),
        due_date=_date(fields.get("DueDate")),
        terms=_named(fields.get("SalesTermRef")),
        tax_code=_named(tax.get("TxnTaxCodeRef")),
        note=str(fields.get("PrivateNote") or ""),
        lines=tuple(_line(line) for line in rows(fields, "Line") if line.get("DetailType") not in NOT_LINES),
        tax=_number(tax.get("TotalTax")),
        tax_parts=tuple(_part(line) for line in rows(tax, "TaxLine")),
        total=_total(fields),
    )


def _line(line: Mapping[str, Any]) -> PicturedLine:
    """A body has the detail in a member of its own; a receipt keeps it beside the amount."""
    detail = detail_of(line) or line
    amount = _number(line.get("Amount")) or Decimal(0)
    return PicturedLine(
        description=str(line.get("Description") or ""),
        amount=-amount if detail.get("PostingType") == "Credit" else amount,
        quantity=_number(detail.get("Qty", detail.get("QtyDiff"))),
        price=_number(detail.get("UnitPrice")),
        item=_named(detail.get("ItemRef")),
        account=_named(detail.get("AccountRef") or detail.get("ItemAccountRef")),
        tax=_named(detail.get("TaxCodeRef")),
    )


def _total(fields: Mapping[str, Any]) -> Decimal | None:
    """An entry's debits; the form that receipts keep has text in the place of numbers, and details beside amounts."""
    lines = rows(fields, "Line")
    sides = [detail_of(line) or line for line in lines]
    if not any(side.get("PostingType") for side in sides):
        return _number(fields.get("TotalAmt"))
    debits = (line for line, side in zip(lines, sides, strict=True) if side.get("PostingType") == "Debit")
    return sum((_number(line.get("Amount")) or Decimal(0) for line in debits), Decimal(0))


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
