"""Journal entries in QuickBooks' form: our positive is its debit, our negative its credit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.connectors.quickbooks_online import header, lines, text
from app.connectors.quickbooks_online.categories import class_of_line
from app.connectors.quickbooks_online.given import Given
from app.domain.documents import Document, Line
from app.domain.links import Entry, LinkKind, Links, Rules, location_of, names_customer, party_key
from app.domain.money import cents, plain
from app.domain.problems import Problem

RECEIVABLE, PAYABLE = "Accounts Receivable", "Accounts Payable"


def note(given: Given) -> str:
    """The private note."""
    document, mark = given.document, given.mark
    return header.note_of(document, mark)


def fields(given: Given) -> dict[str, Any]:
    """The lines; a line of nothing is left out, for it has no side."""
    document, links, rules = given.document, given.links, given.rules
    return {"Line": [_line(document, line, links, rules) for line in document.lines if cents(line.amount.amount)]}


def problems(given: Given) -> list[Problem]:
    """Sides that differ, and lines of receivables or payables without their customer or vendor."""
    document, links, rules = given.document, given.links, given.rules
    amounts = [cents(line.amount.amount) for line in document.lines]
    if not any(amounts):
        return [Problem("no_lines", "The entry books nothing.", "Look at it in the PSA.", field="lines")]
    found = []
    if sum(amounts):
        debit, credit = sum(a for a in amounts if a > 0), -sum(a for a in amounts if a < 0)
        found.append(
            Problem(
                "does_not_crossfoot",
                f"Debits ({debit:,.2f}) and credits ({credit:,.2f}) differ by {plain(abs(sum(amounts, Decimal(0))))}.",
                "Look at the record’s GL entries in the PSA, then read it again.",
                field="total",
            )
        )
    for number, line in enumerate(document.lines, 1):
        wanted = _WANTED.get(_type(line, links))
        if wanted and not _entity(document, line, links, rules):
            noun = wanted[0].lower()
            found.append(
                Problem(
                    "journal_party_missing",
                    f"Line {number} books to {_type(line, links)}: QuickBooks asks for a {noun} there,"
                    " and there is none.",
                    f"Link “{line.account}” to another account, or name the {noun} in the PSA.",
                    field=f"line {number}",
                    subject=f"{LinkKind.ACCOUNTS}:{line.account}",
                )
            )
    return found


def warnings(given: Given) -> list[Problem]:
    """What is posted all the same."""
    document = given.document
    return lines.shortened(document.lines)


#: QuickBooks' name of the party and the list that it stands in, by the type of the account.
_WANTED = {RECEIVABLE: ("Customer", LinkKind.CUSTOMERS), PAYABLE: ("Vendor", LinkKind.VENDORS)}


def _line(document: Document, line: Line, links: Links, rules: Rules) -> dict[str, Any]:
    amount = cents(line.amount.amount)
    detail: dict[str, Any] = {
        "PostingType": "Debit" if amount > 0 else "Credit",
        "AccountRef": {"value": links[(LinkKind.ACCOUNTS, line.account)].ledger_id},
        **class_of_line(line, links, rules),
        **_location(document, line, links, rules),
    }
    if entity := _entity(document, line, links, rules):
        detail["Entity"] = entity
    body: dict[str, Any] = {"DetailType": "JournalEntryLineDetail", "Amount": abs(amount)}
    if description := text.shorten(text.clean(line.description), lines.DESCRIPTION):
        body["Description"] = description
    return {**body, "JournalEntryLineDetail": detail}


def _type(line: Line, links: Links) -> str:
    account = links.get((LinkKind.ACCOUNTS, line.account))
    return account.detail if account else ""


def _entity(document: Document, line: Line, links: Links, rules: Rules) -> dict[str, Any]:
    """Whom the line is about: on receivables and payables always, elsewhere the customer where settings want it."""
    kind = _type(line, links)
    entry: Entry | None = None
    word = "Customer"
    if kind in _WANTED:
        word, of = _WANTED[kind]
        key = party_key(document)
        entry = links.get(key) if key and key[0] is of else None
    if entry is None and line.customer and word == "Customer" and (kind in _WANTED or names_customer(line, rules)):
        entry = links.get((LinkKind.CUSTOMERS, line.customer.source_id))
    return {"Type": word, "EntityRef": {"value": entry.ledger_id}} if entry else {}


def _location(document: Document, line: Line, links: Links, rules: Rules) -> dict[str, Any]:
    place = location_of(document, rules, line) if rules.extra.get("locations") != "off" else None
    entry = links.get((LinkKind.LOCATIONS, place.source_id)) if place else None
    return {"DepartmentRef": {"value": entry.ledger_id}} if entry else {}
