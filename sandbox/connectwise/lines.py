"""How the three summary levels turn an invoice's lines into lines of the export.

Products are always shown one by one. Labor, expenses and agreements come as one "Service" line per GL mapping
(Default), per ticket (Condensed), or per time entry with member, notes and hours (Detailed).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from sandbox.connectwise.model import Invoice, Line


@dataclass(frozen=True)
class ExportLine:
    """One line of the export: the lines it stands for, the GL record it is shown under, its texts."""

    parts: tuple[Line, ...]
    record: int | None
    memo: str
    description: str
    quantity: Decimal
    time_entry: int | None = None

    @property
    def first(self) -> Line:
        """The line that account, type and product are taken from."""
        return self.parts[0]

    @property
    def amount(self) -> Decimal:
        """The sum of the parts, positive for a sale."""
        return sum((each.amount for each in self.parts), Decimal(0))


def export_lines(invoice: Invoice, summary: str, *, internal: bool = False) -> list[ExportLine]:
    """The lines at this level: "Default", "Condensed" or "Detailed", the last one with `internal` notes or without."""
    groups: dict[Hashable, list[int]] = {}
    for index, each in enumerate(invoice.lines):
        groups.setdefault(_group(each, index, summary), []).append(index)
    return [_export_line(invoice, indexes, summary, internal=internal) for indexes in groups.values()]


def _group(line: Line, index: int, summary: str) -> Hashable:
    if line.gl_type == "RP" or line.product or summary == "Detailed":
        return index
    mapping = (line.gl_type, line.account, line.taxable)
    if summary == "Condensed":
        return (*mapping, line.work.ticket if line.work else index)
    return mapping


def _export_line(invoice: Invoice, indexes: list[int], summary: str, *, internal: bool) -> ExportLine:
    parts = tuple(invoice.lines[each] for each in indexes)
    record = invoice.stamp.lines[indexes[0]] if invoice.stamp and invoice.mapped else None
    memo, description = _texts(parts, summary, internal=internal)
    quantity = parts[0].quantity if len(parts) == 1 else _quantity(parts, summary)
    work = parts[0].work if summary == "Detailed" else None
    return ExportLine(parts, record, memo, description, quantity, work.time_entry_id if work else None)


def _quantity(parts: tuple[Line, ...], summary: str) -> Decimal:
    return Decimal(1) if summary == "Default" else sum((each.quantity for each in parts), Decimal(0))


def _texts(parts: tuple[Line, ...], summary: str, *, internal: bool) -> tuple[str, str]:
    """Memo (what the customer reads) and description (the name of the GL mapping)."""
    first = parts[0]
    if first.gl_type == "RP" or first.product:
        return first.text, "Taxable Products" if first.taxable else "Non-Taxable Products"
    if not first.work:
        return (first.text, MAPPINGS[first.gl_type]) if len(parts) == 1 else ("Service", MAPPINGS[first.gl_type])
    if summary == "Default":
        return "Service", MAPPINGS[first.gl_type]
    ticket = f"Service Ticket #{first.work.ticket}: {first.work.summary}"
    return (ticket if summary == "Condensed" else f"{ticket}\n{_detailed(first, internal=internal)}"), MAPPINGS[
        first.gl_type
    ]


MAPPINGS = {"R": "Service Revenue", "RA": "Agreement Revenue", "RE": "Billable Expenses", "RD": "Deferred Revenue"}


def _detailed(line: Line, *, internal: bool) -> str:
    work = line.work
    if work is None:
        return line.text
    notes = f"{work.notes}\n{work.internal_notes}" if internal and work.internal_notes else work.notes
    return f"{work.role} / {work.kind} / {work.member}\n{notes}\n{line.quantity} hours @ {line.price:.2f}"
