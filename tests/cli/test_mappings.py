"""Whole lists and proposals on the command line."""

from __future__ import annotations

from app.domain.links import LinkKind
from app.domain.source_lists import SourceEntry
from tests.builders import an_entry
from tests.cli.conftest import CommandLine

CUSTOMERS = ("--book", "1", "--kind", "customers")


def test_both_lists_are_read_and_nothing_is_linked_unless_told_so(connected: CommandLine) -> None:
    kind = LinkKind.CUSTOMERS
    connected.source.lists = [SourceEntry(kind, "77", "Acme Dental"), SourceEntry(kind, "78", "Bolt Ltd")]
    connected.books.lists += [
        an_entry(kind, "12", "Acme Dental", holder="customer"), an_entry(kind, "13", "BOLT", holder="customer"),
    ]  # fmt: skip
    read = {row["kind"]: row for row in connected("mappings", "read", "--book", "1", "--json").json["lists"]}
    assert read["customers"] == {"kind": "customers", "psa": 2, "quickbooks": 2, "linked": 0, "proposed": 2}
    told = connected("mappings", "accept", *CUSTOMERS)
    assert "0 links made. Nothing was written" in told.out
    assert "same name but for case and punctuation" in told.err
    shown = connected("mappings", "accept", *CUSTOMERS, "--json").json
    assert (shown["linked"], [p["ledger_id"] for p in shown["proposals"]]) == (0, ["12", "13"])
    told = connected("mappings", "accept", *CUSTOMERS, "--reason", "name", "--yes", "--json")
    assert told.json["linked"] == 1
    assert "1 links made." in connected("mappings", "accept", *CUSTOMERS, "--yes").out
    assert connected("mappings", "accept", *CUSTOMERS, "--yes", "--json").json == {"linked": 0, "proposals": []}


def test_a_reason_that_is_none_is_wrong_usage(connected: CommandLine) -> None:
    assert connected("mappings", "accept", *CUSTOMERS, "--reason", "guess").status == 64


def test_why_a_number_is_not_offered_is_answered_test_by_test(connected: CommandLine) -> None:
    told = connected("explain", "--book", "1", "4711", "--json")
    assert (told.status, told.json["record"], told.json["offered"], told.json["answer"]) == (0, "", False, "4711")
    assert [test["passed"] for test in told.json["tests"]] == [False, True, False]
    assert " NO  Does ConnectWise list it as unposted?" in connected("explain", "--book", "1", "4711").out
