from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from app.domain.problems import Problem, Severity
from app.services.connections import connections
from tests.builders import an_entry
from tests.cli.conftest import CommandLine, connect


def test_a_psa_is_checked_and_stored(crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTWISE_PRIVATE_KEY", "private")
    crossfoot.source.findings = (Problem("tax_box", "Include sales tax is off.", "Turn it on.", Severity.WARNING),)
    told = connect(crossfoot, "--json")
    assert (told.status, told.json["connected"], told.json["name"]) == (0, True, "Demo PSA")
    assert told.json["findings"][0]["remedy"] == "Turn it on."
    assert crossfoot.connectors.opened[0][1] == {"private_key": "private"}


def test_a_psa_that_lacks_something_is_not_stored(crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTWISE_PRIVATE_KEY", "private")
    crossfoot.source.findings = (Problem("no_permission", "The role may not read invoices.", "Add it."),)
    told = connect(crossfoot, "--json")
    assert told.status == 2
    assert (told.json["error"], told.json["remedy"]) == ("The role may not read invoices.", "Add it.")


def test_without_a_terminal_and_a_key_it_says_what_to_set(
    crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONNECTWISE_PRIVATE_KEY", raising=False)
    told = connect(crossfoot)
    assert told.status == 2
    assert "CONNECTWISE_PRIVATE_KEY" in told.err


def test_books_are_listed_and_their_settings_changed(connected: CommandLine) -> None:
    assert connected("book", "list", "--json").json == {
        "books": [
            {"id": 1, "name": "Demo MSP", "kind": "quickbooks_online", "environment": "sandbox", "connected": True,
             "default": True}
        ]
    }  # fmt: skip
    told = connected("book", "set", "Demo MSP", "sales.service_item_source=gl_account", "sales.summary=detailed")
    assert told.status == 0
    settings = connected("book", "show", "1", "--json").json["settings"]
    assert (settings["sales.service_item_source"], settings["sales.summary"]) == ("gl_account", "detailed")


def test_all_of_a_company_is_written_to_a_file_or_it_says_why_not(connected: CommandLine, tmp_path: Path) -> None:
    told = connected("book", "archive", "Demo MSP", str(tmp_path / "all.zip"), "--json")
    assert (told.status, told.json["file"]) == (0, str(tmp_path / "all.zip"))
    assert "sales.summary" in zipfile.ZipFile(tmp_path / "all.zip").read("settings.toml").decode()
    told = connected("book", "archive", "1", str(tmp_path / "none" / "all.zip"), "--json")
    assert (told.status, told.json["remedy"]) == (2, "Give another file.")


def test_a_disconnected_company_is_forgotten_when_one_is_sure(connected: CommandLine) -> None:
    assert "give --yes" in connected("book", "forget", "Demo MSP", "--json").json["remedy"]
    assert "connected" in connected("book", "forget", "Demo MSP", "--yes", "--json").json["error"]
    connected.database(lambda db: connections.disconnect_book(db, connected.connectors, 1, "ab"))
    told = connected("book", "forget", "Demo MSP", "--yes", "--json")
    assert (told.status, told.json) == (0, {"id": 1, "name": "Demo MSP", "forgotten": True})
    assert connected("book", "list", "--json").json == {"books": []}


@pytest.mark.parametrize("pair", ["sales.summary=everything", "no.such=1", "sales.summary"])
def test_a_bad_setting_changes_nothing(connected: CommandLine, pair: str) -> None:
    told = connected("book", "set", "1", "taxes.mode=off", pair, "--json")
    assert told.status == 2
    assert told.json["remedy"]
    assert connected("book", "show", "1", "--json").json["settings"]["taxes.mode"] == "auto"


def test_links_are_set_listed_and_checked(connected: CommandLine) -> None:
    base = ("--book", "Demo MSP", "--kind", "accounts")
    assert connected("mappings", "list", *base, "--json").json == {
        "links": [
            {"source_id": "4100", "source_name": "", "ledger_id": "79", "ledger_name": "Sales", "origin": "person",
             "waiting": 0}
        ]
    }  # fmt: skip
    told = connected("mappings", "set", *base, "--source-id", "4200", "--ledger-id", "404", "--json")
    assert told.status == 2
    assert "404" in told.json["error"]


def test_a_link_to_an_entry_made_a_minute_ago_is_taken(connected: CommandLine) -> None:
    connected.books.lists.append(an_entry(connected.books.lists[0].kind, "80", "New income"))
    base = ("--book", "1", "--kind", "accounts", "--source-id", "4200", "--ledger-id", "80")
    assert connected("mappings", "set", *base, "--json").json["ledger_name"] == "New income"


def test_links_are_listed_from_memory_while_quickbooks_is_down(connected: CommandLine) -> None:
    connected.books.down = "QuickBooks can't be reached."
    told = connected("mappings", "list", "--book", "1", "--kind", "terms", "--json")
    assert (told.status, told.json) == (0, {"links": []})
    assert "can't be reached" in told.err
