"""The demo company: what others rely on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sandbox.quickbooks_online.company import Company
from sandbox.quickbooks_online.demo import demo_company

ACCOUNTS = {
    "80": "4000",
    "82": "4010",
    "79": "4100",
    "83": "4200",
    "84": "4300",
    "85": "4400",
    "86": "4500",
    "91": "4600",
    "87": "2300",
    "88": "5000",
    "81": "1300",
}


@pytest.fixture(scope="module")
def company() -> Company:
    return demo_company()


@pytest.mark.parametrize(("id_", "number"), ACCOUNTS.items())
def test_accounts_have_the_ids_that_a_bookkeeper_links(company: Company, id_: str, number: str) -> None:
    account = company.tables["Account"][id_]
    assert (account["AcctNum"], account["Active"]) == (number, True)


def test_the_file_looks_lived_in(company: Company) -> None:
    assert len(company.tables["Account"]) >= 45
    assert len(company.tables["Invoice"]) == 152
    assert 0 < sum(1 for row in company.tables["Invoice"].values() if row["Balance"]) < 40
    assert {"SW-24P", "FW-60F", "LT-5450", "M365-BP", "HUNTRESS"} <= {
        row["Name"] for row in company.tables["Item"].values()
    }


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("Acme Dental", "Customer"),
        ("Whitaker Family Trust", "Customer"),
        ("Meridian Surgery Ctr.", "Customer"),
        ("Port Orchard Dental", "Vendor"),
        ("Umpqua Orchards (deleted)", "Customer"),
    ],
)
def test_names_are_taken_as_the_story_of_the_demo_wants(company: Company, name: str, entity: str) -> None:
    holder = company.name_holder("Customer", name)
    assert holder is not None
    assert holder[0] == entity


def test_one_invoice_was_typed_by_hand(company: Company) -> None:
    (id_,) = company.number_holders("Invoice", "10404")
    typed = company.tables["Invoice"][id_]
    assert (typed["TotalAmt"], typed["CustomerRef"]["name"]) == (Decimal("437.30"), "Whitaker Family Trust")
    assert "PrivateNote" not in typed


def test_the_company_numbers_its_invoices_itself_and_taxes_by_hand(company: Company) -> None:
    assert company.switches.custom_txn_numbers is True
    assert company.switches.tax_mode == "us_manual"
    assert company.throttle.enabled is True
