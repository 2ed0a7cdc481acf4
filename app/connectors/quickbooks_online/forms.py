"""Where QuickBooks' kinds of transactions keep the same thing: the party, a line's detail, the total."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.connectors.quickbooks_online.members import Members, amount_of, part, ref, rows

#: Members that hold a line's detail, by kind of line.
DETAILS = (
    "SalesItemLineDetail",
    "ItemBasedExpenseLineDetail",
    "AccountBasedExpenseLineDetail",
    "JournalEntryLineDetail",
    "ItemAdjustmentLineDetail",
)
#: Who a transaction is with: a customer, a vendor, the payee of an expense.
PARTIES = ("CustomerRef", "VendorRef", "EntityRef")


def detail_of(line: Members) -> Members:
    """A line's detail; empty where it has none."""
    return next((part(line, name) for name in DETAILS if part(line, name)), {})


def party_name(obj: Members) -> str:
    """Which member names the party; the first of them where none does."""
    return next((name for name in PARTIES if ref(obj, name)), PARTIES[0])


def party_of(obj: Members) -> str:
    """The ledger's id of the party; empty where there is none."""
    return ref(obj, party_name(obj))


def total_of(obj: Mapping[str, Any]) -> Decimal:
    """The document's total: of an entry its debits (QuickBooks answers 0), of an adjustment nothing (it says none).

    Raises ValueError where it can't be read.
    """
    entry = [line for line in rows(obj, "Line") if part(line, "JournalEntryLineDetail")]
    if entry:
        debits = [line for line in entry if part(line, "JournalEntryLineDetail").get("PostingType") == "Debit"]
        return sum((amount_of(line.get("Amount")) for line in debits), Decimal(0))
    return Decimal(0) if ref(obj, "AdjustAccountRef") else amount_of(obj.get("TotalAmt"))
