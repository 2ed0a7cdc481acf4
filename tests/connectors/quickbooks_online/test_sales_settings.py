"""What the settings of a Book do to invoices and credit memos."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from app.connectors.http import parse_json
from app.connectors.protocols import UntranslatableError
from app.connectors.quickbooks_online.translate import to_quickbooks
from app.domain.documents import Address, Document, Named, Party, Reference, TaxLevel
from app.domain.links import Entry, LinkKind, Links, Rules, variants
from app.domain.problems import Severity
from tests.builders import money
from tests.connectors.destination_contract import posted
from tests.connectors.quickbooks_online.cast import THE_MARK, a_credit_memo, a_line, an_invoice
from tests.connectors.quickbooks_online.stand import LINKS, SandboxStand

FACTS = {"attention": "Jo Fox", "sales_rep": "Kim", "territory": "West", "project": "Move", "agreement": "Gold"}
BY_CODE: Links = {
    **LINKS,
    (LinkKind.TAX_CODES, "21"): dataclasses.replace(LINKS[(LinkKind.TAX_CODES, "21")], parts="9=10.25"),
}
#: The firewall earns to 4010 in the books, the PSA says 4000 for its line.
ELSEWHERE: Links = {**LINKS, (LinkKind.ITEMS, "501"): Entry(LinkKind.ITEMS, "2", "FW-60F", account_id="82")}


def rules(mode: str = "manual", extra: dict[str, str] | None = None, **settings: str) -> Rules:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return Rules(tax_mode=mode, settings=named, extra=extra or {})


def body(document: Document, given: Rules, links: Links = LINKS) -> dict[str, Any]:
    return dict(parse_json(to_quickbooks(document, THE_MARK, links, given).text))


def found(document: Document, given: Rules, links: Links = LINKS) -> list[tuple[str, Severity]]:
    try:
        problems = to_quickbooks(document, THE_MARK, links, given).problems
    except UntranslatableError as error:
        problems = error.problems
    return [(problem.code, problem.severity) for problem in problems]


def test_an_invoice_can_be_paid_online_only_where_the_settings_say_so() -> None:
    flags = {"AllowOnlineCreditCardPayment", "AllowOnlineACHPayment"}
    allowed = rules(sales__pay_card="yes", sales__pay_ach="yes")
    assert flags <= body(an_invoice(), allowed).keys()
    assert not flags & body(an_invoice(), rules()).keys()
    assert not flags & body(a_credit_memo(), allowed).keys()
    linked = rules(sales__pay_card="yes", email__pay_link="yes")
    customer = Party("77", "Acme Dental", email="ap@acme.example")
    assert body(an_invoice(party=customer), linked)["BillEmail"] == {"Address": "ap@acme.example"}
    assert "BillEmail" not in body(an_invoice(party=Party("77", "Acme Dental", email="none")), linked)


def test_facts_of_the_header_go_where_the_settings_say() -> None:
    invoice = an_invoice(**FACTS)
    places = rules(
        sales__attention="memo", sales__sales_rep="field1", sales__territory="field1", sales__project="field2",
        sales__agreement="none", sales__po_number="field3",
    )  # fmt: skip
    sent = body(invoice, places)
    assert "Attention: Jo Fox" in sent["PrivateNote"]
    assert "PO-77" not in sent["PrivateNote"]
    fields = {field["DefinitionId"]: field["StringValue"] for field in sent["CustomField"]}
    assert fields == {"1": "Kim, West", "2": "Move", "3": "PO-77"}
    assert "Gold" not in to_quickbooks(invoice, THE_MARK, LINKS, places).text


def test_the_psas_custom_fields_go_where_their_captions_are_sent() -> None:
    own = (Named("Region", "West"), Named("Cost center", "12"), Named("Secret", "x"))
    places = rules(sales__psa_fields="region=field1, Cost Center=memo", sales__sales_rep="field1")
    sent = body(an_invoice(**FACTS, fields=own), places)
    assert [field["StringValue"] for field in sent["CustomField"]] == ["Kim, West"]
    assert "Cost center: 12" in sent["PrivateNote"]
    assert "Secret" not in sent["PrivateNote"]


def test_what_was_to_go_into_the_marks_own_field_is_left_out_with_a_warning() -> None:
    given = dataclasses.replace(rules(sales__sales_rep="field1"), mark_custom_field="1")
    assert [field["StringValue"] for field in body(an_invoice(**FACTS), given)["CustomField"]] == [str(THE_MARK)]
    assert found(an_invoice(**FACTS), given) == [("custom_field_missing", Severity.WARNING)]


def test_a_custom_field_that_is_not_defined_is_left_out_with_a_warning(stand: SandboxStand) -> None:
    invoice = an_invoice(**FACTS, terms=None)
    given = rules("automated", {"custom_fields": "1"}, sales__sales_rep="field1", sales__project="field2")
    assert found(invoice, given) == [("custom_field_missing", Severity.WARNING)]
    stand.rules = given
    receipt = posted(stand, invoice)
    assert [field.get("StringValue") for field in receipt.stored["CustomField"]] == ["Kim"]


def test_a_field_holds_no_more_than_31_characters() -> None:
    sent = body(an_invoice(project="P" * 40), rules(sales__project="field1"))
    assert len(sent["CustomField"][0]["StringValue"]) == 31


def test_a_foreign_document_carries_the_psas_rate() -> None:
    foreign = dataclasses.replace(an_invoice(), rate=Decimal("1.0912"))
    abroad = dataclasses.replace(rules(), multi_currency=True, home_currency="EUR")
    assert body(foreign, abroad)["ExchangeRate"] == Decimal("1.0912")
    assert "ExchangeRate" not in body(foreign, dataclasses.replace(abroad, home_currency="USD"))


@pytest.mark.parametrize(("setting", "severity"), [("warn", Severity.WARNING), ("hold", Severity.ERROR)])
def test_levels_that_differ_are_warned_of_or_held(setting: str, severity: Severity) -> None:
    assert found(an_invoice(), rules(taxes__levels=setting), BY_CODE) == [("tax_levels_differ", severity)]
    assert not found(an_invoice(), rules(taxes__levels=setting))


def test_levels_of_other_rates_are_one_warning_only() -> None:
    level = TaxLevel(1, "WA", money("20.50"), Decimal(7))
    assert found(an_invoice(tax_levels=(level,)), rules()) == [("tax_rate_differs", Severity.WARNING)]


def test_untaxed_lines_take_the_code_that_the_setting_names() -> None:
    invoice = an_invoice(a_line("200.00"), a_line("50.00", taxable=False))
    known = {"untaxed_code": "17", "untaxed_parts": "17=0", "untaxed_parts:17": "17=0", "untaxed_parts:18": "18=0"}
    sent = body(invoice, rules("per_line", known, taxes__exempt_code="18"))
    assert sent["Line"][1]["SalesItemLineDetail"]["TaxCodeRef"] == {"value": "18"}
    assert sent["TxnTaxDetail"]["TaxLine"][-1]["TaxLineDetail"]["TaxRateRef"] == {"value": "18"}
    assert found(invoice, rules("per_line", known, taxes__exempt_code="3")) == [("exempt_code_taxes", Severity.ERROR)]


def test_a_taxed_invoice_without_a_place_is_told_of_where_the_place_decides_the_tax() -> None:
    nowhere, told = an_invoice(ship_to=Address()), [("no_ship_to", Severity.INFO)]
    assert found(nowhere, rules("automated")) == told
    assert not found(an_invoice(), rules("automated"))
    assert not found(an_invoice(ship_to=Address(), tax="0.00"), rules("automated"))
    assert "no_ship_to" not in dict(found(nowhere, rules("manual")))


@pytest.mark.parametrize(
    ("mode", "of"), [("per_line", "SalesItemLineDetail.TaxCodeRef"), ("manual", "TxnTaxDetail.TxnTaxCodeRef")]
)
def test_an_untaxed_document_keeps_its_own_code_of_nothing_percent(mode: str, of: str) -> None:
    """Zero-rated is not exempt: their returns count them apart."""
    invoice = an_invoice(a_line("200.00"), tax="0.00", tax_levels=())
    known = {"untaxed_code": "17", "untaxed_parts": "17=0"}

    def sent(rate: str, **settings: str) -> Any:
        code = Entry(LinkKind.TAX_CODES, "4", "0 % Z", rate=rate)
        whole = body(invoice, rules(mode, known, **settings), {**LINKS, (LinkKind.TAX_CODES, "21"): code})
        place, name = of.split(".")
        return {**whole, **whole["Line"][0]}[place].get(name)

    assert sent("0") == {"value": "4"}
    assert sent("0", taxes__exempt_code="18") == {"value": "18"}
    assert sent("20") == ({"value": "17"} if mode == "per_line" else None)


@pytest.mark.parametrize(("setting", "severity"), [("warn", Severity.WARNING), ("block", Severity.ERROR)])
def test_an_item_of_another_account_is_warned_of_or_held(setting: str, severity: Severity) -> None:
    invoice = an_invoice(a_line("200.00", product=True))
    given = rules(sales__account_conflict=setting)
    assert found(invoice, given, ELSEWHERE) == [("item_account_differs", severity)]
    assert not found(invoice, given)


def test_a_variant_of_the_item_serves_the_psas_account() -> None:
    invoice, given = an_invoice(a_line("200.00", product=True)), rules(sales__account_conflict="variant")
    (need,) = variants(invoice, ELSEWHERE, given)
    assert (need.source_id, need.name) == ("501@4000", "FW-60F – 4000")
    assert need.draft is not None
    assert need.draft.account == "4000"
    assert found(invoice, given, ELSEWHERE) == [("item_not_linked", Severity.ERROR)]
    served = {**ELSEWHERE, (LinkKind.ITEMS, "501@4000"): Entry(LinkKind.ITEMS, "44", "FW-60F – 4000", account_id="79")}
    assert body(invoice, given, served)["Line"][0]["SalesItemLineDetail"]["ItemRef"] == {"value": "44"}
    assert not found(invoice, given, served)
    assert not variants(invoice, LINKS, given)


def test_classes_stand_on_lines_or_on_the_document_as_the_company_keeps_them() -> None:
    line = dataclasses.replace(a_line("200.00"), gl_class="East")
    links = {**LINKS, (LinkKind.CLASSES, "East"): Entry(LinkKind.CLASSES, "3", "East")}
    invoice = an_invoice(line)
    by_line = body(invoice, rules(extra={"classes": "line"}, categories__classes="yes"), links)
    assert by_line["Line"][0]["SalesItemLineDetail"]["ClassRef"] == {"value": "3"}
    whole = body(invoice, rules(extra={"classes": "document"}, categories__classes="yes"), links)
    assert whole["ClassRef"] == {"value": "3"}
    off = rules(extra={"classes": "off"}, categories__classes="yes")
    assert found(invoice, off, links) == [("classes_off", Severity.WARNING)]
    assert "ClassRef" not in to_quickbooks(invoice, THE_MARK, links, off).text


@pytest.mark.parametrize(
    ("setting", "source_id"),
    [
        ("class", "class:North"),
        ("territory", "territory:West"),
        ("sales_rep", "sales_rep:Kim Lee"),
        ("project", "project:Move - Phase 2"),
        ("location", "5"),
    ],
)
def test_a_location_comes_from_where_the_setting_says(setting: str, source_id: str) -> None:
    links = {**LINKS, (LinkKind.LOCATIONS, source_id): Entry(LinkKind.LOCATIONS, "2", "Tacoma")}
    facts = {"territory": "West", "sales_rep": "Kim Lee", "project": "Move: Phase 2"}
    invoice = an_invoice(header_class="North", location=Reference("5", "Tacoma"), **facts)
    assert body(invoice, rules(categories__locations=setting), links)["DepartmentRef"] == {"value": "2"}
    assert "DepartmentRef" not in body(invoice, rules(), links)


def test_with_us_manual_tax_untaxed_sales_take_the_code_that_the_setting_names() -> None:
    untaxed = an_invoice(a_line("200.00", taxable=False), tax="0.00", tax_code=None)
    assert body(untaxed, rules())["TxnTaxDetail"] == {"TotalTax": Decimal("0.00")}
    exempt = rules(taxes__exempt_code="5")
    assert body(untaxed, exempt)["TxnTaxDetail"]["TxnTaxCodeRef"] == {"value": "5"}
    assert body(an_invoice(), exempt)["TxnTaxDetail"]["TxnTaxCodeRef"] == {"value": "3"}


@pytest.mark.parametrize("levels", ["warn", "hold"])
def test_what_a_tax_service_worked_out_is_taken_exactly_whatever_the_rates_say(levels: str) -> None:
    other = an_invoice(a_line("200.00"), tax="17.77", tax_levels=(TaxLevel(1, "WA", money("17.77"), Decimal("8.885")),))
    given = rules(taxes__levels=levels)
    assert found(other, given)
    adjusted = dataclasses.replace(other, tax_by="avalara")
    assert not found(adjusted, given)
    assert body(adjusted, given)["TxnTaxDetail"]["TotalTax"] == Decimal("17.77")


def test_terms_that_count_otherwise_than_the_psas_due_date_are_warned_of() -> None:
    invoice = an_invoice()
    assert invoice.due_date is not None
    assert not found(invoice, rules())
    later = dataclasses.replace(invoice, due_date=invoice.due_date + dt.timedelta(days=1))
    assert found(later, rules()) == [("due_date_differs", Severity.WARNING)]
    assert body(later, rules())["DueDate"] == str(later.due_date)
    of_month = {**LINKS, (LinkKind.TERMS, "4"): Entry(LinkKind.TERMS, "5", "Net 10 EOM", detail="Due by day of month")}
    assert not found(later, rules(), of_month)
    assert not found(dataclasses.replace(later, kind=a_credit_memo().kind), rules())
