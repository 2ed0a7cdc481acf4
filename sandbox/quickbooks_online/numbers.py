"""Document numbers: whose they are, and when the same one twice is refused."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from sandbox.quickbooks_online import problems
from sandbox.quickbooks_online.company import SALES, Company, party_of
from sandbox.quickbooks_online.problems import Json

ALLOW_DUPLICATE = "allowduplicatedocnum"
NUMBER_AUTOMATICALLY = "allowautodocnum"


def assign(company: Company, entity: str, body: Json, old: Json | None, include: AbstractSet[str]) -> None:
    """Give the document its number, or refuse (6140) one that is taken."""
    number = body.get("DocNumber")
    if not number:
        body.pop("DocNumber", None)
        if old is None and _numbers_itself(company, entity, include):
            body["DocNumber"] = following(company.last_number.get(entity, "1000"))
        return
    renumbered = old is None or old.get("DocNumber") != number
    if renumbered and ALLOW_DUPLICATE not in include:
        _refuse_duplicate(company, entity, body, number)


def following(number: str) -> str:
    """The vendor's own next number: the last one used, its final digits counted up."""
    digits = re.search(r"\d+(?=\D*$)", number)
    if digits is None:
        return "1001"
    counted = str(int(digits[0]) + 1).zfill(len(digits[0]))
    return number[: digits.start()] + counted + number[digits.end() :]


def _numbers_itself(company: Company, entity: str, include: AbstractSet[str]) -> bool:
    if entity in SALES:
        return not company.switches.custom_txn_numbers
    if entity == "JournalEntry":
        return NUMBER_AUTOMATICALLY in include
    return entity in {"PurchaseOrder", "InventoryAdjustment"}


def _refuse_duplicate(company: Company, entity: str, body: Json, number: str) -> None:
    party = party_of(body) if entity == "Bill" and company.switches.duplicate_bill_numbers == "vendor" else ""
    for holder, holder_party in company.number_holders(entity, number).items():
        if holder != body["Id"] and (not party or party == holder_party) and _is_checked(company, entity):
            raise problems.number_taken(number, entity, holder)


def _is_checked(company: Company, entity: str) -> bool:
    switches = company.switches
    if entity in SALES:
        return switches.custom_txn_numbers and switches.duplicate_numbers == "refused"
    if entity == "Bill":
        return switches.duplicate_bill_numbers != "allowed"
    return entity == "JournalEntry" and switches.warn_duplicate_journal_number
