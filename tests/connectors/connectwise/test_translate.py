"""Translation of exports: golden files per kind of invoice, and what can't be read.

``UPDATE_GOLDEN=1 pytest …`` writes the expected files anew; read the difference before committing it.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.connectwise import signs, translate
from app.connectors.connectwise.translate import Beside
from app.connectors.http import parse_json
from app.connectors.protocols import Exported
from app.domain.money import cents

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name.removesuffix(".in.json") for path in GOLDEN.glob("*.in.json"))


def read(case: str) -> dict[str, Any]:
    data: dict[str, Any] = parse_json((GOLDEN / f"{case}.in.json").read_text())
    return data


def translated(data: dict[str, Any]) -> Exported:
    beside = Beside(data["customer"], data["company"], data["invoice"])
    return translate.to_exported(data["record"], data["transaction"], beside, "USD")


def as_text(export: Exported) -> str:
    shown = {"gl_ids": export.gl_ids, "problems": export.problems, "document": export.document}
    return json.dumps({key: _plain(value) for key, value in shown.items()}, indent=1, default=str) + "\n"


def _plain(value: Any) -> Any:
    """A document says much that most of them don't have: what stands at its default is left out."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if not is_dataclass(value):
        return value
    return {f.name: _plain(own) for f in fields(value) if (own := getattr(value, f.name)) != f.default}


@pytest.mark.parametrize("case", CASES)
def test_a_document_is_what_its_golden_file_says(case: str) -> None:
    text, path = as_text(translated(read(case))), GOLDEN / f"{case}.out.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)

    assert text == path.read_text()


@pytest.mark.parametrize("case", CASES)
def test_a_document_adds_up(case: str) -> None:
    document = translated(read(case)).document

    assert document is not None
    assert document.difference.amount == 0


@pytest.mark.parametrize("case", CASES)
def test_the_taxes_of_the_levels_are_the_tax(case: str) -> None:
    document = translated(read(case)).document

    assert document is not None
    if document.tax_levels:
        assert sum(level.amount.amount for level in document.tax_levels) == document.tax.amount


def a_transaction(**changes: Any) -> dict[str, Any]:
    data = read("agreement_in_default_form")
    return {**data, "transaction": {**data["transaction"], **changes}}


@pytest.mark.parametrize(
    "changes",
    [
        {"total": "many"},
        {"total": 1.5},
        {"total": True},
        {"total": Decimal("NaN")},
        {"documentDate": ""},
        {"documentDate": "soon"},
        {"documentDate": "13/13/2026"},
        {"dueDate": "soon"},
    ],
)
def test_what_cannot_be_read_is_a_problem_of_its_record(changes: dict[str, Any]) -> None:
    export = translated(a_transaction(**changes))

    assert export.document is None
    assert [problem.code for problem in export.problems] == ["unreadable"]


def test_a_line_without_an_account_keeps_it_empty() -> None:
    data = read("progress_by_ticket")
    del data["transaction"]["detail"][0]["accountNumber"]

    document = translated(data).document

    assert document is not None
    assert document.lines[0].account == ""


def test_an_export_without_gl_records_is_no_document() -> None:
    export = translated(a_transaction(glEntryIds="", detail=[]))

    assert export.document is None
    assert [problem.code for problem in export.problems] == ["no_gl_entries"]


def test_an_export_without_a_company_says_so() -> None:
    data = a_transaction(company=None)

    assert [problem.code for problem in translated({**data, "customer": {}}).problems] == ["no_customer"]


@pytest.mark.parametrize(("case", "code"), [("standard_with_two_tax_levels", "FL-7"), ("down_payment", None)])
def test_a_taxed_document_without_a_code_has_its_customers(case: str, code: str | None) -> None:
    data = read(case)
    del data["transaction"]["taxCode"]

    document = translated(data).document

    assert document is not None
    assert (document.tax_code and document.tax_code.name) == code


def test_the_proof_is_kept_without_links() -> None:
    data = a_transaction(company={"id": 301, "identifier": "LanternBakery", "_info": {"company_href": "https://x"}})

    assert "_info" not in translated(data).snapshot["transaction"]["company"]


amounts = st.decimals(min_value=-10000, max_value=10000, places=5, allow_nan=False)


@given(st.lists(amounts, max_size=40))
def test_rounded_lines_add_up_to_the_rounded_sum(raw: list[Decimal]) -> None:
    rounded = signs.in_cents(raw)

    assert sum(rounded) == cents(sum(raw, Decimal(0)))
    assert all(abs(a - b) <= Decimal("0.01") for a, b in zip(raw, rounded, strict=True))


@given(st.lists(amounts.map(cents), max_size=40))
def test_whole_cents_are_left_alone(raw: list[Decimal]) -> None:
    assert signs.in_cents(raw) == raw


def test_custom_fields_of_the_invoice_come_with_their_captions() -> None:
    data = read(CASES[0])
    given = (("Region", "North"), ("PO received", True), ("Rate", Decimal("1.5")), ("Empty", None), ("", "x"))
    rows = [{"id": n, "caption": caption, "value": value} for n, (caption, value) in enumerate(given)]
    export = translated({**data, "invoice": {**data["invoice"], "customFields": rows}})
    assert export.document
    assert [(field.name, field.value) for field in export.document.fields] == [
        ("Region", "North"), ("PO received", "Yes"), ("Rate", "1.5"),
    ]  # fmt: skip
