"""The connection check names what is missing, and where in ConnectWise to change it."""

from __future__ import annotations

from typing import Any

import pytest

from app.connectors.connectwise.connector import ConnectWise
from app.connectors.protocols import ConnectionFailedError
from app.domain.problems import Severity, ValidationError
from tests.connectors.connectwise.conftest import Open, Remembered, Site


def failure(source: ConnectWise) -> ConnectionFailedError:
    with pytest.raises(ConnectionFailedError) as caught:
        source.check()
    assert caught.value.remedy
    return caught.value


def codes(source: ConnectWise, severity: Severity) -> list[str]:
    return [problem.code for problem in source.check().findings if problem.severity is severity]


def test_a_site_that_is_well_has_no_findings(source: ConnectWise) -> None:
    check = source.check()

    assert check.findings == ()
    assert check.facts["version"] == "v2025.1.10333"
    assert check.facts["locations"] == "sees invoices of 3 of 3 locations"


def test_every_call_is_noted_in_the_databases_memory(source: ConnectWise, contact: Remembered, psa: Site) -> None:
    source.check()

    assert contact.touched == sum(psa.calls().values())


def test_a_wrong_company_id_is_named(opened: Open) -> None:
    assert failure(opened(company_id="nobody")).code == "wrong_company"


@pytest.mark.parametrize("keys", [{"public_key": "wrong"}, {"private_key": "wrong"}])
def test_wrong_keys_are_named(opened: Open, keys: dict[str, str]) -> None:
    error = failure(opened(**keys))

    assert error.code == "wrong_key"
    assert error.systemic
    assert "wrong" not in str(error)


def test_a_wrong_client_id_is_named(opened: Open) -> None:
    assert failure(opened(client_id="0000")).code == "wrong_client_id"


def test_an_address_that_may_not_be_called_is_named(opened: Open) -> None:
    error = failure(opened(allow="example.com:443"))

    assert error.code == "not_allowed_address"
    assert "CROSSFOOT_ALLOW_HOSTS" in error.remedy


def test_a_server_that_is_no_connectwise_is_named(opened: Open, psa: Site) -> None:
    psa.running.site.credentials = psa.keys
    error = failure(opened(site=psa.running.url + "/some/page", company_id="_stats/../x"))

    assert error.code in {"wrong_site", "wrong_company"}


def test_a_psa_that_is_down_is_named(source: ConnectWise, psa: Site) -> None:
    psa.fault("503", times=0)

    assert failure(source).code == "psa_down"


@pytest.mark.parametrize(
    ("area", "words"),
    [
        ("accounting", "Finance ▸ Accounting Interface"),
        ("invoicing", "Finance ▸ Invoicing"),
        ("company", "Companies ▸ Company Maintenance"),
    ],
)
def test_a_role_that_is_too_weak_is_an_error_that_names_its_area(
    source: ConnectWise, psa: Site, area: str, words: str
) -> None:
    psa.switch(rights={area: "none"})

    errors = [problem for problem in source.check().findings if problem.severity is Severity.ERROR]

    assert {problem.code for problem in errors} == {"role_too_weak"}
    assert all(words in problem.remedy for problem in errors)


@pytest.mark.parametrize(
    ("area", "words"),
    [
        ("procurement", "Procurement ▸ Product Catalog"),
        ("procurement", "Procurement ▸ Purchase Orders"),
        ("expenses", "Time & Expense ▸ Expense Report Entry"),
        ("expenses", "Time & Expense ▸ Time Entry"),
        ("tables", "Table Setup"),
    ],
)
def test_a_role_that_only_lacks_what_helps_is_a_warning(source: ConnectWise, psa: Site, area: str, words: str) -> None:
    psa.switch(rights={area: "none"})

    findings = source.check().findings

    assert {problem.severity for problem in findings} == {Severity.WARNING}
    assert any(words in problem.remedy for problem in findings)


def test_a_role_that_may_look_but_not_export_is_an_error(source: ConnectWise, psa: Site) -> None:
    psa.switch(rights={"accounting": "inquire"})

    assert codes(source, Severity.ERROR) == ["role_too_weak"]


def test_a_member_that_sees_one_location_only_is_told_about_its_level(source: ConnectWise, psa: Site) -> None:
    psa.switch(structure_location=psa.invoices()[0]["location_id"])

    (problem,) = source.check().findings

    assert problem.code == "structure_level"
    assert "1 of 3 locations" in problem.message
    assert "API Members" in problem.remedy


@pytest.mark.parametrize(
    ("box", "value", "code", "severity"),
    [
        ("includeSalesTaxFlag", False, "package_include_sales_tax", Severity.WARNING),
        ("suppressMemoFlag", True, "package_suppress_memo", Severity.WARNING),
        ("zeroDollarTaxAmountsFlag", False, "package_zero_dollar_tax_amounts", Severity.INFO),
        ("includeCogsEntriesFlag", True, "package_include_cogs_entries", Severity.INFO),
        ("transferExpensesAsBillFlag", True, "package_transfer_expenses_as_bill", Severity.WARNING),
        ("inventorySOHFlag", True, "package_inventory_soh", Severity.INFO),
        ("invoiceFormat", "Detailed", "package_invoice_format", Severity.INFO),
        ("accountingPackage", {"id": 3, "name": "QuickBooks"}, "package_not_other", Severity.WARNING),
    ],
)
def test_a_box_of_the_accounting_package_that_hurts_is_named_with_its_place(
    source: ConnectWise, psa: Site, box: str, value: Any, code: str, severity: Severity
) -> None:
    psa.switch(package_setup={box: value})

    (problem,) = source.check().findings

    assert (problem.code, problem.severity) == (code, severity)
    assert "System ▸ Setup Tables" in problem.remedy


def test_boxes_that_only_preset_connectwises_own_screen_are_no_matter_and_condensed_bills_are(
    source: ConnectWise, psa: Site
) -> None:
    psa.switch(package_setup=dict.fromkeys(("includeInvoicesFlag", "includeExpensesFlag", "includeItemsFlag"), False))
    psa.switch(package_setup={"expenseFormat": "Condensed"})
    assert source.check().findings == ()
    psa.switch(package_setup={"transferExpensesAsBillFlag": True})
    assert [finding.code for finding in source.check().findings] == [
        "package_transfer_expenses_as_bill", "package_expense_format"
    ]  # fmt: skip


@pytest.mark.parametrize("missing", ["site", "company_id", "public_key", "client_id", "private_key"])
def test_a_setting_that_is_missing_is_named(opened: Open, missing: str) -> None:
    with pytest.raises(ValidationError, match=missing.replace("_id", "").replace("_", " ").replace("client", "client")):
        opened(**{missing: " "})
