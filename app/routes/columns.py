"""What the list of each kind of unposted records says of a record, beside number, date, party, readiness and total."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.domain.states import RecordKind
from app.models.records import UnpostedRow
from app.routes.formats import amount, kind_word

NONE = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """``css`` says from which width on it is shown, and with ``clip`` that its text may be cut.

    ``sort`` is the list's word for sorting by it; empty where it can't.
    """

    title: str
    css: str
    of: Callable[[UnpostedRow], str]
    sort: str = ""


def _fact(name: str) -> Callable[[UnpostedRow], str]:
    return lambda row: str(row.facts.get(name) or NONE)


def type_of(row: UnpostedRow) -> str:
    """An invoice's type, an expense's classification, a purchase, adjustment or transfer."""
    return kind_word(row.psa_type)


def _purpose(row: UnpostedRow) -> str:
    """``Mileage, Acme Dental``."""
    return ", ".join(filter(None, (row.facts.get("expense_type"), row.facts.get("charged_to")))) or NONE


def _approval(row: UnpostedRow) -> str:
    """``approved``, ``pending approval``; one that is not told is said to be so."""
    status = str(row.facts.get("approval") or row.facts.get("report_status") or "not told")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", status).lower()


def _bill(row: UnpostedRow) -> str:
    """The vendor's own number; a receipt whose invoice has not come waits on its bill."""
    if row.facts.get("vendor_invoice"):
        return str(row.facts["vendor_invoice"])
    return "waiting on bill" if row.psa_type == "Purchase" else NONE


def _tax(row: UnpostedRow) -> str:
    return amount(row.tax) if row.tax else NONE


COLUMNS: Mapping[RecordKind, tuple[Column, ...]] = {
    RecordKind.INVOICES: (
        Column("Type", "c-lo", type_of, "type"),
        Column("Location", "c-mid", lambda row: row.location or NONE, "location"),
        Column("Terms", "c-xl", lambda row: row.terms or NONE, "terms"),
    ),
    RecordKind.EXPENSES: (
        Column("Type, charged to", "c-lo clip", _purpose),
        Column("Classification", "c-mid", type_of, "type"),
        Column("Paid by", "c-xl", _fact("payment_method")),
        Column("Report", "c-xl", _fact("report_name")),
        Column("Approval", "c-lo", _approval),
    ),
    RecordKind.INVENTORY: (
        Column("Type", "c-lo", type_of, "type"),
        Column("Purchase order", "c-xl", _fact("purchase_order")),
        Column("Packing slip", "c-xl", _fact("packing_slip")),
        Column("Vendor invoice", "c-mid", _bill),
    ),
}  # fmt: skip
#: Stands after the readiness, as an amount; expenses and purchases show it in their document.
TAX: Mapping[RecordKind, Column] = {RecordKind.INVOICES: Column("Tax", "num c-mid", _tax)}
