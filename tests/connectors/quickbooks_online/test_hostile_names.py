"""Any name becomes one that QuickBooks takes, unlike every customer's, vendor's and employee's, or a sentence."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.http import parse_json
from app.connectors.protocols import Created, Destination, UntranslatableError, Wait
from app.connectors.quickbooks_online import drafts, text
from app.domain.documents import Party
from app.domain.links import Draft, LinkKind, Links, Rules
from app.services.posting.new_entries import unique_name
from sandbox.quickbooks_online.chart import empty_company, place
from sandbox.quickbooks_online.documents import save
from tests.connectors.quickbooks_online.stand import LINKS, SandboxStand
from tests.hostile import NAMES, assert_said, assert_storable, texts

CREATED = {
    LinkKind.CUSTOMERS: "Customer", LinkKind.VENDORS: "Vendor", LinkKind.ITEMS: "Item", LinkKind.TERMS: "Term"
}  # fmt: skip
PAT, VENDOR = "Pat Lee", "Northwind Traders"


def a_draft(kind: LinkKind, name: str, source_id: str = "901", account_number: str = "") -> Draft:
    party = Party(source_id, name, account_number=account_number, email=name, phone=name)
    return Draft(kind, source_id, name, party=party, description=name, account="4100", due_days=30)


def valid(kind: LinkKind, draft: Draft, taken: set[str]) -> str:
    return unique_name(draft, taken, lambda name: drafts.valid_name(kind, name))


@given(texts, st.sampled_from(list(CREATED)))
def test_a_valid_name_can_be_seen_read_and_kept(name: str, kind: LinkKind) -> None:
    made = drafts.valid_name(kind, name)

    assert_storable(made)
    assert made == made.strip()
    assert 1 <= text.length(made) <= drafts.NAME_LIMITS[kind]
    assert not set(made) & set(":\t\r\n")
    assert any(unicodedata.category(c)[0] in "LNPS" for c in made)
    assert drafts.valid_name(kind, made) == made


@given(st.lists(texts, min_size=1, max_size=12), texts, st.sampled_from(list(CREATED)))
def test_names_stay_unlike_each_other_however_many_are_alike(names: list[str], number: str, kind: LinkKind) -> None:
    taken = {"unnamed", "-", "x" * 100, ("x" * 96 + " (2)")}
    for name in (*names, *names, "x" * 101):
        made = valid(kind, a_draft(kind, name, account_number=number), taken)
        assert made.casefold() not in taken
        assert text.length(made) <= drafts.NAME_LIMITS[kind]
        taken.add(made.casefold())


def test_the_company_takes_every_name_once_and_beside_its_vendors_and_employees() -> None:
    company = empty_company()
    place(company, "Vendor", {"DisplayName": VENDOR})
    place(company, "Employee", {"DisplayName": PAT, "GivenName": "Pat", "FamilyName": "Lee"})
    people = {VENDOR.casefold(), PAT.casefold()}
    taken: dict[LinkKind, set[str]] = {LinkKind.CUSTOMERS: people, LinkKind.VENDORS: people}  # one namespace
    taken[LinkKind.TERMS] = {row["Name"].casefold() for row in company.tables["Term"].values()}
    taken[LinkKind.ITEMS] = {row["Name"].casefold() for row in company.tables["Item"].values()}
    for kind, entity in CREATED.items():
        for name in (*NAMES, PAT, VENDOR.upper(), *NAMES):
            draft = a_draft(kind, name)
            made = valid(kind, draft, taken[kind])
            assert made.casefold() not in taken[kind]
            body = parse_json(drafts.draft_body(draft, made, LINKS, Rules(tax_mode="automated")))
            with company.lock:
                save(company, entity, body)
            taken[kind].add(made.casefold())


@pytest.mark.parametrize("holder", ["Vendor", "Employee", "Customer"])
def test_a_name_that_somebody_else_has_gets_a_counter(stand: SandboxStand, holder: str) -> None:
    place(stand.company, holder, {"DisplayName": "Harbor Dental"})
    draft = a_draft(LinkKind.CUSTOMERS, "HARBOR  dental\t")

    name = valid(LinkKind.CUSTOMERS, draft, stand.destination.names_taken())
    outcome = create(stand.destination, draft, name)

    assert isinstance(outcome, Created)
    assert outcome.entry.name == "HARBOR dental (2)"


def create(destination: Destination, draft: Draft, name: str) -> object:
    slot = destination.reserve(0)
    assert not isinstance(slot, Wait)
    links: Links = LINKS
    body = destination.draft_body(draft, name, links, Rules(tax_mode="automated"))
    return destination.create(draft.kind, body, "a-request", slot)


def test_a_name_of_which_every_form_is_taken_is_held_with_the_remedy() -> None:
    class Everything(set[str]):
        def __contains__(self, _: object) -> bool:
            return True

    with pytest.raises(UntranslatableError) as caught:
        valid(LinkKind.CUSTOMERS, a_draft(LinkKind.CUSTOMERS, "Acme\x00 Dental"), Everything())

    assert_said(*caught.value.problems)
