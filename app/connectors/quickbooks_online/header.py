"""What every document has at its head in QuickBooks: number, date, currency, note; and what a company refuses there."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from app.connectors.quickbooks_online import text
from app.domain.documents import SALES, Document, DocumentKind
from app.domain.links import LinkKind, Links, Rules, location_of
from app.domain.marks import Mark
from app.domain.money import cents, plain
from app.domain.problems import Problem, Severity

NOTE = 4000
NUMBER = 21


def to_header(document: Document, note: str, links: Links, rules: Rules) -> dict[str, Any]:
    """Members that QuickBooks' transactions share, in the order in which they are sent."""
    fields: dict[str, Any] = {"TxnDate": document.date.isoformat()}
    if number := number_of(document, rules):
        fields["DocNumber"] = number
    if rules.multi_currency:
        fields["CurrencyRef"] = {"value": document.currency}
        if document.rate and document.currency != rules.home_currency:
            fields["ExchangeRate"] = document.rate
    if place := _location(document, links, rules):
        fields["DepartmentRef"] = {"value": place}
    fields["PrivateNote"] = text.shorten(note, NOTE)
    return fields


def number_of(document: Document, rules: Rules) -> str:
    """What is sent as DocNumber. Only sales forms are numbered by QuickBooks itself where the company wants it so."""
    numbered = document.kind not in (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO) or rules.send_numbers
    return doc_number(document.number) if numbered else ""


def doc_number(number: str) -> str:
    """The PSA's number within QuickBooks' 21 characters.

    A longer one keeps its end, where the counter stands; without a digit there it says nothing and is left out.
    """
    number = text.one_line(number)
    if text.length(number) <= NUMBER:
        return number
    end = number[-NUMBER:].strip()
    return end if re.search(r"\d", end) and text.length(end) <= NUMBER else ""


def note_of(document: Document, mark: Mark, *more: str, with_order: bool = True) -> str:
    """``PSA 10482 · CF-I39005-g1``, then what a bookkeeper may look for: the order, further facts, the memo."""
    first = mark.note(text.one_line(document.psa_number or document.number))
    order = text.one_line(document.po_number)
    if order and with_order and order != text.one_line(document.psa_number):
        first = f"{first} · {order if order.upper().startswith('PO') else f'PO {order}'}"
    return "\n".join(part for part in (first, *more, text.clean(document.memo)) if part)


def problems_of_amounts(document: Document) -> list[Problem]:
    """No lines, amounts that don't add up, or a total that no ledger takes."""
    if not document.lines:
        return [Problem("no_lines", "The document has no lines.", "Look at it in the PSA.", field="lines")]
    lines_sum = sum((cents(line.amount.amount) for line in document.lines), Decimal(0))
    tax, total = cents(document.tax.amount), cents(document.total.amount)
    if lines_sum + tax != total:
        return [
            Problem(
                "does_not_crossfoot",
                f"Lines ({plain(lines_sum)}) and tax ({plain(tax)}) do not add up to the total ({plain(total)}).",
                "Open and save the record in the PSA so that it is computed again, then read it again.",
                field="total",
            )
        ]
    if total < 0:
        return [
            Problem(
                "negative_total",
                f"The total is {plain(total)}: QuickBooks takes no document below zero.",
                "It should have become a credit: please report it with the full log.",
                field="total",
            )
        ]
    return []


def problems_of_company(document: Document, rules: Rules) -> list[Problem]:
    """A currency that the company doesn't keep, a day in its closed books, or no room for its prefix."""
    problems = []
    prefix = rules["sales.number_prefix"] if document.kind in SALES and rules.send_numbers else ""
    if prefix and text.length(text.one_line(document.number)) > NUMBER:
        problems.append(_no_room(document.number, prefix))
    if not rules.multi_currency and document.currency != rules.home_currency:
        problems.append(
            Problem(
                "currency_differs",
                f"The document is in {document.currency}, this QuickBooks company keeps its books in"
                f" {rules.home_currency} only.",
                "Turn on multiple currencies in QuickBooks (it can’t be turned off again), or skip the record.",
                field="currency",
            )
        )
    if rules.close_date and document.date.isoformat() <= rules.close_date:
        problems.append(
            Problem(
                "period_closed",
                f"The books are closed through {rules.close_date}; the document is dated {document.date}.",
                "Open the period in QuickBooks (Account and settings, Advanced, Close the books) and check the"
                " connection again, or change the date in the PSA.",
                field="date",
            )
        )
    return problems


def warnings_of_header(document: Document, note: str, rules: Rules) -> list[Problem]:
    """What had to be cut, and categories that the company doesn't keep."""
    found = []
    numbered = bool(number_of(document, rules)) or document.kind not in (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO)
    if (numbered or rules.send_numbers) and text.length(text.one_line(document.number)) > NUMBER:
        found.append(_number_too_long(document.number))
    if text.length(note) > NOTE:
        found.append(
            Problem(
                "text_shortened",
                f"The memo is longer than the {NOTE:,} characters QuickBooks takes; it is cut.",
                "Nothing need be done; the whole text stays in the PSA.",
                Severity.WARNING,
                field="memo",
            )
        )
    if location_of(document, rules) and rules.extra.get("locations") == "off":
        found.append(_not_kept("location", "locations_off", "Track locations"))
    if any(line.gl_class for line in document.lines) and rules["categories.classes"] == "yes":
        found += [_not_kept("class", "classes_off", "Track classes")] if rules.extra.get("classes") == "off" else []
    return found


def _location(document: Document, links: Links, rules: Rules) -> str:
    """The ledger's id of the location; an entry has it on its lines, an order and an adjustment have none."""
    if document.kind in _WITHOUT_LOCATION or rules.extra.get("locations") == "off":
        return ""
    place = location_of(document, rules)
    entry = links.get((LinkKind.LOCATIONS, place.source_id)) if place else None
    return entry.ledger_id if entry else ""


def _not_kept(what: str, code: str, switch: str) -> Problem:
    return Problem(
        code,
        f"The document’s {what} is left out: this QuickBooks company doesn’t track it.",
        f"Turn on {switch} in QuickBooks (Account and settings, Advanced), or turn it off under Settings ▸ Categories.",
        Severity.WARNING,
        field=what,
    )


def _no_room(number: str, prefix: str) -> Problem:
    return Problem(
        "number_too_long",
        f"With the prefix “{prefix}” its number, “{number}”, is longer than QuickBooks’ {NUMBER} characters.",
        "Give a shorter prefix under Settings ▸ Sales, then retry.",
        field="number",
    )


def _number_too_long(number: str) -> Problem:
    sent = doc_number(number)
    said = f"its last {NUMBER} characters are sent, “{sent}”" if sent else "no number is sent"
    return Problem(
        "number_too_long",
        f"The number “{number}” is longer than QuickBooks’ {NUMBER} characters: {said}.",
        "The full number stands in the private note; shorten the PSA’s numbering to keep it whole.",
        Severity.WARNING,
        field="number",
    )


_WITHOUT_LOCATION = (
    DocumentKind.JOURNAL_ENTRY, DocumentKind.INVENTORY_ADJUSTMENT, DocumentKind.PURCHASE_ORDER,
)  # fmt: skip
