"""Invoices and credit memos in QuickBooks' form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from app.connectors.quickbooks_online import conflicts, header, lines, taxes, text
from app.connectors.quickbooks_online.addresses import physical_address
from app.connectors.quickbooks_online.categories import class_of_header
from app.connectors.quickbooks_online.given import Given
from app.domain import psa_fields
from app.domain.documents import Document, DocumentKind
from app.domain.links import LinkKind, Links, Rules
from app.domain.mail_addresses import is_address
from app.domain.marks import Mark
from app.domain.problems import Problem, Severity

CUSTOM_FIELD, EMAIL = 31, 100
#: What the PSA's header says beside amounts, by setting, with the words it has in a memo.
FACTS = {
    "po_number": "PO",
    "attention": "Attention",
    "sales_rep": "Sales rep",
    "territory": "Territory",
    "project": "Project",
    "agreement": "Agreement",
}


def note(given: Given) -> str:
    """The private note, with the facts that the Book's settings want there."""
    document, mark, rules = given.document, given.mark, given.rules
    facts = [f"{word}: {value}" for word, value, place in _placed(document, rules) if place == "memo" and word != "PO"]
    return header.note_of(document, mark, *facts, with_order=_place("po_number", rules) == "memo")


def fields(given: Given) -> dict[str, Any]:
    """Customer, terms, custom fields, lines and tax."""
    document, mark, links, rules = given.document, given.mark, given.links, given.rules
    found: dict[str, Any] = {"CustomerRef": {"value": links[(LinkKind.CUSTOMERS, document.party.source_id)].ledger_id}}
    if document.due_date and document.kind is DocumentKind.INVOICE:
        found["DueDate"] = document.due_date.isoformat()
    if document.terms and (term := links.get((LinkKind.TERMS, document.terms.source_id))):
        found["SalesTermRef"] = {"value": term.ledger_id}
    if rules.tax_mode == "automated" and (address := physical_address(document.ship_to)):
        found["ShipAddr"] = address
    if custom := _custom_fields(document, mark, rules):
        found["CustomField"] = custom
    tax = taxes.to_tax(document, links, rules)
    return {
        **found,
        **_payment_flags(document, rules),
        **class_of_header(document, links, rules),
        "Line": lines.to_lines(document.lines, links, tax.line_codes, rules),
        **tax.header,
    }


def problems(given: Given) -> list[Problem]:
    """What QuickBooks would refuse, and what the Book's settings hold."""
    document, links, rules = given.document, given.links, given.rules
    return [
        *header.problems_of_amounts(document),
        *taxes.problems_of_tax(document, links, rules),
        *conflicts.problems(document, links, rules),
    ]


def warnings(given: Given) -> list[Problem]:
    """What is posted all the same."""
    document, links, rules = given.document, given.links, given.rules
    return [
        *lines.shortened(document.lines),
        *taxes.warnings_of_tax(document, links, rules),
        *conflicts.warnings(document, links, rules),
        *_missing_fields(document, rules),
        *_due_date_differs(document, links),
    ]


def _due_date_differs(document: Document, links: Links) -> list[Problem]:
    """The terms are a label only, where they count otherwise than the PSA; those of a day of the month are not told."""
    term = links.get((LinkKind.TERMS, document.terms.source_id)) if document.terms else None
    due = document.due_date if document.kind is DocumentKind.INVOICE else None
    if term is None or due is None or term.due_days is None or term.detail:
        return []
    theirs = document.date + dt.timedelta(days=term.due_days)
    if theirs == due:
        return []
    return [
        Problem(
            "due_date_differs",
            f"It is due on {due:%m/%d/%Y} in the PSA; QuickBooks’ terms “{term.name}” would give {theirs:%m/%d/%Y}.",
            "The PSA’s date is sent. Link its terms to such as count the same, or align them in one of the systems.",
            Severity.WARNING,
            field="due_date",
            subject=f"{LinkKind.TERMS}:{document.terms.source_id}" if document.terms else "",
        )
    ]


def _place(name: str, rules: Rules) -> str:
    return rules[f"sales.{name}"] or ("memo" if name == "po_number" else "none")


def _fact(document: Document, name: str) -> str:
    return text.one_line(str(getattr(document, name) or ""))


def _placed(document: Document, rules: Rules) -> Iterator[tuple[str, str, str]]:
    """What the PSA says and the Book wants somewhere: the word for it, what it says, the place."""
    for name, word in FACTS.items():
        if value := _fact(document, name):
            yield word, value, _place(name, rules)
    own = psa_fields.places(rules["sales.psa_fields"])
    for field in document.fields:
        if place := own.get(field.name.casefold()):
            yield text.one_line(field.name), text.one_line(field.value), place


def _payment_flags(document: Document, rules: Rules) -> dict[str, Any]:
    """Only an invoice can be paid online, by a link only where it has an address."""
    if document.kind is not DocumentKind.INVOICE:
        return {}
    flags = {"AllowOnlineCreditCardPayment": "sales.pay_card", "AllowOnlineACHPayment": "sales.pay_ach"}
    wanted: dict[str, Any] = {flag: True for flag, setting in flags.items() if rules[setting] == "yes"}
    address = document.party.email
    if wanted and rules["email.pay_link"] == "yes" and is_address(address) and len(address) <= EMAIL:
        wanted["BillEmail"] = {"Address": address}  # without one QuickBooks makes no link
    return wanted


def _wanted_fields(document: Document, rules: Rules) -> dict[str, str]:
    """Custom fields by their id; several facts of one field stand behind each other, the mark goes before them."""
    wanted: dict[str, str] = {}
    for _, value, place in _placed(document, rules):
        if place.startswith("field"):
            number = place.removeprefix("field")
            wanted[number] = f"{wanted[number]}, {value}" if number in wanted else value
    return {number: text.shorten(value, CUSTOM_FIELD) for number, value in wanted.items()}


def _custom_fields(document: Document, mark: Mark, rules: Rules) -> list[dict[str, Any]]:
    wanted = {number: value for number, value in _wanted_fields(document, rules).items() if _defined(number, rules)}
    if rules.mark_custom_field and len(str(mark)) <= CUSTOM_FIELD:
        wanted[rules.mark_custom_field] = str(mark)
    return [
        {"DefinitionId": number, "Type": "StringType", "StringValue": value} for number, value in sorted(wanted.items())
    ]


def _defined(number: str, rules: Rules) -> bool:
    """Whether the company has the field; where its settings could not be read, it is believed to."""
    known = rules.extra.get("custom_fields")
    return known is None or number in known.split()


def _missing_fields(document: Document, rules: Rules) -> list[Problem]:
    return [
        Problem(
            "custom_field_missing",
            f"Custom field {number} {_why_left_out(number, rules)}; “{value}” is left out.",
            "Choose another place under Settings ▸ Sales; or define it in QuickBooks (Sales, Custom fields), then check"
            " the connection again.",
            Severity.WARNING,
            field="custom field",
        )
        for number, value in _wanted_fields(document, rules).items()
        if _why_left_out(number, rules)
    ]


def _why_left_out(number: str, rules: Rules) -> str:
    """Empty where the field is free for what the PSA says."""
    if number == rules.mark_custom_field:
        return "carries the mark"
    return "" if _defined(number, rules) else "is not defined in QuickBooks"
