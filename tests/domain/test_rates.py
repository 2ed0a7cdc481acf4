"""Which exchange rate a document is booked at."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from app.domain import rates
from app.domain.documents import Document
from app.domain.links import Rules
from tests.builders import a_document

RULES = Rules(multi_currency=True)


def abroad(rate: str = "") -> Document:
    return dataclasses.replace(a_document(), currency="CAD", rate=Decimal(rate) if rate else None)


def under(source: str, **settings: str) -> Rules:
    return dataclasses.replace(RULES, settings={"company.rate_source": source, **settings})


def test_documents_at_home_and_ledgers_that_tell_no_rates_are_left_alone() -> None:
    home = a_document()
    assert rates.rated(home, under("fixed"), None) == (home, None)
    assert rates.rated(abroad(), RULES, None) == (abroad(), None)
    assert rates.rated(abroad(), Rules(), lambda: Decimal(2)) == (abroad(), None)


def test_each_source_is_asked_only_for_its_own_rate_and_none_is_guessed() -> None:
    fixed = under("fixed", **{"company.fixed_rates": "cad=0.7312; EUR=2, GBP=0"})
    for rules, expected in ((fixed, "0.7312"), (under("ledger"), "0.75")):
        document, problem = rates.rated(abroad("0.9"), rules, lambda: Decimal("0.75"))
        assert document.rate == Decimal(expected)
        assert problem is not None
        assert problem.severity == "info"
    for rules in (under("psa"), under("fixed", **{"company.fixed_rates": "EUR=2"}), under("ledger")):
        document, problem = rates.rated(abroad(), rules, lambda: None)
        assert document.rate is None
        assert problem is not None
        assert (problem.code, problem.severity) == ("no_exchange_rate", "error")
