"""Translation against golden files (`pytest --update-golden` writes them), and the rules that they can't show."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.http import parse_json
from app.connectors.protocols import UntranslatableError
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.header import doc_number
from app.connectors.quickbooks_online.lines import priced
from app.connectors.quickbooks_online.shares import split
from app.connectors.quickbooks_online.translate import to_quickbooks
from app.domain.documents import Document
from app.domain.links import Entry, LinkKind, Links, Rules
from app.domain.money import cents
from app.domain.problems import Severity
from tests.builders import money
from tests.connectors.quickbooks_online.cast import DOCUMENTS, SEATTLE, THE_MARK, a_credit_memo, a_line, an_invoice
from tests.connectors.quickbooks_online.stand import LINKS

GOLDEN = Path(__file__).parent / "golden"
MANUAL, AUTOMATED = Rules(tax_mode="manual"), Rules(tax_mode="automated")
PER_LINE = Rules(tax_mode="per_line", extra={"untaxed_code": "17", "untaxed_parts": "17=0"})


def translated(document: Document, rules: Rules = MANUAL, links: Links = LINKS) -> dict[str, Any]:
    parsed = parse_json(to_quickbooks(document, THE_MARK, links, rules).text)
    assert isinstance(parsed, dict)
    return parsed


def problems(document: Document, rules: Rules = MANUAL, links: Links = LINKS) -> list[tuple[str, str]]:
    with pytest.raises(UntranslatableError) as caught:
        to_quickbooks(document, THE_MARK, links, rules)
    assert all(problem.remedy and problem.severity is Severity.ERROR for problem in caught.value.problems)
    return [(problem.code, problem.subject) for problem in caught.value.problems]


def warnings(document: Document, rules: Rules = MANUAL, links: Links = LINKS) -> list[str]:
    found = to_quickbooks(document, THE_MARK, links, rules).problems
    assert all(problem.severity is Severity.WARNING for problem in found)
    return [problem.code for problem in found]


def pretty(value: Any, indent: str = "") -> str:
    """One member a line, numbers with the digits that are sent."""
    inner = indent + " "
    if isinstance(value, dict):
        members = (f"{inner}{dumps(key)}: {pretty(item, inner)}" for key, item in value.items())
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + pretty(item, inner) for item in value) + f"\n{indent}]"
    return dumps(value)


def printed(text: str) -> str:
    return pretty(parse_json(text)) + "\n"


def golden(name: str, shown: str, *, update: bool) -> str:
    """What the file of this name holds."""
    path = GOLDEN / f"{name}.json"
    if update:
        path.write_text(shown, encoding="utf-8")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_type_matches_its_golden_file(name: str, update_golden: bool) -> None:
    shown = printed(to_quickbooks(DOCUMENTS[name], THE_MARK, LINKS, MANUAL).text)
    assert golden(name, shown, update=update_golden) == shown


@pytest.mark.parametrize("rules", [AUTOMATED, PER_LINE], ids=lambda rules: rules.tax_mode)
@pytest.mark.parametrize("name", ["standard", "miscellaneous", "untaxed", "credit_memo"])
def test_other_tax_models_match_their_golden_files(name: str, rules: Rules, update_golden: bool) -> None:
    shown = printed(to_quickbooks(DOCUMENTS[name], THE_MARK, LINKS, rules).text)
    assert golden(f"{name}.{rules.tax_mode}", shown, update=update_golden) == shown


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_translation_is_the_same_every_time(name: str) -> None:
    first, second = (to_quickbooks(DOCUMENTS[name], THE_MARK, LINKS, AUTOMATED) for _ in range(2))
    assert first == second


# links ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_missing_link_is_named_at_once() -> None:
    assert problems(an_invoice(a_line("200.00"), a_line("845.00", product=True)), links={}) == [
        ("customer_not_linked", "customers:77"),
        ("account_not_linked", "accounts:4100"),
        ("item_not_linked", "items:account:4100"),
        ("account_not_linked", "accounts:4000"),
        ("item_not_linked", "items:501"),
        ("tax_code_not_linked", "tax_codes:21"),
    ]


def test_without_linked_terms_the_due_date_goes_alone() -> None:
    links = {key: entry for key, entry in LINKS.items() if key[0] is not LinkKind.TERMS}
    body = translated(an_invoice(), MANUAL, links)
    assert "SalesTermRef" not in body
    assert body["DueDate"] == "2026-12-22"


def test_an_inactive_entry_is_said_to_be_inactive() -> None:
    key = (LinkKind.CUSTOMERS, "77")
    links = {**LINKS, key: dataclasses.replace(LINKS[key], active=False)}
    assert problems(an_invoice(), links=links) == [("customer_inactive", "customers:77")]


def test_automated_sales_tax_needs_no_tax_code_link() -> None:
    links = {key: entry for key, entry in LINKS.items() if key[0] is not LinkKind.TAX_CODES}
    assert translated(an_invoice(), AUTOMATED, links)["TxnTaxDetail"] == {"TotalTax": Decimal("20.50")}


def test_a_line_without_an_account_is_held_with_its_number() -> None:
    bare = dataclasses.replace(a_line("10.00"), account="")
    assert problems(an_invoice(a_line("190.00"), bare)) == [("gl_account_missing", "")]


# amounts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_document_that_does_not_crossfoot_is_held() -> None:
    assert problems(an_invoice(total=money("220.51"))) == [("does_not_crossfoot", "")]


def test_a_total_below_zero_is_held() -> None:
    assert problems(an_invoice(a_line("-5.00"), tax="0.00", tax_code=None)) == [("negative_total", "")]


def test_a_document_without_lines_is_held() -> None:
    assert ("no_lines", "") in problems(an_invoice(lines=()))


def test_quantity_and_price_are_left_out_where_they_do_not_give_the_amount() -> None:
    (line,) = translated(DOCUMENTS["quantity_that_gives_no_exact_price"])["Line"]
    assert "Qty" not in line["SalesItemLineDetail"]
    assert line["Description"].endswith("(quantity 123456789.123)")


def test_a_returned_quantity_is_positive_in_a_credit_memo() -> None:
    (line,) = translated(a_credit_memo())["Line"]
    assert line["Amount"] == 200
    assert line["SalesItemLineDetail"]["Qty"] == 1


amounts = st.decimals(min_value=-9999, max_value=99999, places=2)
quantities = st.decimals(min_value=-500, max_value=5000, places=4)


@given(st.lists(st.tuples(amounts, quantities, st.booleans()), min_size=1, max_size=12), st.integers(0, 99999))
def test_what_is_sent_crossfoots_with_the_document(rows: list[tuple[Decimal, Decimal, bool]], tax_cents: int) -> None:
    lines = tuple(a_line(f"{amount}", "x", f"{quantity}", taxable=taxed) for amount, quantity, taxed in rows)
    document = an_invoice(*lines, tax=f"{Decimal(tax_cents) / 100}", tax_levels=())
    if document.total.amount < 0:
        return
    for rules in (MANUAL, AUTOMATED, PER_LINE):
        body = translated(document, rules)
        assert sum(line["Amount"] for line in body["Line"]) + body["TxnTaxDetail"]["TotalTax"] == document.total.amount
        for line in body["Line"]:
            detail = line["SalesItemLineDetail"]
            if "Qty" in detail:
                assert cents(Decimal(detail["Qty"]) * Decimal(detail["UnitPrice"])) == line["Amount"]


@given(quantities, amounts)
def test_a_price_has_seven_decimals_at_most_and_gives_the_amount(quantity: Decimal, amount: Decimal) -> None:
    if pair := priced(quantity, amount):
        assert cents(pair[0] * pair[1]) == amount
        assert int(pair[1].as_tuple().exponent) >= -7


@given(st.integers(-100000, 100000), st.lists(st.decimals(0, 30, places=3), min_size=1, max_size=5))
def test_shares_add_up_to_the_cent(whole: int, weights: list[Decimal]) -> None:
    amount = Decimal(whole) / 100
    assert sum(split(amount, weights)) == amount


# tax ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_psas_tax_amount_is_sent_with_the_linked_code() -> None:
    detail = translated(an_invoice())["TxnTaxDetail"]
    assert detail == {"TxnTaxCodeRef": {"value": "3"}, "TotalTax": Decimal("20.50")}


def test_lines_count_as_taxed_where_there_is_tax_but_no_line_is_flagged() -> None:
    (line,) = translated(DOCUMENTS["tax_without_a_taxable_line"])["Line"]
    assert line["SalesItemLineDetail"]["TaxCodeRef"] == {"value": "TAX"}


def test_without_tax_every_line_is_non_taxable() -> None:
    body = translated(an_invoice(a_line("5.00", taxable=True), tax="0.00"))
    assert body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] == {"value": "NON"}


def test_another_rate_is_a_warning_and_never_a_hold() -> None:
    key = (LinkKind.TAX_CODES, "21")
    links = {**LINKS, key: dataclasses.replace(LINKS[key], rate="9.9")}
    assert warnings(an_invoice(), links=links) == ["tax_rate_differs"]
    assert warnings(an_invoice()) == []


def test_tax_in_a_company_without_sales_tax_is_held() -> None:
    assert problems(an_invoice(), Rules(tax_mode="off")) == [("sales_tax_off", "")]
    assert "TxnTaxDetail" not in translated(DOCUMENTS["untaxed"], Rules(tax_mode="off"))


def test_outside_the_us_every_rate_of_the_code_has_its_tax_line() -> None:
    detail = translated(an_invoice(), PER_LINE)["TxnTaxDetail"]
    assert [line["Amount"] for line in detail["TaxLine"]] == [Decimal("13.00"), Decimal("7.50")]
    assert detail["TotalTax"] == Decimal("20.50")


def test_outside_the_us_untaxed_lines_need_a_code_of_their_own() -> None:
    mixed = an_invoice(a_line("100.00"), a_line("100.00", taxable=False))
    assert problems(mixed, Rules(tax_mode="per_line")) == [("no_tax_code_for_untaxed_lines", "")]
    codes = [line["SalesItemLineDetail"]["TaxCodeRef"]["value"] for line in translated(mixed, PER_LINE)["Line"]]
    assert codes == ["3", "17"]


def test_tax_without_a_tax_code_is_held_where_one_must_be_named() -> None:
    assert problems(an_invoice(tax_code=None)) == [("tax_code_missing", "")]


# company ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_company_that_numbers_by_itself_gets_no_number() -> None:
    body = translated(an_invoice(), Rules(send_numbers=False))
    assert "DocNumber" not in body
    assert body["PrivateNote"].startswith("PSA 10482 · CF-I39005-g1")


@pytest.mark.parametrize(
    ("number", "sent"),
    [("10482", "10482"), ("A" * 21, "A" * 21), ("INV-2026-0000000000-10482", "2026-0000000000-10482"), ("x" * 25, "")],
)
def test_a_long_number_keeps_its_end(number: str, sent: str) -> None:
    assert doc_number(number) == sent
    assert ("number_too_long" in warnings(an_invoice(number=number))) == (len(number) > 21)


def test_a_number_that_has_no_room_for_the_prefix_is_held() -> None:
    prefixed = Rules(settings={"sales.number_prefix": "CW-2026-"})
    assert translated(an_invoice(number="CW-2026-10482"), prefixed)["DocNumber"] == "CW-2026-10482"
    assert problems(an_invoice(number="CW-2026-" + "1" * 14), prefixed) == [("number_too_long", "")]


def test_a_document_of_the_closed_period_is_held() -> None:
    assert problems(an_invoice(), Rules(close_date="2026-11-22")) == [("period_closed", "")]
    assert translated(an_invoice(), Rules(close_date="2026-11-21"))["TxnDate"] == "2026-11-22"


def test_another_currency_is_held_unless_the_company_keeps_several() -> None:
    document = dataclasses.replace(an_invoice(), currency="EUR")
    assert problems(document) == [("currency_differs", "")]
    assert translated(document, Rules(multi_currency=True))["CurrencyRef"] == {"value": "EUR"}


def test_the_mark_may_stand_in_a_custom_field_too() -> None:
    (field,) = translated(an_invoice(), Rules(mark_custom_field="1"))["CustomField"]
    assert field == {"DefinitionId": "1", "Type": "StringType", "StringValue": "CF-I39005-g1"}


def test_only_automated_tax_sends_the_ship_to_address() -> None:
    assert "ShipAddr" not in translated(an_invoice())
    assert translated(an_invoice(), AUTOMATED)["ShipAddr"]["PostalCode"] == "98101"


def test_a_credit_memo_has_no_due_date() -> None:
    assert "DueDate" not in translated(a_credit_memo(due_date=dt.date(2026, 12, 1)))


# text ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_texts_are_cut_to_what_quickbooks_takes_and_said_so() -> None:
    document = an_invoice(a_line("200.00", "🙂" * 3000), memo="m" * 5000)
    body = translated(document)
    assert len(body["Line"][0]["Description"].encode("utf-16-le")) // 2 <= 4000
    assert body["Line"][0]["Description"].endswith("…")
    assert len(body["PrivateNote"]) == 4000
    assert warnings(document) == ["text_shortened", "text_shortened"]


def test_control_characters_do_not_reach_quickbooks() -> None:
    body = translated(DOCUMENTS["hostile_text"])
    assert not {c for c in dumps(body) if ord(c) < 32}
    assert "\x07" not in body["Line"][0]["Description"]


@given(st.text(max_size=300))
def test_any_text_gives_a_body_that_can_be_sent(text: str) -> None:
    document = an_invoice(a_line("200.00", text), memo=text, po_number=text, number=f"1{text}")
    body = parse_json(to_quickbooks(document, THE_MARK, LINKS, AUTOMATED).text.encode().decode())
    assert str(THE_MARK) in body["PrivateNote"]
    assert body["Line"][0]["Amount"] == 200


def test_amounts_are_written_as_plain_numbers() -> None:
    assert dumps({"a": Decimal("1E+2"), "b": [Decimal("0.10")], "c": "ü"}) == '{"a":100,"b":[0.10],"c":"ü"}'
    with pytest.raises(TypeError):
        dumps(0.1)


def test_an_unused_tax_code_is_no_reason_to_hold() -> None:
    untaxed = an_invoice(a_line("5.00", taxable=False), tax="0.00", tax_code=SEATTLE)
    links = {key: entry for key, entry in LINKS.items() if key[0] is not LinkKind.TAX_CODES}
    assert translated(untaxed, MANUAL, links)["TxnTaxDetail"] == {"TotalTax": Decimal("0.00")}


def test_an_entry_of_the_links_is_used_by_its_id() -> None:
    links = {**LINKS, (LinkKind.CUSTOMERS, "77"): Entry(LinkKind.CUSTOMERS, "5000000000000361802", "Other")}
    assert translated(an_invoice(), MANUAL, links)["CustomerRef"] == {"value": "5000000000000361802"}
