"""Changes of QuickBooks' lists: an entry's data as read, the body that changes it, and what the answer means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.list_changes import EntryChanged, EntryChangeOutcome, HeldEntry
from app.connectors.quickbooks_online import faults, lists, text
from app.connectors.quickbooks_online.addresses import physical_address
from app.connectors.quickbooks_online.client import Client, FaultError
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.members import Members, part, ref, unreadable
from app.connectors.quickbooks_online.members import text as member_text
from app.domain.documents import Address
from app.domain.entry_data import EntryData, read
from app.domain.links import LinkKind
from app.domain.names import awake
from app.domain.outcomes import InDoubt, Refused
from app.domain.problems import Problem

#: The entity's name in statements, bodies and answers, and (in lower case) in addresses.
ENTITIES = {
    LinkKind.CUSTOMERS: "Customer",
    LinkKind.VENDORS: "Vendor",
    LinkKind.ITEMS: "Item",
    LinkKind.ACCOUNTS: "Account",
    LinkKind.TERMS: "Term",
    LinkKind.CLASSES: "Class",
    LinkKind.LOCATIONS: "Department",
}
#: What QuickBooks keeps by itself.
SERVERS = ("MetaData", "domain", "sparse", "status")
EDITED = Problem(
    "edited_since",
    "It was edited in QuickBooks since it was looked at, so it is not changed.",
    "Compare again, then decide.",
)


def everything(query: Callable[[str], list[dict[str, Any]]], kind: LinkKind) -> list[HeldEntry]:
    """The whole list, inactive entries too. Raises ConnectionFailedError."""
    try:
        return [held(kind, row) for row in lists.both(query, ENTITIES[kind])]
    except ValueError as error:
        raise unreadable("a list") from error


def one(client: Client, kind: LinkKind, ledger_id: str) -> HeldEntry | None:
    """One entry as it stands now; None where there is none. Raises ConnectionFailedError."""
    entity = ENTITIES[kind]
    try:
        return held(kind, part(client.get(f"{entity.lower()}/{quote(ledger_id, safe='')}"), entity))
    except FaultError as error:
        if "610" in error.codes:
            return None
        raise
    except ValueError as error:
        raise unreadable("the question for an entry") from error


def held(kind: LinkKind, row: Members) -> HeldEntry:
    """An entry of an answer. Raises ValueError where it can't be read."""
    return HeldEntry(lists.to_entry(kind, row), member_text(row, "SyncToken"), _data(row), dict(row))


def _data(row: Members) -> EntryData:
    return EntryData(
        active=row.get("Active", True) is not False,
        email=member_text(part(row, "PrimaryEmailAddr"), "Address"),
        terms=ref(row, "SalesTermRef"),
        address=_address(part(row, "BillAddr")),
        account=ref(row, "IncomeAccountRef"),
        cost_account=ref(row, "ExpenseAccountRef"),
    )


def _address(row: Members) -> Address:
    lines = tuple(line for number in range(1, 6) if (line := member_text(row, f"Line{number}")))
    city, region = member_text(row, "City"), member_text(row, "CountrySubDivisionCode")
    return Address(lines, city, region, member_text(row, "PostalCode"), member_text(row, "Country"))


# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer#sparse-update-a-customer
def body(kind: LinkKind, held_entry: HeldEntry, new: Mapping[str, Any]) -> str:
    """A sparse update of a customer; the other lists know full updates only: the whole entry as read, with the changes.

    An entry that is made active gets the name back that it had before.
    """
    own = held_entry.own
    changes = {name: value for field, given in new.items() for name, value in _members(field, given).items()}
    if new.get("active") is True:
        key = "DisplayName" if "DisplayName" in own else "Name"
        changes |= {key: awake(str(own.get(key, "")))}
    if "cost_account" in new and own.get("Description"):
        changes.setdefault("PurchaseDesc", own.get("PurchaseDesc") or text.shorten(str(own["Description"]), 1000))
    version = {"Id": held_entry.entry.ledger_id, "SyncToken": held_entry.version}
    if kind is LinkKind.CUSTOMERS:
        return dumps({**version, "sparse": True, **changes})
    return dumps({**{name: value for name, value in own.items() if name not in SERVERS}, **version, **changes})


def _members(field: str, value: Any) -> dict[str, Any]:
    match field:
        case "active":
            return {"Active": bool(value)}
        case "email":
            return {"PrimaryEmailAddr": {"Address": text.fits(text.one_line(value), 100)}}
        case "account":
            return {"IncomeAccountRef": {"value": value}}
        case "cost_account":
            return {"ExpenseAccountRef": {"value": value}}
        case "terms":
            return {"SalesTermRef": {"value": value}}
        case _:
            return {"BillAddr": physical_address(read(field, value))}


def outcome(kind: LinkKind, answer: Answer, request_id: str) -> EntryChangeOutcome:
    """The entry as it stands now, or why it was not changed."""
    try:
        found = answer.json() if answer.ok else None
    except UnreadableAnswerError:
        found = {}
    if not isinstance(found, dict) or faults.faults_in(found):
        if any(fault.code == "5010" for fault in faults.faults_of(answer)):
            return Refused(EDITED)
        return faults.outcome_of_answer(answer, request_id)
    try:
        return EntryChanged(held(kind, part(found, ENTITIES[kind])))
    except ValueError:
        technical = {"intuit_tid": faults.tid_of(answer), "request_id": request_id}
        return InDoubt("QuickBooks’ answer has another form than expected.", ended=True, technical=technical)
