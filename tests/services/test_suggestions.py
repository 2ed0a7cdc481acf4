from __future__ import annotations

import time

from app.domain.links import LinkKind
from app.services.mapping import links, suggestions, workbench
from tests.builders import an_entry

ACME = an_entry(LinkKind.CUSTOMERS, "12", "Acme Dental", email="ap@acme.example", holder="customer")
INCOME = an_entry(LinkKind.ACCOUNTS, "79", "Sales of Product Income", number="4100")


def test_the_same_active_and_single_name_is_exact_whatever_its_case() -> None:
    twins = [an_entry(LinkKind.ITEMS, i, "Service-4100") for i in ("1", "2")]
    asleep = an_entry(LinkKind.ITEMS, "3", "Asleep", active=False)
    index = links.Index({}, [ACME, asleep, *twins])
    assert index.exact(LinkKind.CUSTOMERS, "ACME  Dental ") == ACME
    assert index.exact(LinkKind.ITEMS, "Asleep") is None
    assert index.exact(LinkKind.ITEMS, "Service-4100") is None


def test_suggestions_say_why() -> None:
    assert _why(suggestions.rank([ACME], "ACME Dental, Inc.")) == ["same name but for case and punctuation"]
    assert _why(suggestions.rank([INCOME], "4100")) == ["number 4100 matches"]
    assert _why(suggestions.rank([ACME], "Acme Dentel")) == ["similar name 91 %"]
    assert _why(suggestions.rank([ACME], "X", email="AP@acme.example")) == ["e-mail matches"]
    assert suggestions.rank([ACME], "Zebra") == []
    assert suggestions.rank([ACME], "") == []


def test_vendors_and_inactive_entries_are_never_suggested() -> None:
    vendor = an_entry(LinkKind.CUSTOMERS, "13", "Acme Dental", holder="vendor")
    asleep = an_entry(LinkKind.CUSTOMERS, "14", "Acme Dental", active=False)
    assert suggestions.rank([vendor, asleep], "Acme Dental") == []


def test_for_another_currency_only_those_that_are_kept_in_it_are_proposed() -> None:
    kept = (("1", "USD"), ("2", "CAD"))
    home, abroad = (an_entry(LinkKind.CUSTOMERS, ident, "Maple Dental", currency=code) for ident, code in kept)
    wanted = workbench.named(LinkKind.CUSTOMERS, "77@CAD", "Maple Dental CAD")
    assert wanted.detail == "for documents in CAD"
    matcher = suggestions.Matcher([home, abroad])
    assert [one.entry.ledger_id for one in matcher.rank(wanted)] == ["2"]
    assert len(matcher.rank(workbench.named(LinkKind.CUSTOMERS, "77", "Maple Dental CAD"))) == 2


def _why(found: list[suggestions.Suggestion]) -> list[str]:
    return [reason for suggestion in found for reason in suggestion.reasons]


def test_suggesting_among_five_thousand_names_is_quick() -> None:
    entries = [an_entry(LinkKind.CUSTOMERS, str(n), f"Customer number {n} of Springfield") for n in range(5000)]
    start = time.monotonic()
    assert suggestions.rank(entries, "Customer number 4711 of Springfeld")[0].entry.ledger_id == "4711"
    assert time.monotonic() - start < 2
