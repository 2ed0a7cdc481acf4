"""Why a record is or isn't listed: ConnectWise's own conditions."""

from __future__ import annotations

import pytest

from app.connectors.connectwise.connector import ConnectWise
from app.domain.states import RecordKind
from tests.connectors.connectwise.conftest import Site


def failed(source: ConnectWise, kind: RecordKind, number: str) -> list[str]:
    return [test.question for test in source.explain(kind, number) if test.passed is False]


@pytest.mark.parametrize("kind", list(RecordKind))
def test_a_number_that_is_not_there_points_to_the_structure_level(source: ConnectWise, kind: RecordKind) -> None:
    (only,) = source.explain(kind, "99999999")
    assert only.passed is False
    assert "structure level" in only.remedy


def test_an_unposted_invoice_passes_every_test(source: ConnectWise, psa: Site) -> None:
    number = next(row for row in psa.invoices() if row.get("mapped", True))["number"]
    assert failed(source, RecordKind.INVOICES, number) == []


def test_an_invoice_in_a_batch_says_in_which(source: ConnectWise, psa: Site) -> None:
    row = psa.invoices()[0]
    psa.batch_by_hand(str(row["id"]), "M-77")
    tests = source.explain(RecordKind.INVOICES, row["number"])
    assert [test for test in tests if test.passed is False and "M-77" in test.answer]


def test_a_personal_and_an_unapproved_expense_say_so(source: ConnectWise) -> None:
    answers = [source.explain(RecordKind.EXPENSES, f"EXP-{number}") for number in range(9001, 9017)]
    said = {test.question for tests in answers for test in tests if test.passed is False}
    assert said == {"Is it the company’s to book?", "Is its report approved?"}


def test_an_order_says_whether_it_is_received_and_invoiced(source: ConnectWise) -> None:
    assert failed(source, RecordKind.INVENTORY, "1088/PS20114") == []
    waiting = source.explain(RecordKind.INVENTORY, "1090")
    assert [test.answer for test in waiting if test.question.startswith("Has the vendor")] == [
        "Not yet; it is listed all the same."
    ]
