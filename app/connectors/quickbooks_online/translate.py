"""From a Document to the Invoice or CreditMemo that QuickBooks takes. Pure and total: the same text every time.

Amounts are positive in a credit memo too; a deduction stays a negative line. The private note begins with the PSA's
number and our mark. Address and e-mail are left to the customer's record in QuickBooks.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from app.connectors.protocols import Body, UntranslatableError
from app.connectors.quickbooks_online import lines, taxes, text
from app.connectors.quickbooks_online.addresses import physical_address
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.linked import problems_of_links
from app.domain.documents import Document, DocumentKind
from app.domain.links import LinkKind, Links, Rules
from app.domain.marks import Mark
from app.domain.money import cents, plain
from app.domain.problems import Problem, Severity

NOTE = 4000
NUMBER = 21
CUSTOM_FIELD = 31


def to_quickbooks(document: Document, mark: Mark, links: Links, rules: Rules) -> Body:
    """The exact body. Raises UntranslatableError with every problem at once."""
    if problems := _problems(document, links, rules):
        raise UntranslatableError(problems)
    tax = taxes.to_tax(document, links, rules)
    note = _note(document, mark)
    fields: dict[str, Any] = {
        **_header(document, links, rules),
        "PrivateNote": text.shorten(note, NOTE),
        **_custom_field(mark, rules),
        "Line": lines.to_lines(document.lines, links, tax.line_codes),
        **tax.header,
    }
    return Body(document.kind, dumps(fields), tuple(_warnings(document, note, links, rules)))


def doc_number(number: str) -> str:
    """The PSA's number within QuickBooks' 21 characters.

    A longer one keeps its end, where the counter stands; without a digit there it says nothing and is left out.
    """
    number = text.one_line(number)
    if text.length(number) <= NUMBER:
        return number
    end = number[-NUMBER:].strip()
    return end if re.search(r"\d", end) and text.length(end) <= NUMBER else ""


def _header(document: Document, links: Links, rules: Rules) -> dict[str, Any]:
    fields: dict[str, Any] = {"CustomerRef": {"value": links[(LinkKind.CUSTOMERS, document.party.source_id)].ledger_id}}
    fields["TxnDate"] = document.date.isoformat()
    if document.due_date and document.kind is DocumentKind.INVOICE:
        fields["DueDate"] = document.due_date.isoformat()
    if document.terms and (term := links.get((LinkKind.TERMS, document.terms.source_id))):
        fields["SalesTermRef"] = {"value": term.ledger_id}
    if rules.send_numbers and (number := doc_number(document.number)):
        fields["DocNumber"] = number
    if rules.multi_currency:
        fields["CurrencyRef"] = {"value": document.currency}
    if rules.tax_mode == "automated" and (address := physical_address(document.ship_to)):
        fields["ShipAddr"] = address
    return fields


def _note(document: Document, mark: Mark) -> str:
    """``PSA 10482 · CF-I39005-g1``, then what a bookkeeper may look for."""
    first = mark.note(text.one_line(document.number))
    if order := text.one_line(document.po_number):
        first = f"{first} · {order if order.upper().startswith('PO') else f'PO {order}'}"
    return "\n".join(part for part in (first, text.clean(document.memo)) if part)


def _custom_field(mark: Mark, rules: Rules) -> dict[str, Any]:
    if not rules.mark_custom_field or len(str(mark)) > CUSTOM_FIELD:
        return {}
    value = {"DefinitionId": rules.mark_custom_field, "Type": "StringType", "StringValue": str(mark)}
    return {"CustomField": [value]}


def _problems(document: Document, links: Links, rules: Rules) -> list[Problem]:
    return [
        *_problems_of_amounts(document),
        *_problems_of_company(document, rules),
        *problems_of_links(document, links, rules),
        *taxes.problems_of_tax(document, links, rules),
    ]


def _problems_of_amounts(document: Document) -> list[Problem]:
    if not document.lines:
        return [Problem("no_lines", "The document has no lines.", "Look at it in the PSA.", field="lines")]
    lines_sum = sum((cents(line.amount.amount) for line in document.lines), Decimal(0))
    tax, total = cents(document.tax.amount), cents(document.total.amount)
    if lines_sum + tax != total:
        return [
            Problem(
                "does_not_crossfoot",
                f"Lines ({plain(lines_sum)}) and tax ({plain(tax)}) do not add up to the total ({plain(total)}).",
                "Open and save the invoice in the PSA so that it is computed again, then read it again.",
                field="total",
            )
        ]
    if total < 0:
        return [
            Problem(
                "negative_total",
                f"The total is {plain(total)}: QuickBooks takes no document below zero.",
                "It should have become a credit memo: please report it with the full log.",
                field="total",
            )
        ]
    return []


def _problems_of_company(document: Document, rules: Rules) -> list[Problem]:
    problems = []
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


def _warnings(document: Document, note: str, links: Links, rules: Rules) -> list[Problem]:
    found = [*lines.shortened(document.lines), *taxes.warnings_of_tax(document, links, rules)]
    if rules.send_numbers and text.length(text.one_line(document.number)) > NUMBER:
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
    return found


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
