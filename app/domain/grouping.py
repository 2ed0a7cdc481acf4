"""Which records of a batch become one document, and what that document is. Pure.

Expenses may be put together by report, or by member and week; receipts of one vendor invoice into one bill. Only what
agrees in party, currency, kind and account paid from can be one document; outside the US, where all tax of a document
has one code, in that too. What is approved is never put to what is not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from app.domain.documents import APPROVED, Document, Reference
from app.domain.links import Rules
from app.domain.money import total
from app.domain.states import RecordKind


class Groupable(Protocol):
    """A row of the PSA's list; ``facts`` are those of protocols.UnpostedRecord."""

    record: str
    party_id: str
    date: dt.date
    currency: str
    total: Decimal
    tax: Decimal
    tax_code_id: str
    facts: dict[str, Any]


def key(kind: RecordKind, row: Groupable, rules: Rules) -> str:
    """Rows with the same key make one document."""
    facts, within = row.facts, ""
    if kind is RecordKind.EXPENSES:
        within = _expenses(facts, row.date, rules["purchases.group"])
    elif kind is RecordKind.INVENTORY and rules["inventory.partial"] != "numbered" and facts.get("vendor_invoice"):
        within = f"vendor invoice {facts['vendor_invoice']}"
    if not within:
        return f"record {row.record}"
    payer = (facts.get("classification", ""), facts.get("payment_method", ""), "back" if row.total < 0 else "")
    return "\x1f".join((within, row.party_id, row.currency, *payer, *_apart(kind, row, rules)))


def _apart(kind: RecordKind, row: Groupable, rules: Rules) -> tuple[str, str]:
    """What would be held or taxed with the others: its approval where that counts, its tax code where there is one."""
    waits = kind is RecordKind.EXPENSES and rules["purchases.unapproved"] != "yes"
    code = f"code {row.tax_code_id}" if rules.tax_mode == "per_line" and row.tax else ""
    return row.facts.get("approval", "") if waits else "", code


def _expenses(facts: Mapping[str, str], date: dt.date, setting: str) -> str:
    if setting == "report" and facts.get("report"):
        return f"report {facts['report']}"
    if setting == "member_week":
        year, week, _ = date.isocalendar()
        return f"week {year}-{week}"
    return ""


def merged(documents: Sequence[Document]) -> Document:
    """One document of several, in their order: all lines and taxes, dated like the latest, numbered like the first.

    It is approved only if all are. Of several tax codes it gets none. Raises ValueError where they can't be one:
    another party, currency, kind or account paid from.
    """
    first, *others = documents
    if not others:
        return first
    if len({_same(document) for document in documents}) > 1:
        raise ValueError("Documents of different parties, currencies or kinds can't be one.")
    latest = max(documents, key=lambda document: document.date)
    return replace(
        first,
        records=tuple(record for document in documents for record in document.records),
        number=first.number if len({d.number for d in documents}) == 1 else _and_more(first.number, len(others)),
        psa_number=first.psa_number and _and_more(first.psa_number, len({d.psa_number for d in documents}) - 1),
        date=latest.date,
        due_date=latest.due_date,
        lines=tuple(line for document in documents for line in document.lines),
        tax=total([document.tax for document in documents], first.currency),
        tax_levels=tuple(level for document in documents for level in document.tax_levels),
        tax_code=_tax_code(documents),
        in_full=all(d.in_full for d in documents) if all(d.in_full is not None for d in documents) else None,
        approval=next((d.approval for d in documents if d.approval != APPROVED), APPROVED),
        po_number=", ".join(dict.fromkeys(d.po_number for d in documents if d.po_number)),
        papers=tuple(paper for document in documents for paper in document.papers),
        total=total([document.total for document in documents], first.currency),
        memo="\n".join(dict.fromkeys(document.memo for document in documents if document.memo)),
    )


def _tax_code(documents: Sequence[Document]) -> Reference | None:
    codes = {document.tax_code for document in documents if document.tax.amount}
    if not codes:
        return documents[0].tax_code
    return codes.pop() if len(codes) == 1 else None


def _same(document: Document) -> tuple[str, ...]:
    way = "back" if document.refund else ""
    return document.kind, way, document.party.source_id, document.currency, document.paid_from, document.header_account


def _and_more(number: str, others: int) -> str:
    return f"{number}+{others}" if others and number else number
