from __future__ import annotations

import pytest

from app.domain.names import normal


@pytest.mark.parametrize(
    ("written", "also_written"),
    [
        ("Acme Dental, Inc.", "ACME Dental"),
        ("Bolt & Nut Co.", "Bolt and Nut"),
        ("O’Malley & Sons Towing", "O'Malley & Sons Towing LLC"),
        ("Crème Brûlée L.L.C.", "Creme Brulee"),
        ("Cascade Air: Hangar 4", "Cascade Air - Hangar 4"),
        ("Smith & Co", "smith"),
    ],
)
def test_names_of_the_same_company_become_equal(written: str, also_written: str) -> None:
    assert normal(written) == normal(also_written)


@pytest.mark.parametrize(
    ("one", "another"), [("Acme Dental", "Acme Medical"), ("Company", "Incorporated"), ("Coast Inc", "Cost Inc")]
)
def test_names_of_different_companies_stay_different(one: str, another: str) -> None:
    assert normal(one) != normal(another)


def test_nothing_stays_nothing() -> None:
    assert normal(" · ") == ""
