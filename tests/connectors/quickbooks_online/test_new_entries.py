"""Vendors, classes, locations and items that are created for the PSA's, over real HTTP."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from app.connectors.http import parse_json
from app.connectors.protocols import Created, NameTaken, UntranslatableError
from app.connectors.quickbooks_online.drafts import draft_body, valid_name
from app.domain.documents import Party, PartyRole
from app.domain.links import Draft, Entry, LinkKind, Rules, needs
from tests.connectors.destination_contract import a_request_id, a_slot
from tests.connectors.quickbooks_online.payables import ALL_LINKS, RULES, documents
from tests.connectors.quickbooks_online.stand import SandboxStand

PART = Draft(
    LinkKind.ITEMS, "700", "AP-1", item_kind="Inventory Part", description="Access point", account="4000",
    cost_account="5000", inventory_account="1300", since="2026-10-01", taxable=True,
)  # fmt: skip
WITH_STOCK = dataclasses.replace(RULES, extra={**RULES.extra, "inventory": "on"})


def created(stand: SandboxStand, draft: Draft, rules: Rules = WITH_STOCK) -> Entry:
    name = stand.destination.valid_name(draft.kind, draft.name)
    body = stand.destination.draft_body(draft, name, ALL_LINKS, rules)
    outcome = stand.destination.create(draft.kind, body, a_request_id(), a_slot(stand.destination, 0))
    assert isinstance(outcome, Created), outcome
    assert outcome.entry in stand.destination.entries(draft.kind)
    return outcome.entry


def body_of(draft: Draft, rules: Rules = WITH_STOCK) -> dict[str, Any]:
    return dict(parse_json(draft_body(draft, valid_name(draft.kind, draft.name), ALL_LINKS, rules)))


def test_a_vendor_is_created_with_what_the_psa_knows(stand: SandboxStand) -> None:
    party = Party("303", "Cable Co", email="ar@cable.example", phone="555-0101", role=PartyRole.VENDOR)
    entry = created(stand, Draft(LinkKind.VENDORS, "303", "Cable Co", party=party))
    assert (entry.name, entry.email, entry.holder) == ("Cable Co", "ar@cable.example", "vendor")


def test_a_vendor_named_like_a_customer_is_said_to_be_taken(stand: SandboxStand) -> None:
    body = draft_body(Draft(LinkKind.VENDORS, "303", "Acme Dental"), "Acme Dental", ALL_LINKS, RULES)
    outcome = stand.destination.create(LinkKind.VENDORS, body, a_request_id(), a_slot(stand.destination, 0))
    assert isinstance(outcome, NameTaken)


@pytest.mark.parametrize("kind", [LinkKind.CLASSES, LinkKind.LOCATIONS])
def test_a_class_or_location_goes_under_its_parent(stand: SandboxStand, kind: LinkKind) -> None:
    parent = created(stand, Draft(kind, "East", "East"))
    links = {**ALL_LINKS, (kind, "East"): parent}
    draft = Draft(kind, "East:Quincy", "East:Quincy")
    body = stand.destination.draft_body(draft, stand.destination.valid_name(kind, draft.name), links, RULES)
    outcome = stand.destination.create(kind, body, a_request_id(), a_slot(stand.destination, 0))
    assert isinstance(outcome, Created)
    assert outcome.entry.name == "East:Quincy"


def test_without_its_parent_a_class_stands_on_the_first_level() -> None:
    assert body_of(Draft(LinkKind.CLASSES, "East:Quincy", "East:Quincy")) == {"Name": "East-Quincy"}


def test_a_part_in_stock_is_created_with_three_accounts_and_nothing_on_hand(stand: SandboxStand) -> None:
    entry = created(stand, PART)
    assert entry.detail == "Inventory"
    assert (entry.account_id, entry.cost_account_id, entry.asset_account_id) == ("79", "88", "81")
    item = stand.company.tables["Item"][entry.ledger_id]
    assert (item["QtyOnHand"], item["InvStartDate"]) == (0, "2026-10-01")


def test_where_stock_cannot_be_kept_a_part_is_no_inventory_item() -> None:
    without = dataclasses.replace(RULES, extra={**RULES.extra, "inventory": "off"})
    assert body_of(PART, without)["Type"] == "NonInventory"
    assert body_of(dataclasses.replace(PART, inventory_account=""))["Type"] == "NonInventory"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("NonInventoryPart", "NonInventory"), ("Service", "Service"), ("Other Charge", "NonInventory"), ("", "Service")],
)
def test_a_products_type_follows_the_psas(kind: str, expected: str) -> None:
    other = {"inventory.other_charge_as": "NonInventory"} if kind else {}
    rules = dataclasses.replace(WITH_STOCK, settings=other)
    assert body_of(dataclasses.replace(PART, item_kind=kind), rules)["Type"] == expected


@pytest.mark.parametrize("position", ["income_account", "either_account"])
def test_a_service_that_was_only_bought_is_made_so_that_quickbooks_takes_it(stand: SandboxStand, position: str) -> None:
    stand.company.switches.service_items = position
    bought = dataclasses.replace(PART, item_kind="Service", account="")
    entry = created(stand, bought)
    assert (entry.detail, entry.account_id, entry.cost_account_id) == ("NonInventory", "", "88")
    rules = dataclasses.replace(WITH_STOCK, settings={"inventory.income_account": "79"})
    entry = created(stand, dataclasses.replace(bought, source_id="701", name="AP-2"), rules)
    assert (entry.detail, entry.account_id, entry.cost_account_id) == ("Service", "79", "88")


def test_a_bought_part_has_its_purchase_side() -> None:
    assert body_of(dataclasses.replace(PART, item_kind="NonInventoryPart"))["ExpenseAccountRef"] == {"value": "88"}


def test_every_account_that_is_not_linked_is_named() -> None:
    draft = dataclasses.replace(PART, cost_account="5999", inventory_account="1999")
    with pytest.raises(UntranslatableError) as caught:
        draft_body(draft, "AP-1", ALL_LINKS, WITH_STOCK)
    assert [problem.subject for problem in caught.value.problems] == ["accounts:5999", "accounts:1999"]


def test_names_take_the_account_number_where_the_setting_says_so() -> None:
    bill = documents()["bill"]
    bill = dataclasses.replace(bill, party=dataclasses.replace(bill.party, account_number="NW-9"))
    drafted = needs(bill, Rules(settings={"contacts.append_account": "yes"}))[0].draft
    assert drafted is not None
    assert drafted.name == "Northwind Distribution (NW-9)"
